/* SPDX-License-Identifier: MIT */
/* KVM's hypercalls. */
#include <linux/kvm_para.h>
#include "tests/abi/pv.h"

#define HIGH       0xabcd00000000ull /* what 32-bit code does not say */
#define ICR_ASSERT (1u << 14)
#define ICR_NMI    (4u << 8)
#define ICR_INIT   (5u << 8)
#define ICR_EXTINT (7u << 8)
#define APIC_IRR   0x200
#define APIC_SVR   0xf0
#define OTHER_ID   33u /* of the second vCPU: in the upper half of 64 bits */
#define VECTOR     0x45u
#define NMI        2u

static void open_for(struct machine *m, enum machine_mode mode, u32 options)
{
	machine_need_vmx("hypercalls");
	machine_open(m, mode, options);
}

/* The guest's hypercall, to its end; what it gets. */
static s64 call(struct machine *m, u64 number, u64 a0, u64 a1, u64 a2, u64 a3)
{
	m->regs.rax = number;
	m->regs.rbx = a0;
	m->regs.rcx = a1;
	m->regs.rdx = a2;
	m->regs.rsi = a3;
	machine_do(m, m->mode == MODE_LONG ? fault_vmcall : prot_vmcall);
	return (s64)machine_regs(m).rax;
}

