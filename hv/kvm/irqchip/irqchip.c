/* SPDX-License-Identifier: MIT */
/* A VM's interrupt controllers as one: see irqchip.h. */
#include "kvm/irqchip/irqchip.h"

#include <linux/errno.h>

#define PIT_GSI 0u

/* Holding the lock; what has to be compared when it is given up. */
struct irqchip_held {
	bool pic_output;
	u64 deadline;
};

static struct irqchip_held irqchip_hold(struct irqchip *c)
{
	spin_lock(&c->lock);
	return (struct irqchip_held){c->pic.output, irqchip_next_deadline(c)};
}

static int set_line(struct irqchip *c, u32 gsi, u32 source, bool level)
{
	u8 sources = c->sources[gsi], bit = (u8)(1u << source);
	int result = -1, reached;

	sources = level ? sources | bit : sources & (u8)~bit;
	c->sources[gsi] = sources;
	if (gsi < PIC_LINES)
		result = pic_set_line(&c->pic, gsi, sources);
	reached = ioapic_set_line(&c->ioapic, gsi, sources);
	if (reached < 0)
		return result;
	return reached + MAX(result, 0);
}

static void pulse_pit(struct irqchip *c)
{
	set_line(c, PIT_GSI, IRQ_SOURCE_PIT, true);
	set_line(c, PIT_GSI, IRQ_SOURCE_PIT, false);
	/* A guest's NMI watchdog: the PIT through LINT0 of every CPU that has it as NMI. */
	for (u32 i = 0; i < READ_ONCE(c->bus.count); i++) {
		struct lapic *l = READ_ONCE(c->bus.lapic[i]);

		if (l && lapic_lint0_is_nmi(l))
			lapic_local_interrupt(l, LAPIC_LVT_LINT0);
	}
}

/* The PIC's INTR rose: the first vCPU that takes it has something to do. */
static void wake_for_pic(struct irqchip *c)
{
	for (u32 i = 0; i < READ_ONCE(c->bus.count); i++) {
		struct lapic *l = READ_ONCE(c->bus.lapic[i]);

		if (l && lapic_accepts_extint(l)) {
			apic_bus_wake(&c->bus, i);
			return;
		}
	}
}

/* Give up the lock, after what the PIT has to hear of its interrupt. */
static void irqchip_release(struct irqchip *c, struct irqchip_held held)
{
	bool unmasked = (c->pic.unmasked | c->ioapic.unmasked) & BIT(PIT_GSI);
	bool acked = (c->pic.acked | c->ioapic.acked) & BIT(PIT_GSI);

	c->pic.unmasked = c->pic.acked = 0;
	c->ioapic.unmasked = c->ioapic.acked = 0;
	if (c->has_pit && unmasked)
		pit_reset_reinject(&c->pit);
	if (c->has_pit && acked && pit_ack(&c->pit))
		pulse_pit(c);
	if (c->pic.output && !held.pic_output)
		wake_for_pic(c);
	if (irqchip_next_deadline(c) < held.deadline)
		apic_bus_wake(&c->bus, 0); /* vCPU 0 keeps these deadlines */
	spin_unlock(&c->lock);
}

static void irqchip_eoi(struct apic_bus *bus, u32 index, u8 vector, bool level, u64 now)
{
	struct irqchip *c = container_of(bus, struct irqchip, bus);
	struct irqchip_held held = irqchip_hold(c);

	(void)index;
	ioapic_eoi(&c->ioapic, vector, level, now);
	irqchip_release(c, held);
}

void irqchip_init(struct irqchip *c, u32 tsc_khz, u64 min_period_ns)
{
	c->clock.tsc_khz = tsc_khz;
	c->clock.min_period = irq_clock_ticks(&c->clock, min_period_ns);
	c->bus.vector_hashing = true;
	c->bus.eoi = irqchip_eoi;
	pic_init(&c->pic);
	ioapic_init(&c->ioapic, &c->bus, &c->clock, 1u << PIT_GSI);
}

int irqchip_create_pit(struct irqchip *c, u32 flags, u64 now)
{
	struct irqchip_held held = irqchip_hold(c);

	if (c->has_pit) {
		irqchip_release(c, held);
		return -EEXIST;
	}
	pit_init(&c->pit, &c->clock, now);
	c->has_pit = true;
	c->has_speaker = flags & KVM_PIT_SPEAKER_DUMMY;
	irqchip_release(c, held);
	return 0;
}

