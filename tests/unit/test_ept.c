/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/vmx/ept.c arch/x86/vmx/ept_change.c */
/* EPT tables: pages of each size, their borders, retirement, lack of memory, and random
 * operations against a model that knows one entry for each 4 KiB page. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "cpu/layout.h"
#include "vmx/caps.h"
#include "vmx/ept.h"

#define RIGHTS (EPT_ALL | EPT_WB)
#define LEAF   BIT(7)

u64 image_phys_base;
struct vmx_config vmx_config;
static struct ept ept;

static int setup(void **state)
{
	fake_reset(state);
	return ept_init(&ept, false);
}

static int teardown(void **state)
{
	ept_destroy(&ept);
	assert_int_equal(ept.pages, 0);
	assert_int_equal(ept.mapped[EPT_4K] + ept.mapped[EPT_2M] + ept.mapped[EPT_1G], 0);
	return fake_check_leaks(state);
}

static int map(u64 a, u64 h, enum ept_level level)
{
	return ept_map(&ept, gpa(a), hpa(h), level, RIGHTS);
}

static u64 at(u64 a)
{
	struct ept_leaf leaf;

	return ept_find(&ept, gpa(a), &leaf) ? *leaf.entry : 0;
}

static void expect_mapped(u64 pages, u64 small, u64 middle, u64 large)
{
	assert_int_equal(ept.pages, pages);
	assert_int_equal(ept.mapped[EPT_4K], small);
	assert_int_equal(ept.mapped[EPT_2M], middle);
	assert_int_equal(ept.mapped[EPT_1G], large);
}

static void test_empty(void **state)
{
	(void)state;
	expect_mapped(1, 0, 0, 0);
	assert_int_equal(at(0), 0);
	assert_int_equal(at(~0ull), 0);
	/* Four levels, write-back (SDM vol. 3, Extended-Page-Table Pointer). */
	assert_int_equal(ept_pointer(&ept) & 0xfff, 0x1e);
	assert_ptr_equal(phys_to_virt(hpa(ept_pointer(&ept) & PAGE_MASK)), ept.root);
	ept_unmap(&ept, gpa(0), SIZE_1G);
	expect_mapped(1, 0, 0, 0);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(map(0x1000, 0xabc000, EPT_4K), 0);
	assert_int_equal(map(SIZE_2M, SIZE_1G, EPT_2M), 0);
	assert_int_equal(map(SIZE_1G, 8 * SIZE_1G, EPT_1G), 0);
	expect_mapped(4, 1, 1, 1); /* root, PDPT, PD, PT */
	assert_int_equal(at(0x1000), 0xabc000 | RIGHTS);
	assert_int_equal(at(0x1fff), 0xabc000 | RIGHTS);
	assert_int_equal(at(0x2000), 0);
	assert_int_equal(at(0xfff), 0);
	assert_int_equal(at(SIZE_2M), SIZE_1G | RIGHTS | LEAF);
	assert_int_equal(at(2 * SIZE_2M - 1), SIZE_1G | RIGHTS | LEAF);
	assert_int_equal(at(2 * SIZE_2M), 0);
	assert_int_equal(at(SIZE_1G), 8 * SIZE_1G | RIGHTS | LEAF);
	assert_int_equal(at(2 * SIZE_1G - 1), 8 * SIZE_1G | RIGHTS | LEAF);
	assert_int_equal(at(2 * SIZE_1G), 0);
}

static void test_walk(void **state)
{
	struct ept_step s[EPT_LEVELS];

	(void)state;
	assert_int_equal(ept_walk(&ept, gpa(0), s), 1);
	assert_int_equal(s[0].at, virt_to_phys(ept.root).v);
	assert_int_equal(s[0].entry, 0);
	assert_false(s[0].page);
	assert_int_equal(map(0x1000, 0xabc000, EPT_4K), 0);
	assert_int_equal(map(SIZE_2M, SIZE_1G, EPT_2M), 0);
	assert_int_equal(ept_walk(&ept, gpa(0x1234), s), 4);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(s[i].entry & ~PAGE_MASK, EPT_ALL);
		assert_int_equal(s[i].entry & PAGE_MASK, s[i + 1].at & PAGE_MASK);
		assert_int_equal(s[i].size, 1ull << (39 - 9 * i));
		assert_false(s[i].page);
	}
	assert_int_equal(s[3].at & ~PAGE_MASK, 8);
	assert_int_equal(s[3].entry, 0xabc000 | RIGHTS);
	assert_int_equal(s[3].size, PAGE_SIZE);
	assert_true(s[3].page);
	assert_int_equal(ept_walk(&ept, gpa(0x2000), s), 4); /* not present, in a table */
	assert_int_equal(s[3].entry, 0);
	assert_false(s[3].page);
	assert_int_equal(ept_walk(&ept, gpa(SIZE_2M + 5), s), 3);
	assert_int_equal(s[2].size, SIZE_2M);
	assert_true(s[2].page);
	ept_unmap(&ept, gpa(0), SIZE_1G);
	ept_release(&ept);
}

