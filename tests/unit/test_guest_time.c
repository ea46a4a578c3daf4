/* SPDX-License-Identifier: MIT */
/* sources: hv/core/params.c hv/lib/printf.c */
/* kvm/guest_time.c is included below, with a TSC of this test's.  Which TSCs that the host sets are
 * meant to agree. */
#include "fake.h"

#include <string.h>

static unsigned long long machine;

static unsigned long long fake_rdtsc(void)
{
	return machine;
}

#define __builtin_ia32_rdtsc fake_rdtsc
#include "kvm/guest_time.c"

#define HZ 2000000000ull

u64 tsc_khz = HZ / 1000;

static struct vm vm;
static struct vcpu first, second;

void vmx_set_tsc_offset(u64 offset)
{
	(void)offset;
}

void vmx_set_tsc_ratio(u64 ratio)
{
	(void)ratio;
}

bool vmx_has_tsc_scaling(void)
{
	return true;
}

void lapic_set_tsc(struct lapic *l, const struct irq_guest_tsc *t, u64 now)
{
	(void)l;
	(void)t;
	(void)now;
}

void vm_clock_tscs_changed(struct vm *v)
{
	assert_ptr_equal(v, &vm);
}

/* Two vCPUs, each with a TSC of @khz, on a machine that has run for a while. */
static void make(u32 khz)
{
	memset(&vm, 0, sizeof(vm));
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	first.vm = second.vm = &vm;
	machine = 1000 * HZ;
	time_init(&vm.time);
	vm.time.tsc_khz = khz;
	time_init_vcpu(&first);
	time_init_vcpu(&second);
	assert_int_equal(first.tsc.offset, second.tsc.offset);
	assert_int_equal(time_read_tsc(&first), 0);
}

/* The first is set to @a, and the second @later ticks after that to @b: do they agree? */
static bool agree(u32 khz, u64 a, s64 later, u64 b)
{
	make(khz);
	time_write_tsc(&first, a);
	machine += (u64)later;
	time_write_tsc(&second, b);
	return first.tsc.offset == second.tsc.offset;
}

/* Values within a second of where the first has got to do, and 0. */
static void test_agree(void **state)
{
	static const u32 rates[] = {HZ / 1000, HZ / 3000, HZ / 400};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 hz = rates[i] * 1000ull, a = 50 * hz;

		assert_true(agree(rates[i], a, 1000, a));
		assert_true(agree(rates[i], a, HZ, a + 2 * hz - 10));
		assert_true(agree(rates[i], a, HZ, a + 10));
		assert_true(agree(rates[i], a, 5 * HZ, 0));
		assert_false(agree(rates[i], a, HZ, a + 2 * hz + 10));
		assert_false(agree(rates[i], a, 2 * HZ, a + hz - 10));
	}
}

/* The second is set on a CPU whose TSC is a little behind. */
static void test_behind(void **state)
{
	(void)state;
	assert_true(agree(HZ / 1000, HZ, -100, HZ));
	assert_true(agree(HZ / 3000, HZ, -100, HZ));
	assert_true(agree(HZ / 400, HZ, -100, HZ));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
