/* SPDX-License-Identifier: MIT */
/* The I/O APIC: see ioapic.h.  Source: Intel 82093AA data sheet. */
#include "kvm/irqchip/ioapic.h"

#include "kvm/irqchip/lapic.h"

#define VERSION_ID 0x11u

enum { REG_SELECT = 0x00, REG_WINDOW = 0x10 };
enum { INDEX_ID = 0, INDEX_VERSION = 1, INDEX_ARBITRATION = 2, INDEX_TABLE = 0x10 };

/* The guard against a guest that never serves a level-triggered line. */
#define STORM_EOIS     10000u
#define STORM_PAUSE_NS 10000000u

typedef __typeof__(((struct kvm_ioapic_state *)0)->redirtbl[0]) ioapic_entry;

static bool line_high(const struct ioapic *io, u32 pin)
{
	return io->state.irr >> pin & 1;
}

/* Send @pin's interrupt, unless it is masked or waits for an EOI (-1). */
static int service(struct ioapic *io, u32 pin)
{
	ioapic_entry *e = &io->state.redirtbl[pin];
	struct apic_message m;
	int reached;

	if (e->fields.mask || (e->fields.trig_mode && e->fields.remote_irr))
		return -1;
	m = (struct apic_message){
		.dest = e->fields.dest_id,
		.vector = e->fields.vector,
		.delivery = e->fields.delivery_mode,
		.logical = e->fields.dest_mode,
		.level = e->fields.trig_mode,
		.assert = true,
	};
	if (!e->fields.trig_mode)
		io->irr_delivered |= 1u << pin;
	reached = apic_bus_send(io->bus, NULL, &m);
	if (reached && e->fields.trig_mode)
		e->fields.remote_irr = 1;
	return reached;
}

int ioapic_set_line(struct ioapic *io, u32 pin, bool level)
{
	u32 bit = 1u << pin;
	bool was_high = line_high(io, pin);

	if (!level) {
		io->state.irr &= ~bit;
		return 1;
	}
	io->state.irr |= bit;
	if (!io->state.redirtbl[pin].fields.trig_mode) {
		io->irr_delivered &= ~bit;
		if (was_high)
			return 0;
	}
	return service(io, pin);
}

bool ioapic_clock_busy(const struct ioapic *io)
{
	u8 vector = io->state.redirtbl[IOAPIC_CLOCK_PIN].fields.vector;

	for (u32 i = 0; i < READ_ONCE(io->bus->count); i++) {
		const struct lapic *l = READ_ONCE(io->bus->lapic[i]);

		if (l && lapic_vector_busy(l, vector))
			return true;
	}
	return false;
}

/* Tell the bus which vectors' EOIs to forward although they are not level-triggered. */
static void publish_eoi_vectors(struct ioapic *io)
{
	u32 vectors[8] = {0};

	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		const ioapic_entry *e = &io->state.redirtbl[pin];

		if (e->fields.trig_mode || io->eoi_notify >> pin & 1)
			vectors[e->fields.vector / 32] |= 1u << e->fields.vector % 32;
	}
	apic_bus_set_eoi_vectors(io->bus, vectors);
}

void ioapic_get(const struct ioapic *io, struct kvm_ioapic_state *state)
{
	*state = io->state;
	state->irr &= ~io->irr_delivered;
}

void ioapic_set(struct ioapic *io, const struct kvm_ioapic_state *state)
{
	io->state = *state;
	io->state.irr = 0;
	io->irr_delivered = 0;
	publish_eoi_vectors(io);
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		io->eoi_count[pin] = 0;
		if (state->irr >> pin & 1)
			ioapic_set_line(io, pin, true);
	}
}

void ioapic_set_eoi_notify(struct ioapic *io, u32 pins, u32 listened)
{
	io->eoi_notify = pins;
	io->listened = listened;
	publish_eoi_vectors(io);
}

u32 ioapic_vector_pins(const struct ioapic *io, u8 vector)
{
	u32 pins = 0;

	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		pins |= (u32)(io->state.redirtbl[pin].fields.vector == vector) << pin;
	return pins;
}

void ioapic_init(struct ioapic *io, struct apic_bus *bus, const struct irq_clock *clock)
{
	*io = (struct ioapic){.bus = bus, .clock = clock};
	io->deadline = IRQ_NEVER;
	io->state.base_address = IOAPIC_DEFAULT_BASE;
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		io->state.redirtbl[pin].fields.mask = 1;
	publish_eoi_vectors(io);
}

