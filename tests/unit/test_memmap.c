/* SPDX-License-Identifier: MIT */
/* sources: hv/core/memmap.c */
/* The map of physical memory: overlaps, gaps, borders, a full map, searches. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "core/memmap.h"

#define MIB (1ull << 20)

static struct memmap m;

static int clear(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	return 0;
}

static void expect_range(u32 i, u64 base, u64 end, enum memmap_type type)
{
	assert_true(i < m.count);
	assert_int_equal(m.range[i].base, base);
	assert_int_equal(m.range[i].end, end);
	assert_int_equal(m.range[i].type, type);
}

static void test_sorts_and_joins(void **state)
{
	(void)state;
	assert_int_equal(memmap_add(&m, 4 * MIB, MIB, MEM_RAM), 0);
	assert_int_equal(memmap_add(&m, 0, MIB, MEM_RAM), 0);
	assert_int_equal(memmap_add(&m, 2 * MIB, MIB, MEM_ACPI), 0);
	assert_int_equal(memmap_add(&m, MIB, MIB, MEM_RAM), 0);
	assert_int_equal(m.count, 3);
	expect_range(0, 0, 2 * MIB, MEM_RAM);
	expect_range(1, 2 * MIB, 3 * MIB, MEM_ACPI);
	expect_range(2, 4 * MIB, 5 * MIB, MEM_RAM);
}

static void test_higher_type_wins(void **state)
{
	(void)state;
	assert_int_equal(memmap_add(&m, 2 * MIB, MIB, MEM_NVS), 0);
	assert_int_equal(memmap_add(&m, 0, 8 * MIB, MEM_RAM), 0);
	assert_int_equal(memmap_add(&m, MIB, 4 * MIB, MEM_RESERVED), 0);
	assert_int_equal(m.count, 5);
	expect_range(0, 0, MIB, MEM_RAM);
	expect_range(1, MIB, 2 * MIB, MEM_RESERVED);
	expect_range(2, 2 * MIB, 3 * MIB, MEM_NVS);
	expect_range(3, 3 * MIB, 5 * MIB, MEM_RESERVED);
	expect_range(4, 5 * MIB, 8 * MIB, MEM_RAM);
	assert_int_equal(memmap_add(&m, 0, 16 * MIB, MEM_KVM0), 0);
	assert_int_equal(m.count, 1);
	expect_range(0, 0, 16 * MIB, MEM_KVM0);
}

static void test_fills_gaps_between(void **state)
{
	(void)state;
	assert_int_equal(memmap_add(&m, MIB, MIB, MEM_BAD), 0);
	assert_int_equal(memmap_add(&m, 3 * MIB, MIB, MEM_BAD), 0);
	assert_int_equal(memmap_add(&m, 0, 5 * MIB, MEM_RAM), 0);
	assert_int_equal(m.count, 5);
	expect_range(2, 2 * MIB, 3 * MIB, MEM_RAM);
	expect_range(4, 4 * MIB, 5 * MIB, MEM_RAM);
}

static void test_rounds_to_pages(void **state)
{
	(void)state;
	assert_int_equal(memmap_add(&m, 0x800, 0x2000, MEM_RAM), 0);
	assert_int_equal(memmap_add(&m, 0x10800, 0x100, MEM_RESERVED), 0);
	assert_int_equal(memmap_add(&m, 0x20800, 0x900, MEM_RAM), 0); /* no whole page */
	assert_int_equal(memmap_add(&m, 0x30000, 0, MEM_RAM), 0);
	assert_int_equal(m.count, 2);
	expect_range(0, 0x1000, 0x2000, MEM_RAM);
	expect_range(1, 0x10000, 0x11000, MEM_RESERVED);
}

static void test_rejects_wrap(void **state)
{
	(void)state;
	assert_int_equal(memmap_add(&m, ~0ull - 10, 20, MEM_RESERVED), -EINVAL);
	assert_int_equal(memmap_add(&m, ~0ull - 10, 10, MEM_RESERVED), -EINVAL);
	assert_int_equal(memmap_add(&m, 0x1000, ~0ull, MEM_RAM), -EINVAL);
	assert_int_equal(m.count, 0);
}