static void test_rights(void **state)
{
	(void)state;
	assert_int_equal(ept_map(&ept, gpa(0), hpa(0), EPT_4K, EPT_READ | EPT_UNCACHED), 0);
	assert_int_equal(at(0), EPT_READ);
	assert_int_equal(ept_map(&ept, gpa(0x1000), hpa(0), EPT_4K, EPT_READ | EPT_EXEC), 0);
	assert_int_equal(at(0x1000), EPT_READ | EPT_EXEC);
	assert_int_equal(ept_map(&ept, gpa(0), hpa(0), EPT_4K, RIGHTS), -EEXIST);
}

static void test_far_ends(void **state)
{
	const u64 last = (1ull << 48) - PAGE_SIZE;

	(void)state;
	assert_int_equal(map(0, 0x1000, EPT_4K), 0);
	assert_int_equal(map(last, 0x000ffffffffff000, EPT_4K), 0);
	expect_mapped(7, 2, 0, 0);
	assert_int_equal(at(last), 0x000ffffffffff000 | RIGHTS);
	ept_unmap(&ept, gpa(0), 1ull << 48);
	expect_mapped(1, 0, 0, 0);
	assert_int_equal(at(last), 0);
}

static void test_exists(void **state)
{
	(void)state;
	assert_int_equal(map(0, 0, EPT_2M), 0);
	assert_int_equal(map(0, 0, EPT_2M), -EEXIST);
	assert_int_equal(map(0x1000, 0x1000, EPT_4K), -EEXIST); /* below a larger page */
	assert_int_equal(map(0, 0, EPT_1G), -EEXIST);           /* above a smaller one */
	assert_int_equal(map(SIZE_1G, 0, EPT_1G), 0);
	assert_int_equal(map(SIZE_1G + SIZE_2M, 0, EPT_2M), -EEXIST);
	assert_int_equal(map(SIZE_1G + 0x5000, 0, EPT_4K), -EEXIST);
	expect_mapped(3, 0, 1, 1);
	assert_int_equal(at(0), RIGHTS | LEAF);
}

/* A larger page that reaches over an end goes as a whole; a smaller one does not. */
static void test_unmap_cuts(void **state)
{
	(void)state;
	assert_int_equal(map(0, 0, EPT_2M), 0);
	assert_int_equal(map(SIZE_2M, 0, EPT_4K), 0);
	assert_int_equal(map(SIZE_2M + 0x1000, 0, EPT_4K), 0);
	assert_int_equal(map(2 * SIZE_2M, 0, EPT_2M), 0);
	ept_unmap(&ept, gpa(SIZE_2M - 0x1000), 0x2000);
	assert_int_equal(at(0), 0);
	assert_int_equal(at(SIZE_2M), 0);
	assert_int_equal(at(SIZE_2M + 0x1000), RIGHTS);
	assert_int_equal(at(2 * SIZE_2M), RIGHTS | LEAF);
	ept_unmap(&ept, gpa(2 * SIZE_2M + 0x1000), 0x1000);
	assert_int_equal(at(2 * SIZE_2M), 0);
	ept_unmap(&ept, gpa(SIZE_2M + 0x1000), 0);
	assert_int_equal(at(SIZE_2M + 0x1000), RIGHTS);
}

static u32 retired_count(void)
{
	u32 n = 0;

	for (u64 *t = ept.retired; t; t = (u64 *)(uintptr_t)t[0])
		n++;
	return n;
}

