/* SPDX-License-Identifier: MIT */
/* Memory for the VMM in unit tests; see vmm_memory.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "tests/unit/vmm_memory.h"

#define ARENA (2 * SIZE_1G) /* of addresses; never used twice in a test */

u64 fake_largest, fake_live;
const void *fake_supplied[FAKE_GUEST_PAGES];
s64 fake_call_error;

static u8 *arena;
static u64 arena_used;

void fake_memory_reset(void)
{
	if (!arena) {
		void *area = mmap(NULL, ARENA + SIZE_2M, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_ptr_not_equal(area, MAP_FAILED);
		arena = ptr(ALIGN_UP(addr(area), SIZE_2M));
	}
	arena_used = fake_live = 0;
	fake_largest = SIZE_1G;
	fake_call_error = 0;
	memset(fake_supplied, 0, sizeof(fake_supplied));
}

void *memory_alloc_raw(u64 size, u64 align)
{
	size = ALIGN_UP(size, PAGE_SIZE);
	if (size > fake_largest)
		return NULL;
	arena_used = ALIGN_UP(arena_used, align);
	assert_true(arena_used + size <= ARENA);
	arena_used += size;
	fake_live += size;
	return memset(arena + arena_used - size, 0xa5, size);
}

void *memory_alloc(u64 size, u64 align)
{
	void *block = memory_alloc_raw(size, align);

	return block ? memset(block, 0, size) : NULL;
}

void memory_free(void *block, u64 size)
{
	if (!block)
		return;
	size = ALIGN_UP(size, PAGE_SIZE);
	assert_true(size <= fake_live);
	fake_live -= size;
	memset(block, 0xdd, size);
}

u64 memory_largest_block(void)
{
	return fake_largest;
}

s64 kvm0_supply(u32 vm, u64 gpa, const void *memory, u32 pages, u32 flags)
{
	(void)vm;
	assert_int_equal(flags, KVM0_SUPPLY_WRITABLE);
	if (fake_call_error)
		return fake_call_error;
	for (u32 i = 0; i < pages; i++) {
		const void **at = &fake_supplied[gpa / PAGE_SIZE + i];
		const u8 *page = (const u8 *)memory + i * PAGE_SIZE;
		assert_true(!*at || *at == page);
		*at = page;
	}
	return pages;
}

s64 kvm0_withdraw(u32 vm, u64 gpa, u64 pages)
{
	(void)vm;
	if (!fake_call_error)
		memset(&fake_supplied[gpa / PAGE_SIZE], 0, pages * sizeof(fake_supplied[0]));
	return fake_call_error;
}
