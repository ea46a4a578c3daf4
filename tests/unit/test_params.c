/* SPDX-License-Identifier: MIT */
/* sources: hv/core/params.c hv/lib/printf.c */
/* kvm0's command line: each type, each way to be wrong, names and blanks. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
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

static void show(char *text, size_t text_size)
{
	snprintf(text, text_size, "%s", seen);
}

static const struct param first[] = {
	{.name = "a_flag", .type = PARAM_BOOL, .value = &flag},
	{.name = "number", .type = PARAM_UINT, .value = &number, .min = 1, .max = 64},
};
static bool kept_on = true;
static u32 kept_word = 1;
static const struct param third[] = {
	{.name = "kept", .type = PARAM_BOOL, .value = &kept_on, .why = "it is needed"},
	{.name = "kept_word",
	 .type = PARAM_ENUM,
	 .value = &kept_word,
	 .words = words,
	 .why = "there is no other"},
	{.name = "later", .type = PARAM_UINT, .value = &number, .runtime = true},
};
static const struct param second[] = {
	{.name = "size", .type = PARAM_SIZE, .value = &size},
	{.name = "choice", .type = PARAM_ENUM, .value = &choice, .words = words},
	{.name = "free", .type = PARAM_FN, .parse = take, .show = show},
};
static const struct param_table tables[] = {{first, 2}, {second, 3}, {third, 3}};

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
	return params_parse(line, tables, 3);
}

static int set(const char *name, const char *value)
{
	return params_set(tables, 3, name, value);
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

/* What has one value only takes that, however it is written. */
static void test_kept(void **state)
{
	(void)state;
	assert_int_equal(set("kept", "1"), 0);
	assert_int_equal(set("kept", "on"), 0);
	assert_int_equal(set("kept", "N"), -EOPNOTSUPP);
	assert_int_equal(set("kept", "many"), -EINVAL);
	assert_int_equal(set("kept_word", "high"), 0);
	assert_int_equal(set("kept_word", "low"), -EOPNOTSUPP);
	assert_true(kept_on);
	assert_int_equal(kept_word, 1);
	assert_int_equal(parse("kept=0"), 1);
	assert_non_null(strstr(fake_log_text, "'kept' stays Y: it is needed"));
}

static void expect_shown(const char *name, const char *value)
{
	char text[PARAM_TEXT_MAX];

	params_show(params_find(name), text);
	assert_string_equal(text, value);
}

static void test_at_run_time(void **state)
{
	(void)state;
	params_publish(tables, 3);
	assert_string_equal(params_at(0)->name, "a_flag");
	assert_string_equal(params_at(4)->name, "free");
	assert_string_equal(params_at(7)->name, "later");
	assert_null(params_at(8));
	assert_null(params_at(~0ull));
	assert_null(params_find("nosuch"));
	assert_int_equal(params_change("nosuch", "1"), -ENOENT);
	assert_int_equal(params_change("a_flag", "1"), -EPERM);
	assert_int_equal(params_change("kept", "N"), -EOPNOTSUPP);
	assert_int_equal(params_change("kept", "Y"), 0);
	assert_int_equal(params_change("later", "many"), -EINVAL);
	assert_int_equal(params_change("later", "0x20"), 0);
	expect_shown("later", "32");
	expect_shown("a-flag", "N");
	expect_shown("kept", "Y");
	expect_shown("kept_word", "high");
	expect_shown("free", "none");
	assert_int_equal(set("size", "3M"), 0);
	expect_shown("size", "3145728");
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
		cmocka_unit_test_setup(test_kept, reset),
		cmocka_unit_test_setup(test_at_run_time, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
