/* SPDX-License-Identifier: MIT */
/* The local APIC's registers as a guest uses them: LVT, priorities, timer modes, where it is. */
#include "tests/abi/access.h"

#define REG(r)    (GPA_APIC + (r))
#define TPR       0x80
#define PPR       0xa0
#define EOI       0xb0
#define SVR       0xf0
#define ICR       0x300
#define LVT_TIMER 0x320
#define LVT_LINT1 0x360
#define LVT_ERROR 0x370
#define TMICT     0x380
#define TMCCT     0x390
#define TDCR      0x3e0
#define MASK      0x10000u
#define SELF      0x44000u

#define MSR_APIC_BASE    0x1b
#define MSR_TSC_DEADLINE 0x6e0

static void open(struct machine *m)
{
	access_open(m, MACHINE_IRQCHIP);
	access_set(m, REG(SVR), 0x1ff);
}

/* Entries are masked while the APIC is off, and stay so when it is on again. */
static void apic_lvt(void)
{
	struct machine m;

	access_open(&m, MACHINE_IRQCHIP);
	access_set(&m, REG(LVT_LINT1), 0x400);
	CHECK_EQUAL(access_get(&m, REG(LVT_LINT1)), MASK | 0x400);
	access_set(&m, REG(SVR), 0x1ff);
	CHECK_EQUAL(access_get(&m, REG(LVT_LINT1)), MASK | 0x400);
	access_set(&m, REG(LVT_LINT1), 0x400);
	CHECK_EQUAL(access_get(&m, REG(LVT_LINT1)), 0x400);
	access_set(&m, REG(SVR), 0xff);
	for (u32 r = LVT_TIMER; r <= LVT_ERROR; r += 0x10)
		CHECK_EQUAL(access_get(&m, REG(r)) & MASK, MASK);
	access_set(&m, REG(SVR), 0xfffff3ff);
	CHECK_EQUAL(access_get(&m, REG(SVR)), 0x3ff);
	/* Reserved bits read as 0; delivery status and remote IRR are left out. */
	for (u32 r = LVT_TIMER; r <= LVT_ERROR; r += 0x10) {
		static const u32 bits[] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

		access_set(&m, REG(r), 0xffffffff);
		CHECK_EQUAL(access_get(&m, REG(r)) & ~0x5000u, bits[(r - LVT_TIMER) / 0x10]);
		access_set(&m, REG(r), MASK);
	}
}

/* What is in service holds back its class and those below, as the TPR does. */
static void apic_priority(void)
{
	struct machine m;

	machine_need_vmx("the interrupts of a 64-bit guest");
	open(&m);
	access_set(&m, REG(ICR), SELF | 0x45);
	access_set(&m, REG(ICR), SELF | 0x52);
	access_set(&m, REG(ICR), SELF | 0x51);
	CHECK_EQUAL(access_take(&m), 0x52); /* then 0x51 is of its class */
	CHECK_EQUAL(access_get(&m, REG(PPR)), 0x50);
	access_set(&m, REG(ICR), SELF | 0x61);
	CHECK_EQUAL(access_take(&m), 0x61);
	access_set(&m, REG(EOI), 0);
	CHECK_EQUAL(access_take(&m), 0);
	access_set(&m, REG(EOI), 0);
	CHECK_EQUAL(access_get(&m, REG(PPR)), 0);
	access_set(&m, REG(TPR), 0x4f);
	CHECK_EQUAL(access_get(&m, REG(PPR)), 0x4f);
	CHECK_EQUAL(access_take(&m), 0x51);
	CHECK_EQUAL(access_get(&m, REG(PPR)), 0x50);
	access_set(&m, REG(EOI), 0);
	CHECK_EQUAL(access_take(&m), 0); /* 0x45: by the TPR */
	access_set(&m, REG(TPR), 0x3f);
	CHECK_EQUAL(access_take(&m), 0x45);
	access_set(&m, REG(EOI), 0);
	/* One vector is pending once. */
	access_set(&m, REG(TPR), 0);
	access_set(&m, REG(ICR), SELF | 0x45);
	access_set(&m, REG(ICR), SELF | 0x45);
	CHECK_EQUAL(access_take(&m), 0x45);
	access_set(&m, REG(ICR), SELF | 0x45); /* behind itself */
	CHECK_EQUAL(access_take(&m), 0);
	access_set(&m, REG(EOI), 0);
	CHECK_EQUAL(access_take(&m), 0x45);
}

