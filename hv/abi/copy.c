/* SPDX-License-Identifier: MIT */
/* Checked copies from and to the control guest. */
#include "abi/copy.h"
#include <linux/errno.h>
#include "core/memmap.h"
#include "cpu/layout.h"
#include "lib/string.h"

/* The range that the last address was in, as most are.  A hint: any value will do. */
static u32 recent;

static bool is_ram_of(u32 i, u64 address, u64 end)
{
	const struct memrange *r = &memmap.range[i];

	return address >= r->base && end <= r->end && r->type == MEM_RAM;
}

/* The search for it, out of the way. */
static __attribute__((noinline)) bool is_ram(u64 address, u64 end)
{
	for (u32 i = 0; i < memmap.count; i++)
		if (is_ram_of(i, address, end)) {
			WRITE_ONCE(recent, i);
			return true;
		}
	return false;
}

static void *control_memory(u64 address, size_t size)
{
	u64 end = address + size;

	if (end < address || (!is_ram_of(READ_ONCE(recent), address, end) && !is_ram(address, end)))
		return NULL;
	return phys_to_virt(cg_identity(gpa(address)));
}

int copy_in(void *to, u64 from, size_t size)
{
	const void *p = size ? control_memory(from, size) : to;

	if (!p)
		return -EFAULT;
	memcpy(to, p, size);
	/* Or the compiler might read the original again instead of keeping the copy. */
	compiler_barrier();
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

bool copy_possible(u64 address, size_t size)
{
	return !size || control_memory(address, size);
}

void *copy_page(u64 address)
{
	return control_memory(address, PAGE_SIZE);
}
