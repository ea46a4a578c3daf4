/* SPDX-License-Identifier: MIT */
/* Checked copies from and to the control guest. */
#include "abi/copy.h"
#include <linux/errno.h>
#include "core/memmap.h"
#include "cpu/layout.h"
#include "lib/string.h"

static void *control_memory(u64 address, size_t size)
{
	if (address + size < address || memmap_type(&memmap, address, size) != MEM_RAM)
		return NULL;
	return phys_to_virt(cg_identity(gpa(address)));
}

int copy_in(void *to, u64 from, size_t size)
{
	const void *p = size ? control_memory(from, size) : to;

	if (!p)
		return -EFAULT;
	memcpy(to, p, size);
	return 0;
}

int copy_out(u64 to, const void *from, size_t size)
{
	void *p = size ? control_memory(to, size) : NULL;

	if (!size)
		return 0;
	if (!p)
		return -EFAULT;
	memcpy(p, from, size);
	return 0;
}

void *copy_span(u64 address, size_t size)
{
	return control_memory(address, size);
}

void *copy_page(u64 address)
{
	return control_memory(address, PAGE_SIZE);
}
