/* SPDX-License-Identifier: MIT */
/* End of interrupt by a bit in a guest's memory: see eoi.h. */
#include "kvm/pv/eoi.h"
#include <linux/errno.h>
#include "cpu/tsc.h"
#include "kvm/mmu.h"
#include "kvm/vcpu_events.h"

int pv_eoi_set(struct vcpu *c, u64 value)
{
	u64 address = value & ~(u64)KVM_MSR_ENABLED;

	if (!IS_ALIGNED(address, 4) ||
	    ((value & KVM_MSR_ENABLED) && !mmu_is_writable(c, gpa(address))))
		return -EINVAL;
	c->pv.eoi.msr = value;
	vcpu_update_injection(c);
	return 0;
}

/* Can the EOI for the interrupt in service wait until the next exit? */
static bool can_wait(struct vcpu *c)
{
	return c->mp_state == KVM_MP_STATE_RUNNABLE && lapic_eoi_can_wait(&c->lapic);
}

bool pv_eoi_settle(struct vcpu *c)
{
	struct pv_eoi *e = &c->pv.eoi;
	u8 byte = KVM_PV_EOI_DISABLED;
	int r;

	if (!e->offered)
		return true;
	r = mmu_exchange_byte(c, gpa(e->at), &byte);
	if (r == GUEST_MEM_ABSENT)
		return false;
	e->offered = false;
	/* As in KVM, also if the memory has gone. */
	if (r != GUEST_MEM_OK || !(byte & KVM_PV_EOI_ENABLED))
		lapic_eoi(&c->lapic, rdtsc());
	if (vm_deliver_wakes(c->vm)) /* a run that goes on ends for them */
		vcpu_ask(c, VCPU_PV_EOI);
	return true;
}

void pv_eoi_end_run(struct vcpu *c, bool blocked)
{
	u64 wanted = c->wanted; /* it may be what the run has ended for */

	/* Where that is not possible the next run does it; and a request would wake one that is
	 * blocked. */
	if (!pv_eoi_settle(c) || !blocked)
		vcpu_ask(c, VCPU_PV_EOI);
	c->wanted = wanted;
}

void pv_eoi_after_exit(struct vcpu *c, bool timer)
{
	c->pv.eoi.tried = false;
	if (!pv_eoi_settle(c) || timer || c->lapic.highest_isr >= 0 ||
	    lapic_highest_irr(&c->lapic) >= 0)
		vcpu_ask(c, VCPU_PV_EOI);
}

void pv_eoi_offer(struct vcpu *c)
{
	static const u8 enabled = KVM_PV_EOI_ENABLED;
	struct pv_eoi *e = &c->pv.eoi;

	if (!pv_eoi_enabled(c) || c->lapic.by_cpu || c->injection != INJECT_AND_TELL ||
	    !can_wait(c))
		return;
	e->tried = true;
	e->at = e->msr & ~(u64)KVM_MSR_ENABLED;
	/* A page that is absent is not asked for: the guest looks at it itself. */
	e->offered = mmu_write(c, gpa(e->at), &enabled, sizeof(enabled)) == GUEST_MEM_OK;
}

bool pv_eoi_is_stale(struct vcpu *c)
{
	const struct pv_eoi *e = &c->pv.eoi;

	if (e->offered)
		return !can_wait(c);
	return pv_eoi_is_used(c) && !e->tried && can_wait(c);
}
