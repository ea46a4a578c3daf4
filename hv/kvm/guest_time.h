/* SPDX-License-Identifier: MIT */
/*
 * What time is to a VM: the TSCs of its vCPUs, which count at a rate and from an offset of
 * their own, and the VM's clock in nanoseconds (KVM_GET_CLOCK).
 */
#pragma once

#include "core/params.h"
#include "core/spinlock.h"

/* Of a VM. */
struct vm_time {
	struct spinlock lock; /* rank 3: guards all of this */
	u32 tsc_khz;          /* of vCPUs that are made from now on */

	/* The clock is clock_ns at TSC clock_base of the machine. */
	u64 clock_base, clock_ns;

	/* The last TSC that was set for a vCPU by the host, the machine's TSC then, and the rate
	 * and the offset that came of it; last_khz 0: none yet. */
	u64 last_tsc, last_base, last_offset;
	u32 last_khz;
};

/* Of a vCPU: guest TSC = TSC * ratio / 2^48 + the offset in its VMCS. */
struct vcpu_tsc {
	u32 khz;
	u64 ratio; /* 0: as the machine's */
};

extern const struct param_table time_params; /* tsc_tolerance_ppm= */

struct vcpu;
struct vm;

/* A new VM's clock begins at 0. */
void time_init(struct vm_time *t);
/* A new vCPU's TSC: as the other vCPUs', or from 0 if it is the first.  Loaded. */
void time_init_vcpu(struct vcpu *c);

/* KVM_SET_TSC_KHZ, @khz not 0: could it be, and setting it for @c, which is loaded.  0; -EINVAL:
 * not with this processor. */
int time_check_tsc_khz(u32 khz) __must_check;
int time_set_tsc_khz(struct vcpu *c, u32 khz) __must_check;

/* --- the TSC of @c; loaded --- */

u64 time_read_tsc(const struct vcpu *c);
/* The host's write of IA32_TSC.  One that is meant to make the vCPUs agree does so: see
 * guest_time.c. */
void time_write_tsc(struct vcpu *c, u64 value);
/* Offset @offset from now on, for the host; for the guest's own writes of TSC and TSC_ADJUST. */
void time_set_offset(struct vcpu *c, u64 offset);
void time_adjust_offset(struct vcpu *c, u64 offset);

/* The clock of @vm at TSC @now of the machine, in ns, and setting it. */
u64 time_clock(struct vm *vm, u64 now);
void time_set_clock(struct vm *vm, u64 ns, u64 now);