static void hypercall_numbers(void)
{
	struct machine m;

	open_for(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(call(&m, KVM_HC_VAPIC_POLL_IRQ, 1, 2, 3, 4), 0);
	CHECK_RESULT(call(&m, 0, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK_RESULT(call(&m, KVM_HC_MMU_OP, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK_RESULT(call(&m, KVM_HC_FEATURES, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK_RESULT(call(&m, KVM_HC_MAP_GPA_RANGE + 1, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK_RESULT(call(&m, ~0ull, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK_RESULT(call(&m, HIGH | KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 0);
}

static void hypercall_32bit(void)
{
	struct machine m;

	open_for(&m, MODE_PROT, 0);
	CHECK_RESULT(call(&m, HIGH | KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
	CHECK_RESULT(call(&m, HIGH, 0, 0, 0, 0), (u32)-KVM_ENOSYS);
}

/* A program of the guest's gets -KVM_EPERM, whatever it asks for. */
static void hypercall_from_user(void)
{
	struct machine m;
	struct kvm_sregs s;

	open_for(&m, MODE_PROT, MACHINE_IRQCHIP);
	s = machine_sregs(&m);
	s.cs.dpl = s.ss.dpl = 3;
	s.cs.selector |= 3;
	s.ss.selector |= 3;
	machine_set_sregs(&m, &s);
	m.regs.rflags = 0x3002; /* IOPL 3: it ends with OUT */
	CHECK_RESULT(call(&m, KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), (u32)-EPERM);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1, 0, 0, VECTOR), (u32)-EPERM);
	CHECK_RESULT(call(&m, 0xffff, 0, 0, 0, 0), (u32)-EPERM);
}

/* Is the vector requested at that vCPU's local APIC?  It is not any more. */
static bool take_requested(int vcpu)
{
	struct kvm_lapic_state s;
	u32 word;
	bool requested;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_LAPIC, &s), 0);
	memcpy(&word, s.regs + APIC_IRR + VECTOR / 32 * 16, sizeof(word));
	requested = word & 1u << VECTOR % 32;
	word &= ~(1u << VECTOR % 32);
	memcpy(s.regs + APIC_IRR + VECTOR / 32 * 16, &word, sizeof(word));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_LAPIC, &s), 0);
	return requested;
}

static void enable_apic(int vcpu)
{
	struct kvm_lapic_state s;
	u32 svr = 0x1ff;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_LAPIC, &s), 0);
	memcpy(s.regs + APIC_SVR, &svr, sizeof(svr));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_LAPIC, &s), 0);
}

/* A machine of two vCPUs with interrupts off. */
static int open_two(struct machine *m, enum machine_mode mode)
{
	struct kvm_run *run;
	int other;

	open_for(m, mode, MACHINE_IRQCHIP | (mode == MODE_LONG ? MACHINE_CPUID : 0));
	other = machine_add_vcpu(m, OTHER_ID, &run);
	enable_apic(m->vcpu);
	enable_apic(other);
	m->regs.rflags = 2;
	return other;
}

struct ipi {
	u64 low, high, first;
	s64 result;
	bool self, other;
};

static void expect_ipis(struct machine *m, int other, const struct ipi *ipis, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct ipi *p = &ipis[i];
		s64 result = call(m, KVM_HC_SEND_IPI, p->low, p->high, p->first, VECTOR);
		bool self = take_requested(m->vcpu), others = take_requested(other);

		if (result != p->result || self != p->self || others != p->other)
			check_fail(__FILE__, __LINE__, "IPI %u: %lld, to %d and %d", i, result,
				   self, others);
	}
}

static void hypercall_ipi(void)
{
	static const struct ipi ipis[] = {
		{1, 0, 0, 1, true, false},
		{0, 0, 0, 0, false, false},
		{1 | 1ull << OTHER_ID, 0, 0, 2, true, true},
		{~0ull, ~0ull, 0, 2, true, true},
		{1, 0, OTHER_ID, 1, false, true},
		{2, 0, OTHER_ID - 1, 1, false, true},
		{~0ull, ~0ull, 1, 1, false, true},
		{~0ull, ~0ull, OTHER_ID + 1, 0, false, false},
		{~0ull, ~0ull, 255, 0, false, false},
		{~0ull, ~0ull, 0x7fffffff, 0, false, false},
		{1ull << 63, 1, 0, 0, false, false},
		/* The second half starts at 0 again. */
		{~0ull, 1, 0xffffffc0, 1, true, false},
		{~0ull, ~0ull, 0xffffffff, 0, false, false},
		/* Of the first id 32 bits count. */
		{1, 0, HIGH, 1, true, false},
	};
	struct machine m;
	int other = open_two(&m, MODE_LONG);

	if (!target_is_kvm0) /* 63 up to 127, where Linux has vCPUs */
		CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 0, ~0ull, 0, VECTOR), 0);
	expect_ipis(&m, other, ipis, ARRAY_SIZE(ipis));
}

static void hypercall_ipi_32bit(void)
{
	static const struct ipi ipis[] = {
		{1, 0, 0, 1, true, false},
		{1, 2, 0, 2, true, true},
		{HIGH | 1, HIGH | 2, HIGH, 2, true, true},
		{1ull << OTHER_ID, 0, 0, 0, false, false},
		{1, 0, OTHER_ID, 1, false, true},
		{~0ull, 1, 0xffffffe0, 1, true, false},
	};
	struct machine m;
	int other = open_two(&m, MODE_PROT);

	expect_ipis(&m, other, ipis, ARRAY_SIZE(ipis));
}

/* What ICR may not have, what nobody takes, and other kinds of interrupts. */
static void hypercall_ipi_kinds(void)
{
	struct kvm_mp_state mp;
	struct machine m;
	int other = open_two(&m, MODE_LONG);
	const u64 both = 1 | 1ull << OTHER_ID;

	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, both, 0, 0, 1u << 11 | VECTOR), -EINVAL);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, both, 0, 0, 1u << 18 | VECTOR), -EINVAL);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, both, 0, 0, 3u << 18 | VECTOR), -EINVAL);
	CHECK(!take_requested(m.vcpu) && !take_requested(other));
	/* Level-triggered, and not asserted. */
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, both, 0, 0, 1u << 15 | VECTOR), 0);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, both, 0, 0, ICR_EXTINT | VECTOR), 0);
	CHECK(!take_requested(m.vcpu) && !take_requested(other));
	/* Bits that mean nothing. */
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1, 0, 0, ~0xc8fffull | ICR_ASSERT | VECTOR), 1);
	CHECK(take_requested(m.vcpu));
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1, 0, 0, ICR_NMI), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), NMI);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1ull << OTHER_ID, 0, 0, ICR_INIT | ICR_ASSERT), 1);
	CHECK_RESULT(t_ioctl_ptr(other, KVM_GET_MP_STATE, &mp), 0);
	CHECK_EQUAL(mp.mp_state, KVM_MP_STATE_INIT_RECEIVED);
}

/* A local APIC that is off takes none; without any there is no such hypercall to speak of. */
static void hypercall_ipi_nobody(void)
{
	struct machine m;

	open_for(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1, 0, 0, VECTOR), 0);
	CHECK(!take_requested(m.vcpu));
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1, 0, 0, VECTOR), -KVM_EOPNOTSUPP);
	CHECK_RESULT(call(&m, KVM_HC_SEND_IPI, 1, 0, 0, 1u << 11), -EINVAL);
}

static void set_halted(int vcpu)
{
	struct kvm_mp_state mp = {KVM_MP_STATE_HALTED};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_MP_STATE, &mp), 0);
}

static u32 mp_state(int vcpu)
{
	struct kvm_mp_state mp;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MP_STATE, &mp), 0);
	return mp.mp_state;
}

