/* SPDX-License-Identifier: MIT */
/* The in-kernel interrupt controllers and timers, used by guests: PIC, PIT, local and I/O APIC. */
#include "tests/abi/machine.h"

#define PIC_BASE 8

static void set_line(const struct machine *m, u32 irq, u32 level)
{
	struct kvm_irq_level line = {.irq = irq, .level = level};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE, &line), 0);
}

static u32 irqs(const struct machine *m)
{
	return machine_u32(m, GPA_VARS + VAR_IRQS);
}

static void open_long(struct machine *m)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	machine_set_vector(m, VECTOR_X2APIC, handler_x2apic);
}

/* IRQ 5 through the 8259 into a real-mode guest that halts; each edge is one interrupt. */
static void irqchip_pic(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, MACHINE_IRQCHIP);
	machine_set_vector(&m, PIC_BASE + 5, real_pic_handler);
	m.regs.rbx = 0xdf; /* all masked but line 5 */
	machine_start(&m, real_pic);
	machine_run_out(&m, PORT_READY);
	for (u8 i = 1; i <= 3; i++) {
		set_line(&m, 5, 1);
		CHECK_EQUAL(machine_run_out(&m, PORT_READY), i);
		set_line(&m, 5, 0);
	}
	/* A masked line does nothing; the guest would halt for ever, so another ends it. */
	set_line(&m, 4, 1);
	set_line(&m, 4, 0);
	set_line(&m, 5, 1);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 4);
}

/* A pulse while the guest does not run is kept by the PIC's edge detection. */
static void irqchip_pic_pulse(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, MACHINE_IRQCHIP);
	machine_set_vector(&m, PIC_BASE + 5, real_pic_handler);
	machine_set_vector(&m, PIC_BASE + 3, real_pic_handler);
	m.regs.rbx = 0xd7;
	machine_start(&m, real_pic);
	machine_run_out(&m, PORT_READY);
	set_line(&m, 3, 1);
	set_line(&m, 5, 1);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 1);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 2);
}

/* The PIT's rate generator wakes a halted guest, again and again. */
static void irqchip_pit_tick(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, MACHINE_PIT);
	machine_set_vector(&m, PIC_BASE, real_pic_handler);
	m.regs.rbx = 0xfe;
	m.regs.rcx = 11932; /* 10 ms */
	machine_start(&m, real_pit);
	machine_run_out(&m, PORT_READY);
	for (u8 i = 1; i <= 5; i++)
		CHECK_EQUAL(machine_run_out(&m, PORT_READY), i);
}

static void irqchip_pit_counts(void)
{
	struct machine m;
	u32 counts;

	machine_open(&m, MODE_REAL, MACHINE_PIT);
	machine_do(&m, real_pit_count);
	counts = machine_u32(&m, GPA_VARS);
	CHECK((counts & 0xffff) > counts >> 16);
}

static void irqchip_xapic_reset_state(void)
{
	struct machine m;
	struct kvm_regs r;

	open_long(&m);
	machine_do(&m, irq_xapic_registers);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rax >> 24, 0);        /* ID */
	CHECK_EQUAL(r.rbx & 0xff, 0x14);    /* version */
	CHECK(((r.rbx >> 16) & 0xff) >= 5); /* entries in the local vector table, less one */
	CHECK_EQUAL(r.rcx, 0xff);           /* SVR: disabled */
	CHECK_EQUAL(r.rdx, 0x10000);        /* timer masked */
	CHECK_EQUAL(r.rsi, 0x700); /* LINT0 of the boot CPU passes the PIC on, as KVM has it */
}

static void irqchip_xapic_tpr(void)
{
	struct machine m;

	open_long(&m);
	machine_do(&m, irq_xapic_tpr);
	CHECK_EQUAL(machine_regs(&m).rbx, 5);
	CHECK_EQUAL(machine_regs(&m).rcx, 0x30);
}

static void irqchip_self_ipi(void)
{
	struct machine m;

	open_long(&m);
	machine_do(&m, irq_self_xapic);
	CHECK_EQUAL(irqs(&m), 2);
}

static void irqchip_self_ipi_x2apic(void)
{
	struct machine m;

	open_long(&m);
	machine_do(&m, irq_self_x2apic);
	CHECK_EQUAL(irqs(&m), 2);
	CHECK_EQUAL(machine_sregs(&m).apic_base, 0xfee00d00);
}