/* Tables are kept until the flush, and the link through them reads as not present. */
static void test_retire_and_release(void **state)
{
	(void)state;
	assert_int_equal(map(0, 0, EPT_4K), 0);
	assert_int_equal(map(SIZE_2M, 0, EPT_4K), 0);
	assert_int_equal(map(SIZE_2M + 0x1000, 0x7000, EPT_4K), 0);
	assert_int_equal(fake_pages_live, 5); /* root, PDPT, PD, 2 PT */
	ept_unmap(&ept, gpa(0), SIZE_1G);
	expect_mapped(1, 0, 0, 0);
	assert_int_equal(retired_count(), 4);
	assert_int_equal(fake_pages_live, 5);
	for (u64 *t = ept.retired; t; t = (u64 *)(uintptr_t)t[0])
		assert_int_equal(t[0] & EPT_ALL, 0);
	ept_release(&ept);
	assert_null(ept.retired);
	assert_int_equal(fake_pages_live, 1);
	ept_release(&ept);
	assert_int_equal(fake_pages_live, 1);
	assert_int_equal(map(0, 0, EPT_1G), 0);
	expect_mapped(2, 0, 0, 1);
}

/* A page that is mapped here and there, as a device that its guest moves about, leaves no tables
 * behind; one that something else is in stays. */
static void test_no_empty_tables(void **state)
{
	(void)state;
	for (u64 n = 0; n < 48; n++) {
		assert_int_equal(map(n << 40 | n << 31 | n << 21, 0, EPT_4K), 0);
		expect_mapped(4, 1, 0, 0);
		ept_unmap(&ept, gpa(n << 40 | n << 31 | n << 21), PAGE_SIZE);
		expect_mapped(1, 0, 0, 0);
		ept_release(&ept);
	}
	assert_int_equal(map(SIZE_2M - PAGE_SIZE, 0, EPT_4K), 0);
	assert_int_equal(map(SIZE_2M, 0, EPT_4K), 0);
	assert_int_equal(map(SIZE_1G, 0, EPT_2M), 0);
	ept_unmap(&ept, gpa(SIZE_2M), PAGE_SIZE);
	expect_mapped(5, 1, 1, 0);
	ept_unmap(&ept, gpa(SIZE_2M - PAGE_SIZE), 2 * PAGE_SIZE);
	expect_mapped(3, 0, 1, 0);
	ept_unmap(&ept, gpa(SIZE_1G), PAGE_SIZE);
	expect_mapped(1, 0, 0, 0);
}

/* A retired table is no longer reached: a new mapping has tables of its own. */
static void test_map_before_release(void **state)
{
	(void)state;
	assert_int_equal(map(0x1000, 0x1000, EPT_4K), 0);
	ept_unmap(&ept, gpa(0), SIZE_2M);
	assert_int_equal(map(0x2000, 0x2000, EPT_4K), 0);
	assert_int_equal(at(0x1000), 0);
	assert_int_equal(at(0x2000), 0x2000 | RIGHTS);
	ept_unmap(&ept, gpa(0), SIZE_2M);
	assert_int_equal(retired_count(), 6);
}

static void test_no_memory(void **state)
{
	struct ept none;

	(void)state;
	fake_alloc_limit = 0;
	assert_int_equal(ept_init(&none, false), -ENOMEM);
	ept_destroy(&none);
	for (int n = 0; n < 3; n++) {
		fake_alloc_limit = n;
		/* Another entry of the root each time: three tables are wanted. */
		assert_int_equal(map((u64)n << 39, 0, EPT_4K), -ENOMEM);
		assert_int_equal(at((u64)n << 39), 0);
		assert_int_equal(ept.pages, fake_pages_live);
		assert_int_equal(ept.mapped[EPT_4K], 0);
		fake_alloc_limit = 3 - n;
		assert_int_equal(map((u64)n << 39, 0, EPT_4K), 0); /* and goes on from there */
		assert_int_equal(fake_alloc_limit, 0);
		ept_unmap(&ept, gpa((u64)n << 39), PAGE_SIZE);
		ept_release(&ept);
	}
	fake_alloc_limit = -1;
}

static void test_max_level(void **state)
{
	(void)state;
	vmx_config.ept_1g = false;
	assert_int_equal(ept_max_level(), EPT_2M);
	vmx_config.ept_1g = true;
	assert_int_equal(ept_max_level(), EPT_1G);
	assert_int_equal(ept_size(EPT_4K), PAGE_SIZE);
	assert_int_equal(ept_size(EPT_2M), SIZE_2M);
	assert_int_equal(ept_size(EPT_1G), SIZE_1G);
}

/* --- random operations --- */

/* The model: 64 pages on each side of three borders (of 2 MiB, of 1 GiB, of 512 GiB), and
 * what maps each.  Pages between do not count. */
#define SIDE  64u
#define SITES 3u
static const u64 border[SITES] = {SIZE_2M, SIZE_1G, 512 * SIZE_1G};

