/* SPDX-License-Identifier: MIT */
/*
 * The state of all interrupt controllers, taken out of one VM and put into another in the
 * midst of interrupts: the guest does not notice.
 */
#include "tests/abi/machine.h"

#define VECTOR_PIC_TIMER 0x20
#define VECTOR_PIC_5     0x25
#define VECTOR_LOW       0x40
#define VECTOR_LEVEL     0x50
#define VECTOR_HIGH      0x60
#define PIN_LEVEL        11

#define LAPIC_LVT_TIMER 0x320
#define LAPIC_TMICT     0x380
#define LAPIC_TMCCT     0x390
#define LAPIC_TDCR      0x3e0

struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_mp_state mp;
	struct kvm_irqchip chip[KVM_NR_IRQCHIPS];
	u32 lapic[KVM_APIC_REG_SIZE / 4];
	struct kvm_pit_state2 pit;
};

/* Finish the instruction that the last exit came from. */
static void settle(const struct machine *m)
{
	m->run->immediate_exit = 1;
	CHECK_RESULT(t_run(m->vcpu), -EINTR);
	m->run->immediate_exit = 0;
}

static void save(const struct machine *m, struct state *s)
{
	settle(m);
	s->regs = machine_regs(m);
	s->sregs = machine_sregs(m);
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_MP_STATE, &s->mp), 0);
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, s->lapic), 0);
	for (u32 i = 0; i < KVM_NR_IRQCHIPS; i++) {
		s->chip[i].chip_id = i;
		CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_IRQCHIP, &s->chip[i]), 0);
	}
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_PIT2, &s->pit), 0);
}

static void restore(const struct machine *m, const struct state *s)
{
	machine_set_sregs(m, &s->sregs);
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_REGS, &s->regs), 0);
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_LAPIC, s->lapic), 0);
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_MP_STATE, &s->mp), 0);
	for (u32 i = 0; i < KVM_NR_IRQCHIPS; i++)
		CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_IRQCHIP, &s->chip[i]), 0);
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_PIT2, &s->pit), 0);
}

/* The machine goes on in another VM, with the same memory. */
static void move(struct machine *m)
{
	static struct state s;

	save(m, &s);
	check_close(m->vcpu);
	check_close(m->vm);
	machine_reopen(m);
	restore(m, &s);
}

static void set_line(const struct machine *m, u32 irq, u32 level)
{
	struct kvm_irq_level line = {.irq = irq, .level = level};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE, &line), 0);
}

static void send_msi(const struct machine *m, u8 vector)
{
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = vector};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SIGNAL_MSI, &msi), 1);
}

static void open_stopped(struct machine *m)
{
	machine_open(m, MODE_LONG, MACHINE_PIT | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_PIC_TIMER, handler_stop_20);
	machine_set_vector(m, VECTOR_PIC_5, handler_stop_25);
	machine_set_vector(m, VECTOR_LOW, handler_stop_40);
	machine_set_vector(m, VECTOR_LEVEL, handler_stop_50);
	machine_set_vector(m, VECTOR_HIGH, handler_stop_60);
	machine_start(m, irq_stops);
	CHECK_EQUAL(machine_run_out(m, PORT_READY), 0);
}

/* The I/O APIC's pin to VECTOR_LEVEL, level-triggered. */
static void route_level(const struct machine *m)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_IRQCHIP, &chip), 0);
	chip.chip.ioapic.redirtbl[PIN_LEVEL].bits = 1u << 15 | VECTOR_LEVEL;
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_IRQCHIP, &chip), 0);
}

/* Pending, in service and level-triggered ones, moved at each stop. */
static void move_interrupts(void)
{
	struct machine m;

	machine_need_vmx("what is in service at an exit");
	open_stopped(&m);
	move(&m);
	route_level(&m);
	send_msi(&m, VECTOR_LOW);
	set_line(&m, PIN_LEVEL, 1);
	send_msi(&m, VECTOR_HIGH);
	set_line(&m, 5, 1);
	set_line(&m, 5, 0);
	move(&m); /* all pending */
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_PIC_5);
	move(&m); /* the PIC's in service */
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_HIGH);
	move(&m); /* one in service above two that are pending */
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_LEVEL);
	move(&m); /* remote IRR, and the line still high: again after the EOI */
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_LEVEL);
	set_line(&m, PIN_LEVEL, 0);
	move(&m);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_LOW);
	move(&m);
	send_msi(&m, VECTOR_HIGH);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_HIGH);
}

/* Nanoseconds by a local APIC's timer that nothing stops: @clock counts from 2^32 - 1 down. */
static u32 time_of(const struct machine *clock)
{
	u32 s[KVM_APIC_REG_SIZE / 4];

	CHECK_RESULT(t_ioctl_ptr(clock->vcpu, KVM_GET_LAPIC, s), 0);
	return 0xffffffff - s[LAPIC_TMCCT / 4];
}

static void set_timer(const struct machine *m, u32 lvt, u32 initial, u32 current)
{
	u32 s[KVM_APIC_REG_SIZE / 4];

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, s), 0);
	s[LAPIC_LVT_TIMER / 4] = lvt;
	s[LAPIC_TDCR / 4] = 0xb; /* by 1 */
	s[LAPIC_TMICT / 4] = initial;
	s[LAPIC_TMCCT / 4] = current;
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_LAPIC, s), 0);
}

#define MS 1000000u /* in counts of the timer */

/* A timer goes on with what was left of it, and a periodic one then with its period. */
static void move_timer(void)
{
	struct machine m, clock;
	u32 start, passed;

	open_stopped(&m);
	machine_open(&clock, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	set_timer(&clock, 0x10000, 0xffffffff, 0xffffffff);
	start = time_of(&clock);
	set_timer(&m, VECTOR_HIGH, 400 * MS, 20 * MS);
	move(&m);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_HIGH);
	passed = time_of(&clock) - start;
	CHECK(passed >= 20 * MS && passed < 400 * MS);
	start = time_of(&clock);
	set_timer(&m, 0x20000 | VECTOR_LOW, 100 * MS, 10 * MS);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_LOW);
	passed = time_of(&clock) - start;
	CHECK(passed >= 10 * MS && passed < 100 * MS);
	move(&m);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_LOW);
	passed = time_of(&clock) - start;
	CHECK(passed >= 110 * MS && passed < 1000 * MS);
}

/* The PIT's channel 0, which starts its count anew as in Linux. */
static void move_pit(void)
{
	struct kvm_pit_state2 pit;
	struct machine m;

	open_stopped(&m);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_PIT2, &pit), 0);
	pit.channels[0].mode = 2;
	pit.channels[0].count = 11932;
	pit.channels[0].rw_mode = pit.channels[0].read_state = pit.channels[0].write_state = 3;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_PIT2, &pit), 0);
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQUAL(machine_run_out(&m, PORT_READY), VECTOR_PIC_TIMER);
		move(&m);
	}
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_PIT2, &pit), 0);
	CHECK_EQUAL(pit.channels[0].count, 11932);
	CHECK_EQUAL(pit.channels[0].mode, 2);
}

SUITE(irq_move, TEST(move_interrupts), TEST(move_timer), TEST(move_pit));
