/* SPDX-License-Identifier: MIT */
/* The I/O APIC: its registers, level and edge, remote IRR, masks, modes, and a line that stays up.
 */
#include "tests/abi/access.h"

#define SELECT GPA_IOAPIC
#define WINDOW (GPA_IOAPIC + 0x10)
#define EOI    (GPA_APIC + 0xb0)
#define SVR    0xf0

#define PIN        10
#define VECTOR     0x45
#define MASK       0x10000u
#define LEVEL      0x8000u
#define REMOTE_IRR 0x4000u
#define ACTIVE_LOW 0x2000u
#define LOGICAL    0x800u
#define LOWEST     0x100u
#define STORM      10000u

static u32 get(struct machine *m, u8 index)
{
	access_set(m, SELECT, index);
	return access_get(m, WINDOW);
}

static void set(struct machine *m, u8 index, u32 value)
{
	access_set(m, SELECT, index);
	access_set(m, WINDOW, value);
}

static u32 entry(struct machine *m)
{
	return get(m, 0x10 + 2 * PIN);
}

static void set_entry(struct machine *m, u32 low, u8 dest)
{
	set(m, 0x11 + 2 * PIN, (u32)dest << 24);
	set(m, 0x10 + 2 * PIN, low);
}

static s32 line(const struct machine *m, u32 level)
{
	struct kvm_irq_level l = {.irq = PIN, .level = level};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE_STATUS, &l), 0);
	return (s32)l.status;
}

/* The local APIC on, and the PIC's lines, which see the same, masked. */
static void open(struct machine *m)
{
	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(m, MACHINE_IRQCHIP);
	access_outb(m, 0x21, 0xff);
	access_outb(m, 0xa1, 0xff);
	access_set(m, GPA_APIC + SVR, 0x1ff);
}

static void ioapic_registers(void)
{
	struct machine m;

	open(&m);
	CHECK_EQUAL(get(&m, 0), 0);
	CHECK_EQUAL(get(&m, 1), 0x170011);
	set(&m, 0, 0xffffffff);
	CHECK_EQUAL(get(&m, 0), 0x0f000000);
	CHECK_EQUAL(get(&m, 2), 0x0f000000); /* arbitration has the same id */
	set(&m, 1, 0);
	CHECK_EQUAL(get(&m, 1), 0x170011);
	set(&m, 2, 0);
	CHECK_EQUAL(get(&m, 2), 0x0f000000);
	CHECK_EQUAL(get(&m, 0x3f), 0);
	CHECK_EQUAL(get(&m, 0x3e), MASK);
	/* There is nothing behind. */
	CHECK_EQUAL(get(&m, 3), 0xffffffff);
	CHECK_EQUAL(get(&m, 0x40), 0xffffffff);
	set(&m, 0x40, 0);
	access_set(&m, SELECT, 0xfffffe12);
	CHECK_EQUAL(access_get(&m, SELECT), 0x12);
	CHECK_EQUAL(access_get(&m, GPA_IOAPIC + 0x20), 0);
	/* Delivery status and remote IRR are its own. */
	set(&m, 0x10 + 2 * PIN, 0xffffffff & ~LEVEL);
	CHECK_EQUAL(entry(&m) & 0x1ffff, 0x1ffff & ~(LEVEL | REMOTE_IRR | 0x1000));
	set(&m, 0x11 + 2 * PIN, 0xabffffff);
	CHECK_EQUAL(get(&m, 0x11 + 2 * PIN) >> 24, 0xab);
}

static void ioapic_edge(void)
{
	struct machine m;

	open(&m);
	CHECK_EQUAL(line(&m, 1), -1);
	set_entry(&m, VECTOR, 0); /* an edge that came while it was masked is lost */
	CHECK_EQUAL(access_take(&m), 0);
	CHECK_EQUAL(line(&m, 1), 0);
	CHECK_EQUAL(line(&m, 0), 1);
	CHECK_EQUAL(line(&m, 1), 1);
	CHECK_EQUAL(entry(&m), VECTOR);
	CHECK_EQUAL(access_take(&m), VECTOR);
	access_set(&m, EOI, 0);
	CHECK_EQUAL(access_take(&m), 0);
	CHECK_EQUAL(line(&m, 0), 1);
	set_entry(&m, ACTIVE_LOW | VECTOR, 0); /* the polarity is of no meaning */
	CHECK_EQUAL(line(&m, 1), 1);
	CHECK_EQUAL(access_take(&m), VECTOR);
}

static void ioapic_level(void)
{
	struct machine m;

	open(&m);
	set_entry(&m, LEVEL | VECTOR, 0);
	CHECK_EQUAL(line(&m, 1), 1);
	CHECK_EQUAL(entry(&m), REMOTE_IRR | LEVEL | VECTOR);
	CHECK_EQUAL(line(&m, 1), -1); /* it waits for the EOI */
	CHECK_EQUAL(access_take(&m), VECTOR);
	access_set(&m, EOI, 0); /* still up: again */
	CHECK_EQUAL(entry(&m), REMOTE_IRR | LEVEL | VECTOR);
	CHECK_EQUAL(access_take(&m), VECTOR);
	CHECK_EQUAL(line(&m, 0), 1);
	access_set(&m, EOI, 0);
	CHECK_EQUAL(entry(&m), LEVEL | VECTOR);
	CHECK_EQUAL(access_take(&m), 0);
	/* Masked while it is up; opened again it interrupts. */
	set_entry(&m, MASK | LEVEL | VECTOR, 0);
	CHECK_EQUAL(line(&m, 1), -1);
	CHECK_EQUAL(access_take(&m), 0);
	set_entry(&m, LEVEL | VECTOR, 0);
	CHECK_EQUAL(access_take(&m), VECTOR);
	/* An edge for a moment is an EOI to the I/O APIC alone. */
	CHECK_EQUAL(line(&m, 0), 1);
	set_entry(&m, MASK | VECTOR, 0);
	CHECK_EQUAL(entry(&m), MASK | VECTOR);
	set_entry(&m, LEVEL | VECTOR, 0);
	CHECK_EQUAL(entry(&m), LEVEL | VECTOR);
	access_set(&m, EOI, 0);
	CHECK_EQUAL(access_take(&m), 0);
}

