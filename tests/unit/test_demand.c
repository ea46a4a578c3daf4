/* SPDX-License-Identifier: MIT */
/* A guest's memory on demand: pages that come and go, and are what they were. */
/* sources: guest/control/vmm/demand.c guest/control/vmm/pages.c guest/control/vmm/ram.c
 * tests/unit/vmm_memory.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "guest/control/vmm/pages.h"
#include "guest/control/vmm/ram.h"
#include "guest/lib/hypercall.h"
#include "tests/unit/vmm_memory.h"

#define VM        7u
#define MEM       (16 * SIZE_1M)
#define PAGES     (MEM / PAGE_SIZE)
#define HOLE      (RAM_LOW_END / PAGE_SIZE)
#define HOLE_END  (RAM_BIOS / PAGE_SIZE)
#define PER_BLOCK (SIZE_2M / PAGE_SIZE - 1)

static struct ram ram;
static struct kvm_userspace_memory_region slots[8];
static u32 slot_count;

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	assert_int_equal(handle, VM);
	assert_int_equal(request, KVM_SET_USER_MEMORY_REGION);
	slots[slot_count++] = *(struct kvm_userspace_memory_region *)arg;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	fake_memory_reset();
	slot_count = 0;
	srand(1);
	return ram_alloc_demand(&ram, MEM);
}

static int teardown(void **state)
{
	(void)state;
	ram_free(&ram);
	return fake_live != 0;
}

static u64 random_page(void)
{
	u64 page = (u64)rand() % PAGES;

	return page >= HOLE && page < HOLE_END ? page + HOLE_END : page;
}

/* What the guest's access of a page finds, which asks for it first if need be. */
static u8 *guest(u64 page)
{
	if (!fake_supplied[page])
		assert_int_equal(ram_supply(&ram, VM, page * PAGE_SIZE), 0);
	return ptr(addr(fake_supplied[page]));
}

static void test_slots(void **state)
{
	(void)state;
	assert_int_equal(ram_map(&ram, VM, KVM_MEM_LOG_DIRTY_PAGES), 0);
	assert_int_equal(slot_count, 2);
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(slots[i].slot, i);
		assert_int_equal(slots[i].flags, KVM0_MEM_ON_DEMAND | KVM_MEM_LOG_DIRTY_PAGES);
		assert_int_equal(slots[i].userspace_addr, 0);
	}
	assert_int_equal(slots[0].memory_size, RAM_LOW_END);
	assert_int_equal(slots[1].guest_phys_addr, RAM_BIOS);
	assert_int_equal(slots[1].memory_size, MEM - RAM_BIOS);
}

static void test_nothing_is_used_before_it_is_touched(void **state)
{
	(void)state;
	assert_int_equal(ram_used(&ram), 0);
	assert_int_equal(ram_clear(&ram, SIZE_1M, SIZE_1M), 0);
	assert_int_equal(ram_used(&ram), 0);
	assert_int_equal(guest(300)[77], 0);
	assert_int_equal(ram_used(&ram), PAGE_SIZE);
	assert_int_equal(ram_supply(&ram, VM, HOLE * PAGE_SIZE), -EFAULT);
	assert_int_equal(ram_supply(&ram, VM, MEM), -EFAULT);
}

static void test_the_vmm_and_the_guest_see_the_same(void **state)
{
	static u8 data[3 * PAGE_SIZE];

	(void)state;
	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 7 + i / PAGE_SIZE);
	assert_int_equal(ram_write(&ram, SIZE_1M + 100, data, sizeof(data)), 0);
	assert_int_equal(ram_used(&ram), 4 * PAGE_SIZE);
	for (u32 i = 0; i < sizeof(data); i++)
		assert_int_equal(guest(256 + (i + 100) / PAGE_SIZE)[(i + 100) % PAGE_SIZE],
				 data[i]);
	assert_int_equal(ram_clear(&ram, SIZE_1M + 200, 50), 0);
	assert_int_equal(guest(256)[200], 0);
	assert_int_equal(guest(256)[250], data[150]);
	assert_int_equal(ram_write(&ram, RAM_LOW_END - 10, data, 11), -EFAULT);
	assert_non_null(ram_at(&ram, SIZE_1M, PAGE_SIZE));
	assert_null(ram_at(&ram, SIZE_1M + 1, PAGE_SIZE));
}

static void test_pages_come_back_as_they_were(void **state)
{
	static u32 model[PAGES];
	u64 zero;

	(void)state;
	memset(model, 0, sizeof(model));
	for (u32 i = 0; i < 100000; i++) {
		u64 page = random_page();
		u32 *at = (u32 *)(void *)(guest(page) + page % 1000 * 4);
		assert_int_equal(*at, model[page]);
		*at = model[page] = rand() % 4 ? (u32)rand() : 0;
		if (i % 100 == 0)
			assert_true(ram_withdraw(&ram, VM, (u64)rand() % 1000, &zero) >= 0);
	}
}

