/* SPDX-License-Identifier: MIT */
/* Time: the TSC and the local APIC timer, both measured against the PIT at start. */
#pragma once

#include "guest/lib/types.h"
#include "guest/lib/cpu.h"

#define TIME_NEVER (~0ull)

/* Measures; takes about 20 ms.  Called by the start code. */
void time_init(void);

/* TSC ticks a second, and local APIC timer ticks a second. */
u64 time_tsc_hz(void);
u64 time_apic_hz(void);
/* TSC ticks for so many microseconds. */
u64 time_us(u64 us);
/* Busy wait. */
void time_delay_us(u64 us);

/*
 * One interrupt on this CPU when the TSC reaches `tsc`, or somewhat earlier (at the latest in a
 * second), which ends a KVM_RUN with KVM0_RUN_AGAIN; TIME_NEVER: none.  It takes the place of the
 * last one; asking for the same again costs next to nothing.  Call it with interrupts off until the
 * KVM_RUN: one that comes before that is not lost then.  idle_until() with a deadline takes its
 * place.
 */
void time_alarm(u64 tsc);

/*
 * Halts this CPU until an interrupt comes or the TSC reaches `tsc` (TIME_NEVER: no limit).
 * An interrupt taken since this CPU's last call ends it at once, so that nothing is lost
 * between looking at what an interrupt brings and calling this.  May return early; call it
 * with interrupts on, in a loop over the condition that is waited for.
 */
void idle_until(u64 tsc);
