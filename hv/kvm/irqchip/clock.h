/* SPDX-License-Identifier: MIT */
/*
 * Time as the interrupt controllers and timers see it: the host's TSC.  All
 * deadlines are absolute TSC values; IRQ_NEVER is none.  Models of one VM share
 * one struct irq_clock, which does not change while vCPUs run.
 */
#pragma once

#include "lib/types.h"

#define IRQ_NEVER (~0ull)
#define PIT_HZ    1193182u

struct irq_clock {
	u32 tsc_khz;    /* the host's TSC; at least 1 and below 2^32 */
	u64 min_period; /* TSC ticks: what a shorter periodic timer is stretched to */
};

/* @a * @b / @c, rounded down, ~0 if that overflows.  @c * @b must fit in 64 bits;
 * split so that no division of 128 bits is needed. */
static inline u64 irq_mul_div(u64 a, u32 b, u64 c)
{
	u64 whole, sum;

	if (__builtin_mul_overflow(a / c, (u64)b, &whole) ||
	    __builtin_add_overflow(whole, a % c * b / c, &sum))
		return ~0ull;
	return sum;
}

/* Nanoseconds to TSC ticks and back, rounded down, ~0 on overflow. */
static inline u64 irq_clock_ticks(const struct irq_clock *c, u64 ns)
{
	return irq_mul_div(ns, c->tsc_khz, 1000000);
}
static inline u64 irq_clock_ns(const struct irq_clock *c, u64 ticks)
{
	return irq_mul_div(ticks, 1000000, c->tsc_khz);
}

/* Counts of the 1.193182 MHz PIT in @ticks of the TSC, rounded down. */
static inline u64 irq_clock_pit_counts(const struct irq_clock *c, u64 ticks)
{
	return irq_mul_div(ticks, PIT_HZ, c->tsc_khz * 1000ull);
}

/* TSC ticks that @counts of the PIT take, rounded up, so that all of them have passed when
 * the deadline is reached. */
static inline u64 irq_clock_pit_ticks(const struct irq_clock *c, u32 counts)
{
	u64 a = counts * 1000ull;
	bool exact = a % PIT_HZ * c->tsc_khz % PIT_HZ == 0;

	return irq_mul_div(a, c->tsc_khz, PIT_HZ) + !exact;
}

/* @now + @ticks; IRQ_NEVER if that is beyond the TSC's range. */
static inline u64 irq_clock_after(u64 now, u64 ticks)
{
	u64 sum;

	return __builtin_add_overflow(now, ticks, &sum) ? IRQ_NEVER : sum;
}

/* How a vCPU's own TSC follows from the host's: host TSC * ratio / 2^48 + offset. */
struct irq_guest_tsc {
	u64 offset;
	u64 ratio; /* 0: not scaled */
	u32 khz;   /* its rate; not 0 where it is scaled */
};

static inline u64 irq_clock_scale(u64 tsc, u64 ratio)
{
	return ratio ? (u64)((unsigned __int128)tsc * ratio >> 48) : tsc;
}

/* Host ticks until a guest's TSC has gone on by @ticks. */
static inline u64 irq_clock_host_ticks(const struct irq_clock *c, const struct irq_guest_tsc *g,
				       u64 ticks)
{
	/* Rounded up, so that the guest does not find it too early. */
	return g->ratio ? irq_clock_after(irq_mul_div(ticks, c->tsc_khz, g->khz), 1) : ticks;
}
