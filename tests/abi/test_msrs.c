/* SPDX-License-Identifier: MIT */
/* The lists of MSRs, feature MSRs, and what KVM_SET_MSRS takes; see also test_vcpu.c. */
#include "tests/abi/machine.h"

#define MAX_LIST 512u
#define MSR_EFER 0xc0000080u

struct msr_list {
	struct kvm_msr_list head;
	u32 indices[MAX_LIST];
};

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

static struct msr_list *get_list(u64 request)
{
	struct msr_list *list = check_pages(sizeof(*list));

	list->head.nmsrs = MAX_LIST;
	CHECK_RESULT(t_ioctl_ptr(t_system(), request, list), 0);
	CHECK(list->head.nmsrs > 0 && list->head.nmsrs < MAX_LIST);
	return list;
}

static bool is_in(const struct msr_list *list, u32 index)
{
	for (u32 i = 0; i < list->head.nmsrs; i++)
		if (list->indices[i] == index)
			return true;
	return false;
}

static long get(int handle, u32 index, u64 *value)
{
	struct one_msr msr = {.head.nmsrs = 1, .entry = {.index = index, .data = 0x55}};
	long r = t_ioctl_ptr(handle, KVM_GET_MSRS, &msr);

	*value = msr.entry.data;
	return r;
}

static long set(int vcpu, u32 index, u64 value)
{
	struct one_msr msr = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	return t_ioctl_ptr(vcpu, KVM_SET_MSRS, &msr);
}

static int new_vcpu(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
}

static void msrs_list_contents(void)
{
	static const u32 wanted[] = {0x10,       0x3b,      0x8b,       0x10a,      0x174,
				     0x175,      0x176,     0x17a,      0x17b,      0x1a0,
				     0x277,      0x6e0,     0xc0000081, 0xc0000082, 0xc0000083,
				     0xc0000084, 0xc0000102};
	const struct msr_list *list = get_list(KVM_GET_MSR_INDEX_LIST);

	for (u32 i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!is_in(list, wanted[i]))
			check_fail(__FILE__, __LINE__, "MSR 0x%x is not listed", wanted[i]);
	for (u32 i = 0; i < list->head.nmsrs; i++)
		for (u32 j = 0; j < i; j++)
			CHECK(list->indices[i] != list->indices[j]);
}

/* Hyper-V's reference counter, which goes on; kvm0 has none. */
#define HYPERV_TIME 0x40000020u

/* Whatever is listed can be saved and restored. */
static void msrs_save_and_restore(void)
{
	const struct msr_list *list = get_list(KVM_GET_MSR_INDEX_LIST);
	int vcpu = new_vcpu();

	for (u32 i = 0; i < list->head.nmsrs; i++) {
		u32 index = list->indices[i];
		u64 value, again;

		/* VMX's own, which Linux lists where it nests: only with VMX in CPUID. */
		if (index >= 0x480 && index <= 0x493)
			continue;
		if (get(vcpu, index, &value) != 1)
			check_fail(__FILE__, __LINE__, "MSR 0x%x cannot be read", index);
		if (set(vcpu, index, value) != 1)
			check_fail(__FILE__, __LINE__, "MSR 0x%x cannot be set to %llx", index,
				   value);
		CHECK_RESULT(get(vcpu, index, &again), 1);
		if (index != 0x10 && index != HYPERV_TIME && again != value)
			check_fail(__FILE__, __LINE__, "MSR 0x%x: %llx, not %llx", index, again,
				   value);
	}
}