static void test_full_map_stays_as_it_was(void **state)
{
	static struct memmap before;
	int err = 0;
	u64 i;

	(void)state;
	for (i = 0; i < 2 * MEMMAP_MAX && !err; i++) {
		before = m;
		err = memmap_add(&m, i * 0x2000, 0x1000, MEM_RAM);
	}
	assert_int_equal(err, -ENOSPC);
	assert_true(i > MEMMAP_MAX - 4);
	assert_memory_equal(&m, &before, sizeof(m));
	/* Never beyond its end, whatever is laid over it. */
	(void)!memmap_add(&m, 0, 0x2000 * 300, MEM_RESERVED);
	assert_true(m.count <= MEMMAP_MAX);
}

static void test_type_of(void **state)
{
	(void)state;
	assert_int_equal(memmap_add(&m, MIB, MIB, MEM_RAM), 0);
	assert_int_equal(memmap_add(&m, 2 * MIB, MIB, MEM_NVS), 0);
	assert_int_equal(memmap_type(&m, MIB, MIB), MEM_RAM);
	assert_int_equal(memmap_type(&m, MIB, MIB + 1), -1);
	assert_int_equal(memmap_type(&m, MIB - 1, 2), -1);
	assert_int_equal(memmap_type(&m, 0, MIB), MEM_DEVICE);
	assert_int_equal(memmap_type(&m, 3 * MIB, 1), MEM_DEVICE);
	assert_int_equal(memmap_type(&m, 3 * MIB - 1, 1), MEM_NVS);
	assert_int_equal(memmap_type(&m, ~0ull, 2), -1);
}

static void test_find(void **state)
{
	const struct memrange busy[] = {{.base = 12 * MIB, .end = 13 * MIB},
					{.base = 6 * MIB, .end = 9 * MIB}};

	(void)state;
	assert_int_equal(memmap_add(&m, 0, 16 * MIB, MEM_RAM), 0);
	assert_int_equal(memmap_add(&m, 64 * MIB, 16 * MIB, MEM_RAM), 0);
	assert_int_equal(memmap_find(&m, MIB, MIB, 0, ~0ull, NULL, 0), 79 * MIB);
	assert_int_equal(memmap_find(&m, MIB, MIB, 0, 70 * MIB, NULL, 0), 69 * MIB);
	assert_int_equal(memmap_find(&m, 3 * MIB, 2 * MIB, 0, 20 * MIB, busy, 0), 12 * MIB);
	assert_int_equal(memmap_find(&m, 3 * MIB, MIB, 0, 20 * MIB, busy, 2), 13 * MIB);
	assert_int_equal(memmap_find(&m, 4 * MIB, MIB, 0, 20 * MIB, busy, 2), 2 * MIB);
	assert_int_equal(memmap_find(&m, 4 * MIB, MIB, 3 * MIB, 20 * MIB, busy, 2), 0);
	assert_int_equal(memmap_find(&m, 17 * MIB, MIB, 0, ~0ull, NULL, 0), 0);
	assert_int_equal(memmap_find(&m, ~0ull, MIB, 0, ~0ull, NULL, 0), 0);
	assert_int_equal(memmap_bytes(&m, MEM_RAM), 32 * MIB);
	assert_int_equal(memmap_bytes(&m, MEM_KVM0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sorts_and_joins, clear),
		cmocka_unit_test_setup(test_higher_type_wins, clear),
		cmocka_unit_test_setup(test_fills_gaps_between, clear),
		cmocka_unit_test_setup(test_rounds_to_pages, clear),
		cmocka_unit_test_setup(test_rejects_wrap, clear),
		cmocka_unit_test_setup(test_full_map_stays_as_it_was, clear),
		cmocka_unit_test_setup(test_type_of, clear),
		cmocka_unit_test_setup(test_find, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
