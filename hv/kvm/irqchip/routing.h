/* SPDX-License-Identifier: MIT */
/*
 * Where a VM's GSIs lead: each to pins of the interrupt controllers, to a message, or
 * nowhere.  A table by GSI, built as a whole and then put in the place of the last one;
 * the struct irqchip that holds it guards it.
 * Source: KVM API, KVM_SET_GSI_ROUTING.
 */
#pragma once

#include <linux/kvm.h>

#include "kvm/irqchip/apic_bus.h"
#include "lib/types.h"

#define IRQ_ROUTES_MAX 4096u /* KVM_CAP_IRQ_ROUTING: entries, and GSIs */
#define IRQ_NO_GSI     0xffffu

/* All pins in one row: the PICs' lines, then those of the I/O APIC. */
#define IRQ_PIN_PIC    0u
#define IRQ_PIN_IOAPIC 16u
#define IRQ_PINS       (IRQ_PIN_IOAPIC + (u32)KVM_IOAPIC_NUM_PINS)

/* An MSI: what a device writes, and where to. */
struct irq_msi {
	u32 address_lo, address_hi, data;
};

#define ROUTE_MSI 0xffu

struct irq_route {
	u8 pin_count;            /* 0: nowhere; ROUTE_MSI: to a message */
	u8 pin[KVM_NR_IRQCHIPS]; /* in the order in which they are driven; one of each chip */
	struct irq_msi msi;
};
_Static_assert(sizeof(struct irq_route) * IRQ_ROUTES_MAX <= 65536, "as large as an object may be");

struct irq_routing {
	u32 count;         /* GSIs below this may lead somewhere */
	u16 gsi[IRQ_PINS]; /* the GSI that leads to the pin, the last one of several */
	const struct irq_route *route;
};

/* What KVM_CREATE_IRQCHIP makes: 0 to 15 to the PICs and the I/O APIC, 16 to 23 to the
 * latter. */
void routing_default(struct irq_routing *r);

/* No GSI leads anywhere. */
void routing_none(struct irq_routing *r);

/* Room for GSIs below @count (0 to IRQ_ROUTES_MAX), no routes.  0, or -ENOMEM. */
int routing_init(struct irq_routing *r, u32 count) __must_check;
void routing_destroy(struct irq_routing *r);

/*
 * Add a route to @r, which routing_init() has made.  @x2apic_ids: destinations have 32
 * bits (KVM_X2APIC_API_USE_32BIT_IDS).  0, or -EINVAL: the GSI is not below @r's count, a
 * flag, a type or a pin that there is not, an invalid message, a second route of the GSI
 * to the same controller, or one beside a message.
 */
int routing_add(struct irq_routing *r, const struct kvm_irq_routing_entry *e,
		bool x2apic_ids) __must_check;

/* Is it one that an APIC can get?  Without 32-bit destinations all are. */
bool irq_msi_valid(const struct irq_msi *msi, bool x2apic_ids);

/* The message to the local APICs that @msi stands for (SDM vol. 3, Message Signalled
 * Interrupts). */
struct apic_message irq_msi_message(const struct irq_msi *msi, bool x2apic_ids);