/* From one mode of the timer to another: TSC-deadline shares nothing with the other two. */
static void apic_timer_modes(void)
{
	struct machine m;

	if (t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		check_skip("no TSC-deadline timer for guests on this machine");
	open(&m);
	access_set(&m, REG(TDCR), 0xfffffff0 | 0xa);
	CHECK_EQUAL(access_get(&m, REG(TDCR)), 0xa); /* by 128 */
	access_set(&m, REG(LVT_TIMER), MASK | 0x45);
	access_set(&m, REG(TMICT), 0xffffffff);
	CHECK(access_get(&m, REG(TMCCT)) > 0xf0000000);
	access_set(&m, REG(LVT_TIMER), MASK | 0x20045); /* periodic goes on with it */
	CHECK(access_get(&m, REG(TMCCT)) > 0xf0000000);
	machine_set_msr(&m, MSR_TSC_DEADLINE, 12345); /* not in this mode */
	CHECK_EQUAL(machine_get_msr(&m, MSR_TSC_DEADLINE), 0);
	access_set(&m, REG(LVT_TIMER), MASK | 0x40045);
	CHECK_EQUAL(access_get(&m, REG(TMCCT)), 0);
	CHECK_EQUAL(access_get(&m, REG(TMICT)), 0);
	access_set(&m, REG(TMICT), 0x1000); /* ignored */
	CHECK_EQUAL(access_get(&m, REG(TMICT)), 0);
	machine_set_msr(&m, MSR_TSC_DEADLINE, 1ull << 60);
	CHECK_EQUAL(machine_get_msr(&m, MSR_TSC_DEADLINE), 1ull << 60);
	access_set(&m, REG(LVT_TIMER), MASK | 0x45);
	access_set(&m, REG(LVT_TIMER), MASK | 0x40045);
	CHECK_EQUAL(machine_get_msr(&m, MSR_TSC_DEADLINE), 0);
	/* The current count cannot be written. */
	access_set(&m, REG(LVT_TIMER), MASK | 0x45);
	access_set(&m, REG(TMCCT), 0x1234);
	CHECK_EQUAL(access_get(&m, REG(TMCCT)), 0);
}

/* Linux's may be a little late. */
static void await_timer(struct machine *m)
{
	while (access_get(m, REG(TMCCT)))
		;
	for (u32 i = 0; i < 20; i++)
		access_get(m, REG(TMCCT));
}

/* One that was masked when it expired is over. */
static void apic_timer_masked(void)
{
	struct machine m;

	machine_need_vmx("the interrupts of a 64-bit guest");
	open(&m);
	access_set(&m, REG(TDCR), 0xb);
	access_set(&m, REG(LVT_TIMER), MASK | 0x45);
	access_set(&m, REG(TMICT), 1000);
	await_timer(&m);
	access_set(&m, REG(LVT_TIMER), 0x45);
	if (access_take(&m)) /* Linux may find it expired again when the vCPU's timers are moved */
		CHECK(!target_is_kvm0);
	access_set(&m, REG(EOI), 0);
	access_set(&m, REG(TMICT), 1000);
	await_timer(&m);
	CHECK_EQUAL(access_take(&m), 0x45);
}

static void set_base(const struct machine *m, u64 base)
{
	machine_set_msr(m, MSR_APIC_BASE, base);
}

/* It can be elsewhere; where it was is no device of KVM's any more. */
static void apic_base_moved(void)
{
	const u64 other = 0xfed10000;
	struct machine m;

	open(&m);
	set_base(&m, other | 0x900);
	access_set(&m, other + TPR, 0x37);
	CHECK_EQUAL(access_get(&m, other + TPR), 0x37);
	CHECK_EQUAL(access_apic(&m, TPR), 0x37);
	m.regs.rdi = REG(TPR);
	machine_start(&m, access_read);
	machine_mmio_read(&m, REG(TPR), 4, 0x99);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL((u32)machine_regs(&m).rax, 0x99);
	set_base(&m, GPA_APIC | 0x900);
	CHECK_EQUAL(access_get(&m, REG(TPR)), 0x37);
}

/* A guest's write of IA32_APIC_BASE: true if it is #GP. */
static bool is_refused(struct machine *m, u64 base)
{
	u64 faults = machine_u64(m, GPA_VARS + VAR_FAULTS);

	m->regs.rcx = MSR_APIC_BASE;
	m->regs.rax = (u32)base;
	m->regs.rdx = base >> 32;
	machine_do(m, fault_wrmsr);
	return machine_u64(m, GPA_VARS + VAR_FAULTS) != faults;
}

/* xAPIC to x2APIC to disabled to xAPIC, and no other way; the state survives. */
static void apic_base_modes(void)
{
	struct machine m;

	machine_need_vmx("the exceptions of MSRs");
	open(&m);
	access_set(&m, REG(TPR), 0x20);
	CHECK(is_refused(&m, GPA_APIC | 0xd01));              /* a reserved bit */
	CHECK(is_refused(&m, GPA_APIC | 0x500));              /* x2APIC, not enabled */
	CHECK(is_refused(&m, 1ull << 52 | GPA_APIC | 0x900)); /* no such address */
	CHECK(!is_refused(&m, GPA_APIC | 0x100));
	CHECK_EQUAL(access_get(&m, REG(TPR)), 0xffffffff); /* disabled: nothing answers */
	access_set(&m, REG(TPR), 0x50);
	CHECK(is_refused(&m, GPA_APIC | 0xd00));
	CHECK(!is_refused(&m, GPA_APIC | 0x900));
	CHECK_EQUAL(access_get(&m, REG(TPR)), 0x20);
	CHECK(!is_refused(&m, GPA_APIC | 0xd00));
	CHECK_EQUAL(access_get(&m, REG(TPR)), 0xffffffff); /* by MSRs now */
	CHECK_EQUAL(machine_get_msr(&m, 0x808), 0x20);
	CHECK(is_refused(&m, GPA_APIC | 0x900));
	CHECK(!is_refused(&m, GPA_APIC | 0x100));
	CHECK(!is_refused(&m, GPA_APIC | 0x900));
}

/* Accesses that are not of four aligned bytes. */
static void apic_sizes(void)
{
	struct machine m;

	open(&m);
	access_set(&m, REG(TPR), 0x35);
	access_set(&m, REG(TPR) + 4, 0x77); /* beside the register */
	CHECK_EQUAL(access_get(&m, REG(TPR)), 0x35);
	m.regs.rdi = REG(TPR);
	m.regs.rax = 0x99;
	machine_do(&m, long_store); /* eight bytes */
	CHECK_EQUAL(access_get(&m, REG(TPR)), 0x35);
	/* Registers that there are not, or not to be written. */
	access_set(&m, REG(0x3f0), 0x45);
	access_set(&m, REG(PPR), 0xf0);
	access_set(&m, REG(0x30), 0);
	access_set(&m, REG(0x100), 0xffffffff);
	access_set(&m, REG(0x200), 0xffffffff);
	CHECK_EQUAL(access_get(&m, REG(PPR)), 0x35);
	CHECK_EQUAL(access_get(&m, REG(0x30)) & 0xff, 0x14);
	CHECK_EQUAL(access_get(&m, REG(0x100)) | access_get(&m, REG(0x200)), 0);
}

SUITE(apic_regs, TEST(apic_lvt), TEST(apic_priority), TEST(apic_timer_modes),
      TEST(apic_timer_masked), TEST(apic_base_moved), TEST(apic_base_modes), TEST(apic_sizes));