static struct {
	u64 entry;
	enum ept_level level;
} model[SITES][2 * SIDE];

static u64 seed;

static u32 below(u32 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % n;
}

static u64 address(u32 site, u32 page)
{
	return border[site] + (u64)page * PAGE_SIZE - SIDE * PAGE_SIZE;
}

/* The page of @level that holds @a is [*start, *end). */
static void page_of(u64 a, enum ept_level level, u64 *start, u64 *end)
{
	*start = ALIGN_DOWN(a, ept_size(level));
	*end = *start + ept_size(level);
}

static bool model_overlaps(u64 start, u64 end)
{
	for (u32 s = 0; s < SITES; s++)
		for (u32 i = 0; i < 2 * SIDE; i++) {
			u64 from, to;

			if (!model[s][i].entry)
				continue;
			page_of(address(s, i), model[s][i].level, &from, &to);
			if (from < end && start < to)
				return true;
		}
	return false;
}

static void model_map(u64 start, u64 end, u64 entry, enum ept_level level)
{
	for (u32 s = 0; s < SITES; s++)
		for (u32 i = 0; i < 2 * SIDE; i++)
			if (address(s, i) >= start && address(s, i) < end) {
				model[s][i].entry = entry;
				model[s][i].level = level;
			}
}

static void model_unmap(u64 start, u64 end)
{
	for (u32 s = 0; s < SITES; s++)
		for (u32 i = 0; i < 2 * SIDE; i++) {
			u64 from, to;

			page_of(address(s, i), model[s][i].level, &from, &to);
			if (from < end && start < to)
				model[s][i].entry = 0;
		}
}

static void random_map(void)
{
	enum ept_level level = (enum ept_level)(below(8) ? 0 : 1 + below(8) / 7);
	u64 start, end, entry, h = (u64)below(1u << 20) << 30;
	int err;

	page_of(address(below(SITES), below(2 * SIDE)), level, &start, &end);
	entry = h | RIGHTS | (level ? LEAF : 0);
	err = map(start, h, level);
	if (model_overlaps(start, end)) {
		assert_int_equal(err, -EEXIST);
		return;
	}
	assert_int_equal(err, 0);
	model_map(start, end, entry, level);
}

static void random_unmap(void)
{
	u64 start, size;

	if (below(4) == 0) { /* all of a 2 MiB or 1 GiB page's place */
		u64 end;

		page_of(address(below(SITES), below(2 * SIDE)), (enum ept_level)(1 + below(2)),
			&start, &end);
		size = end - start;
	} else {
		start = address(below(SITES), below(2 * SIDE));
		size = (1 + below(40)) * PAGE_SIZE;
	}
	ept_unmap(&ept, gpa(start), size);
	model_unmap(start, start + size);
	assert_int_equal(ept.pages + retired_count(), fake_pages_live);
	if (below(2))
		ept_release(&ept);
}

static void check_model(void)
{
	for (u32 s = 0; s < SITES; s++)
		for (u32 i = 0; i < 2 * SIDE; i++)
			assert_int_equal(at(address(s, i) + below(4096)), model[s][i].entry);
}

static void test_random(void **state)
{
	(void)state;
	seed = 1;
	memset(model, 0, sizeof(model));
	for (u32 i = 0; i < 20000; i++) {
		if (below(5))
			random_map();
		else
			random_unmap();
		if (i % 16 == 0)
			check_model();
	}
	check_model();
}

/* --- ept_change.c --- */

static u64 *entry_at(u64 a)
{
	struct ept_leaf leaf;

	assert_true(ept_find(&ept, gpa(a), &leaf));
	return leaf.entry;
}

static void test_split(void **state)
{
	struct ept_leaf leaf;

	(void)state;
	assert_int_equal(map(SIZE_1G, 4 * SIZE_1G, EPT_1G), 0);
	assert_true(ept_find(&ept, gpa(SIZE_1G + 5), &leaf));
	assert_int_equal(ept_address(&leaf, gpa(SIZE_1G + 5)).v, 4 * SIZE_1G + 5);
	fake_alloc_limit = 0;
	assert_int_equal(ept_split(&ept, &leaf, RIGHTS), -ENOMEM);
	fake_alloc_limit = -1;
	assert_int_equal(ept_split(&ept, &leaf, RIGHTS), 0);
	expect_mapped(3, 0, 512, 0);
	assert_int_equal(at(SIZE_1G + 3 * SIZE_2M), (4 * SIZE_1G + 3 * SIZE_2M) | RIGHTS | LEAF);
	assert_true(ept_find(&ept, gpa(SIZE_1G + 3 * SIZE_2M), &leaf));
	assert_int_equal(ept_split(&ept, &leaf, EPT_READ | EPT_WB), 0);
	expect_mapped(4, 512, 511, 0);
	assert_int_equal(at(SIZE_1G + 4 * SIZE_2M - PAGE_SIZE),
			 (4 * SIZE_1G + 4 * SIZE_2M - PAGE_SIZE) | EPT_READ | EPT_WB);
	assert_int_equal(at(SIZE_1G + 4 * SIZE_2M), (4 * SIZE_1G + 4 * SIZE_2M) | RIGHTS | LEAF);
}

