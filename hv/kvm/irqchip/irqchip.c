/* SPDX-License-Identifier: MIT */
/* A VM's interrupt controllers as one: see irqchip.h. */
#include "kvm/irqchip/irqchip_lock.h"

#include <linux/errno.h>

#define PIT_GSI 0u

/* The PICs' line or the I/O APIC's pin @pin, of the row of all pins.  @status: the caller
 * wants to hear whether the guest has missed a tick of the clock. */
static inline int set_pin(struct irqchip *c, u32 pin, u32 source, bool level, bool status)
{
	u8 sources = c->sources[pin], bit = (u8)(1u << source);

	sources = level ? sources | bit : sources & (u8)~bit;
	c->sources[pin] = sources;
	if (pin < IRQ_PIN_IOAPIC)
		return pic_set_line(&c->pic, pin, sources);
	if (status && sources && pin == IRQ_PIN_IOAPIC + IOAPIC_CLOCK_PIN &&
	    ioapic_clock_busy(&c->ioapic))
		return 0;
	return ioapic_set_line(&c->ioapic, pin - IRQ_PIN_IOAPIC, sources);
}

static bool x2apic_ids(const struct irqchip *c)
{
	return READ_ONCE(c->bus.x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS;
}

struct apic_message irqchip_message(const struct irqchip *c, const struct irq_msi *msi)
{
	return irq_msi_message(msi, x2apic_ids(c));
}

int irqchip_msi(struct irqchip *c, const struct irq_msi *msi)
{
	struct apic_message m = irqchip_message(c, msi);

	if (!irq_msi_valid(msi, x2apic_ids(c)))
		return -EINVAL;
	return READ_ONCE(c->bus.count) ? apic_bus_send(&c->bus, NULL, &m) : -EPERM;
}

static int set_gsi(struct irqchip *c, u32 gsi, u32 source, bool level, bool status)
{
	const struct irq_route *r;
	int result = -1;

	if (gsi >= c->routing.count)
		return -1;
	r = &c->routing.route[gsi];
	if (r->pin_count == ROUTE_MSI)
		return level ? irqchip_msi(c, &r->msi) : -1;
	for (u32 i = 0; i < r->pin_count; i++) {
		int reached = set_pin(c, r->pin[i], source, level, status);

		if (reached >= 0)
			result = MAX(result, 0) + reached;
	}
	return result;
}

int irqchip_line_held(struct irqchip *c, u32 gsi, u32 source, bool level)
{
	return set_gsi(c, gsi, source, level, false);
}

static void pulse_pit(struct irqchip *c)
{
	irqchip_line_held(c, PIT_GSI, IRQ_SOURCE_PIT, true);
	irqchip_line_held(c, PIT_GSI, IRQ_SOURCE_PIT, false);
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

static void tell_listeners(struct irqchip *c, u32 gsi)
{
	for (struct irq_listener *l = c->listeners; l; l = l->next)
		if (l->gsi == gsi)
			l->ended(l, c);
}

static void end_gsi(struct irqchip *c, u32 gsi)
{
	if (gsi == PIT_GSI && c->has_pit)
		c->pit_ended = true;
	tell_listeners(c, gsi);
}

/* Interrupts of the pins from @first on, bit n for the nth of them, were ended. */
static void end_pins(struct irqchip *c, u32 first, u32 pins)
{
	for (; pins; pins &= pins - 1) {
		u16 gsi = c->routing.gsi[first + (u32)__builtin_ctz(pins)];

		if (gsi != IRQ_NO_GSI)
			end_gsi(c, gsi);
	}
}

/* Is a pin that leads to the PIT's GSI among those unmasked? */
static bool take_unmasked(struct irqchip *c)
{
	u32 pic = c->pic.unmasked, ioapic = c->ioapic.unmasked;
	bool found = false;

	c->pic.unmasked = 0;
	c->ioapic.unmasked = 0;
	for (; pic; pic &= pic - 1)
		found |= c->routing.gsi[IRQ_PIN_PIC + (u32)__builtin_ctz(pic)] == PIT_GSI;
	for (; ioapic; ioapic &= ioapic - 1)
		found |= c->routing.gsi[IRQ_PIN_IOAPIC + (u32)__builtin_ctz(ioapic)] == PIT_GSI;
	return found;
}

/* Those who listen lower their line, and raise it again if it is to be high. */
static void ask_listeners(struct irqchip *c)
{
	u32 pins = c->ioapic.asked;

	c->ioapic.asked = 0;
	for (; pins; pins &= pins - 1)
		tell_listeners(c, c->routing.gsi[IRQ_PIN_IOAPIC + (u32)__builtin_ctz(pins)]);
}

/* What ended and what was unmasked. */
static __attribute__((noinline)) void settle(struct irqchip *c)
{
	u32 acked = c->pic.acked;
	bool ended;

	ask_listeners(c);
	if (take_unmasked(c) && c->has_pit)
		pit_reset_reinject(&c->pit);
	c->pic.acked = 0;
	end_pins(c, IRQ_PIN_PIC, acked);
	ended = c->pit_ended;
	c->pit_ended = false;
	if (ended && pit_ack(&c->pit))
		pulse_pit(c);
}

void irqchip_release(struct irqchip *c, struct irqchip_held held)
{
	if (c->pic.acked | c->pic.unmasked | c->ioapic.unmasked | c->ioapic.asked | c->pit_ended)
		settle(c);
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
	end_pins(c, IRQ_PIN_IOAPIC, ioapic_vector_pins(&c->ioapic, vector));
	ioapic_eoi(&c->ioapic, vector, level, now);
	irqchip_release(c, held);
}

/* The pins whose GSI the PIT or a listener waits for the end of. */
static void update_notify(struct irqchip *c)
{
	u32 pins = 0, listened = 0;

	if (c->split) {
		irqchip_split_publish(c);
		return;
	}
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		u32 gsi = c->routing.gsi[IRQ_PIN_IOAPIC + pin];
		bool found = false;

		for (const struct irq_listener *l = c->listeners; l; l = l->next)
			found |= l->gsi == gsi && gsi != IRQ_NO_GSI;
		listened |= (u32)found << pin;
		pins |= (u32)(found || gsi == PIT_GSI) << pin;
	}
	ioapic_set_eoi_notify(&c->ioapic, pins, listened);
}

void irqchip_init(struct irqchip *c, u32 tsc_khz, u64 min_period_ns)
{
	c->clock.tsc_khz = tsc_khz;
	c->clock.min_period = irq_clock_ticks(&c->clock, min_period_ns);
	c->bus.vector_hashing = true;
	c->bus.eoi = irqchip_eoi;
	routing_default(&c->routing);
	pic_init(&c->pic);
	ioapic_init(&c->ioapic, &c->bus, &c->clock);
	update_notify(c);
}

void irqchip_destroy(struct irqchip *c)
{
	routing_destroy(&c->routing);
}

void irqchip_set_routing(struct irqchip *c, struct irq_routing *routing)
{
	struct irqchip_held held = irqchip_hold(c);
	struct irq_routing old = c->routing;

	c->routing = *routing;
	update_notify(c);
	irqchip_release(c, held);
	*routing = old;
}

void irqchip_listen(struct irqchip *c, struct irq_listener *l)
{
	spin_lock(&c->lock);
	l->next = c->listeners;
	c->listeners = l;
	update_notify(c);
	spin_unlock(&c->lock);
}

void irqchip_unlisten(struct irqchip *c, struct irq_listener *l)
{
	spin_lock(&c->lock);
	for (struct irq_listener **at = &c->listeners; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	update_notify(c);
	spin_unlock(&c->lock);
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
	struct irqchip_held held = irqchip_hold(c);
	int result = set_gsi(c, gsi, source, level, false);

	irqchip_release(c, held);
	return result;
}

int irqchip_line_status(struct irqchip *c, u32 gsi, bool level)
{
	struct irqchip_held held = irqchip_hold(c);
	int result = set_gsi(c, gsi, IRQ_SOURCE_API, level, true);

	irqchip_release(c, held);
	return result;
}

static bool extint_pending(const struct irqchip *c, const struct lapic *l)
{
	return (READ_ONCE(c->pic.output) || l->user_vector >= 0) && lapic_accepts_extint(l);
}

int irqchip_pending_extint(struct irqchip *c, u32 index)
{
	struct lapic *l = c->bus.lapic[index];
	int vector = -1;

	if (extint_pending(c, l)) {
		if (l->user_vector >= 0)
			return l->user_vector;
		spin_lock(&c->lock);
		vector = pic_peek(&c->pic);
		spin_unlock(&c->lock);
	}
	return vector;
}

int irqchip_take_extint(struct irqchip *c, u32 index)
{
	struct lapic *l = c->bus.lapic[index];
	struct irqchip_held held;
	int vector = -1;

	if (extint_pending(c, l)) {
		if (l->user_vector >= 0) {
			vector = l->user_vector;
			l->user_vector = -1;
			return vector;
		}
		held = irqchip_hold(c);
		if (c->pic.output)
			vector = pic_acknowledge(&c->pic);
		irqchip_release(c, held);
	}
	return vector;
}

int irqchip_pending_vector(struct irqchip *c, u32 index)
{
	int vector = irqchip_pending_extint(c, index);

	return vector >= 0 ? vector : lapic_highest_pending(c->bus.lapic[index]);
}

int irqchip_take_vector(struct irqchip *c, u32 index)
{
	int vector = irqchip_take_extint(c, index);

	return vector >= 0 ? vector : lapic_accept(c->bus.lapic[index]);
}

void irqchip_expire(struct irqchip *c, u64 now)
{
	struct irqchip_held held = irqchip_hold(c);

	ioapic_expire(&c->ioapic, now);
	if (c->has_pit && pit_expire(&c->pit, now))
		pulse_pit(c);
	irqchip_release(c, held);
}