/* Destinations and delivery modes. */
static void ioapic_modes(void)
{
	struct kvm_vcpu_events e;
	struct machine m, other;

	open(&m);
	other = access_add_vcpu(&m, 1);
	access_set_apic(&other, SVR, 0x1ff);
	set_entry(&m, VECTOR, 1);
	CHECK_EQUAL(line(&m, 1), 1);
	CHECK_EQUAL(access_take_irr(&other), VECTOR);
	line(&m, 0);
	set_entry(&m, VECTOR, 9); /* nobody */
	CHECK_EQUAL(line(&m, 1), 0);
	line(&m, 0);
	set_entry(&m, VECTOR, 0xff);
	CHECK_EQUAL(line(&m, 1), 2);
	line(&m, 0);
	CHECK_EQUAL(access_take_irr(&m), VECTOR);
	CHECK_EQUAL(access_take_irr(&other), VECTOR);
	access_set_apic(&m, 0xd0, 1u << 24);
	access_set_apic(&other, 0xd0, 2u << 24);
	set_entry(&m, LOGICAL | LOWEST | VECTOR, 3);
	CHECK_EQUAL(line(&m, 1), 1);
	line(&m, 0);
	CHECK_EQUAL(access_take_irr(VECTOR % 2 ? &other : &m), VECTOR);
	set_entry(&m, 0x400, 1); /* NMI */
	CHECK_EQUAL(line(&m, 1), 1);
	line(&m, 0);
	CHECK_RESULT(t_ioctl_ptr(other.vcpu, KVM_GET_VCPU_EVENTS, &e), 0);
	CHECK_EQUAL(e.nmi.pending, 1);
	set_entry(&m, 0x700, 1); /* ExtINT: only the PIC's */
	CHECK_EQUAL(line(&m, 1), 0);
	line(&m, 0);
	/* A level that nobody takes does not wait for an EOI. */
	set_entry(&m, LEVEL | VECTOR, 9);
	CHECK_EQUAL(line(&m, 1), 0);
	CHECK_EQUAL(entry(&m), LEVEL | VECTOR);
}

/* A line that nobody lowers: after 10,000 interrupts in a row there is a pause. */
static void ioapic_storm(void)
{
	struct machine m;

	open(&m);
	machine_set_vector(&m, VECTOR, handler_xapic);
	set_entry(&m, LEVEL | VECTOR, 0);
	CHECK_EQUAL(line(&m, 1), 1);
	m.regs.rcx = 1; /* each comes before the guest gets on by one instruction */
	machine_do(&m, access_storm);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), STORM);
	machine_do(&m, access_storm);
	CHECK(machine_regs(&m).r9 > 1000);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2 * STORM);
	line(&m, 0);
	access_take(&m);
	CHECK_EQUAL(entry(&m), LEVEL | VECTOR);
}

/*
 * A resampled line that rose while its pin was masked: opened, user space is asked whether it is
 * still high, in Linux from 6.4 on, before the guest is interrupted.
 */
static void ioapic_resample_opened(void)
{
	int event = CHECK_HANDLE(t_event_create(0, false));
	int again = CHECK_HANDLE(t_event_create(0, false));
	struct kvm_irqfd f = {.fd = (u32)event,
			      .gsi = PIN,
			      .flags = KVM_IRQFD_FLAG_RESAMPLE,
			      .resamplefd = (u32)again};
	struct machine m;
	u64 taken, count;

	open(&m);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQFD, &f), 0);
	set_entry(&m, MASK | LEVEL | VECTOR, 0);
	CHECK_RESULT(t_event_signal(event, 1), 0);
	CHECK_RESULT(t_event_read(again, &count), -EAGAIN);
	set_entry(&m, LEVEL | VECTOR, 0);
	taken = access_take(&m);
	if (target_is_kvm0 || !taken) {
		CHECK_EQUAL(taken, 0);
		CHECK_RESULT(t_event_read(again, &count), 0);
		CHECK_RESULT(t_event_signal(event, 1), 0);
		taken = access_take(&m);
	}
	CHECK_EQUAL(taken, VECTOR);
	access_set(&m, EOI, 0);
	CHECK_RESULT(t_event_read(again, &count), 0);
	CHECK_EQUAL(access_take(&m), 0);
	CHECK_EQUAL(entry(&m), LEVEL | VECTOR);
}

SUITE(ioapic, TEST(ioapic_registers), TEST(ioapic_edge), TEST(ioapic_level), TEST(ioapic_modes),
      TEST(ioapic_storm), TEST(ioapic_resample_opened));
