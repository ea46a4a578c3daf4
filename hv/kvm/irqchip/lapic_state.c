/* SPDX-License-Identifier: MIT */
/*
 * A local APIC's state as KVM_GET_LAPIC and KVM_SET_LAPIC have it: the registers' page,
 * with the current count of the timer at the time of the call; see lapic.h.
 */
#include "kvm/irqchip/lapic.h"

#include <linux/errno.h>

#include "lib/string.h"

/* In x2APIC mode the upper half of the ICR is behind the lower; here it is ICR2. */
#define ICR2_X2APIC (LAPIC_ICR + 4)

static u32 *reg_in(struct kvm_lapic_state *s, u32 reg)
{
	return (u32 *)(void *)(s->regs + reg);
}

static bool x2apic_ids(const struct lapic *l)
{
	return READ_ONCE(l->bus->x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS;
}

void lapic_get_state(struct lapic *l, struct kvm_lapic_state *s, u64 now)
{
	lapic_timer_expire(l, now); /* or it would be lost: it is no longer in the count */
	lapic_highest_irr(l);       /* what is posted is in the registers then */
	memcpy(s->regs, l->regs, sizeof(s->regs));
	*reg_in(s, LAPIC_TMCCT) = lapic_timer_current(l, now);
	if (!lapic_x2apic(l))
		return;
	*reg_in(s, LAPIC_ICR2) = lapic_reg(l, ICR2_X2APIC);
	if (!x2apic_ids(l))
		*reg_in(s, LAPIC_ID) = l->id << 24;
}

int lapic_set_state(struct lapic *l, struct kvm_lapic_state *s, u64 now)
{
	u32 old_lvt = lapic_reg(l, LAPIC_LVT_TIMER);

	if (lapic_x2apic(l)) {
		if (x2apic_ids(l) && *reg_in(s, LAPIC_ID) != l->id)
			return -EINVAL;
		*reg_in(s, ICR2_X2APIC) = *reg_in(s, LAPIC_ICR2);
	}
	*reg_in(s, LAPIC_VERSION) = lapic_reg(l, LAPIC_VERSION);
	memcpy(l->regs, s->regs, sizeof(s->regs));
	if (lapic_x2apic(l))
		lapic_set_id(l);
	lapic_sync(l);
	lapic_ppr(l);
	lapic_timer_restore(l, old_lvt, now);
	l->arb_prio = 0;
	apic_bus_wake(l->bus, l->index);
	return 0;
}
