/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/halt.c hv/core/params.c hv/lib/printf.c */
/* The window of halt polling: how it grows and shrinks, its limits, what is counted. */
#include "fake.h"
#include <kvm0/abi.h>
#include <string.h>
#include "kvm/halt.h"
#include "kvm/vcpu.h"

#define TICKS_PER_NS 2u
#define MAX_NS       200000u

static struct vm vm;
static struct irqchip chip = {.clock = {.tsc_khz = TICKS_PER_NS * 1000000}};
static struct vcpu vcpu;

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(&vcpu, 0, sizeof(vcpu));
	vm.chip = &chip;
	vcpu.vm = &vm;
	vcpu.pv.poll_control = PV_POLL_CONTROL_ON;
	return 0;
}

/* A halt of so many nanoseconds: polled for, then blocked if that was not enough. */
static void halt(u64 ns)
{
	static u64 now = 1000;
	u64 end = now + ns * TICKS_PER_NS;

	halt_begin(&vcpu, now);
	while (halt_may_poll(&vcpu, now) && now < end)
		now = MIN(vcpu.halt.stop, end);
	if (now < end) {
		halt_block(&vcpu, now, ~0ull);
		now = end;
	}
	halt_end(&vcpu, now);
	now += 12345;
}

static void test_grows(void **state)
{
	static const u32 windows[] = {10000, 20000, 40000, 80000, 160000, 160000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		halt(100000);
		assert_int_equal(vcpu.halt.window, windows[i]);
	}
	assert_int_equal(vcpu.stats.halt_attempted_poll, 5);
	assert_int_equal(vcpu.stats.halt_successful_poll, 1);
	assert_int_equal(vcpu.stats.halt_wakeup, 5);
	assert_int_equal(vcpu.stats.halt_poll_success_ns, 100000);
	assert_int_equal(vcpu.stats.halt_poll_success_hist[17], 1); /* 2^16 <= 100000 < 2^17 */
	assert_int_equal(vcpu.stats.halt_poll_fail_ns, 10000 + 20000 + 40000 + 80000);
	assert_int_equal(vcpu.stats.halt_poll_fail_hist[14], 1);
	assert_int_equal(vcpu.stats.halt_wait_ns, 100000 + 90000 + 80000 + 60000 + 20000);
	halt(199999);
	assert_int_equal(vcpu.halt.window, MAX_NS);
}

static void test_shrinks(void **state)
{
	(void)state;
	for (u32 i = 0; i < 8; i++)
		halt(150000);
	assert_int_equal(vcpu.halt.window, 160000);
	halt(MAX_NS);
	assert_int_equal(vcpu.halt.window, 160000);
	halt(MAX_NS + 1);
	assert_int_equal(vcpu.halt.window, 0);
	/* A long one gives no window to start with. */
	halt(MAX_NS);
	assert_int_equal(vcpu.halt.window, 0);
}

static void test_limit(void **state)
{
	(void)state;
	for (u32 i = 0; i < 8; i++)
		halt(100000);
	vm.halt_poll.set = true;
	vm.halt_poll.ns = 15000;
	halt(100);
	assert_int_equal(vcpu.halt.window, 15000);
	halt(100000);
	assert_int_equal(vcpu.halt.window, 0);
	halt(5000);
	assert_int_equal(vcpu.halt.window, 10000);
	halt(12000);
	assert_int_equal(vcpu.halt.window, 15000);
	vm.halt_poll.ns = 0;
	halt(100);
	assert_int_equal(vcpu.halt.window, 0);
}

/* The guest polls itself, or the caller wants the CPU. */
static void test_not_wanted(void **state)
{
	u64 attempts;

	(void)state;
	for (u32 i = 0; i < 8; i++)
		halt(100000);
	attempts = vcpu.stats.halt_attempted_poll;
	vcpu.pv.poll_control = 0;
	halt(100000);
	assert_int_equal(vcpu.stats.halt_attempted_poll, attempts);
	assert_int_equal(vcpu.halt.window, 160000);
	vcpu.pv.poll_control = PV_POLL_CONTROL_ON;
	vcpu.run_hints = KVM0_RUN_NO_POLL;
	halt_begin(&vcpu, 5000);
	assert_false(halt_may_poll(&vcpu, 5000));
	vcpu.run_hints = 0;
	assert_true(halt_may_poll(&vcpu, 5000));
	assert_false(halt_may_poll(&vcpu, 5000 + 160000 * TICKS_PER_NS));
	halt_block(&vcpu, 5001, ~0ull);
	assert_false(halt_may_poll(&vcpu, 5002));
}

/* A halt that ends, by the TSC of another CPU, before it began was a short one. */
static void test_moved_back(void **state)
{
	u64 fail_ns;

	(void)state;
	for (u32 i = 0; i < 8; i++)
		halt(100000);
	fail_ns = vcpu.stats.halt_poll_fail_ns;
	vcpu.stats.halt_wait_ns = 0;
	halt_begin(&vcpu, 5000);
	halt_block(&vcpu, 4990, ~0ull);
	halt_end(&vcpu, 4980);
	assert_int_equal(vcpu.stats.halt_poll_fail_ns, fail_ns);
	assert_int_equal(vcpu.stats.halt_wait_ns, 0);
	assert_int_equal(vcpu.halt.window, 160000);
}

static void test_parameters(void **state)
{
	(void)state;
	assert_int_equal(halt_grow(0xffffffff, 0xffffffff), 0xffffffff);
	assert_int_equal(halt_grow(0, 5), 5);
	assert_int_equal(halt_shrink(123456), 0);
	assert_int_equal(params_set(&halt_params, 1, "halt_poll_ns_shrink", "2"), 0);
	assert_int_equal(halt_shrink(123456), 61728);
	assert_int_equal(halt_shrink(19999), 0);
	assert_int_equal(params_set(&halt_params, 1, "halt_poll_ns_grow", "0"), 0);
	assert_int_equal(halt_grow(0, MAX_NS), 0);
	assert_int_equal(halt_grow(20000, MAX_NS), 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_grows, setup),
		cmocka_unit_test_setup(test_shrinks, setup),
		cmocka_unit_test_setup(test_limit, setup),
		cmocka_unit_test_setup(test_not_wanted, setup),
		cmocka_unit_test_setup(test_moved_back, setup),
		cmocka_unit_test_setup(test_parameters, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
