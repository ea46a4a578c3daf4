/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/msr_filter.c */
/* MSR filters: which sizes are valid, and which range decides. */
#include "fake.h"

#include <errno.h>

#include "kvm/mmu.h"
#include "kvm/msr_filter.h"
#include "kvm/vcpu.h"
#include "vmx/vmx.h"

/* What installing a filter needs, and these tests do not. */
bool mmu_force_out(struct vm *vm)
{
	(void)vm;
	return false;
}
void vmx_filter_msrs(struct vmx_vcpu *v, bool (*allowed)(const void *filter, u32 index, bool write),
		     const void *filter)
{
	(void)v;
	(void)allowed;
	(void)filter;
}

#define READ  KVM_MSR_FILTER_READ
#define WRITE KVM_MSR_FILTER_WRITE

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(msr_filter_bitmap_size(READ, 1), 8);
	assert_int_equal(msr_filter_bitmap_size(READ | WRITE, 64), 8);
	assert_int_equal(msr_filter_bitmap_size(WRITE, 65), 16);
	assert_int_equal(msr_filter_bitmap_size(READ, 0x3000), 0x600);
	assert_int_equal(msr_filter_bitmap_size(READ, 0x3001), -EINVAL);
	assert_int_equal(msr_filter_bitmap_size(READ, 0xffffffff), -EINVAL);
	assert_int_equal(msr_filter_bitmap_size(READ, 0), -EINVAL);
	assert_int_equal(msr_filter_bitmap_size(0, 1), -EINVAL);
	assert_int_equal(msr_filter_bitmap_size(4, 1), -EINVAL);
}

static void test_ranges(void **state)
{
	static u64 odd[2] = {0xaaaaaaaaaaaaaaaaull, 0xaaaaaaaaaaaaaaaaull}, all[1] = {~0ull};
	struct msr_filter f = {.count = 3,
			       .range = {{READ, 100, 100, odd},
					 {READ | WRITE, 190, 20, all},
					 {READ, 0xfffffff0, 0x20, all}}};

	(void)state;
	assert_true(msr_filter_allows(NULL, 5, true));
	assert_true(msr_filter_allows(&f, 101, false));
	assert_false(msr_filter_allows(&f, 100, false));
	assert_true(msr_filter_allows(&f, 165, false));
	/* The first range that is for it decides; then the default. */
	assert_false(msr_filter_allows(&f, 198, false));
	assert_true(msr_filter_allows(&f, 198, true));
	assert_true(msr_filter_allows(&f, 200, false));
	assert_false(msr_filter_allows(&f, 210, false));
	assert_false(msr_filter_allows(&f, 101, true));
	/* A range over the end has nothing in it; the local APIC's MSRs are not filtered. */
	assert_false(msr_filter_allows(&f, 0xfffffff1, false));
	assert_true(msr_filter_allows(&f, 0x800, true));
	assert_true(msr_filter_allows(&f, 0x8ff, false));
	assert_false(msr_filter_allows(&f, 0x900, false));
	f.default_allow = true;
	assert_true(msr_filter_allows(&f, 210, false));
	assert_true(msr_filter_allows(&f, 0xfffffff1, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
