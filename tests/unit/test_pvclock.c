/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/pv/pvclock.c */
/* The arithmetic of kvmclock: rates of any TSC, over years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kvm/pv/pvclock.h"

#define NS_A_SECOND 1000000000ull
#define YEAR_S      (366 * 86400ull)

/* What is common, and what is odd: 1 kHz, around powers of two of a GHz, the most. */
static const u64 rates[] = {
	1000,
	20000000,
	50000001,
	499999999,
	500000000,
	999999000,
	1000000000,
	1000000001,
	1193182000,
	1999999999,
	2000000000,
	2000000001,
	2893202000,
	3000000000,
	3999999999,
	4000000000,
	4000000001,
	5123456789,
	0x7ffffffeull * 1000,
	1ull << 42,
};

static u64 exact(u64 hz, u64 ticks)
{
	return (u64)((unsigned __int128)ticks * NS_A_SECOND / hz);
}

static void test_precision(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct pvclock_rate r = pvclock_rate(rates[i]);
		u64 year = rates[i] <= 1ull << 36 ? YEAR_S : 86400;
		u64 got = pvclock_ns(r, rates[i] * year), want = year * NS_A_SECOND;

		/* 31 bits at least: a day's error is below 41 us; and never too fast. */
		assert_true(r.mul >= 0x80000000);
		assert_true(got <= want);
		assert_true(want - got <= (want >> 31) + 1);
	}
}

static void test_shifts(void **state)
{
	struct pvclock_rate r;

	(void)state;
	r = pvclock_rate(1000000000);
	assert_int_equal(r.shift, 1);
	assert_int_equal(r.mul, 0x80000000);
	r = pvclock_rate(2000000000);
	assert_int_equal(r.shift, 0);
	assert_int_equal(r.mul, 0x80000000);
	r = pvclock_rate(4000000000);
	assert_int_equal(r.shift, -1);
	assert_int_equal(r.mul, 0x80000000);
	r = pvclock_rate(3000000000);
	assert_int_equal(r.shift, -1);
	assert_int_equal(r.mul, 0xaaaaaaaa);
	r = pvclock_rate(1000);
	assert_int_equal(r.shift, 20);
	assert_int_equal(r.mul, (u32)(((1000000ull << 32) >> 20)));
	r = pvclock_rate(1);
	assert_int_equal(r.shift, 30);
	assert_int_equal(pvclock_ns(r, 7), 7000000000);
}

/* Ten years in steps that are no round number: no step goes back, and none is far off. */
static void test_monotonic(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct pvclock_rate r = pvclock_rate(rates[i]);
		u64 ticks = 0, last = 0, hz = rates[i];
		u64 years = hz <= 1ull << 33 ? 10 : 1;
		u64 step = hz * YEAR_S / 100000 * years | 1;

		for (u32 n = 0; n < 100000; n++, ticks += step) {
			u64 now = pvclock_ns(r, ticks);

			assert_true(now >= last);
			assert_true(now <= exact(hz, ticks));
			last = now;
		}
		for (u64 t = ticks; t < ticks + 1000; t++) {
			u64 now = pvclock_ns(r, t);

			assert_true(now >= last);
			last = now;
		}
	}
}

/*
 * A new base every now and then, as a VM's clock gets one when a TSC is changed: the time by the
 * old base and PVCLOCK_CUT.  It never goes back then.
 */
static void test_new_base(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct pvclock_rate r = pvclock_rate(rates[i]);
		u64 base = 12345, ns = 67890, old_base = base, old_ns = ns;

		for (u64 now = base, n = 0; n < 20000; now += 1 + n % 977, n++) {
			u64 here = ns + pvclock_ns(r, now - base);

			assert_true(here >= old_ns + pvclock_ns(r, now - old_base));
			if (n % 7)
				continue;
			old_base = base;
			old_ns = ns;
			ns = here + PVCLOCK_CUT;
			base = now;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precision),
		cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_monotonic),
		cmocka_unit_test(test_new_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
