/* SPDX-License-Identifier: MIT */
/* The CPUID that a guest gets, and the state it starts with. */
/* sources: guest/control/vmm/vcpu.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "guest/control/vmm/vcpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/time.h"

#define TSC_HZ 20000000ull

static union {
	struct kvm_cpuid2 c;
	u8 bytes[sizeof(struct kvm_cpuid2) + 8 * sizeof(struct kvm_cpuid_entry2)];
} u;

static u64 failing;
static struct kvm_sregs sregs;
static struct kvm_regs regs;

u64 time_tsc_hz(void)
{
	return TSC_HZ;
}

s64 kvm0_ioctl(u32 handle, u64 request, u64 arg)
{
	assert_int_equal(handle, 0);
	assert_int_equal(request, KVM_CHECK_EXTENSION);
	assert_int_equal(arg, KVM_CAP_TSC_DEADLINE_TIMER);
	return 1;
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	assert_int_equal(handle, request == KVM_GET_SUPPORTED_CPUID ? 0 : 9);
	if (request == failing)
		return -EINVAL;
	if (request == KVM_GET_SUPPORTED_CPUID)
		((struct kvm_cpuid2 *)arg)->nent = 0;
	if (request == KVM_SET_SREGS)
		memcpy(&sregs, arg, sizeof(sregs));
	if (request == KVM_SET_REGS)
		memcpy(&regs, arg, sizeof(regs));
	return request == KVM_SET_MSRS ? 2 : 0;
}

static struct kvm_cpuid_entry2 *add(u32 function, u32 index, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	struct kvm_cpuid_entry2 *e = &u.c.entries[u.c.nent++];
	*e = (struct kvm_cpuid_entry2){.function = function,
				       .index = index,
				       .eax = eax,
				       .ebx = ebx,
				       .ecx = ecx,
				       .edx = edx};
	return e;
}

static int setup(void **state)
{
	(void)state;
	memset(&u, 0, sizeof(u));
	failing = 0;
	return 0;
}

static void test_one_cpu(void **state)
{
	(void)state;
	struct kvm_cpuid_entry2 *one = add(1, 0, 0x306c3, 0x07100800, 0x1, 0x178bfbff);
	struct kvm_cpuid_entry2 *four = add(4, 0, 0x1c004121, 1, 2, 3);
	struct kvm_cpuid_entry2 *b0 = add(0xb, 0, 1, 2, 0x100, 7);
	struct kvm_cpuid_entry2 *b1 = add(0xb, 1, 3, 8, 0x201, 7);
	struct kvm_cpuid_entry2 *cores = add(0x80000008u, 0, 0x3027, 0, 0x3007, 0);
	struct kvm_cpuid_entry2 *power = add(0x80000007u, 0, 0, 0, 0, 0x101);
	vcpu_adjust_cpuid(&u.c, 8, 0, 1, false, TSC_HZ);
	assert_int_equal(power->edx, 0x001);
	assert_int_equal(one->eax, 0x306c3);
	assert_int_equal(one->ebx, 0x00010800);
	assert_int_equal(one->ecx, 0x1);
	assert_int_equal(one->edx, 0x078bfbff);
	assert_int_equal(four->eax, 0x0121);
	assert_int_equal(four->ebx, 1);
	assert_int_equal(b0->eax, 0);
	assert_int_equal(b0->ebx, 1);
	assert_int_equal(b0->edx, 0);
	assert_int_equal(b1->eax, 0);
	assert_int_equal(b1->ecx, 0x201);
	assert_int_equal(cores->ecx, 0x3000);
}

static void test_several_cpus(void **state)
{
	(void)state;
	struct kvm_cpuid_entry2 *one = add(1, 0, 0x306c3, 0x07100800, 0x1, 0x078bfbff);
	struct kvm_cpuid_entry2 *l1 = add(4, 0, 0x1c004121, 1, 2, 3);
	struct kvm_cpuid_entry2 *l3 = add(4, 3, 0x1c03c163, 1, 2, 3);
	struct kvm_cpuid_entry2 *end = add(4, 4, 0, 0, 0, 0);
	struct kvm_cpuid_entry2 *b0 = add(0xb, 0, 0, 0, 0, 0);
	vcpu_adjust_cpuid(&u.c, 8, 5, 6, false, TSC_HZ);
	assert_int_equal(one->ebx, 0x05080800); /* 6 CPUs have 3 bits of the APIC ID */
	assert_int_equal(one->edx, 0x178bfbff);
	assert_int_equal(l1->eax, 0x1c000121);
	assert_int_equal(l3->eax, 0x1c01c163);
	assert_int_equal(end->eax, 0);
	assert_int_equal(b0->eax, 0);
	assert_int_equal(b0->ebx, 1);
	assert_int_equal(b0->ecx, 0x100);
	assert_int_equal(b0->edx, 5);
	/* The level that was missing. */
	assert_int_equal(u.c.nent, 6);
	assert_int_equal(b0[1].function, 0xb);
	assert_int_equal(b0[1].index, 1);
	assert_int_equal(b0[1].eax, 3);
	assert_int_equal(b0[1].ebx, 6);
	assert_int_equal(b0[1].ecx, 0x201);
	assert_int_equal(b0[1].edx, 5);
	vcpu_adjust_cpuid(&u.c, 8, 63, 64, false, TSC_HZ);
	assert_int_equal(one->ebx, 0x3f400800);
	assert_int_equal(l3->eax, 0xfc0fc163);
	assert_int_equal(u.c.nent, 6);
}

