/* SPDX-License-Identifier: MIT */
/* A vCPU's CPUID: KVM_SET_CPUID, KVM_SET_CPUID2, KVM_GET_CPUID2, KVM_GET_EMULATED_CPUID. */
#include "tests/abi/machine.h"

static int new_vcpu(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
}

static void cpuid_get(void)
{
	struct cpuid_table *table = check_pages(sizeof(*table)), *got = check_pages(sizeof(*got));
	int vcpu = new_vcpu();

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_CPUID2, got), 0);
	CHECK_EQUAL(got->head.nent, 0);
	machine_guest_cpuid(table);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), 0);
	got->head.nent = table->head.nent - 1;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_CPUID2, got), -E2BIG);
	got->head.nent = ~0u;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_CPUID2, got), 0);
	if (!target_is_kvm0 && got->head.nent == ~0u) /* Linux 6.1 says so only after -E2BIG */
		got->head.nent = table->head.nent;
	CHECK_EQUAL(got->head.nent, table->head.nent);
	for (u32 i = 0; i < got->head.nent; i++) {
		CHECK_EQUAL(got->entries[i].function, table->entries[i].function);
		CHECK_EQUAL(got->entries[i].index, table->entries[i].index);
	}
	/* What was got can be set, and is got again. */
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, got), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_CPUID2, table), 0);
	CHECK(memcmp(got, table, sizeof(*got)) == 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_CPUID2, T_BAD_ADDRESS), -EFAULT);
}

static void cpuid_refused(void)
{
	static const struct {
		u32 function, eax;
		long result;
	} cases[] = {
		{0x80000008, 0x2024, -EINVAL},
		{0x80000008, 0x24, 0},
		{0x80000008, 0x3924, 0},
		{0x80000008, 0x30ff, 0},
		{0x80000008, 0, 0},
		{0xd, 1u << 18, -EPERM},
		{0xd, ~0u, -EPERM},
		{0xd, 0, 0},
		{0xffffffff, ~0u, 0},
	};
	struct cpuid_table *table = check_pages(sizeof(*table));
	int vcpu = new_vcpu();

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		table->head.nent = 1;
		table->entries[0].function = cases[i].function;
		table->entries[0].eax = cases[i].eax;
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), cases[i].result);
	}
}

static void cpuid_old(void)
{
	struct {
		struct kvm_cpuid head;
		struct kvm_cpuid_entry entries[2];
	} old = {.head.nent = 2,
		 .entries = {{.function = 0, .eax = 5, .padding = 7}, {.function = 5, .ebx = 9}}};
	struct cpuid_table *got = check_pages(sizeof(*got));
	int vcpu = new_vcpu();

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID, &old), 0);
	old.head.nent = 257;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID, &old), -E2BIG);
	old.head.nent = ~0u;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID, &old), -E2BIG);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_CPUID, T_BAD_ADDRESS), -EFAULT);
	got->head.nent = MACHINE_MAX_CPUID;
	memset(got->entries, 0xee, sizeof(got->entries));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_CPUID2, got), 0);
	if (target_is_kvm0) /* a KVM that is itself a guest may add leaves */
		CHECK_EQUAL(got->head.nent, 2);
	CHECK_EQUAL(got->entries[0].eax, 5);
	CHECK_EQUAL(got->entries[0].index, 0);
	CHECK_EQUAL(got->entries[0].flags, 0);
	CHECK_EQUAL(got->entries[0].padding[0], 0);
}

static void cpuid_emulated(void)
{
	struct cpuid_table *table = check_pages(sizeof(*table));

	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_EMULATED_CPUID, table), -E2BIG);
	table->head.nent = 2;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_EMULATED_CPUID, table), -E2BIG);
	CHECK_EQUAL(table->head.nent, 2);
	table->head.nent = MACHINE_MAX_CPUID;
	table->entries[9].padding[2] = 1;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_EMULATED_CPUID, table), -EINVAL);
	table->entries[9].padding[2] = 0;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_EMULATED_CPUID, table), 0);
	CHECK_EQUAL(table->head.nent, 3);
	CHECK_EQUAL(table->entries[0].eax, 7);
	CHECK_EQUAL(table->entries[1].function, 1);
	CHECK_EQUAL(table->entries[2].function, 7);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_EMULATED_CPUID, T_BAD_ADDRESS), -EFAULT);
}

SUITE(cpuid, TEST(cpuid_get), TEST(cpuid_refused), TEST(cpuid_old), TEST(cpuid_emulated));
