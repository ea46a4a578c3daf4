/* SPDX-License-Identifier: MIT */
/* A vCPU's MSRs and CPUID as the calls set and give them. */
#include "tests/abi/machine.h"

#define MSR_TSC          0x10u
#define MSR_SYSENTER_CS  0x174u
#define MSR_SYSENTER_ESP 0x175u
#define MSR_PAT          0x277u
#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_GS_SWAP      0xc0000102u
#define MSR_NONE         0x12345678u

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[300];
};

static int new_vcpu(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
}

static void set_entry(struct msrs *msrs, u32 at, u32 index, u64 data)
{
	msrs->entries[at] = (struct kvm_msr_entry){.index = index, .data = data};
}

static void vcpu_msrs(void)
{
	static const u32 which[] = {MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_STAR,
				    MSR_LSTAR,       MSR_GS_SWAP,      MSR_PAT};
	static const u64 values[] = {0x10,           0x1234567890,       0x0023001000000000,
				     0x7fff12345000, 0xffff888012345000, 0x0007040600070406};
	struct msrs *msrs = check_pages(sizeof(*msrs));
	int vcpu = new_vcpu();

	msrs->head.nmsrs = ARRAY_SIZE(which);
	for (u32 i = 0; i < ARRAY_SIZE(which); i++)
		set_entry(msrs, i, which[i], values[i]);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), ARRAY_SIZE(which));
	for (u32 i = 0; i < ARRAY_SIZE(which); i++)
		set_entry(msrs, i, which[i], 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), ARRAY_SIZE(which));
	for (u32 i = 0; i < ARRAY_SIZE(which); i++)
		CHECK_EQUAL(msrs->entries[i].data, values[i]);
}

/* Both calls stop at the first MSR that they cannot do, and say how many they did. */
static void vcpu_msrs_stop(void)
{
	struct msrs *msrs = check_pages(sizeof(*msrs));
	int vcpu = new_vcpu();

	msrs->head.nmsrs = 3;
	set_entry(msrs, 0, MSR_SYSENTER_CS, 0x20);
	set_entry(msrs, 1, MSR_NONE, 1);
	set_entry(msrs, 2, MSR_SYSENTER_ESP, 0x5555);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), 1);
	set_entry(msrs, 0, MSR_SYSENTER_CS, 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 1);
	CHECK_EQUAL(msrs->entries[0].data, 0x20);
	CHECK_EQUAL(msrs->entries[2].data, 0x5555);
	msrs->head.nmsrs = 1;
	set_entry(msrs, 0, MSR_SYSENTER_ESP, 1);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 1);
	CHECK_EQUAL(msrs->entries[0].data, 0);
	set_entry(msrs, 0, MSR_NONE, 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), 0);
	/* A value that the MSR does not take: a base that is not canonical. */
	set_entry(msrs, 0, MSR_LSTAR, 0x8000000000000000);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), 0);
}

static void vcpu_msrs_counts(void)
{
	struct msrs *msrs = check_pages(sizeof(*msrs));
	int vcpu = new_vcpu();

	for (u32 i = 0; i < ARRAY_SIZE(msrs->entries); i++)
		set_entry(msrs, i, MSR_TSC, 0);
	msrs->head.nmsrs = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), 0);
	msrs->head.nmsrs = 255;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 255);
	msrs->head.nmsrs = 256;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), -E2BIG);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), -E2BIG);
	msrs->head.nmsrs = ~0u;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), -E2BIG);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_MSRS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_MSRS, T_BAD_ADDRESS), -EFAULT);
}

/* Every MSR of KVM_GET_MSR_INDEX_LIST can be read, and written with what was read. */
static void vcpu_msrs_of_list(void)
{
	struct {
		struct kvm_msr_list head;
		u32 indices[1024];
	} *list = check_pages(sizeof(*list));
	struct msrs *one = check_pages(sizeof(*one));
	struct cpuid_table *cpuid = check_pages(sizeof(*cpuid));
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu;

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	machine_supported_cpuid(cpuid);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, cpuid), 0);
	list->head.nmsrs = ARRAY_SIZE(list->indices);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_MSR_INDEX_LIST, list), 0);
	one->head.nmsrs = 1;
	for (u32 i = 0; i < list->head.nmsrs; i++) {
		set_entry(one, 0, list->indices[i], 0);
		if (t_ioctl_ptr(vcpu, KVM_GET_MSRS, one) != 1)
			check_fail(__FILE__, __LINE__, "MSR 0x%x is in the list, cannot be read",
				   list->indices[i]);
		if (t_ioctl_ptr(vcpu, KVM_SET_MSRS, one) != 1)
			check_fail(__FILE__, __LINE__, "MSR 0x%x does not take its value 0x%llx",
				   list->indices[i], (u64)one->entries[0].data);
	}
}

static void vcpu_msr_tsc(void)
{
	struct msrs *msrs = check_pages(sizeof(*msrs));
	int vcpu;
	u64 first;

	machine_need_vmx("the offset of a guest's TSC");
	vcpu = new_vcpu();

	msrs->head.nmsrs = 1;
	set_entry(msrs, 0, MSR_TSC, 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 1);
	first = msrs->entries[0].data;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 1);
	CHECK(msrs->entries[0].data > first);
	/* Set far ahead it goes on from there. */
	first = 1ull << 50;
	set_entry(msrs, 0, MSR_TSC, first);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MSRS, msrs), 1);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MSRS, msrs), 1);
	CHECK(msrs->entries[0].data >= first && msrs->entries[0].data < first + (1ull << 40));
}

