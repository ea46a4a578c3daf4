/* SPDX-License-Identifier: MIT */
/*
 * How long a halted vCPU is polled for before KVM_RUN says that it is blocked, as KVM's halt
 * polling has it (KVM documentation, The KVM halt polling system): each vCPU has a window, which
 * grows when a short halt outlasts it and shrinks after a long one.  How it is polled for is in
 * run_wait.c.  All of this is the vCPU's owner's, and for VMs with interrupt controllers.
 */
#pragma once

#include "core/params.h"
#include "kvm/stats.h"

struct vcpu;

struct vcpu_halt {
	u64 start;    /* TSC when it halted */
	u64 stop;     /* TSC until which it is polled for; start: not at all */
	u64 poll_end; /* TSC when the first KVM_RUN ended with it blocked; with waited */
	u64 deadline; /* what the last one of these told */
	bool waited;
	u32 window; /* ns */
};

extern const struct param_table halt_params; /* halt_poll_ns= and how it grows and shrinks */

/* The vCPU is halted from @now on. */
void halt_begin(struct vcpu *c, u64 now);
/* Is it to be polled for at @now? */
bool halt_may_poll(const struct vcpu *c, u64 now);
/* KVM_RUN ends with it blocked, until @deadline. */
void halt_block(struct vcpu *c, u64 now, u64 deadline);
/* Something has ended the halt: count it, and set the next one's window. */
void halt_end(struct vcpu *c, u64 now);

/* What the window becomes, of @window and at most @max nanoseconds. */
u32 halt_grow(u32 window, u32 max);
u32 halt_shrink(u32 window);
