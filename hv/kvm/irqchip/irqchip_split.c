/* SPDX-License-Identifier: MIT */
/*
 * Split interrupt controllers: local APICs here, the rest in user space; see irqchip.h.
 * Source: KVM API, KVM_CAP_SPLIT_IRQCHIP and KVM_EXIT_IOAPIC_EOI.
 */
#include "kvm/irqchip/irqchip_lock.h"

/* The message of GSI @gsi if it is one of user space's I/O APIC that wants its EOI. */
static bool user_message(const struct irqchip *c, u32 gsi, struct apic_message *m)
{
	const struct irq_route *r = &c->routing.route[gsi];

	if (r->pin_count != ROUTE_MSI)
		return false;
	*m = irqchip_message(c, &r->msi);
	return m->level;
}

static u32 user_gsis(const struct irqchip *c)
{
	return MIN(c->routing.count, c->reserved_routes);
}

void irqchip_split_publish(struct irqchip *c)
{
	u32 vectors[ARRAY_SIZE(c->bus.eoi_vectors)] = {0};
	struct apic_message m;

	for (u32 gsi = 0; gsi < user_gsis(c); gsi++)
		if (user_message(c, gsi, &m))
			vectors[m.vector / 32] |= 1u << m.vector % 32;
	apic_bus_set_eoi_vectors(&c->bus, vectors);
}

bool irqchip_eoi_is_users(struct irqchip *c, u32 index, u8 vector, bool level)
{
	const struct lapic *l = c->bus.lapic[index];
	struct apic_message m;
	bool found = false;

	if (!(READ_ONCE(c->bus.eoi_vectors[vector / 32]) >> vector % 32 & 1))
		return false;
	spin_lock(&c->lock);
	/* One that came as level-triggered may have been sent before its route changed. */
	for (u32 gsi = 0; gsi < user_gsis(c) && !found; gsi++)
		found = user_message(c, gsi, &m) && m.vector == vector &&
			(level || apic_bus_names(&c->bus, l, &m));
	spin_unlock(&c->lock);
	return found;
}

void irqchip_init_split(struct irqchip *c, u32 tsc_khz, u64 min_period_ns, u32 reserved_routes,
			apic_bus_eoi *eoi)
{
	irqchip_init(c, tsc_khz, min_period_ns);
	c->split = true;
	c->reserved_routes = reserved_routes;
	c->bus.eoi = eoi;
	routing_none(&c->routing);
	irqchip_split_publish(c);
}
