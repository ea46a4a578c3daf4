/* SPDX-License-Identifier: MIT */
/* The TSCs of a VM's vCPUs, which count at a rate and from an offset of their own. */
#pragma once

#include "core/params.h"
#include "lib/types.h"

/* Of a VM.  vm->lock guards all of it. */
struct vm_time {
	u32 tsc_khz; /* of vCPUs that are made from now on */

	/* The last TSC that was set for a vCPU by the host, the machine's TSC then, and the rate
	 * and the offset that came of it; last_khz 0: none yet. */
	u64 last_tsc, last_base, last_offset;
	u32 last_khz;
};

/* Of a vCPU: guest TSC = TSC * ratio / 2^48 + offset, which its VMCS has too.  The owner changes
 * it, with vm->lock held; others read it so. */
struct vcpu_tsc {
	u32 khz;
	u64 ratio; /* 0: as the machine's */
	u64 offset;
};

extern const struct param_table time_params; /* tsc_tolerance_ppm= */

struct vcpu;
struct vm;

void time_init(struct vm_time *t);
/* A new vCPU's TSC: as the other vCPUs', or from 0 if it is the first.  Loaded; vm->lock held. */
void time_init_vcpu(struct vcpu *c);

/* KVM_SET_TSC_KHZ, @khz not 0: could it be, and setting it for @c, which is loaded.  0; -EINVAL:
 * not with this processor. */
int time_check_tsc_khz(u32 khz) __must_check;
int time_set_tsc_khz(struct vcpu *c, u32 khz) __must_check;

/* --- the TSC of @c; loaded; those that change it take vm->lock --- */

u64 time_read_tsc(const struct vcpu *c);
/* The host's write of IA32_TSC.  One that is meant to make the vCPUs agree does so: see
 * guest_time.c. */
void time_write_tsc(struct vcpu *c, u64 value);
/* Offset @offset from now on, for the host; for the guest's own writes of TSC and TSC_ADJUST. */
void time_set_offset(struct vcpu *c, u64 offset);
void time_adjust_offset(struct vcpu *c, u64 offset);
