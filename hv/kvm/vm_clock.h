/* SPDX-License-Identifier: MIT */
/*
 * A VM's clock, in nanoseconds: what KVM_GET_CLOCK tells, and each vCPU's page of kvmclock; and the
 * time of day.
 */
#pragma once

#include "core/params.h"
#include "kvm/pv/pvclock.h"

struct kvm_clock_data;
struct kvm_clock_pairing;
struct vcpu;
struct vm;

/*
 * It is `ns` at TSC `base` of the machine.  If it is stable all vCPUs have one TSC, and their pages
 * are the same: this base, and the rate of that TSC.  So the clock is what a guest computes, to the
 * nanosecond, and stays so until somebody changes a TSC or the clock.  Else each vCPU's page has a
 * base of its own.  vm->lock guards all of it.
 */
struct vm_clock {
	u64 base, ns;
	bool stable;
	bool old_msr; /* the first vCPU uses MSR_KVM_SYSTEM_TIME: not stable then, as in KVM */
	struct pvclock_rate rate;
	u64 ratio; /* of the TSCs' rate to the machine's, as in struct vcpu_tsc */
};

extern const struct param_table clock_params; /* kvmclock_periodic_sync= */

/* At boot: it is @seconds since 1970, UTC.  Until then the time of day is not known. */
void vm_clock_set_realtime(u64 seconds);

/* A new VM's clock begins at 0. */
void vm_clock_init(struct vm_clock *t);

/* TSCs of @vm have changed, or which vCPUs it has: the clock goes on as it was.  vm->lock held. */
void vm_clock_tscs_changed(struct vm *vm);

/* --- vm->lock is not held --- */

/* KVM_GET_CLOCK and KVM_SET_CLOCK, whose flags have been checked. */
void vm_clock_get(struct vm *vm, struct kvm_clock_data *d);
void vm_clock_set(struct vm *vm, const struct kvm_clock_data *d);

/* vm->clock.old_msr becomes @old. */
void vm_clock_set_old_msr(struct vm *vm, bool old);

/* @c's page of kvmclock, but for the version and PVCLOCK_GUEST_STOPPED.  It is good until somebody
 * asks for VCPU_CLOCK; *@filled: the machine's TSC now. */
void vm_clock_fill(struct vcpu *c, struct pvclock_page *page, u64 *filled);
/* One that is not stable was filled at @filled: is it time for the next? */
bool vm_clock_is_due(u64 filled);

/* The time of day when @vm's clock was 0, in ns since 1970; modulo 2^64. */
u64 vm_clock_epoch(struct vm *vm);
/* The time of day and @c's TSC, now.  False: the time of day is not known. */
bool vm_clock_pair(const struct vcpu *c, struct kvm_clock_pairing *pair);
