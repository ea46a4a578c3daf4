/* SPDX-License-Identifier: MIT */
/*
 * End of interrupt without an exit (KVM documentation, KVM-specific MSRs, MSR_KVM_EOI_EN): while a
 * bit is set in memory that the guest has named, clearing it is the EOI for the interrupt in
 * service.  It is only set while the guest runs, and only if nothing has to happen at that EOI.
 * Guest memory cannot be written in guest mode: so an interrupt is injected before, where that
 * can be (pv_eoi_offer()); for one that comes later the entry is given up once.
 */
#pragma once

#include "kvm/vcpu.h"

/* MSR_KVM_PV_EOI_EN.  0; -EINVAL: not aligned, or memory that cannot be written to. */
int pv_eoi_set(struct vcpu *c, u64 value) __must_check;

static inline bool pv_eoi_enabled(const struct vcpu *c)
{
	return c->pv.eoi.msr & KVM_MSR_ENABLED;
}

/* Is there anything to do, not where the CPU ends interrupts, after an exit, and at the end of a
 * KVM_RUN? */
static inline bool pv_eoi_is_used(const struct vcpu *c)
{
	return (pv_eoi_enabled(c) && !c->lapic.by_cpu) || c->pv.eoi.offered;
}

/* After an exit, outside of guest mode: what the guest has ended is ended.  @timer: it was because
 * of a timer.  VCPU_PV_EOI is asked for if the bit may be set before the next entry. */
void pv_eoi_after_exit(struct vcpu *c, bool timer);

/* A KVM_RUN has ended: the bit does not outlive it, so that nothing of it is in the guest's state.
 */
void pv_eoi_end_run(struct vcpu *c, bool blocked);

/* The bit is not set any more, and where it was cleared the interrupt has ended.  False: the page
 * has to be supplied first. */
bool pv_eoi_settle(struct vcpu *c) __must_check;

/* Set the bit if it may be.  Outside of guest mode. */
void pv_eoi_offer(struct vcpu *c);

/* In guest mode, ready to enter: is the bit set and may not be any more, or could it be set and
 * that has not been tried?  Then the entry is given up, and pv_eoi_after_exit() asks for more. */
bool pv_eoi_is_stale(struct vcpu *c);
