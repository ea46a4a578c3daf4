/* SPDX-License-Identifier: MIT */
/* Where GSIs lead: see routing.h. */
#include "kvm/irqchip/routing.h"

#include <linux/errno.h>

#include "core/page.h"
#include "lib/string.h"

#define PIC_CHIP_PINS 8u

/* GSI @n: to the PIC and the I/O APIC, or to the I/O APIC alone. */
#define BOTH(n)                                                                                    \
	{                                                                                          \
		.pin_count = 2, .pin = {(n), IRQ_PIN_IOAPIC + (n) }                                \
	}
#define IOAPIC(n)                                                                                  \
	{                                                                                          \
		.pin_count = 1, .pin = { IRQ_PIN_IOAPIC + (n) }                                    \
	}
static const struct irq_route default_routes[] = {
	BOTH(0),    BOTH(1),    BOTH(2),    BOTH(3),    BOTH(4),    BOTH(5),
	BOTH(6),    BOTH(7),    BOTH(8),    BOTH(9),    BOTH(10),   BOTH(11),
	BOTH(12),   BOTH(13),   BOTH(14),   BOTH(15),   IOAPIC(16), IOAPIC(17),
	IOAPIC(18), IOAPIC(19), IOAPIC(20), IOAPIC(21), IOAPIC(22), IOAPIC(23),
};
_Static_assert(ARRAY_SIZE(default_routes) == KVM_IOAPIC_NUM_PINS, "default routing");

static void forget_pins(struct irq_routing *r)
{
	for (u32 pin = 0; pin < IRQ_PINS; pin++)
		r->gsi[pin] = IRQ_NO_GSI;
}

void routing_default(struct irq_routing *r)
{
	r->count = ARRAY_SIZE(default_routes);
	r->route = default_routes;
	forget_pins(r);
	for (u32 gsi = 0; gsi < r->count; gsi++)
		for (u32 i = 0; i < r->route[gsi].pin_count; i++)
			r->gsi[r->route[gsi].pin[i]] = (u16)gsi;
}

void routing_none(struct irq_routing *r)
{
	r->count = 0;
	r->route = default_routes; /* of which none counts */
	forget_pins(r);
}

int routing_init(struct irq_routing *r, u32 count)
{
	forget_pins(r);
	r->count = count;
	r->route = object_alloc(MAX(count, 1u) * sizeof(*r->route));
	return r->route ? 0 : -ENOMEM;
}

/* The routes of a table that routing_init() has made. */
static struct irq_route *own_routes(const struct irq_routing *r)
{
	return (struct irq_route *)(uintptr_t)r->route;
}

void routing_destroy(struct irq_routing *r)
{
	if (r->route != default_routes)
		object_free(own_routes(r), MAX(r->count, 1u) * sizeof(*r->route));
}

/* The pin that an entry names, or -EINVAL. */
static int pin_of(const struct kvm_irq_routing_irqchip *to)
{
	switch (to->irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		if (to->pin >= PIC_CHIP_PINS)
			return -EINVAL;
		return (int)(IRQ_PIN_PIC + to->irqchip * PIC_CHIP_PINS + to->pin);
	case KVM_IRQCHIP_IOAPIC:
		return to->pin < KVM_IOAPIC_NUM_PINS ? (int)(IRQ_PIN_IOAPIC + to->pin) : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* KVM_IRQCHIP_* of a pin. */
static u32 chip_of(u32 pin)
{
	return pin < IRQ_PIN_IOAPIC ? pin / PIC_CHIP_PINS : KVM_IRQCHIP_IOAPIC;
}

static int add_pin(struct irq_routing *r, u32 gsi, const struct kvm_irq_routing_irqchip *to)
{
	struct irq_route *route = &own_routes(r)[gsi];
	int pin = pin_of(to);

	if (pin < 0 || route->pin_count == ROUTE_MSI)
		return -EINVAL;
	for (u32 i = 0; i < route->pin_count; i++)
		if (chip_of(route->pin[i]) == to->irqchip)
			return -EINVAL;
	route->pin[route->pin_count++] = (u8)pin;
	r->gsi[pin] = (u16)gsi;
	return 0;
}

static int add_msi(struct irq_routing *r, u32 gsi, const struct kvm_irq_routing_msi *to,
		   bool x2apic_ids)
{
	struct irq_route *route = &own_routes(r)[gsi];
	struct irq_msi msi = {to->address_lo, to->address_hi, to->data};

	if (route->pin_count || !irq_msi_valid(&msi, x2apic_ids))
		return -EINVAL;
	route->pin_count = ROUTE_MSI;
	route->msi = msi;
	return 0;
}

int routing_add(struct irq_routing *r, const struct kvm_irq_routing_entry *e, bool x2apic_ids)
{
	if (e->gsi >= r->count)
		return -EINVAL;
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		return e->flags ? -EINVAL : add_pin(r, e->gsi, &e->u.irqchip);
	case KVM_IRQ_ROUTING_MSI:
		/* The device's id is of no use on x86, and allowed (KVM_MSI_VALID_DEVID). */
		if (e->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		return add_msi(r, e->gsi, &e->u.msi, x2apic_ids);
	default:
		return -EINVAL;
	}
}

bool irq_msi_valid(const struct irq_msi *msi, bool x2apic_ids)
{
	return !x2apic_ids || !(msi->address_hi & 0xff);
}

struct apic_message irq_msi_message(const struct irq_msi *msi, bool x2apic_ids)
{
	return (struct apic_message){
		.dest = (msi->address_lo >> 12 & 0xff) |
			(x2apic_ids ? msi->address_hi & 0xffffff00 : 0),
		.vector = (u8)msi->data,
		.delivery = msi->data >> 8 & 7,
		.logical = msi->address_lo >> 2 & 1,
		.lowest = msi->address_lo >> 3 & 1, /* the redirection hint */
		.level = msi->data >> 15 & 1,
		.assert = true,
	};
}
