/* SPDX-License-Identifier: MIT */
/* The page of the local APIC's priorities in a guest's memory; see vapic.h. */
#include "kvm/vapic.h"
#include <linux/errno.h>
#include "kvm/mmu.h"
#include "kvm/vcpu_events.h"

int vapic_set_address(struct vcpu *c, u64 address)
{
	u64 last = address + sizeof(c->vapic.written) - 1;

	if (address) {
		if (address > last || !mmu_is_writable(c, gpa(address)) ||
		    !mmu_is_writable(c, gpa(last)))
			return -EINVAL;
		vcpu_ask(c, VCPU_VAPIC);
	}
	c->vapic.address = address;
	c->vapic.unread = false;
	vcpu_update_injection(c);
	return 0;
}

static u32 priorities(struct vcpu *c)
{
	u32 isr = c->lapic.highest_isr < 0 ? 0 : (u32)c->lapic.highest_isr & 0xf0;
	int irr = lapic_highest_irr(&c->lapic);

	return (lapic_reg(&c->lapic, LAPIC_TPR) & 0xff) | isr << 8 | (irr < 0 ? 0 : (u32)irr << 24);
}

bool vapic_is_stale(struct vcpu *c)
{
	return c->vapic.address && c->vapic.written != priorities(c);
}

/* Where nothing can be read or written any more, nothing is. */
static void read_tpr(struct vcpu *c)
{
	u8 tpr = 0;
	int r = mmu_read(c, gpa(c->vapic.address), &tpr, sizeof(tpr));

	c->vapic.unread = r == GUEST_MEM_ABSENT;
	if (r == GUEST_MEM_OK)
		lapic_set_reg(&c->lapic, LAPIC_TPR, tpr);
}

void vapic_read(struct vcpu *c)
{
	read_tpr(c);
	vcpu_ask(c, VCPU_VAPIC);
}

bool vapic_write(struct vcpu *c)
{
	u64 address = c->vapic.address;
	/* All at once, but where they may lie in two pages. */
	u32 step = address % sizeof(u32) ? 1 : sizeof(u32);
	int r = GUEST_MEM_OK;

	if (!address)
		return true;
	if (c->vapic.unread)
		read_tpr(c);
	if (c->vapic.unread)
		return false;
	c->vapic.written = priorities(c);
	if (!lapic_hw_enabled(&c->lapic) || !lapic_sw_enabled(&c->lapic))
		return true; /* as in KVM */
	for (u32 i = 0; i < sizeof(u32) && r == GUEST_MEM_OK; i += step)
		r = mmu_write(c, gpa(address + i), (u8 *)&c->vapic.written + i, step);
	return r != GUEST_MEM_ABSENT;
}