static void test_no_room_for_a_level(void **state)
{
	(void)state;
	add(0xb, 0, 0, 0, 0, 0);
	vcpu_adjust_cpuid(&u.c, 1, 1, 2, false, TSC_HZ);
	assert_int_equal(u.c.nent, 1);
}

static void test_timer_and_hypervisor_bits(void **state)
{
	(void)state;
	struct kvm_cpuid_entry2 *one = add(1, 0, 0, 0, 0, 0);
	vcpu_adjust_cpuid(&u.c, 8, 0, 1, true, TSC_HZ);
	assert_int_equal(one->ecx, 1u << 24);
	add(0x40000000u, 0, 0x40000001u, 0, 0, 0);
	vcpu_adjust_cpuid(&u.c, 8, 0, 1, false, TSC_HZ);
	assert_int_equal(one->ecx, 1u << 24 | 1u << 31);
}

static void test_lying_frequency_leaves_are_cleared(void **state)
{
	(void)state;
	struct kvm_cpuid_entry2 *ratio = add(0x15, 0, 2, 216, 24000000, 0);
	struct kvm_cpuid_entry2 *mhz = add(0x16, 0, 2600, 3500, 100, 0);
	vcpu_adjust_cpuid(&u.c, 8, 0, 1, false, 2592000000ull);
	assert_int_equal(ratio->ebx, 216);
	assert_int_equal(mhz->eax, 2600);
	vcpu_adjust_cpuid(&u.c, 8, 0, 1, false, TSC_HZ);
	assert_int_equal(ratio->ebx, 0);
	assert_int_equal(mhz->eax, 0);
}

static void test_start_state(void **state)
{
	struct linux_entry entry = {.rip = 0x1000200, .rsi = 0x7000};
	const char *step;

	(void)state;
	assert_int_equal(vcpu_setup(9, 0, 1, &step), 0);
	assert_int_equal(vcpu_start(9, &entry, &step), 0);
	assert_int_equal(regs.rip, 0x1000200);
	assert_int_equal(regs.rsi, 0x7000);
	assert_int_equal(regs.rflags, 2);
	assert_int_equal(sregs.cs.selector, 0x10);
	assert_int_equal(sregs.cs.l, 1);
	assert_int_equal(sregs.cs.db, 0);
	assert_int_equal(sregs.ss.selector, 0x18);
	assert_int_equal(sregs.tr.type, 0xb);
	assert_int_equal(sregs.efer, 0x500);
	assert_int_equal(sregs.cr0 & 0x80000001, 0x80000001);
	assert_int_equal(sregs.cr3, LINUX_PAGE_TABLES);
}

static void test_names_the_step_that_fails(void **state)
{
	static const struct {
		u64 request;
		const char *name;
	} steps[] = {
		{KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID"},
		{KVM_SET_CPUID2, "KVM_SET_CPUID2"},
		{KVM_SET_MSRS, "KVM_SET_MSRS"},
		{KVM_GET_SREGS, "KVM_GET_SREGS"},
		{KVM_SET_SREGS, "KVM_SET_SREGS"},
		{KVM_SET_FPU, "KVM_SET_FPU"},
		{KVM_SET_REGS, "KVM_SET_REGS"},
	};
	struct linux_entry entry = {0};
	const char *step;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
		failing = steps[i].request;
		int err = vcpu_setup(9, 0, 1, &step);
		assert_int_equal(err ? err : vcpu_start(9, &entry, &step), -EINVAL);
		assert_string_equal(step, steps[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_cpu, setup),
		cmocka_unit_test_setup(test_several_cpus, setup),
		cmocka_unit_test_setup(test_no_room_for_a_level, setup),
		cmocka_unit_test_setup(test_timer_and_hypervisor_bits, setup),
		cmocka_unit_test_setup(test_lying_frequency_leaves_are_cleared, setup),
		cmocka_unit_test_setup(test_start_state, setup),
		cmocka_unit_test_setup(test_names_the_step_that_fails, setup),
	};
	return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
