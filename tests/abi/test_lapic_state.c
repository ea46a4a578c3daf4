/* SPDX-License-Identifier: MIT */
/* KVM_GET_LAPIC and KVM_SET_LAPIC: the registers' page in KVM's layout. */
#include "tests/abi/machine.h"

#define REG_ID      0x20
#define REG_VERSION 0x30
#define REG_TPR     0x80
#define REG_PPR     0xa0
#define REG_LDR     0xd0
#define REG_DFR     0xe0
#define REG_SVR     0xf0
#define REG_ISR     0x100
#define REG_TMR     0x180
#define REG_IRR     0x200
#define REG_ICR     0x300
#define REG_ICR2    0x310
#define REG_TIMER   0x320
#define REG_LINT0   0x350
#define REG_ERROR   0x370
#define REG_TMICT   0x380
#define REG_TMCCT   0x390
#define REG_TDCR    0x3e0

#define X2APIC_BASE 0xfee00d00ull

/* A struct kvm_lapic_state, by registers. */
static u32 page[KVM_APIC_REG_SIZE / 4];

static u32 *reg(u32 r)
{
	return &page[r / 4];
}

static void get(int vcpu)
{
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_LAPIC, page), 0);
}

static void set(int vcpu)
{
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_LAPIC, page), 0);
}

static int new_vm(bool irqchip)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	if (irqchip)
		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

static void lapic_state_errors(void)
{
	int with = CHECK_HANDLE(t_ioctl(new_vm(true), KVM_CREATE_VCPU, 0));
	int without = CHECK_HANDLE(t_ioctl(new_vm(false), KVM_CREATE_VCPU, 0));

	CHECK_RESULT(t_ioctl(without, KVM_GET_LAPIC, T_BAD_ADDRESS), -EINVAL);
	CHECK_RESULT(t_ioctl(without, KVM_SET_LAPIC, T_BAD_ADDRESS), -EINVAL);
	CHECK_RESULT(t_ioctl(with, KVM_GET_LAPIC, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(with, KVM_SET_LAPIC, T_BAD_ADDRESS), -EFAULT);
}

static void lapic_state_new(void)
{
	int vm = new_vm(true), vcpu[2];

	for (u64 i = 0; i < 2; i++)
		vcpu[i] = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, i));
	for (u32 i = 0; i < 2; i++) {
		get(vcpu[i]);
		CHECK_EQUAL(*reg(REG_ID), i << 24);
		CHECK_EQUAL(*reg(REG_VERSION) & 0xff, 0x14);
		CHECK_EQUAL(*reg(REG_DFR), 0xffffffff);
		CHECK_EQUAL(*reg(REG_SVR), 0xff);
		CHECK_EQUAL(*reg(REG_LINT0), i ? 0x10000 : 0x700);
		for (u32 r = REG_TIMER; r <= REG_ERROR; r += 0x10)
			CHECK_EQUAL(*reg(r), r == REG_LINT0 && !i ? 0x700 : 0x10000);
		CHECK_EQUAL(*reg(REG_TMICT) | *reg(REG_TMCCT) | *reg(REG_TDCR), 0);
	}
}

/* Everything comes back as it was set but for the version, the PPR and the current count. */
static void lapic_state_verbatim(void)
{
	int vcpu = CHECK_HANDLE(t_ioctl(new_vm(true), KVM_CREATE_VCPU, 0));
	static u32 before[ARRAY_SIZE(page)];
	u32 version;

	get(vcpu);
	version = *reg(REG_VERSION);
	for (u32 i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = i * 0x07654321 + 1;
	*reg(REG_TPR) = 0x35;
	*reg(REG_TIMER) = 0x100f0; /* masked, one-shot */
	*reg(REG_TMICT) = 0;
	memcpy(before, page, sizeof(page));
	set(vcpu);
	get(vcpu);
	for (u32 r = 0; r < sizeof(page); r += 4) {
		u32 want = before[r / 4];

		if (r == REG_VERSION)
			want = version;
		else if (r == REG_TMCCT)
			want = 0;
		else if (r == REG_PPR)
			continue;
		if (*reg(r) != want)
			check_fail(__FILE__, __LINE__, "register %x is %x, not %x", r, *reg(r),
				   want);
	}
	/* All ones: harmless. */
	memset(page, 0xff, sizeof(page));
	set(vcpu);
	get(vcpu);
	CHECK_EQUAL(*reg(REG_PPR), 0xff);
	CHECK_EQUAL(*reg(REG_VERSION), version);
	memset(page, 0, sizeof(page));
	set(vcpu);
	get(vcpu);
	CHECK_EQUAL(*reg(REG_VERSION), version);
	CHECK_EQUAL(*reg(REG_PPR), 0);
}

static void lapic_state_priority(void)
{
	int vcpu = CHECK_HANDLE(t_ioctl(new_vm(true), KVM_CREATE_VCPU, 0));

	get(vcpu);
	*reg(REG_SVR) = 0x1ff;
	*reg(REG_TPR) = 0x2f;
	*reg(REG_ISR + 0x20) = 1u << 5; /* 0x45 */
	*reg(REG_PPR) = 0xee;
	set(vcpu);
	set(vcpu); /* Linux counts what is in service too late for the first time */
	get(vcpu);
	CHECK_EQUAL(*reg(REG_PPR), 0x40);
	*reg(REG_TPR) = 0x4f;
	set(vcpu);
	get(vcpu);
	CHECK_EQUAL(*reg(REG_PPR), 0x4f);
}

static void use_x2apic(struct machine *m)
{
	struct kvm_sregs sregs;

	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	m->vcpu = machine_add_vcpu(m, 9, &m->run);
	sregs = machine_sregs(m);
	sregs.apic_base = X2APIC_BASE & ~0x100ull;
	machine_set_sregs(m, &sregs);
}

/* In x2APIC mode: the id in KVM's two formats, LDR by the id, and the ICR in two halves. */
static void lapic_state_x2apic(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X2APIC_API,
				     .args = {KVM_X2APIC_API_USE_32BIT_IDS}};
	struct machine m;

	use_x2apic(&m);
	get(m.vcpu);
	CHECK_EQUAL(*reg(REG_ID), 9u << 24);
	CHECK_EQUAL(*reg(REG_LDR), 1u << 9);
	*reg(REG_ICR) = 0x4567;
	*reg(REG_ICR2) = 0x89abcdef;
	*reg(REG_LDR) = 0x77777777;
	set(m.vcpu);
	get(m.vcpu);
	CHECK_EQUAL(*reg(REG_ID), 9u << 24);
	CHECK_EQUAL(*reg(REG_LDR), 1u << 9);
	CHECK_EQUAL(*reg(REG_ICR), 0x4567);
	CHECK_EQUAL(*reg(REG_ICR2), 0x89abcdef);
	CHECK_EQUAL(machine_get_msr(&m, 0x830), 0x89abcdef00004567);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	get(m.vcpu);
	CHECK_EQUAL(*reg(REG_ID), 9);
	*reg(REG_ICR2) = 5;
	set(m.vcpu);
	*reg(REG_ID) = 8;
	*reg(REG_ICR2) = 6;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_LAPIC, page), -EINVAL);
	get(m.vcpu);
	CHECK_EQUAL(*reg(REG_ID), 9);
	CHECK_EQUAL(*reg(REG_ICR2), 5);
}

