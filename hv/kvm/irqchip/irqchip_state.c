/* SPDX-License-Identifier: MIT */
/* The interrupt controllers' state as KVM's calls get and set it: see irqchip.h. */
#include <linux/errno.h>

#include "kvm/irqchip/irqchip_lock.h"

int irqchip_get(struct irqchip *c, struct kvm_irqchip *s)
{
	int err = 0;

	spin_lock(&c->lock);
	switch (s->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		s->chip.pic = c->pic.chip[s->chip_id];
		break;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get(&c->ioapic, &s->chip.ioapic);
		break;
	default:
		err = -EINVAL;
		break;
	}
	spin_unlock(&c->lock);
	return err;
}

int irqchip_set(struct irqchip *c, const struct kvm_irqchip *s)
{
	struct irqchip_held held = irqchip_hold(c);
	int err = 0;

	switch (s->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		c->pic.chip[s->chip_id] = s->chip.pic;
		pic_update(&c->pic);
		break;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set(&c->ioapic, &s->chip.ioapic);
		break;
	default:
		err = -EINVAL;
		break;
	}
	irqchip_release(c, held);
	return err;
}

int irqchip_get_pit(struct irqchip *c, struct kvm_pit_state2 *s)
{
	if (!READ_ONCE(c->has_pit))
		return -ENXIO;
	spin_lock(&c->lock);
	pit_get(&c->pit, s);
	spin_unlock(&c->lock);
	return 0;
}

int irqchip_set_pit(struct irqchip *c, const struct kvm_pit_state2 *s, bool with_flags, u64 now)
{
	struct irqchip_held held;

	if (!READ_ONCE(c->has_pit))
		return -ENXIO;
	held = irqchip_hold(c);
	pit_set(&c->pit, s, with_flags ? s->flags : c->pit.flags, now);
	irqchip_release(c, held);
	return 0;
}

int irqchip_set_reinject(struct irqchip *c, bool on)
{
	if (!READ_ONCE(c->has_pit))
		return -ENXIO;
	spin_lock(&c->lock);
	pit_set_reinject(&c->pit, on);
	spin_unlock(&c->lock);
	return 0;
}