int irqchip_line(struct irqchip *c, u32 gsi, u32 source, bool level)
{
	struct irqchip_held held;
	int result;

	if (gsi >= IRQCHIP_GSIS)
		return -1;
	held = irqchip_hold(c);
	result = set_line(c, gsi, source, level);
	irqchip_release(c, held);
	return result;
}

static bool extint_pending(const struct irqchip *c, const struct lapic *l)
{
	return READ_ONCE(c->pic.output) && lapic_accepts_extint(l);
}

int irqchip_pending_vector(struct irqchip *c, u32 index)
{
	struct lapic *l = c->bus.lapic[index];
	int vector = -1;

	if (extint_pending(c, l)) {
		spin_lock(&c->lock);
		vector = pic_peek(&c->pic);
		spin_unlock(&c->lock);
	}
	return vector >= 0 ? vector : lapic_highest_pending(l);
}

int irqchip_take_vector(struct irqchip *c, u32 index)
{
	struct lapic *l = c->bus.lapic[index];
	struct irqchip_held held;
	int vector = -1;

	if (extint_pending(c, l)) {
		held = irqchip_hold(c);
		if (c->pic.output)
			vector = pic_acknowledge(&c->pic);
		irqchip_release(c, held);
	}
	return vector >= 0 ? vector : lapic_accept(l);
}

/* Is an access of @size bytes to @port within @count ports from @first? */
static bool in_ports(u32 port, u32 size, u32 first, u32 count)
{
	return port >= first && port + size <= first + count;
}

static u32 access_pic(struct irqchip *c, u16 port, u32 size, bool is_write, u32 val)
{
	if (size != 1)
		return 0;
	if (!is_write)
		return pic_read(&c->pic, port);
	pic_write(&c->pic, port, (u8)val);
	return 0;
}

static u32 access_pit(struct irqchip *c, u16 port, bool is_write, u32 val, u64 now)
{
	if (!is_write)
		return pit_read(&c->pit, port & 3, now);
	pit_write(&c->pit, port & 3, (u8)val, now);
	return 0;
}

static u32 access_speaker(struct irqchip *c, bool is_write, u32 val, u64 now)
{
	if (!is_write)
		return pit_speaker_read(&c->pit, now);
	pit_speaker_write(&c->pit, (u8)val, now);
	return 0;
}

bool irqchip_pio(struct irqchip *c, u16 port, u32 size, bool is_write, u32 *val, u64 now)
{
	bool pic = in_ports(port, size, 0x20, 2) || in_ports(port, size, 0xa0, 2) ||
		   in_ports(port, size, 0x4d0, 2);
	bool pit = c->has_pit && in_ports(port, size, 0x40, 4);
	bool speaker = c->has_speaker && port == 0x61;
	struct irqchip_held held;
	u32 result;

	if (!pic && !pit && !speaker)
		return false;
	held = irqchip_hold(c);
	if (pic)
		result = access_pic(c, port, size, is_write, *val);
	else if (pit)
		result = access_pit(c, port, is_write, *val, now);
	else
		result = access_speaker(c, is_write, *val, now);
	irqchip_release(c, held);
	if (!is_write)
		*val = result;
	return true;
}

bool irqchip_mmio(struct irqchip *c, u32 index, gpa_t addr, u32 size, bool is_write, u64 *val,
		  u64 now)
{
	struct lapic *l = c->bus.lapic[index];
	u64 offset = addr.v - (l->base & PAGE_MASK);
	struct irqchip_held held;

	if (offset < PAGE_SIZE) {
		if (is_write)
			lapic_mmio_write(l, (u32)offset, size, *val, now);
		else
			*val = lapic_mmio_read(l, (u32)offset, size, now);
		return true;
	}
	offset = addr.v - c->ioapic.state.base_address;
	if (offset >= IOAPIC_SIZE)
		return false;
	held = irqchip_hold(c);
	if (is_write)
		ioapic_write(&c->ioapic, (u32)offset, size, (u32)*val);
	else
		*val = ioapic_read(&c->ioapic, (u32)offset, size);
	irqchip_release(c, held);
	return true;
}

void irqchip_expire(struct irqchip *c, u64 now)
{
	struct irqchip_held held = irqchip_hold(c);

	ioapic_expire(&c->ioapic, now);
	if (c->has_pit && pit_expire(&c->pit, now))
		pulse_pit(c);
	irqchip_release(c, held);
}