static void test_withdrawing_goes_round(void **state)
{
	u64 zero;

	(void)state;
	for (u64 page = 256; page < 256 + 100; page++)
		guest(page)[0] = page % 2 ? 1 : 0;
	assert_int_equal(ram_withdraw(&ram, VM, 10, &zero), 10);
	assert_int_equal(zero, 5);
	assert_null(fake_supplied[256]);
	assert_null(fake_supplied[265]);
	assert_non_null(fake_supplied[266]);
	assert_int_equal(ram_used(&ram), 95 * PAGE_SIZE);
	guest(256);
	/* Not the one that has just come back, but those behind. */
	assert_int_equal(ram_withdraw(&ram, VM, 89, &zero), 89);
	assert_non_null(fake_supplied[256]);
	assert_non_null(fake_supplied[355]);
	assert_int_equal(ram_withdraw(&ram, VM, 1000, &zero), 2);
	assert_int_equal(ram_withdraw(&ram, VM, 1000, &zero), 0);
	assert_int_equal(ram_used(&ram), 50 * PAGE_SIZE);
}

static void test_withdrawing_fails(void **state)
{
	u64 zero;

	(void)state;
	guest(256);
	fake_call_error = -EBADF;
	assert_int_equal(ram_withdraw(&ram, VM, 1, &zero), -EBADF);
	assert_int_equal(ram_supply(&ram, VM, 300 * PAGE_SIZE), -EBADF);
	fake_call_error = 0;
	assert_int_equal(ram_withdraw(&ram, VM, 10, &zero), 1);
}

static void test_no_memory(void **state)
{
	(void)state;
	fake_largest = 0;
	assert_int_equal(ram_supply(&ram, VM, SIZE_1M), -ENOMEM);
	assert_int_equal(ram_write(&ram, SIZE_1M, "x", 1), -EFAULT);
	assert_null(ram_at(&ram, SIZE_1M, 1));
	assert_int_equal(ram_used(&ram), 0);
}

static void test_copies_take_what_is_used(void **state)
{
	struct ram copy;

	(void)state;
	guest(300)[5] = 9;
	guest(400)[6] = 8;
	assert_int_equal(ram_alloc_like(&copy, &ram), 0);
	*(u8 *)ram_at(&copy, 500 * PAGE_SIZE, 1) = 7;
	assert_int_equal(ram_copy(&copy, &ram), 0);
	assert_int_equal(((u8 *)ram_at(&copy, 300 * PAGE_SIZE, PAGE_SIZE))[5], 9);
	assert_int_equal(((u8 *)ram_at(&copy, 400 * PAGE_SIZE, PAGE_SIZE))[6], 8);
	assert_int_equal(((u8 *)ram_at(&copy, 500 * PAGE_SIZE, PAGE_SIZE))[0], 0);
	assert_int_equal(ram_used(&copy), 3 * PAGE_SIZE);
	guest(300)[5] = 10;
	assert_int_equal(ram_copy_page(&copy, &ram, 300 * PAGE_SIZE), 0);
	assert_int_equal(((u8 *)ram_at(&copy, 300 * PAGE_SIZE, PAGE_SIZE))[5], 10);
	ram_free(&copy);
}

static void test_pages_are_cut_out_of_blocks(void **state)
{
	static u8 *pages[3 * PER_BLOCK];
	u64 before = fake_live;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = pages_take();
		assert_int_equal(pages[i][0] | pages[i][PAGE_SIZE - 1], 0);
		memset(pages[i], 0xff, PAGE_SIZE);
	}
	assert_int_equal(fake_live - before, 3 * SIZE_2M);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i += 2) {
		pages_give(pages[i]);
		pages[i] = NULL;
	}
	assert_int_equal(fake_live - before, 3 * SIZE_2M);
	for (u32 i = 0; i < PER_BLOCK; i += 2) {
		pages[i] = pages_take();
		assert_int_equal(pages[i][0] | pages[i][PAGE_SIZE - 1], 0);
	}
	assert_int_equal(fake_live - before, 3 * SIZE_2M);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i])
			pages_give(pages[i]);
	assert_int_equal(fake_live, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slots),
		TEST(test_nothing_is_used_before_it_is_touched),
		TEST(test_the_vmm_and_the_guest_see_the_same),
		TEST(test_pages_come_back_as_they_were),
		TEST(test_withdrawing_goes_round),
		TEST(test_withdrawing_fails),
		TEST(test_no_memory),
		TEST(test_copies_take_what_is_used),
		TEST(test_pages_are_cut_out_of_blocks),
	};
	return cmocka_run_group_tests_name("demand", tests, NULL, NULL);
}