/* Small pages lose what is said, large ones EPT_WRITE, and others stay as they are. */
static void test_revoke(void **state)
{
	struct ept_cursor cursor = {0};

	(void)state;
	for (u64 i = 0; i < 600; i++)
		assert_int_equal(ept_map(&ept, gpa(i * PAGE_SIZE), hpa(i * PAGE_SIZE), EPT_4K,
					 RIGHTS | EPT_DIRTY),
				 0);
	assert_int_equal(map(2 * SIZE_2M, 0, EPT_2M), 0);
	ept_revoke(&ept, gpa(PAGE_SIZE), 598 * PAGE_SIZE, EPT_DIRTY);
	for (u64 i = 0; i < 600; i++)
		assert_int_equal(!(at(i * PAGE_SIZE) & EPT_DIRTY), i >= 1 && i < 599);
	ept_revoke(&ept, gpa(599 * PAGE_SIZE), 3 * SIZE_2M, EPT_DIRTY);
	assert_false(at(2 * SIZE_2M) & EPT_WRITE);
	assert_true(at(599 * PAGE_SIZE) & EPT_WRITE);
	/* Across two tables, with holes. */
	ept_revoke_pages(&ept, &cursor, gpa(480 * PAGE_SIZE), BIT(0) | BIT(31) | BIT(32) | BIT(63),
			 EPT_WRITE);
	ept_revoke_pages(&ept, &cursor, gpa(544 * PAGE_SIZE), BIT(1) | BIT(63), EPT_WRITE);
	for (u64 i = 0; i < 600; i++)
		assert_int_equal(!(at(i * PAGE_SIZE) & EPT_WRITE),
				 i == 480 || i == 511 || i == 512 || i == 543 || i == 545);
}

/* Every page's flag, from any start to any end. */
static void test_collect(void **state)
{
	static const u64 dirty[] = {0, 1, 7, 8, 15, 16, 63, 64, 100, 511, 512, 513, 599};
	u64 bitmap[12];

	(void)state;
	for (u64 i = 0; i < 600; i++)
		assert_int_equal(map(i * PAGE_SIZE, i * PAGE_SIZE, EPT_4K), 0);
	for (u64 start = 0; start < 20; start++)
		for (u64 end = 590; end <= 600; end++) {
			for (size_t i = 0; i < ARRAY_SIZE(dirty); i++)
				*entry_at(dirty[i] * PAGE_SIZE) |= EPT_DIRTY;
			memset(bitmap, 0, sizeof(bitmap));
			assert_true(ept_collect(&ept, gpa(start * PAGE_SIZE),
						(end - start) * PAGE_SIZE, bitmap, start & 1));
			for (u64 i = 0; i < 600; i++) {
				bool is = at(i * PAGE_SIZE) & EPT_DIRTY, was = false;

				for (size_t n = 0; n < ARRAY_SIZE(dirty); n++)
					was |= dirty[n] == i;
				if (i < start || i >= end)
					continue;
				assert_int_equal(bitmap[(i - start) / 64] >> (i - start) % 64 & 1,
						 was);
				assert_int_equal(is, was && !(start & 1));
			}
		}
	assert_false(ept_collect(&ept, gpa(SIZE_1G), SIZE_1G, bitmap, true));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_sizes),
		TEST(test_walk),
		TEST(test_rights),
		TEST(test_far_ends),
		TEST(test_exists),
		TEST(test_unmap_cuts),
		TEST(test_retire_and_release),
		TEST(test_no_empty_tables),
		TEST(test_map_before_release),
		TEST(test_no_memory),
		TEST(test_max_level),
		TEST(test_random),
		TEST(test_split),
		TEST(test_revoke),
		TEST(test_collect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