/* A vCPU that is halted with interrupts off goes on, once. */
static void hypercall_kick(void)
{
	struct machine m, second;
	int other = open_two(&m, MODE_LONG);
	struct kvm_regs regs = {.rip = machine_entry(long_done), .rflags = 2};
	struct kvm_sregs s = machine_sregs(&m);

	second = m;
	second.vcpu = other;
	second.run = machine_map_run(other);
	CHECK(second.run);
	s.apic_base &= ~0x100ull;
	machine_set_sregs(&second, &s);
	CHECK_RESULT(t_ioctl_ptr(other, KVM_SET_REGS, &regs), 0);
	set_halted(other);
	CHECK_RESULT(call(&m, KVM_HC_KICK_CPU, 0, OTHER_ID + 1, 0, 0), 0);
	CHECK_RESULT(call(&m, KVM_HC_KICK_CPU, OTHER_ID, 0, 0, 0), 0);
	CHECK_EQUAL(mp_state(other), KVM_MP_STATE_HALTED);
	CHECK_RESULT(call(&m, KVM_HC_KICK_CPU, ~0ull, HIGH | OTHER_ID, 0, 0), 0);
	CHECK_EQUAL(mp_state(other), KVM_MP_STATE_RUNNABLE);
	machine_run_out(&second, PORT_DONE);
	CHECK_EQUAL(mp_state(other), KVM_MP_STATE_RUNNABLE);
	set_halted(other);
	CHECK_EQUAL(mp_state(other), KVM_MP_STATE_HALTED);
}

/* One that comes before counts for the next HLT. */
static void hypercall_kick_before(void)
{
	struct machine m;

	(void)open_two(&m, MODE_LONG);
	m.regs.rax = KVM_HC_KICK_CPU;
	m.regs.rcx = 0;
	machine_do(&m, cpus_vmcall_hlt);
	CHECK_EQUAL(machine_regs(&m).rax, 0);
	set_halted(m.vcpu);
	CHECK_EQUAL(mp_state(m.vcpu), KVM_MP_STATE_HALTED);
}

/* The message of which a kick consists is one that devices can send as well. */
static void hypercall_kick_by_message(void)
{
	struct kvm_msi msi = {.address_lo = GPA_APIC | OTHER_ID << 12, .data = 3u << 8};
	struct machine m;
	int other = open_two(&m, MODE_LONG);

	set_halted(other);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SIGNAL_MSI, &msi), 1);
	CHECK_EQUAL(mp_state(other), KVM_MP_STATE_RUNNABLE);
}

static void hypercall_yield(void)
{
	struct machine m;

	(void)open_two(&m, MODE_LONG);
	CHECK_RESULT(call(&m, KVM_HC_SCHED_YIELD, OTHER_ID, 0, 0, 0), 0);
	CHECK_RESULT(call(&m, KVM_HC_SCHED_YIELD, 0, 0, 0, 0), 0);
	CHECK_RESULT(call(&m, KVM_HC_SCHED_YIELD, ~0ull, 0, 0, 0), 0);
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(call(&m, KVM_HC_SCHED_YIELD, 0, 0, 0, 0), 0);
	CHECK_RESULT(call(&m, KVM_HC_KICK_CPU, 0, 0, 0, 0), 0);
}

/* Each by its own feature. */
static void hypercall_enforced(void)
{
	static const struct {
		u32 number, feature;
		s64 result;
	} calls[] = {
		{KVM_HC_KICK_CPU, KVM_FEATURE_PV_UNHALT, 0},
		{KVM_HC_SEND_IPI, KVM_FEATURE_PV_SEND_IPI, -KVM_EOPNOTSUPP},
		{KVM_HC_SCHED_YIELD, KVM_FEATURE_PV_SCHED_YIELD, 0},
	};
	struct machine m;

	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		open_for(&m, MODE_LONG, 0);
		pv_set_features(m.vcpu, KVM_CPUID_SIGNATURE, ~(1u << calls[i].feature));
		CHECK_RESULT(call(&m, calls[i].number, 0, 0, 0, 0), calls[i].result);
		pv_enforce(m.vcpu, true);
		CHECK_RESULT(call(&m, calls[i].number, 0, 0, 0, 0), -KVM_ENOSYS);
		CHECK_RESULT(call(&m, KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
		open_for(&m, MODE_LONG, 0);
		pv_set_features(m.vcpu, KVM_CPUID_SIGNATURE, 1u << calls[i].feature);
		pv_enforce(m.vcpu, true);
		CHECK_RESULT(call(&m, calls[i].number, 0, 0, 0, 0), calls[i].result);
	}
}

SUITE(hypercall, TEST(hypercall_numbers), TEST(hypercall_32bit), TEST(hypercall_from_user),
      TEST(hypercall_ipi), TEST(hypercall_ipi_32bit), TEST(hypercall_ipi_kinds),
      TEST(hypercall_ipi_nobody), TEST(hypercall_kick), TEST(hypercall_kick_before),
      TEST(hypercall_kick_by_message), TEST(hypercall_yield), TEST(hypercall_enforced));