static void msrs_feature_list(void)
{
	struct msr_list *list = get_list(KVM_GET_MSR_FEATURE_INDEX_LIST);
	u32 count = list->head.nmsrs;
	u64 value;

	CHECK(is_in(list, 0x8b) && is_in(list, 0x10a) && is_in(list, 0x345));
	for (u32 i = 0; i < count; i++)
		CHECK_RESULT(get(t_system(), list->indices[i], &value), 1);
	list->head.nmsrs = count - 1;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_FEATURE_INDEX_LIST, list), -E2BIG);
	CHECK_EQUAL(list->head.nmsrs, count);
	list->head.nmsrs = 0;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_FEATURE_INDEX_LIST, list), -E2BIG);
	CHECK_EQUAL(list->head.nmsrs, count);
	list->head.nmsrs = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_FEATURE_INDEX_LIST, list), 0);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_MSR_FEATURE_INDEX_LIST, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_GET_MSR_FEATURES), 1);
}

/* KVM_GET_MSRS on the system: feature MSRs only, up to the first that is none. */
static void msrs_of_system(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[256];
	} *m = check_pages(sizeof(*m));
	u64 value;

	CHECK_RESULT(get(t_system(), 0x250, &value), 0);
	CHECK_RESULT(get(t_system(), 0x0badbad0, &value), 0);
	m->head.nmsrs = 4;
	m->entries[0].index = m->entries[1].index = 0x10a;
	m->entries[2].index = 0x250;
	m->entries[3].index = 0x10a;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSRS, m), 2);
	CHECK_EQUAL(m->entries[0].data, m->entries[1].data);
	m->head.nmsrs = 0;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSRS, m), 0);
	m->head.nmsrs = 256;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSRS, m), -E2BIG);
	m->head.nmsrs = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSRS, m), -E2BIG);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_MSRS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_SET_MSRS, m), -EINVAL);
}

/* A list that is not all there fails as a whole. */
static void msrs_whole_list(void)
{
	int vcpu = new_vcpu();
	struct one_msr m = {.head.nmsrs = 1};

	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_MSRS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_MSRS, T_BAD_ADDRESS), -EFAULT);
	m.head.nmsrs = 256;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, &m), -E2BIG);
	m.head.nmsrs = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, &m), -E2BIG);
	m.head.nmsrs = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, &m), 0);
}

/* What QEMU writes at reset, whether the guest's CPUID offers it or not. */
static void msrs_set_at_reset(void)
{
	static const struct kvm_msr_entry entries[] = {
		{.index = 0x174},
		{.index = 0x175},
		{.index = 0x176},
		{.index = 0x277, .data = 0x0007040600070406},
		{.index = 0xc0000081},
		{.index = 0xc0000083},
		{.index = 0xc0000102},
		{.index = 0xc0000084},
		{.index = 0xc0000082},
		{.index = 0x10},
		{.index = 0x3b},
		{.index = 0x6e0},
		{.index = 0x1a0, .data = 1},
		{.index = 0x8b, .data = 1ull << 32},
		{.index = 0x12}, /* KVM's clock, without kvmclock in CPUID */
		{.index = 0x11},
		{.index = 0x4b564d00},
		{.index = 0x4b564d01},
		{.index = 0x4b564d02},
		{.index = 0x4b564d03},
		{.index = 0x4b564d04},
		{.index = 0x2ff, .data = 0xc06},
		{.index = 0x250, .data = 0x0606060606060606},
		{.index = 0x258},
		{.index = 0x259},
		{.index = 0x268},
		{.index = 0x26f},
		{.index = 0x200, .data = 0xc0000000},
		{.index = 0x201, .data = 0xfc0000800},
		{.index = 0x20e},
		{.index = 0x20f},
		{.index = 0x17a},
		{.index = 0x17b},
		{.index = 0x400, .data = ~0ull},
		{.index = 0x403},
		{.index = 0x400 + 4 * 9 + 3},
		{.index = 0x3a, .data = 1}, /* VMX's own */
	};
	int vcpu = new_vcpu();

	for (u32 i = 0; i < ARRAY_SIZE(entries) - !t_has_vmx(); i++) {
		u32 index = entries[i].index;
		u64 value;

		if (set(vcpu, index, entries[i].data) != 1)
			check_fail(__FILE__, __LINE__, "MSR 0x%x: %llx is refused", index,
				   (u64)entries[i].data);
		CHECK_RESULT(get(vcpu, index, &value), 1);
		if (index != 0x10 && value != entries[i].data)
			check_fail(__FILE__, __LINE__, "MSR 0x%x: %llx was set to %llx", index,
				   value, (u64)entries[i].data);
	}
}

