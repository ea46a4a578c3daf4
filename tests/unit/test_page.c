/* SPDX-License-Identifier: MIT */
/* sources: hv/core/page.c hv/core/object.c */
/* The pool: pages and objects are zeroed, aligned, disjoint, and all come back. */
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#include "core/page.h"

#define POOL_SIZE (6ull << 20) /* not a power of two */

static u8 *pool;

static int make_pool(void **state)
{
	(void)state;
	pool = aligned_alloc(SIZE_2M, POOL_SIZE);
	if (!pool)
		return -1;
	memset(pool, 0xa5, POOL_SIZE);
	page_init(pool, POOL_SIZE);
	return 0;
}

static int drop_pool(void **state)
{
	(void)state;
	free(pool);
	return 0;
}

static bool is_zero(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* The free blocks of all orders are all that is free. */
static void check_free_blocks(void)
{
	u64 pages = 0;

	for (unsigned order = 0; order < PAGE_ORDERS; order++)
		pages += (u64)page_free_blocks(order) << order;
	assert_int_equal(pages, page_unused());
}

static void test_every_page_once(void **state)
{
	static void *page[POOL_SIZE / PAGE_SIZE];
	u64 total = page_unused();
	u32 n = 0;

	(void)state;
	assert_int_equal(page_total(), POOL_SIZE / PAGE_SIZE);
	while ((page[n] = page_alloc())) {
		assert_true(IS_ALIGNED((uintptr_t)page[n], PAGE_SIZE));
		assert_true(is_zero(page[n], PAGE_SIZE));
		memset(page[n], (int)(n & 0xff) | 1, PAGE_SIZE);
		n++;
	}
	assert_int_equal(n, total);
	assert_int_equal(page_unused(), 0);
	for (u32 i = 0; i < n; i++)
		assert_int_equal(*(u8 *)page[i], (int)(i & 0xff) | 1);
	for (u32 i = 0; i < n; i += 2)
		page_free(page[i]);
	for (u32 i = 1; i < n; i += 2)
		page_free(page[i]);
	assert_int_equal(page_unused(), total);
	/* All joined again: the largest blocks are there. */
	assert_non_null(page_alloc_order(9));
	assert_non_null(page_alloc_order(9));
}

static void test_orders(void **state)
{
	u64 total = page_unused();
	void *block[6];

	(void)state;
	for (unsigned order = 0; order < 6; order++) {
		block[order] = page_alloc_order(order);
		assert_non_null(block[order]);
		assert_true(IS_ALIGNED((uintptr_t)block[order], PAGE_SIZE << order));
		assert_true(is_zero(block[order], PAGE_SIZE << order));
		memset(block[order], 0xff, PAGE_SIZE << order);
	}
	assert_int_equal(page_unused(), total - 63);
	check_free_blocks();
	for (unsigned order = 0; order < 6; order++)
		page_free_order(block[order], order);
	assert_int_equal(page_unused(), total);
	assert_null(page_alloc_order(11)); /* 8 MiB of 6 */
	assert_null(page_alloc_order(100));
	page_free(NULL);
}

static void test_misuse_is_caught(void **state)
{
	void *page = page_alloc();

	(void)state;
	page_free(page);
	expect_assert_failure(page_free(page));
}

static void test_wrong_order_is_caught(void **state)
{
	(void)state;
	expect_assert_failure(page_free_order(page_alloc_order(2), 1));
}

static void test_stranger_is_caught(void **state)
{
	(void)state;
	expect_assert_failure(page_free(pool + POOL_SIZE));
}

static void test_objects(void **state)
{
	static const size_t size[] = {1, 64, 65, 200, 1024, 2048, 2049, 5000, 65536};
	enum { EACH = 100 };
	static u8 *object[ARRAY_SIZE(size)][EACH];
	u64 total = page_unused();

	(void)state;
	for (u32 i = 0; i < EACH; i++) {
		for (u32 s = 0; s < ARRAY_SIZE(size) - (i > 20 ? 1 : 0); s++) {
			u8 *p = object_alloc(size[s]);

			assert_non_null(p);
			assert_true(IS_ALIGNED((uintptr_t)p, 64));
			assert_true(is_zero(p, size[s]));
			memset(p, (int)(s * 16 + i % 16), size[s]);
			object[s][i] = p;
		}
	}
	for (u32 n = 0; n < OBJECT_BINS; n++) {
		static const u32 kinds[OBJECT_BINS] = {2, 1, 1, 0, 1, 1};
		struct object_bin bin;

		object_bin(n, &bin);
		assert_int_equal(bin.size, 64u << n);
		assert_int_equal(bin.used, kinds[n] * EACH);
		assert_int_equal(bin.pages, (bin.used * bin.size + PAGE_SIZE - 1) / PAGE_SIZE);
	}
	check_free_blocks();
	for (u32 i = 0; i < EACH; i++) {
		for (u32 s = 0; s < ARRAY_SIZE(size); s++) {
			u8 *p = object[s][i];

			if (p) {
				assert_int_equal(p[0], s * 16 + i % 16);
				assert_int_equal(p[size[s] - 1], s * 16 + i % 16);
			}
			object_free(p, size[s]);
		}
	}
	assert_int_equal(page_unused(), total);
	assert_null(object_alloc(0));
	assert_null(object_alloc(65537));
}

static void test_objects_until_empty(void **state)
{
	static void *object[POOL_SIZE / 2048];
	u64 total = page_unused();
	u32 n = 0;

	(void)state;
	while ((object[n] = object_alloc(1500)))
		n++;
	assert_int_equal(n, total * 2);
	while (n)
		object_free(object[--n], 1500);
	assert_int_equal(page_unused(), total);
}

int main(void)
{
#define POOL_TEST(f) cmocka_unit_test_setup_teardown(f, make_pool, drop_pool)
	const struct CMUnitTest tests[] = {
		POOL_TEST(test_every_page_once),
		POOL_TEST(test_orders),
		POOL_TEST(test_objects),
		POOL_TEST(test_objects_until_empty),
		POOL_TEST(test_misuse_is_caught),
		POOL_TEST(test_wrong_order_is_caught),
		POOL_TEST(test_stranger_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
