/* SPDX-License-Identifier: MIT */
/*
 * Steal time (KVM documentation, KVM-specific MSRs, MSR_KVM_STEAL_TIME): a guest finds in memory
 * that it has named, 64 bytes for each vCPU, for how long the vCPU could have run but did not, and
 * whether that is so right now.
 *
 * Stolen is the time from the end of a KVM_RUN that something else has cut short to the next one,
 * and from the moment when a blocked vCPU was woken or its deadline came.  After an exit to user
 * space, and while a page is supplied, the VMM works for the vCPU: nothing is stolen.
 */
#pragma once

#include "kvm/run.h"

/* MSR_KVM_STEAL_TIME.  0; -EINVAL: a reserved bit.  The address is not looked at, as in KVM. */
int pv_steal_set(struct vcpu *c, u64 value) __must_check;

/* A KVM_RUN has ended so; blocked until @deadline.  Only while the MSR enables it.  Outside of
 * guest mode. */
void pv_steal_end_run(struct vcpu *c, enum exit_action a, u64 deadline);

/* VCPU_STEAL_TIME: the guest's memory is brought up to date, and the TLB flushed if another vCPU
 * has left that to be done.  Outside of guest mode, loaded.  False: the page has to be supplied
 * first. */
bool pv_steal_update(struct vcpu *c) __must_check;

static inline bool pv_steal_enabled(const struct vcpu *c)
{
	return c->pv.steal.msr & KVM_MSR_ENABLED;
}

/* It was blocked, and is no longer. */
static inline void pv_steal_go_on(struct vcpu *c)
{
	if (pv_steal_enabled(c))
		vcpu_ask(c, VCPU_STEAL_TIME);
}
