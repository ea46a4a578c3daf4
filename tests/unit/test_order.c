/* SPDX-License-Identifier: MIT */
/* How lines of orders are cut up. */
/* sources: guest/control/order.c guest/lib/format.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "guest/control/order.h"

static struct order order;
static char why[256];

static struct order_run parse(const char *text, int expected)
{
	struct order_run run;

	assert_int_equal(order_next(&order, &text, why, sizeof(why)), 0);
	assert_int_equal(order_parse_run(&order, &run, why, sizeof(why)), expected);
	return run;
}

static void test_cuts_at_semicolons(void **state)
{
	const char *text = " ls ;; run a -- b=\"c;d\" e ;vms";

	(void)state;
	assert_int_equal(order_next(&order, &text, why, sizeof(why)), 0);
	assert_int_equal(order.count, 1);
	assert_string_equal(order.word[0], "ls");
	assert_null(order.rest);
	assert_int_equal(order_next(&order, &text, why, sizeof(why)), 0);
	assert_int_equal(order.count, 0);
	assert_int_equal(order_next(&order, &text, why, sizeof(why)), 0);
	assert_int_equal(order.count, 2);
	assert_string_equal(order.rest, "b=\"c;d\" e");
	assert_non_null(text);
	assert_int_equal(order_next(&order, &text, why, sizeof(why)), 0);
	assert_string_equal(order.word[0], "vms");
	assert_null(text);
}

static void test_limits(void **state)
{
	static char text[ORDER_MAX + 10];
	const char *at = text;

	(void)state;
	memset(text, 'x', ORDER_MAX);
	assert_int_equal(order_next(&order, &at, why, sizeof(why)), -E2BIG);
	assert_null(at);
	text[ORDER_MAX - 1] = 0;
	at = text;
	assert_int_equal(order_next(&order, &at, why, sizeof(why)), 0);
	for (unsigned i = 0; i < ORDER_WORDS * 2 + 2; i++)
		text[i] = i % 2 ? ' ' : 'w';
	text[ORDER_WORDS * 2 + 2] = 0;
	at = text;
	assert_int_equal(order_next(&order, &at, why, sizeof(why)), -E2BIG);
	text[ORDER_WORDS * 2] = 0;
	at = text;
	assert_int_equal(order_next(&order, &at, why, sizeof(why)), 0);
	assert_int_equal(order.count, ORDER_WORDS);
}

static void test_run_all_parameters(void **state)
{
	(void)state;
	struct order_run run =
		parse("run vmlinuz initrd=i.gz cpus=64 mem=1G name=box -- console=ttyS0 -- x", 0);
	assert_int_equal(run.cpus, 64);
	assert_string_equal(run.kernel, "vmlinuz");
	assert_string_equal(run.initrd, "i.gz");
	assert_string_equal(run.name, "box");
	assert_string_equal(run.cmdline, "console=ttyS0 -- x");
	assert_int_equal(run.mem, SIZE_1G);
	assert_false(run.demand);
	assert_false(run.later);
	run = parse("run k memory=demand pages=later", 0);
	assert_true(run.demand);
	assert_true(run.later);
	assert_false(parse("run k memory=demand", 0).later);
}

static void test_run_defaults(void **state)
{
	(void)state;
	struct order_run run = parse("run k --", 0);
	assert_null(run.initrd);
	assert_null(run.name);
	assert_string_equal(run.cmdline, "");
	assert_int_equal(run.mem, 0);
	assert_int_equal(run.cpus, 1);
}

static void test_run_rounds_memory_up(void **state)
{
	(void)state;
	assert_int_equal(parse("run k mem=5M", 0).mem, 6 * SIZE_1M);
	assert_int_equal(parse("run k mem=65537k", 0).mem, 66 * SIZE_1M);
}

static void test_run_refuses(void **state)
{
	const char *bad[][2] = {
		{"run", "which kernel?"},
		{"run mem=64M", "which kernel?"},
		{"run k x", "unknown parameter 'x'"},
		{"run k pages=now", "unknown parameter 'pages=now'"},
		{"run k pages=later", "memory=demand"},
		{"run k foo=1", "unknown parameter 'foo=1'"},
		{"run k initrd=", "unknown parameter 'initrd='"},
		{"run k cpus=", "bad number of CPUs ''"},
		{"run k cpus=0", "bad number of CPUs '0'"},
		{"run k cpus=65", "bad number of CPUs '65'"},
		{"run cpus=2", "which kernel?"},
		{"run k mem=", "bad size ''"},
		{"run k mem=64", "bad size '64'"},
		{"run k mem=M", "bad size 'M'"},
		{"run k mem=-1M", "bad size '-1M'"},
		{"run k mem=4294967296M", "bad size '4294967296M'"},
		{"run k mem=99999999999999M", "bad size"},
		{"run k mem=1M", "out of range"},
		{"run k mem=4000000000G", "out of range"},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		parse(bad[i][0], -EINVAL);
		if (!strstr(why, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], why);
	}
}

static void test_run_command_line_length(void **state)
{
	static char text[ORDER_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "run k -- ", 9);
	text[9 + LINUX_CMDLINE_MAX - 1] = 0;
	assert_int_equal(strlen(parse(text, 0).cmdline), LINUX_CMDLINE_MAX - 1);
	text[9 + LINUX_CMDLINE_MAX - 1] = 'x';
	text[9 + LINUX_CMDLINE_MAX] = 0;
	parse(text, -EINVAL);
}

static void test_numbers(void **state)
{
	u32 n;

	(void)state;
	assert_int_equal(order_parse_number("4294967295", &n), 0);
	assert_int_equal(n, 4294967295u);
	assert_int_equal(order_parse_number("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(order_parse_number("4294967296", &n), -EINVAL);
	assert_int_equal(order_parse_number("", &n), -EINVAL);
	assert_int_equal(order_parse_number("1x", &n), -EINVAL);
	assert_int_equal(order_parse_number("x", &n), -EINVAL);
}

static int parse_one(const char *text, const char *key, const char **subject, const char **value)
{
	assert_int_equal(order_next(&order, &text, why, sizeof(why)), 0);
	return order_parse_one(&order, key, subject, value, why, sizeof(why));
}

static void test_one_subject_and_one_key(void **state)
{
	const char *subject, *value;
	const char *bad[] = {
		"save 1 2",      "save 1 name=",   "save 1 nam=x", "save 1 name=a name=b",
		"save name=a 1", "save 1 rounds=3"};

	(void)state;
	assert_int_equal(parse_one("save", "name", &subject, &value), 0);
	assert_null(subject);
	assert_null(value);
	assert_int_equal(parse_one("save 7 name=x", "name", &subject, &value), 0);
	assert_string_equal(subject, "7");
	assert_string_equal(value, "x");
	assert_int_equal(parse_one("save name=y", "name", &subject, &value), 0);
	assert_null(subject);
	assert_string_equal(value, "y");
	assert_int_equal(parse_one("stop 2", NULL, &subject, &value), 0);
	assert_string_equal(subject, "2");
	assert_int_equal(parse_one("stop x=2", NULL, &subject, &value), -EINVAL);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse_one(bad[i], "name", &subject, &value), -EINVAL);
		assert_non_null(strstr(why, "unknown parameter"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts_at_semicolons),      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_run_all_parameters),      cmocka_unit_test(test_run_defaults),
		cmocka_unit_test(test_run_rounds_memory_up),    cmocka_unit_test(test_run_refuses),
		cmocka_unit_test(test_run_command_line_length), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_one_subject_and_one_key),
	};
	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