/* Values with reserved bits, and MSRs that are not there. */
static void msrs_refused(void)
{
	static const struct kvm_msr_entry entries[] = {
		{.index = 0x277, .data = 2}, /* VMX's to check, as the next */
		{.index = 0x140, .data = 2},
		{.index = 0xc0000082, .data = 0x0000800000000000},
		{.index = 0x2ff, .data = 2},
		{.index = 0x2ff, .data = 1ull << 12},
		{.index = 0x250, .data = 2},
		{.index = 0x200, .data = 2},
		{.index = 0x201, .data = 1ull << 10},
		{.index = 0xfe, .data = 0},
		{.index = 0x17b, .data = 1},
		{.index = 0x400, .data = 1},
		{.index = 0x400 + 4 * 32, .data = 0},
		{.index = 0x3a, .data = 1ull << 40},
		{.index = 0x0badbad0, .data = 0},
		{.index = 0xc0001fff, .data = 0},
	};
	int vcpu = new_vcpu();

	for (u32 i = t_has_vmx() ? 0 : 2; i < ARRAY_SIZE(entries); i++) {
		u64 before, after;
		bool there = get(vcpu, entries[i].index, &before) == 1;

		if (set(vcpu, entries[i].index, entries[i].data) != 0)
			check_fail(__FILE__, __LINE__, "MSR 0x%x: %llx is taken", entries[i].index,
				   (u64)entries[i].data);
		if (there) {
			CHECK_RESULT(get(vcpu, entries[i].index, &after), 1);
			CHECK_EQUAL(after, before);
		}
	}
}

/* These two are made canonical, as they need not be on AMD's processors. */
static void msrs_sysenter(void)
{
	int vcpu = new_vcpu();
	u64 value;

	machine_need_vmx("the canonical form of addresses in MSRs");
	for (u32 index = 0x175; index <= 0x176; index++) {
		CHECK_RESULT(set(vcpu, index, 0x8000123456789000), 1);
		CHECK_RESULT(get(vcpu, index, &value), 1);
		CHECK_EQUAL(value, 0x0000123456789000);
		CHECK_RESULT(set(vcpu, index, 0x0000f23456789000), 1);
		CHECK_RESULT(get(vcpu, index, &value), 1);
		CHECK_EQUAL(value, 0xfffff23456789000);
	}
}

/* EFER's LME is the host's to change while paging is on, LMA nobody's. */
static void msrs_efer(void)
{
	int vcpu = new_vcpu();
	struct kvm_sregs s;
	u64 value;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &s), 0);
	s.cr0 = 0x80000011;
	s.cr4 = 0x20;
	s.efer = 0x500;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SREGS, &s), 0);
	CHECK_RESULT(set(vcpu, MSR_EFER, 0), 1);
	CHECK_RESULT(get(vcpu, MSR_EFER, &value), 1);
	CHECK_EQUAL(value, 0x400);
	CHECK_RESULT(set(vcpu, MSR_EFER, 0x101), 1);
	CHECK_RESULT(get(vcpu, MSR_EFER, &value), 1);
	CHECK_EQUAL(value, 0x501);
	CHECK_RESULT(set(vcpu, MSR_EFER, 0x2501), 0);
}

SUITE(msrs, TEST(msrs_list_contents), TEST(msrs_save_and_restore), TEST(msrs_feature_list),
      TEST(msrs_of_system), TEST(msrs_whole_list), TEST(msrs_set_at_reset), TEST(msrs_refused),
      TEST(msrs_sysenter), TEST(msrs_efer));