static void irqchip_masked_by_tpr(void)
{
	struct machine m;

	open_long(&m);
	machine_do(&m, irq_masked_by_tpr);
	CHECK_EQUAL(machine_regs(&m).r8, 0);
	CHECK_EQUAL(irqs(&m), 1);
}

static void irqchip_timer_once(void)
{
	struct machine m;

	open_long(&m);
	m.regs.rax = 1000000; /* about 1 ms by KVM's 1 GHz APIC bus */
	machine_do(&m, irq_timer_once);
	CHECK_EQUAL(irqs(&m), 1);
	CHECK_EQUAL(machine_regs(&m).rcx, 0);
}

static void irqchip_timer_periodic(void)
{
	struct machine m;

	open_long(&m);
	m.regs.rax = 1000000;
	m.regs.rbx = 5;
	machine_do(&m, irq_timer_periodic);
	CHECK(irqs(&m) >= 5);
}

static void irqchip_timer_deadline(void)
{
	struct machine m;
	struct kvm_regs r;

	if (t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		check_skip("no TSC-deadline timer for guests on this machine");
	open_long(&m);
	m.regs.rax = 200000;
	machine_do(&m, irq_timer_deadline);
	r = machine_regs(&m);
	CHECK_EQUAL(irqs(&m), 1);
	CHECK_EQUAL(r.rcx, 0); /* the MSR is zero once the deadline has come */
	CHECK(r.rax >= r.r9);
	/* And at once for a deadline that is past. */
	*(u32 *)machine_at(&m, GPA_VARS + VAR_IRQS) = 0;
	m.regs.rax = -1000ull;
	machine_do(&m, irq_timer_deadline);
	CHECK_EQUAL(irqs(&m), 1);
}

static void irqchip_ioapic_edge(void)
{
	struct machine m;
	struct kvm_regs r;

	open_long(&m);
	m.regs.rax = 10;
	m.regs.rcx = 2;
	machine_start(&m, irq_ioapic);
	for (u32 i = 0; i < 2; i++) {
		machine_run_out(&m, PORT_READY);
		CHECK_EQUAL(irqs(&m), i);
		set_line(&m, 10, 1);
		set_line(&m, 10, 0);
	}
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 2);
	r = machine_regs(&m);
	CHECK_EQUAL(r.r8, VECTOR_XAPIC);
	CHECK_EQUAL(r.r9 & 0xff, 0x11);
	CHECK_EQUAL(r.r9 >> 16 & 0xff, 23);
}

/* Level-triggered: while the line stays up each EOI brings the next interrupt. */
static void irqchip_ioapic_level(void)
{
	struct machine m;

	open_long(&m);
	m.regs.rax = 11;
	m.regs.rbx = 1u << 15;
	m.regs.rcx = 3;
	machine_start(&m, irq_ioapic);
	machine_run_out(&m, PORT_READY);
	set_line(&m, 11, 1);
	machine_run_out(&m, PORT_READY);
	CHECK(irqs(&m) >= 1);
	machine_run_out(&m, PORT_READY);
	CHECK(irqs(&m) >= 2);
	machine_run_out(&m, PORT_DONE);
	CHECK(irqs(&m) >= 3);
}

/* KVM_GET_MP_STATE of a guest that halted, and a wake-up by making it runnable. */
static void irqchip_halted_state(void)
{
	struct machine m;
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_HALTED};

	open_long(&m);
	machine_start(&m, long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MP_STATE, &mp), 0);
	mp.mp_state = KVM_MP_STATE_RUNNABLE;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MP_STATE, &mp), 0);
	machine_run_out(&m, PORT_DONE);
}

SUITE(irqchip, TEST(irqchip_pic), TEST(irqchip_pic_pulse), TEST(irqchip_pit_tick),
      TEST(irqchip_pit_counts), TEST(irqchip_xapic_reset_state), TEST(irqchip_xapic_tpr),
      TEST(irqchip_self_ipi), TEST(irqchip_self_ipi_x2apic), TEST(irqchip_masked_by_tpr),
      TEST(irqchip_timer_once), TEST(irqchip_timer_periodic), TEST(irqchip_timer_deadline),
      TEST(irqchip_ioapic_edge), TEST(irqchip_ioapic_level), TEST(irqchip_halted_state));