/* The count goes on from TMCCT, at most from TMICT. */
static void lapic_state_timer(void)
{
	struct machine m;
	int vcpu;
	u32 first;

	/* With CPUID: Linux knows no periodic timer before. */
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	vcpu = m.vcpu;
	get(vcpu);
	*reg(REG_TIMER) = 0x10040;
	*reg(REG_TDCR) = 0xa; /* by 128 */
	*reg(REG_TMICT) = 0xffffffff;
	*reg(REG_TMCCT) = 0x80000000;
	set(vcpu);
	get(vcpu);
	first = *reg(REG_TMCCT);
	CHECK(first < 0x80000000 && first > 0x70000000);
	for (u32 i = 0; i < 100; i++)
		get(vcpu);
	CHECK(*reg(REG_TMCCT) < first && *reg(REG_TMCCT) > 0x70000000);
	*reg(REG_TMICT) = 0x40000000;
	*reg(REG_TMCCT) = 0x80000000;
	set(vcpu);
	get(vcpu);
	CHECK(*reg(REG_TMCCT) < 0x40000000 && *reg(REG_TMCCT) > 0x30000000);
	/* None left: a periodic one begins a period, one-shot is over. */
	*reg(REG_TMCCT) = 0;
	set(vcpu);
	get(vcpu);
	CHECK_EQUAL(*reg(REG_TMCCT), 0);
	CHECK_EQUAL(*reg(REG_TMICT), 0x40000000);
	*reg(REG_TIMER) = 0x30040;
	*reg(REG_TMCCT) = 0;
	set(vcpu);
	get(vcpu);
	CHECK(*reg(REG_TMCCT) < 0x40000000 && *reg(REG_TMCCT) > 0x30000000);
	*reg(REG_TMICT) = 0;
	*reg(REG_TMCCT) = 0x1000;
	set(vcpu);
	get(vcpu);
	CHECK_EQUAL(*reg(REG_TMCCT), 0);
}

/* One-shot with nothing left has expired, and is delivered: in the state, or at the next run. */
static void lapic_state_expired(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	get(m.vcpu);
	*reg(REG_SVR) = 0x1ff;
	*reg(REG_TIMER) = VECTOR_XAPIC;
	*reg(REG_TMICT) = 1000;
	*reg(REG_TMCCT) = 0;
	set(m.vcpu);
	m.regs.rflags = 0x202;
	machine_start(&m, irq_queued);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
}

/* What is set in IRR is delivered, in the order of its priority, and a level in TMR is kept. */
static void lapic_state_pending(void)
{
	struct machine m;

	machine_need_vmx("what is in service at an exit");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, 0x40, handler_stop_40);
	machine_set_vector(&m, 0x50, handler_stop_50);
	machine_set_vector(&m, 0x60, handler_stop_60);
	m.regs.rflags = 0x202;
	machine_start(&m, long_spin);
	get(m.vcpu);
	*reg(REG_SVR) = 0x1ff;
	*reg(REG_IRR + 0x20) = 1u << 16 | 1u; /* 0x50, 0x40 */
	*reg(REG_IRR + 0x30) = 1u;            /* 0x60 */
	*reg(REG_TMR + 0x20) = 1u;
	set(m.vcpu);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 0x60);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 0x50);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 0x40);
	get(m.vcpu);
	CHECK_EQUAL(*reg(REG_ISR + 0x20), 1u);
	CHECK_EQUAL(*reg(REG_TMR + 0x20), 1u);
	CHECK_EQUAL(*reg(REG_IRR + 0x20) | *reg(REG_IRR + 0x30), 0);
}

SUITE(lapic_state, TEST(lapic_state_errors), TEST(lapic_state_new), TEST(lapic_state_verbatim),
      TEST(lapic_state_priority), TEST(lapic_state_x2apic), TEST(lapic_state_timer),
      TEST(lapic_state_expired), TEST(lapic_state_pending));
