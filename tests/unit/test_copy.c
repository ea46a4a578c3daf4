/* SPDX-License-Identifier: MIT */
/* sources: hv/abi/copy.c hv/core/memmap.c */
/* Copies from and to the control guest: only what is all its RAM is touched. */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/copy.h"
#include "core/memmap.h"
#include "cpu/layout.h"

u64 image_phys_base;

/* The pages of a made-up physical memory: RAM, RAM, kvm0, RAM, reserved, RAM, ACPI.  All
 * but RAM cannot be touched: an attempt ends the test. */
#define PAGES 7u
static u8 *memory;
static u64 base; /* the physical address of memory */

static void lay(u32 page, u32 count, enum memmap_type type)
{
	assert_int_equal(memmap_add(&memmap, base + page * PAGE_SIZE, count * PAGE_SIZE, type), 0);
	if (type != MEM_RAM)
		assert_int_equal(mprotect(memory + page * PAGE_SIZE, count * PAGE_SIZE, PROT_NONE),
				 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&memmap, 0, sizeof(memmap));
	memory = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	base = virt_to_phys(memory).v;
	lay(0, PAGES, MEM_RAM);
	lay(2, 1, MEM_KVM0);
	lay(4, 1, MEM_RESERVED);
	lay(6, 1, MEM_ACPI);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(memory, PAGES * PAGE_SIZE);
}

static void test_in(void **state)
{
	u8 buf[64], want[64];

	(void)state;
	for (u32 i = 0; i < sizeof(want); i++)
		memory[PAGE_SIZE - 32 + i] = want[i] = (u8)(i + 1);
	assert_int_equal(copy_in(buf, base + PAGE_SIZE - 32, sizeof(buf)), 0); /* over a border */
	assert_memory_equal(buf, want, sizeof(buf));
	assert_int_equal(copy_in(buf, base, 1), 0);
	assert_int_equal(copy_in(buf, base + 2 * PAGE_SIZE - 1, 1), 0);
}

static void test_out(void **state)
{
	u8 from[48];

	(void)state;
	memset(from, 0xab, sizeof(from));
	assert_int_equal(copy_out(base + PAGE_SIZE - 24, from, sizeof(from)), 0);
	assert_memory_equal(memory + PAGE_SIZE - 24, from, sizeof(from));
	assert_int_equal(memory[PAGE_SIZE - 25], 0);
	assert_int_equal(memory[PAGE_SIZE + 24], 0);
}

/* -EFAULT both ways, and neither side is touched. */
static void expect_fault(u64 at, size_t size)
{
	static u8 buf[PAGES * 4096], before[PAGES * 4096];

	memset(buf, 0x77, sizeof(buf));
	memcpy(before, buf, sizeof(buf));
	assert_int_equal(copy_in(buf, at, size), -EFAULT);
	assert_int_equal(copy_out(at, buf, size), -EFAULT);
	assert_memory_equal(buf, before, sizeof(buf));
	for (u32 page = 0; page < PAGES; page++)
		if (page % 2 == 1 || page == 0)
			for (u32 i = 0; i < PAGE_SIZE; i++)
				assert_int_equal(memory[page * PAGE_SIZE + i], 0);
}

static void test_not_ram(void **state)
{
	(void)state;
	for (u32 page = 2; page < PAGES; page += 2) {
		u64 at = base + page * PAGE_SIZE;

		expect_fault(at, 1);
		expect_fault(at + 100, 8);
		expect_fault(at + PAGE_SIZE - 1, 1);
		expect_fault(at - 1, 2); /* into it */
		if (page + 1 < PAGES)
			expect_fault(at + PAGE_SIZE - 1, 2); /* out of it */
	}
	expect_fault(base + PAGE_SIZE, 3 * PAGE_SIZE); /* over it */
	expect_fault(base, PAGES * PAGE_SIZE);
	expect_fault(base - 1, 2); /* in no range */
	expect_fault(base + PAGES * PAGE_SIZE, 8);
	expect_fault(0xfee00000, 4);
}

static void test_wrap(void **state)
{
	(void)state;
	expect_fault(~0ull, 1);
	expect_fault(~0ull, 2);
	expect_fault(~0ull - 7, 8);
	expect_fault(~0ull - 7, 16);
	expect_fault(base, 0 - (size_t)base); /* ends at 2^64 */
	expect_fault(base, SIZE_MAX);
	expect_fault(base + 1, SIZE_MAX);
}

static void test_nothing(void **state)
{
	u8 buf = 5;

	(void)state;
	assert_int_equal(copy_in(&buf, base + 2 * PAGE_SIZE, 0), 0);
	assert_int_equal(copy_out(base + 2 * PAGE_SIZE, &buf, 0), 0);
	assert_int_equal(copy_in(&buf, ~0ull, 0), 0);
	assert_int_equal(copy_out(~0ull, &buf, 0), 0);
	assert_int_equal(buf, 5);
}

static void test_page(void **state)
{
	(void)state;
	for (u32 page = 0; page < PAGES; page++) {
		void *p = copy_page(base + page * PAGE_SIZE);

		if (page % 2 == 1 || page == 0)
			assert_ptr_equal(p, memory + page * PAGE_SIZE);
		else
			assert_null(p);
	}
	assert_null(copy_page(base + PAGE_SIZE + 1)); /* its end is kvm0's */
	assert_null(copy_page(0 - PAGE_SIZE));
	assert_null(copy_page(~0ull));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_in),   TEST(test_out),     TEST(test_not_ram),
		TEST(test_wrap), TEST(test_nothing), TEST(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