static void vcpu_cpuid_counts(void)
{
	struct cpuid_table *table = check_pages(sizeof(*table) + PAGE_SIZE);
	int vcpu = new_vcpu();

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), 0);
	table->head.nent = 257;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), -E2BIG);
	table->head.nent = ~0u;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), -E2BIG);
	machine_supported_cpuid(table);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_CPUID2, T_BAD_ADDRESS), -EFAULT);
}

/* Once a vCPU has run its CPUID is fixed: the same again is accepted, another refused. */
static void vcpu_cpuid_after_run(void)
{
	struct machine m;
	struct cpuid_table *table;
	struct kvm_cpuid_entry2 *leaf;

	machine_need_vmx("a second KVM_SET_CPUID2");
	machine_open(&m, MODE_REAL, 0);
	table = check_pages(sizeof(*table));
	machine_guest_cpuid(table);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, table), 0);
	machine_do(&m, real_done);
	leaf = machine_cpuid(table, 0, 0);
	CHECK(leaf);
	leaf->ebx ^= 0x20202020;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, table), -EINVAL);
	leaf->ebx ^= 0x20202020;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, table), 0);
	table->head.nent--;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, table), -EINVAL);
}

static u32 mp_state(int vcpu)
{
	struct kvm_mp_state s;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MP_STATE, &s), 0);
	return s.mp_state;
}

static void set_mp_state(int vcpu, u32 state)
{
	struct kvm_mp_state s = {.mp_state = state};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MP_STATE, &s), 0);
}

/* A vCPU that waits to be started blocks, and says -EAGAIN when INIT has come. */
static void vcpu_start(void)
{
	struct kvm_vcpu_events init = {.flags = KVM_VCPUEVENT_VALID_SMM, .smi.latched_init = 1};
	struct {
		u32 len, set[2];
	} mask = {.len = 8, .set = {~(u32)T_SIGNAL_BIT(T_SIGNAL_A), ~0u}};
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0)), vcpu;
	struct kvm_run *run;

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));
	run = machine_map_run(vcpu);
	CHECK(run);
	CHECK_EQUAL(mp_state(vcpu), KVM_MP_STATE_UNINITIALIZED);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), 0);
	t_signal(vcpu, T_SIGNAL_A, 20);
	CHECK_RESULT(t_run(vcpu), -EINTR);
	CHECK_EQUAL(t_take_signals(vcpu, T_SIGNAL_BIT(T_SIGNAL_A)), T_SIGNAL_BIT(T_SIGNAL_A));
	CHECK_EQUAL(run->exit_reason, KVM_EXIT_INTR);
	run->immediate_exit = 1;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_VCPU_EVENTS, &init), 0);
	CHECK_RESULT(t_run(vcpu), -EINTR);
	run->immediate_exit = 0;
	run->exit_reason = 77;
	CHECK_RESULT(t_run(vcpu), -EAGAIN);
	CHECK_EQUAL(run->exit_reason, 77);
	CHECK_EQUAL(mp_state(vcpu), KVM_MP_STATE_INIT_RECEIVED);
	/* Once that has been seen, it waits for the SIPI in the usual way. */
	t_signal(vcpu, T_SIGNAL_A, 20);
	CHECK_RESULT(t_run(vcpu), -EINTR);
	CHECK_EQUAL(t_take_signals(vcpu, T_SIGNAL_BIT(T_SIGNAL_A)), T_SIGNAL_BIT(T_SIGNAL_A));
	CHECK_EQUAL(mp_state(vcpu), KVM_MP_STATE_INIT_RECEIVED);
	/* INIT that KVM_GET_MP_STATE takes up is over before the run. */
	set_mp_state(vcpu, KVM_MP_STATE_UNINITIALIZED);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_VCPU_EVENTS, &init), 0);
	CHECK_EQUAL(mp_state(vcpu), KVM_MP_STATE_INIT_RECEIVED);
	t_signal(vcpu, T_SIGNAL_A, 20);
	CHECK_RESULT(t_run(vcpu), -EINTR);
	CHECK_EQUAL(t_take_signals(vcpu, T_SIGNAL_BIT(T_SIGNAL_A)), T_SIGNAL_BIT(T_SIGNAL_A));
}

/* INIT clears what waits to happen. */
static void vcpu_init_clears(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_EXCEPTION_PAYLOAD, .args = {1}};
	struct kvm_vcpu_events e = {.flags = KVM_VCPUEVENT_VALID_SMM | KVM_VCPUEVENT_VALID_PAYLOAD |
					     KVM_VCPUEVENT_VALID_NMI_PENDING,
				    .exception = {.pending = 1, .nr = 13},
				    .nmi.pending = 1,
				    .smi.latched_init = 1};
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0)), vcpu;

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap), 0);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_VCPU_EVENTS, &e), 0);
	CHECK_EQUAL(mp_state(vcpu), KVM_MP_STATE_INIT_RECEIVED);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_VCPU_EVENTS, &e), 0);
	CHECK_EQUAL(e.exception.pending | e.exception.injected, 0);
	CHECK_EQUAL(e.nmi.pending | e.nmi.injected, 0);
}

SUITE(vcpu, TEST(vcpu_start), TEST(vcpu_init_clears), TEST(vcpu_msrs), TEST(vcpu_msrs_stop),
      TEST(vcpu_msrs_counts), TEST(vcpu_msrs_of_list), TEST(vcpu_msr_tsc), TEST(vcpu_cpuid_counts),
      TEST(vcpu_cpuid_after_run));