static u32 read_window(const struct ioapic *io)
{
	u32 index = io->state.ioregsel, pin = (index - INDEX_TABLE) / 2;

	switch (index) {
	case INDEX_ID:
	case INDEX_ARBITRATION:
		return (io->state.id & 0xf) << 24;
	case INDEX_VERSION:
		return (IOAPIC_PINS - 1) << 16 | VERSION_ID;
	default:
		if (index < INDEX_TABLE || pin >= IOAPIC_PINS)
			return 0xffffffff;
		return (u32)(io->state.redirtbl[pin].bits >> (index & 1) * 32);
	}
}

/*
 * @pin's level-triggered entry was written, and the line is high as far as is known.  A guest that
 * has served the device between EOI and unmasking would get an interrupt for nothing: who
 * resamples the line is asked, as in Linux from 6.4 on.
 */
static void look_again(struct ioapic *io, u32 pin)
{
	const ioapic_entry *e = &io->state.redirtbl[pin];

	if (!e->fields.mask && !e->fields.remote_irr && (io->listened >> pin & 1))
		io->asked |= 1u << pin;
	else
		service(io, pin);
}

static void write_entry(struct ioapic *io, u32 pin, bool high, u32 val)
{
	ioapic_entry *e = &io->state.redirtbl[pin];
	ioapic_entry old = *e;

	if (high)
		e->bits = (old.bits & 0xffffffff) | (u64)val << 32;
	else
		e->bits = (old.bits & ~0xffffffffull) | val;
	e->fields.delivery_status = old.fields.delivery_status; /* read-only */
	e->fields.remote_irr = old.fields.remote_irr;
	/* With no EOI register, guests end a level-triggered interrupt by making the
	 * pin edge-triggered for a moment. */
	if (!e->fields.trig_mode)
		e->fields.remote_irr = 0;
	if (old.fields.mask && !e->fields.mask)
		io->unmasked |= 1u << pin;
	publish_eoi_vectors(io);
	if (e->fields.trig_mode && line_high(io, pin))
		look_again(io, pin);
}

static void write_window(struct ioapic *io, u32 val)
{
	u32 index = io->state.ioregsel, pin = (index - INDEX_TABLE) / 2;

	if (index == INDEX_ID)
		io->state.id = val >> 24 & 0xf;
	else if (index >= INDEX_TABLE && pin < IOAPIC_PINS)
		write_entry(io, pin, index & 1, val);
}

/* What is left of @val in an access of @size bytes. */
static u32 cut(u32 val, u32 size)
{
	return size >= 4 ? val : val & ((1u << size * 8) - 1);
}

u32 ioapic_read(const struct ioapic *io, u32 offset, u32 size)
{
	switch (offset) {
	case REG_SELECT:
		return cut(io->state.ioregsel, size);
	case REG_WINDOW:
		return cut(read_window(io), size);
	default:
		return 0;
	}
}

void ioapic_write(struct ioapic *io, u32 offset, u32 size, u32 val)
{
	if (offset == REG_SELECT)
		io->state.ioregsel = val & 0xff; /* eight bits, whatever the size */
	else if (offset == REG_WINDOW)
		write_window(io, cut(val, size));
}

/* The EOI of @pin found its line high again. */
static void eoi_still_high(struct ioapic *io, u32 pin, u64 now)
{
	u64 pause = irq_clock_ticks(io->clock, STORM_PAUSE_NS);

	if (++io->eoi_count[pin] < STORM_EOIS) {
		service(io, pin);
		return;
	}
	io->eoi_count[pin] = 0;
	if (io->deadline == IRQ_NEVER)
		WRITE_ONCE(io->deadline, irq_clock_after(now, pause));
}

void ioapic_eoi(struct ioapic *io, u8 vector, bool level, u64 now)
{
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		ioapic_entry *e = &io->state.redirtbl[pin];

		/* Edge-triggered entries are left alone even if the vector is shared. */
		if (e->fields.vector != vector || !level || !e->fields.trig_mode)
			continue;
		e->fields.remote_irr = 0;
		if (!e->fields.mask && line_high(io, pin))
			eoi_still_high(io, pin, now);
		else
			io->eoi_count[pin] = 0;
	}
}

void ioapic_expire(struct ioapic *io, u64 now)
{
	if (io->deadline > now || io->deadline == IRQ_NEVER)
		return;
	WRITE_ONCE(io->deadline, IRQ_NEVER);
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		const ioapic_entry *e = &io->state.redirtbl[pin];

		if (e->fields.trig_mode && line_high(io, pin) && !e->fields.remote_irr)
			service(io, pin);
	}
}
