/* SPDX-License-Identifier: MIT */
/* Requests to the system handle (/dev/kvm), and handles that are none. */
#include "tests/abi/machine.h"

#define NOT_A_HANDLE 0x10000

/* The requests below exist nowhere. */
#define UNKNOWN_REQUEST      _IO(KVMIO, 0xff)
#define UNKNOWN_REQUEST_TYPE _IO(0x55, 0x00)

static void system_api_version(void)
{
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_API_VERSION, 0), 12);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_API_VERSION, 1), -EINVAL);
}

static void system_check_extension(void)
{
	static const int wanted[] = {KVM_CAP_IRQCHIP,        KVM_CAP_HLT,
				     KVM_CAP_USER_MEMORY,    KVM_CAP_SET_TSS_ADDR,
				     KVM_CAP_EXT_CPUID,      KVM_CAP_PIT2,
				     KVM_CAP_MP_STATE,       KVM_CAP_SET_IDENTITY_MAP_ADDR,
				     KVM_CAP_NR_VCPUS,       KVM_CAP_NR_MEMSLOTS,
				     KVM_CAP_MAX_VCPUS,      KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
				     KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_CHECK_EXTENSION_VM};
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	for (u32 i = 0; i < ARRAY_SIZE(wanted); i++) {
		long on_system = t_ioctl(t_system(), KVM_CHECK_EXTENSION, (u64)wanted[i]);
		long on_vm = t_ioctl(vm, KVM_CHECK_EXTENSION, (u64)wanted[i]);
		if (on_system <= 0 || on_vm <= 0)
			check_fail(__FILE__, __LINE__, "extension %d: %ld, on the VM %ld",
				   wanted[i], on_system, on_vm);
	}
	CHECK(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS) >=
	      t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS));
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, 0x7fffffff), 0);
	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, 0x7fffffff), 0);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, ~0ull), 0);
	/* Extensions of other machines. */
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_PPC_PAIRED_SINGLES), 0);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_S390_PSW), 0);
}

static void system_vcpu_mmap_size(void)
{
	long size = t_ioctl(t_system(), KVM_GET_VCPU_MMAP_SIZE, 0);

	CHECK(size >= (long)sizeof(struct kvm_run));
	CHECK_EQUAL(size % (long)PAGE_SIZE, 0);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_VCPU_MMAP_SIZE, 1), -EINVAL);
}

static void system_create_vm(void)
{
	int a = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int b = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK(a > 0 && b > 0 && a != b);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CREATE_VM, 0x1000), -EINVAL);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CREATE_VM, ~0ull), -EINVAL);
}

static void system_create_vm_often(void)
{
	for (u32 i = 0; i < 200; i++)
		check_close(CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0)));
}

static long get_cpuid(struct cpuid_table *table, u32 nent)
{
	memset(table, 0, sizeof(*table));
	table->head.nent = nent;
	return t_ioctl_ptr(t_system(), KVM_GET_SUPPORTED_CPUID, table);
}

static void system_supported_cpuid_counts(void)
{
	struct cpuid_table *table = check_pages(sizeof(*table));
	u32 count;

	CHECK_RESULT(get_cpuid(table, 0), -E2BIG);
	CHECK_RESULT(get_cpuid(table, 1), -E2BIG);
	CHECK_RESULT(get_cpuid(table, MACHINE_MAX_CPUID), 0);
	count = table->head.nent;
	CHECK(count > 10 && count < MACHINE_MAX_CPUID);
	CHECK_RESULT(get_cpuid(table, count - 1), -E2BIG);
	CHECK_RESULT(get_cpuid(table, count), 0);
	CHECK_EQUAL(table->head.nent, count);
	/* More room than there can be entries is no mistake. */
	CHECK_RESULT(get_cpuid(table, 100000), 0);
	CHECK_EQUAL(table->head.nent, count);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_SUPPORTED_CPUID, T_BAD_ADDRESS), -EFAULT);
}

