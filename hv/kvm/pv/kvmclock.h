/* SPDX-License-Identifier: MIT */
/*
 * kvmclock: a page for each vCPU from which its guest reads the VM's clock, and the wall clock (KVM
 * documentation, KVM Specific MSRs).  Both are written before an entry, when the vCPU has been
 * asked for VCPU_CLOCK: never just because it runs.
 */
#pragma once

#include "lib/types.h"

struct vcpu;

/* In struct vcpu_pv. */
struct vcpu_kvmclock {
	u64 msr;       /* MSR_KVM_SYSTEM_TIME: the page's address, bit 0: it is on.  Changed by the
			* owner with vm->lock held; others read it so */
	u64 wall;      /* where the wall clock is to be written; 0: nowhere */
	bool stopped;  /* PVCLOCK_GUEST_STOPPED is to be set */
	bool is_alone; /* the page is no part of a stable clock: kvmclock_look() */
	u64 filled;    /* the machine's TSC, when it was written */
};

/* Has the guest named a page?  By the owner, or with vm->lock held. */
bool kvmclock_is_on(const struct vcpu *c);

/* INIT. */
void kvmclock_reset(struct vcpu *c);

/* The four MSRs; with msr_read()'s and msr_write()'s results.  -EINVAL: the feature is kept from
 * the guest. */
int kvmclock_get_msr(const struct vcpu *c, u32 index, u64 *value) __must_check;
int kvmclock_set_msr(struct vcpu *c, u32 index, u64 value, bool host) __must_check;

/* KVM_KVMCLOCK_CTRL: the guest is to know that it has not run for a while.  0; -EINVAL: it has no
 * page. */
int kvmclock_tell_stopped(struct vcpu *c) __must_check;

/* VCPU_CLOCK.  Outside of guest mode, vm->lock not held.  False: a page has to be supplied first.
 */
bool kvmclock_write(struct vcpu *c) __must_check;

/* A run begins, and is_alone is set: VCPU_CLOCK is asked for if the vCPU has come from another CPU,
 * or kvmclock_periodic_sync wants it. */
void kvmclock_look(struct vcpu *c);
