/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: hv/kvm/timer_advance.c hv/core/params.c hv/lib/printf.c */
/* clang-format on */
/* How early timers begin to expire, and what that is learned from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/tsc.h"
#include "kvm/timer_advance.h"

u64 tsc_khz = 2000000;

static int set(const char *value)
{
	return params_set(&timer_advance_params, 1, "lapic_timer_advance_ns", value);
}

static struct timer_advance made(const char *value)
{
	struct timer_advance a;

	assert_int_equal(set(value), 0);
	timer_advance_init(&a);
	return a;
}

static void test_parameter(void **state)
{
	(void)state;
	assert_int_equal(made("0").ticks, 0);
	assert_false(made("0").adapts);
	assert_int_equal(made("700").ticks, 1400);
	assert_int_equal(made("5000").ticks, 10000);
	assert_int_not_equal(set("5001"), 0);
	assert_int_not_equal(set("-2"), 0);
	assert_int_not_equal(set(""), 0);
	assert_int_equal(made("-1").ticks, 2000);
	assert_true(made("-1").adapts);
}

static void test_begin(void **state)
{
	struct timer_advance a = made("500");

	(void)state;
	assert_true(timer_advance_begin(&a, 5000) == 4000);
	assert_true(timer_advance_begin(&a, 600) == 0);
	assert_true(timer_advance_begin(&a, IRQ_NEVER) == IRQ_NEVER);
}

static void test_wait(void **state)
{
	struct timer_advance a = made("5000");
	u64 deadline = rdtsc() + 9000;

	(void)state;
	assert_true(timer_advance_wait(&a, deadline, deadline - 9000, true) >= deadline);
	assert_true(rdtsc() >= deadline);
	assert_true(timer_advance_wait(&a, 100, 250, true) == 250); /* late already */
	assert_int_equal(a.ticks, 10000);
}

/* It goes to what the way takes, leaves out what something else took, and has an end. */
static void test_learn(void **state)
{
	struct timer_advance a = made("-1");

	(void)state;
	for (u32 i = 0; i < 100; i++)
		timer_advance_wait(&a, 100000, 100000 - a.ticks + 600, true);
	assert_in_range(a.ticks, 593, 607);
	timer_advance_wait(&a, 100000, 200000, true);
	timer_advance_wait(&a, 100000, 100000 - a.ticks + 6000, false);
	assert_in_range(a.ticks, 593, 607);
	tsc_khz = 20000; /* 5000 ns are 100 ticks */
	for (u32 i = 0; i < 100; i++)
		timer_advance_wait(&a, 100000, 100000 - a.ticks + 600, true);
	assert_int_equal(a.ticks, 100);
	tsc_khz = 2000000;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameter),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_learn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
