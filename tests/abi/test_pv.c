/* SPDX-License-Identifier: MIT */
/* KVM's paravirtual features: what is offered, what CPUID keeps from a guest, and the MSRs of
 * those that are no more than an MSR. */
#include <linux/kvm_para.h>
#include "tests/abi/pv.h"

#define GP 13u

/* Whatever the machine is; test_kvmclock.c and test_pv_steal.c have the others. */
static const u32 offered[] = {
	KVM_FEATURE_NOP_IO_DELAY, KVM_FEATURE_PV_UNHALT,      KVM_FEATURE_PV_SEND_IPI,
	KVM_FEATURE_POLL_CONTROL, KVM_FEATURE_PV_SCHED_YIELD, KVM_FEATURE_PV_EOI,
	KVM_FEATURE_ASYNC_PF,     KVM_FEATURE_ASYNC_PF_INT,   KVM_FEATURE_ASYNC_PF_VMEXIT};

/* Entries of a table that has nothing but KVM's two, at @base; signature of another kind first
 * if that is not where they are as a rule. */
void pv_set_features(int vcpu, u32 base, u32 features)
{
	struct cpuid_table *t = check_pages(sizeof(*t));
	u32 n = 0;

	if (base != KVM_CPUID_SIGNATURE)
		t->entries[n++] = (struct kvm_cpuid_entry2){.function = KVM_CPUID_SIGNATURE,
							    .eax = KVM_CPUID_FEATURES,
							    .ebx = 0x74736574,
							    .ecx = 0x74736574,
							    .edx = 0x74736574};
	t->entries[n] = (struct kvm_cpuid_entry2){.function = base, .eax = base + 1};
	memcpy(&t->entries[n].ebx, KVM_SIGNATURE, 4);
	memcpy(&t->entries[n].ecx, KVM_SIGNATURE + 4, 4);
	memcpy(&t->entries[n++].edx, KVM_SIGNATURE + 8, 4);
	t->entries[n++] = (struct kvm_cpuid_entry2){.function = base + 1, .eax = features};
	t->head.nent = n;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, t), 0);
}

void pv_enforce(int vcpu, bool on)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {on}};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_ENABLE_CAP, &cap), 0);
}

static void pv_offered(void)
{
	struct cpuid_table *t = check_pages(sizeof(*t));
	const struct kvm_cpuid_entry2 *e;

	machine_supported_cpuid(t);
	e = machine_cpuid(t, KVM_CPUID_SIGNATURE, 0);
	CHECK(e && e->eax == KVM_CPUID_FEATURES);
	CHECK(!memcmp(&e->ebx, KVM_SIGNATURE, 12));
	e = machine_cpuid(t, KVM_CPUID_FEATURES, 0);
	CHECK(e);
	for (u32 i = 0; i < ARRAY_SIZE(offered); i++)
		CHECK(e->eax & 1u << offered[i]);
	/* A VMM's to offer, and hints: KVM has no part in them. */
	CHECK(!(e->eax & (1u << KVM_FEATURE_MSI_EXT_DEST_ID | 1u << KVM_FEATURE_HC_MAP_GPA_RANGE |
			  1u << KVM_FEATURE_MIGRATION_CONTROL)));
	CHECK_EQUAL(e->ebx | e->ecx | e->edx, 0);
}

static int new_vcpu(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
}

/* How many of the one MSR were read or written. */
long pv_get_msr(int vcpu, u32 index, u64 *value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {.head.nmsrs = 1, .entry = {.index = index}};
	long n = t_ioctl_ptr(vcpu, KVM_GET_MSRS, &msrs);

	*value = msrs.entry.data;
	return n;
}

long pv_set_msr(int vcpu, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	return t_ioctl_ptr(vcpu, KVM_SET_MSRS, &msrs);
}

static void expect_poll_control(int vcpu, u64 want)
{
	u64 value;

	CHECK_RESULT(pv_get_msr(vcpu, MSR_KVM_POLL_CONTROL, &value), 1);
	CHECK_EQUAL(value, want);
}

/* The feature is kept from the vCPU.  Linux 6.18 lets the host read and write the 0 that an MSR has
 * where it is not. */
static void expect_no_poll_control(int vcpu)
{
	u64 value;
	long n = pv_get_msr(vcpu, MSR_KVM_POLL_CONTROL, &value);

	CHECK(n == 0 || (n == 1 && value == 0 && !target_is_kvm0));
	CHECK_RESULT(pv_set_msr(vcpu, MSR_KVM_POLL_CONTROL, 1), 0);
}

/* One bit, set at first; there before CPUID is. */
static void pv_poll_control(void)
{
	int vcpu = new_vcpu();

	expect_poll_control(vcpu, 1);
	CHECK_RESULT(pv_set_msr(vcpu, MSR_KVM_POLL_CONTROL, 0), 1);
	expect_poll_control(vcpu, 0);
	CHECK_RESULT(pv_set_msr(vcpu, MSR_KVM_POLL_CONTROL, 2), 0);
	CHECK_RESULT(pv_set_msr(vcpu, MSR_KVM_POLL_CONTROL, 1ull << 63), 0);
	expect_poll_control(vcpu, 0);
	CHECK_RESULT(pv_set_msr(vcpu, MSR_KVM_POLL_CONTROL, 1), 1);
	expect_poll_control(vcpu, 1);
}

