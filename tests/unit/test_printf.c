/* SPDX-License-Identifier: MIT */
/* sources: hv/lib/printf.c */
/* Formatted text, against the C library's where that has the same conversion. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/printf.h"

#define SAME(...)                                                                                  \
	do {                                                                                       \
		char ours[128], theirs[128];                                                       \
		size_t n = printf_format(ours, sizeof(ours), __VA_ARGS__);                         \
		snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                     \
		assert_string_equal(ours, theirs);                                                 \
		assert_int_equal(n, strlen(theirs));                                               \
	} while (0)

static void test_like_the_c_library(void **state)
{
	(void)state;
	SAME("plain");
	SAME("%d %i %d %d", 0, -1, INT32_MAX, INT32_MIN);
	SAME("%u %x %X", 4000000000u, 0xdeadbeefu, 0xdeadbeefu);
	SAME("%lld %llu %llx", (long long)INT64_MIN, ~0ull, ~0ull);
	SAME("%ld %lu %lx %zu", -5l, 5ul, 255ul, sizeof(int));
	SAME("[%5d] [%-5d] [%05d] [%5d]", 42, 42, -42, -42);
	SAME("[%8x] [%08x] [%-8x] [%#x] [%#010llx]", 0xabu, 0xabu, 0xabu, 0xabu, 0xabcull);
	SAME("[%s] [%10s] [%-10s] [%.2s] [%10.3s] [%.*s]", "text", "text", "text", "text", "text",
	     3, "text");
	SAME("[%*d] [%c%c] %%", 6, 7, 'a', 'b');
	SAME("[%2d] [%2s]", 12345, "longer");
	SAME("%016llx", 0xffffffff80001000ull);
	SAME("%s", "");
}

static void test_null_and_pointer(void **state)
{
	char text[64];
	const char *volatile none = NULL;

	(void)state;
	printf_format(text, sizeof(text), "%s %p", none, (void *)0x1234);
	assert_string_equal(text, "(null) 0x1234");
}

static void test_bounds(void **state)
{
	(void)state;
	for (size_t size = 0; size < 40; size++) {
		char *exact = malloc(size ? size : 1);
		size_t n;

		exact[0] = 'x';
		n = printf_format(exact, size, "%s-%08x-%-6d|", "abcdef", 0x1234u, 99);
		if (size) {
			assert_int_equal(n, strlen(exact));
			assert_int_equal(n, size - 1 < 23 ? size - 1 : 23);
			assert_memory_equal(exact, "abcdef-00001234-99    |", n);
		} else {
			assert_int_equal(n, 0);
			assert_int_equal(exact[0], 'x');
		}
		free(exact);
	}
}

static void test_huge_width(void **state)
{
	char text[300];

	(void)state;
	assert_int_equal(printf_format(text, sizeof(text), "%0200d", 5), 200);
	assert_int_equal(printf_format(text, sizeof(text), "%1000d", 5), 299);
}

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
static void test_unknown_is_shown(void **state)
{
	char text[64];

	(void)state;
	printf_format(text, sizeof(text), "a %q b");
	assert_string_equal(text, "a %q b");
	printf_format(text, sizeof(text), "end %");
	assert_string_equal(text, "end %");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_the_c_library),
		cmocka_unit_test(test_null_and_pointer),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_huge_width),
		cmocka_unit_test(test_unknown_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
