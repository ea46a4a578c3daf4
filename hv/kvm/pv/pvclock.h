/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of kvmclock: how a guest makes nanoseconds of its TSC (KVM documentation, KVM
 * Specific MSRs, MSR_KVM_SYSTEM_TIME_NEW).  Pure; for guest_time.c and kvmclock.c.
 */
#pragma once

#include "lib/types.h"

/* What a vCPU's page of kvmclock holds. */
struct pvclock_page {
	u32 version; /* odd: it is being changed */
	u32 pad0;
	u64 tsc_timestamp; /* when the guest's TSC was so much, ... */
	u64 system_time;   /* ... this was the time, in ns */
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags; /* PVCLOCK_* */
	u8 pad[2];
};
_Static_assert(sizeof(struct pvclock_page) == 32, "kvmclock's page");
_Static_assert(offsetof(struct pvclock_page, flags) == 29, "kvmclock's page");

#define PVCLOCK_TSC_STABLE    BIT(0) /* all vCPUs' pages are one clock */
#define PVCLOCK_GUEST_STOPPED BIT(1) /* the guest did not run for a while; it clears this */

/* What a wall clock has: the time, UTC, when kvmclock was 0. */
struct pvclock_wall {
	u32 version;
	u32 sec, nsec;
};
_Static_assert(sizeof(struct pvclock_wall) == 12, "the wall clock");

/* Ticks to nanoseconds: @mul / 2^32 each, when they are shifted left by @shift. */
struct pvclock_rate {
	u32 mul;
	s8 shift;
};

/* That of a TSC with @hz ticks a second, 1 to 2^42, to 31 bits at least and never too fast. */
struct pvclock_rate pvclock_rate(u64 hz);

/* Nanoseconds of @ticks, as a guest gets them: rounded down twice, so that of one span cut in two
 * there may be PVCLOCK_CUT less. */
u64 pvclock_ns(struct pvclock_rate rate, u64 ticks);
#define PVCLOCK_CUT 2u