static void pv_poll_control_by_guest(void)
{
	struct machine m;

	machine_need_vmx("RDMSR and WRMSR");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rcx = MSR_KVM_POLL_CONTROL;
	machine_do(&m, fault_rdmsr);
	CHECK_EQUAL(machine_regs(&m).rax, 1);
	m.regs.rax = 0;
	machine_do(&m, fault_wrmsr);
	expect_poll_control(m.vcpu, 0);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 0);
	m.regs.rax = 3;
	machine_do(&m, fault_wrmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), GP);
	expect_poll_control(m.vcpu, 0);
}

/* Enforced before CPUID is set, and after; wherever KVM's leaves are. */
static void pv_enforced(void)
{
	static const u32 bases[] = {0x40000000, 0x40000100, 0x4000ff00};
	const u32 bit = 1u << KVM_FEATURE_POLL_CONTROL;

	for (u32 i = 0; i < ARRAY_SIZE(bases); i++) {
		int vcpu = new_vcpu();

		pv_set_features(vcpu, bases[i], ~bit);
		expect_poll_control(vcpu, 1); /* not enforced */
		pv_enforce(vcpu, true);
		expect_no_poll_control(vcpu);
		pv_set_features(vcpu, bases[i], bit);
		expect_poll_control(vcpu, 1);
		CHECK_RESULT(pv_set_msr(vcpu, MSR_KVM_POLL_CONTROL, 0), 1);
		pv_set_features(vcpu, bases[i], 0);
		expect_no_poll_control(vcpu);
		pv_enforce(vcpu, false);
		expect_poll_control(vcpu, 0);
	}
}

/* Without KVM's signature where it is looked for, there are no features. */
static void pv_enforced_without(void)
{
	static const u32 bases[] = {0x40000080, 0x40010000};

	for (u32 i = 0; i < ARRAY_SIZE(bases); i++) {
		int vcpu = new_vcpu();

		pv_enforce(vcpu, true);
		expect_no_poll_control(vcpu);
		pv_set_features(vcpu, bases[i], ~0u);
		expect_no_poll_control(vcpu);
	}
}

/* A kick cannot end a HLT that does not exit: the feature is taken out of CPUID. */
static void pv_no_unhalt(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_DISABLE_EXITS,
				     .args = {KVM_X86_DISABLE_EXITS_HLT}};
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0)), vcpu;
	struct cpuid_table *t = check_pages(sizeof(*t));

	if (!(t_ioctl(vm, KVM_CHECK_EXTENSION, cap.cap) & KVM_X86_DISABLE_EXITS_HLT))
		check_skip("HLT exits in any case");
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap), 0);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	/* Linux 6.1 knows from the first call where the leaf is in the second. */
	pv_set_features(vcpu, KVM_CPUID_SIGNATURE, ~0u);
	pv_set_features(vcpu, KVM_CPUID_SIGNATURE, ~0u);
	t->head.nent = MACHINE_MAX_CPUID;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_CPUID2, t), 0);
	CHECK_EQUAL(machine_cpuid(t, KVM_CPUID_FEATURES, 0)->eax, ~(1u << KVM_FEATURE_PV_UNHALT));
}

/* What MSR_KVM_MIGRATION_CONTROL says is user space's, which gets it as an MSR that KVM does not
 * know. */
static void pv_migration_control(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
				     .args = {KVM_MSR_EXIT_REASON_UNKNOWN}};
	struct machine m;
	u64 value;

	machine_need_vmx("RDMSR and WRMSR");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(pv_get_msr(m.vcpu, MSR_KVM_MIGRATION_CONTROL, &value), 0);
	CHECK_RESULT(pv_set_msr(m.vcpu, MSR_KVM_MIGRATION_CONTROL, 0), 0);
	m.regs.rcx = MSR_KVM_MIGRATION_CONTROL;
	machine_do(&m, fault_rdmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), GP);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	machine_start(&m, fault_rdmsr);
	machine_run(&m, KVM_EXIT_X86_RDMSR);
	CHECK_EQUAL(m.run->msr.index, MSR_KVM_MIGRATION_CONTROL);
	m.run->msr.data = 1;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 1);
	m.regs.rax = 1;
	machine_start(&m, fault_wrmsr);
	machine_run(&m, KVM_EXIT_X86_WRMSR);
	CHECK_EQUAL(m.run->msr.data, 1);
	m.run->msr.error = 1;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 2);
}

/* With 32-bit destinations in use, those of a message have their upper 24 bits in the upper half of
 * its address, where a VMM puts what KVM_FEATURE_MSI_EXT_DEST_ID lets a guest name by bits 11 to 5
 * of the lower half: these mean nothing to KVM. */
static void pv_msi_extended(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X2APIC_API,
				     .args = {KVM_X2APIC_API_USE_32BIT_IDS}};
	struct kvm_msi msi = {.address_lo = GPA_APIC, .data = VECTOR_XAPIC};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_enable_apic(&m);
	msi.address_hi = 1u << 8;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SIGNAL_MSI, &msi), 1);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SIGNAL_MSI, &msi), 0);
	msi.address_hi = 0;
	msi.address_lo |= 0x7f << 5;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SIGNAL_MSI, &msi), 1);
}

SUITE(pv, TEST(pv_offered), TEST(pv_poll_control), TEST(pv_poll_control_by_guest),
      TEST(pv_enforced), TEST(pv_enforced_without), TEST(pv_no_unhalt), TEST(pv_migration_control),
      TEST(pv_msi_extended));
