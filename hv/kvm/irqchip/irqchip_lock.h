/* SPDX-License-Identifier: MIT */
/*
 * The lock of a VM's interrupt controllers, for the files that make them up: what has
 * happened while it was held is seen to when it is given up.
 */
#pragma once

#include "kvm/irqchip/irqchip.h"

/* What has to be compared then. */
struct irqchip_held {
	bool pic_output;
	u64 deadline;
};

static inline struct irqchip_held irqchip_hold(struct irqchip *c)
{
	spin_lock(&c->lock);
	return (struct irqchip_held){c->pic.output, irqchip_next_deadline(c)};
}

/* Tell the PIT and listeners of ended interrupts, and vCPUs that they have something to do;
 * then unlock. */
void irqchip_release(struct irqchip *c, struct irqchip_held held);

/* The message that @msi stands for in this VM. */
struct apic_message irqchip_message(const struct irqchip *c, const struct irq_msi *msi);

/* Split: tell the bus which vectors' EOIs user space may wait for.  Locked. */
void irqchip_split_publish(struct irqchip *c);
