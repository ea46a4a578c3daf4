/* SPDX-License-Identifier: MIT */
/* sources: hv/core/params.c */
/* kvm0's command line: each type, each way to be wrong, names and blanks. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "core/params.h"

static bool flag;
static u32 number, choice;
static u64 size;
static const char *const words[] = {"low", "high", NULL};
static char seen[32];

static int take(const char *value)
{
	if (strlen(value) >= sizeof(seen) || !strcmp(value, "bad"))
		return -EINVAL;
	strcpy(seen, value);
	return 0;
}

static const struct param first[] = {
	{.name = "a_flag", .type = PARAM_BOOL, .value = &flag},
	{.name = "number", .type = PARAM_UINT, .value = &number, .min = 1, .max = 64},
};
static const struct param second[] = {
	{.name = "size", .type = PARAM_SIZE, .value = &size},
	{.name = "choice", .type = PARAM_ENUM, .value = &choice, .words = words},
	{.name = "free", .type = PARAM_FN, .parse = take},
};
static const struct param_table tables[] = {{first, 2}, {second, 3}};

static int reset(void **state)
{
	flag = false;
	number = choice = 7;
	size = 7;
	strcpy(seen, "none");
	return fake_reset(state);
}

static u32 parse(const char *line)
{
	return params_parse(line, tables, 2);
}

static int set(const char *name, const char *value)
{
	return params_set(tables, 2, name, value);
}

static void test_all_types(void **state)
{
	(void)state;
	assert_int_equal(parse("  a_flag=1 number=0x10 size=3M\tchoice=high free=x,y "), 0);
	assert_true(flag);
	assert_int_equal(number, 16);
	assert_int_equal(size, 3 << 20);
	assert_int_equal(choice, 1);
	assert_string_equal(seen, "x,y");
	assert_int_equal(fake_log_count, 0);
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("   "), 0);
}

static void test_bool(void **state)
{
	static const char *const yes[] = {"1", "y", "Y", "on", NULL}, *const no[] = {"0", "n", "N",
										     "off"};

	(void)state;
	for (u32 i = 0; i < 5; i++) {
		flag = false;
		assert_int_equal(set("a-flag", yes[i]), 0); /* NULL: the bare name */
		assert_true(flag);
	}
	for (u32 i = 0; i < 4; i++) {
		flag = true;
		assert_int_equal(set("a_flag", no[i]), 0);
		assert_false(flag);
	}
	assert_int_equal(set("a_flag", ""), -EINVAL);
	assert_int_equal(set("a_flag", "yes"), -EINVAL);
	assert_int_equal(set("a_flag", "2"), -EINVAL);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {"",
					  "0",
					  "65",
					  "-1",
					  "1x",
					  "x",
					  "0x",
					  "1K",
					  " 1",
					  "4294967297",
					  "18446744073709551617",
					  "0x10000000000000001"};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(set("number", bad[i]), -EINVAL);
	assert_int_equal(set("number", NULL), -EINVAL);
	assert_int_equal(number, 7);
	assert_int_equal(set("number", "64"), 0);
	assert_int_equal(number, 64);
}

static void test_sizes(void **state)
{
	u64 v = 0;

	(void)state;
	assert_int_equal(params_size("4096", &v), 0);
	assert_int_equal(v, 4096);
	assert_int_equal(params_size("2k", &v), 0);
	assert_int_equal(v, 2048);
	assert_int_equal(params_size("17179869183G", &v), 0);
	assert_int_equal(v, 17179869183ull << 30);
	assert_int_equal(params_size("17179869184G", &v), -EINVAL);
	assert_int_equal(params_size("0xffffffffffffffff", &v), 0);
	assert_int_equal(v, ~0ull);
	assert_int_equal(params_size("1KB", &v), -EINVAL);
	assert_int_equal(params_size("1T", &v), -EINVAL);
	assert_int_equal(params_size("M", &v), -EINVAL);
}

static void test_reports_by_name(void **state)
{
	(void)state;
	assert_int_equal(parse("nosuch=3"), 1);
	assert_non_null(strstr(fake_log_text, "'nosuch'"));
	assert_int_equal(parse("choice=middle"), 1);
	assert_non_null(strstr(fake_log_text, "'middle'"));
	assert_non_null(strstr(fake_log_text, "'choice'"));
	assert_int_equal(parse("free=bad size choice number=0 a_flag=x ="), 6);
	assert_int_equal(fake_log_count, 8);
	assert_int_equal(choice, 7);
	assert_string_equal(seen, "none");
	/* One that is wrong does not harm the next. */
	assert_int_equal(parse("nosuch size=1"), 1);
	assert_int_equal(size, 1);
}

static void test_long_word(void **state)
{
	char line[1000];

	(void)state;
	memset(line, 'x', sizeof(line));
	strcpy(line + 900, " size=9");
	assert_int_equal(parse(line), 1);
	assert_int_equal(size, 9);
	assert_true(strlen(fake_log_text) < 120);
}

static void test_names_match_whole(void **state)
{
	(void)state;
	assert_int_equal(set("siz", "1"), -ENOENT);
	assert_int_equal(set("sizes", "1"), -ENOENT);
	assert_int_equal(set("", "1"), -ENOENT);
	assert_int_equal(size, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_types, reset),
		cmocka_unit_test_setup(test_bool, reset),
		cmocka_unit_test_setup(test_numbers, reset),
		cmocka_unit_test_setup(test_sizes, reset),
		cmocka_unit_test_setup(test_reports_by_name, reset),
		cmocka_unit_test_setup(test_long_word, reset),
		cmocka_unit_test_setup(test_names_match_whole, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
