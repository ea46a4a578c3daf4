/* SPDX-License-Identifier: MIT */
/*
 * How much before it is due a vCPU's local APIC timer gets the CPU out of the guest, which takes
 * its time; what is left then is waited for (Linux's parameter lapic_timer_advance_ns).  By the
 * owner of the vCPU.
 */
#pragma once

#include "core/params.h"
#include "kvm/irqchip/clock.h"
#include "lib/types.h"

struct timer_advance {
	u32 ticks;   /* of the TSC; 0: none */
	bool adapts; /* ticks follow what it takes */
};

extern const struct param_table timer_advance_params;

/* As the parameter says now. */
void timer_advance_init(struct timer_advance *a);

/* When to leave the guest for a timer that is due at @deadline, which may be IRQ_NEVER. */
static inline u64 timer_advance_begin(const struct timer_advance *a, u64 deadline)
{
	return deadline == IRQ_NEVER ? IRQ_NEVER : deadline - MIN(deadline, (u64)a->ticks);
}

/* That time has come, and it is @now: wait until the deadline.  @armed: the CPU was made to leave
 * the guest then, so that what it took can be learned from.  Returns the time then. */
u64 timer_advance_wait(struct timer_advance *a, u64 deadline, u64 now, bool armed);
