/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/wake.c */
/* The list of vCPUs to wake: one for each CPU, emptied in full, never forgetting one. */
#include "fake.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kvm0/abi.h>

#include "cpu/percpu.h"
#include "kvm/wake.h"

static struct percpu cpus[2];

/* this_cpu() reads GS:0, which a process may point where it likes. */
static void on_cpu(u32 n)
{
	cpus[n].self = &cpus[n];
	cpus[n].index = n;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpus[n]), 0);
}

static int setup(void **state)
{
	(void)state;
	on_cpu(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (u32 n = 0; n < 2; n++) {
		on_cpu(n);
		assert_int_equal(wake_take(), 0);
	}
	return 0;
}

static void test_one(void **state)
{
	(void)state;
	assert_int_equal(wake_take(), 0);
	wake_add(7);
	assert_int_equal(wake_take(), 7);
	assert_int_equal(wake_take(), 0);
}

/* Takes all that is on the list; returns which handles, as bits. */
static u64 take_all(u32 *count)
{
	u64 set = 0;
	u32 w;

	*count = 0;
	do {
		w = wake_take();
		assert_int_not_equal(w & ~KVM0_WAKE_MORE, 0);
		assert_in_range(w & ~KVM0_WAKE_MORE, 1, 63);
		set |= BIT(w & ~KVM0_WAKE_MORE);
		(*count)++;
	} while (w & KVM0_WAKE_MORE);
	return set;
}

static void test_several(void **state)
{
	u32 count;

	(void)state;
	for (u32 n = 2; n <= WAKE_ROOM; n++) {
		u64 want = 0;

		for (u32 h = 1; h <= n; h++) {
			wake_add(h);
			want |= BIT(h);
		}
		assert_int_equal(take_all(&count), want);
		assert_int_equal(count, n);
		assert_int_equal(wake_take(), 0);
	}
}

static void test_too_many(void **state)
{
	u32 count;

	(void)state;
	for (u32 n = 1; n < 40; n++) {
		for (u32 h = 1; h <= WAKE_ROOM + n; h++)
			wake_add(h);
		assert_int_equal(wake_take(), KVM0_WAKE_ALL);
		assert_int_equal(wake_take(), 0);
	}
	/* And it is a list again. */
	wake_add(3);
	wake_add(4);
	assert_int_equal(take_all(&count), BIT(3) | BIT(4));
}

/* A vCPU whose handle was closed cannot be named: nobody waits for it. */
static void test_closed(void **state)
{
	u32 count;

	(void)state;
	wake_add(0);
	assert_int_equal(wake_take(), 0);
	wake_add(5);
	wake_add(0);
	wake_add(6);
	assert_int_equal(take_all(&count), BIT(5) | BIT(6));
	assert_int_equal(count, 2);
}

static void test_per_cpu(void **state)
{
	(void)state;
	wake_add(1);
	on_cpu(1);
	assert_int_equal(wake_take(), 0);
	wake_add(2);
	on_cpu(0);
	assert_int_equal(wake_take(), 1);
	on_cpu(1);
	assert_int_equal(wake_take(), 2);
}

/* What the monitor causes on any CPU is told on one. */
static void test_passed_on(void **state)
{
	(void)state;
	wake_pass_on(1); /* nothing */
	wake_add(3);
	wake_pass_on(0); /* to itself */
	assert_true(wake_any());
	wake_add(4);
	wake_pass_on(1);
	assert_false(wake_any());
	on_cpu(1);
	assert_int_equal(wake_take(), 4 | KVM0_WAKE_MORE);
	assert_int_equal(wake_take(), 3);
	for (u32 n = 1; n <= WAKE_ROOM; n++)
		wake_add(n);
	on_cpu(0);
	wake_add(77);
	wake_pass_on(1);
	on_cpu(1);
	assert_int_equal(wake_take(), KVM0_WAKE_ALL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one),    TEST(test_several), TEST(test_too_many),
		TEST(test_closed), TEST(test_per_cpu), TEST(test_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
