/* SPDX-License-Identifier: MIT */
/* sources: */
/* cpu/tsc.c is included below, with counters of this test's.  Two CPUs that compare their TSCs:
 * threads, each with a counter of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

/* The TSC of this thread: one clock for all, and how much this one is ahead. */
static unsigned long long counter;
static __thread unsigned long long ahead;

static unsigned long long fake_rdtsc(void)
{
	return __atomic_add_fetch(&counter, 10, __ATOMIC_SEQ_CST) + ahead;
}

/* One processor may have to do for both. */
static void fake_pause(void)
{
	sched_yield();
}

#define __builtin_ia32_rdtsc fake_rdtsc
#define __builtin_ia32_pause fake_pause
#include "cpu/tsc.c"

static void *other(void *arg)
{
	ahead = *(u64 *)arg;
	(void)tsc_meet(1);
	return NULL;
}

static u64 meet(u64 here, u64 there)
{
	pthread_t thread;
	u64 behind;

	assert_int_equal(pthread_create(&thread, NULL, other, &there), 0);
	ahead = here;
	behind = tsc_meet(0);
	pthread_join(thread, NULL);
	return behind;
}

static void test_meet(void **state)
{
	(void)state;
	assert_int_equal(meet(0, 0), 0);
	/* What it takes from one's reading to the other's is not seen. */
	assert_int_equal(meet(1000, 0), 990);
	assert_int_equal(meet(0, 5000), 4990);
	assert_int_equal(meet(5000, 5000), 0);
}

static void test_refined(void **state)
{
	(void)state;
	assert_int_equal(refined(3000100, 3000000), 3000000);
	assert_int_equal(refined(2997100, 3000000), 3000000);
	assert_int_equal(refined(2990000, 3000000), 2990000);
	assert_int_equal(refined(20000, 3400000), 20000); /* as emulators have it */
	assert_int_equal(refined(20000, 0), 20000);
	assert_int_equal(refined(0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meet),
		cmocka_unit_test(test_refined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