static void system_supported_cpuid_contents(void)
{
	struct cpuid_table *t = check_pages(sizeof(*t));
	struct kvm_cpuid_entry2 *e;

	machine_supported_cpuid(t);
	for (u32 i = 0; i < t->head.nent; i++)
		for (u32 j = 0; j < i; j++)
			CHECK(t->entries[i].function != t->entries[j].function ||
			      t->entries[i].index != t->entries[j].index);
	e = machine_cpuid(t, 0, 0);
	CHECK(e && e->eax >= 1 && e->ebx);
	e = machine_cpuid(t, 1, 0);
	CHECK(e);
	/* FPU, TSC, MSR, PAE, CX8, APIC, SEP, PGE, CMOV, PAT, FXSR, SSE, SSE2. */
	CHECK_EQUAL(e->edx & 0x0701ab71, 0x0701ab71);
	/* kvm0 has no nesting; Linux has it as a parameter of its module. */
	if (target_is_kvm0)
		CHECK_EQUAL(e->ecx >> 5 & 1, 0);
	CHECK_EQUAL(e->ecx >> 13 & 1, 1); /* CX16 */
	/* The hypervisor bit; Linux 6.1 leaves it to the VMM. */
	if (target_is_kvm0)
		CHECK_EQUAL(e->ecx >> 31 & 1, 1);
	e = machine_cpuid(t, 0x80000001, 0);
	CHECK(e);
	CHECK_EQUAL(e->edx & (1u << 29 | 1u << 20 | 1u << 11), 1u << 29 | 1u << 20 | 1u << 11);
	CHECK_EQUAL(e->ecx & 4, 0); /* no SVM */
	e = machine_cpuid(t, 0x40000000, 0);
	CHECK(e && e->eax >= 0x40000001);
	/* "KVMKVMKVM": what guests look for. */
	CHECK_EQUAL(e->ebx, 0x4b4d564b);
	CHECK_EQUAL(e->ecx, 0x564b4d56);
	CHECK_EQUAL(e->edx, 0x4d);
	CHECK(machine_cpuid(t, 0x40000001, 0));
}

struct msr_list {
	struct kvm_msr_list head;
	u32 indices[1024];
};

static void system_msr_index_list(void)
{
	static const u32 wanted[] = {0x10, 0x174, 0x175, 0x176, 0xc0000081};
	struct msr_list *list = check_pages(sizeof(*list));
	u32 count, found = 0;

	list->head.nmsrs = 0;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_INDEX_LIST, list), -E2BIG);
	count = list->head.nmsrs;
	CHECK(count > 5 && count < ARRAY_SIZE(list->indices));
	list->head.nmsrs = count - 1;
	list->indices[0] = 0x12345678;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_INDEX_LIST, list), -E2BIG);
	CHECK_EQUAL(list->head.nmsrs, count);
	CHECK_EQUAL(list->indices[0], 0x12345678);
	list->indices[count] = 0x12345678;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_INDEX_LIST, list), 0);
	CHECK_EQUAL(list->head.nmsrs, count);
	CHECK_EQUAL(list->indices[count], 0x12345678);
	for (u32 i = 0; i < count; i++)
		for (u32 j = 0; j < ARRAY_SIZE(wanted); j++)
			found += list->indices[i] == wanted[j];
	CHECK_EQUAL(found, ARRAY_SIZE(wanted));
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_MSR_INDEX_LIST, T_BAD_ADDRESS), -EFAULT);
}

/* A request that a kind of handle does not have. */
static void system_unknown_requests(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(t_ioctl(t_system(), UNKNOWN_REQUEST, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, UNKNOWN_REQUEST, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(vcpu, UNKNOWN_REQUEST, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(t_system(), UNKNOWN_REQUEST_TYPE, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, UNKNOWN_REQUEST_TYPE, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(vcpu, UNKNOWN_REQUEST_TYPE, 0), -EINVAL);
	/* The right number with another size is another request. */
	CHECK_RESULT(t_ioctl(vcpu, _IOR(KVMIO, 0x81, u64), 0), -EINVAL);
	/* Requests of one kind of handle on another. */
	CHECK_RESULT(t_ioctl(t_system(), KVM_RUN, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CREATE_VCPU, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_RUN, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VM, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(vm, KVM_GET_API_VERSION, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(vcpu, KVM_CREATE_VCPU, 1), -EINVAL);
	CHECK_RESULT(t_ioctl(vcpu, KVM_CREATE_IRQCHIP, 0), -EINVAL);
}

static void system_bad_handles(void)
{
	struct kvm_regs regs;
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl(NOT_A_HANDLE, KVM_GET_API_VERSION, 0), -EBADF);
	CHECK_RESULT(t_ioctl(-1, KVM_GET_API_VERSION, 0), -EBADF);
	CHECK_RESULT(t_ioctl(0x7fffffff, KVM_RUN, 0), -EBADF);
	CHECK_RESULT(t_ioctl_ptr(NOT_A_HANDLE, KVM_GET_REGS, &regs), -EBADF);
	CHECK_RESULT(t_close(NOT_A_HANDLE), -EBADF);
	CHECK_RESULT(t_close(-1), -EBADF);
	check_close(vm);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, 0), -EBADF);
	CHECK_RESULT(t_close(vm), -EBADF);
}

SUITE(system, TEST(system_api_version), TEST(system_check_extension), TEST(system_vcpu_mmap_size),
      TEST(system_create_vm), TEST(system_create_vm_often), TEST(system_supported_cpuid_counts),
      TEST(system_supported_cpuid_contents), TEST(system_msr_index_list),
      TEST(system_unknown_requests), TEST(system_bad_handles));
