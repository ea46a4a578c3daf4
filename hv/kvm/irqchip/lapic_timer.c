/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer: one-shot, periodic, TSC-deadline; see lapic.h.  It counts at
 * 1 GHz before the divider, so that a count is @divide nanoseconds, as in KVM.
 * Source: SDM vol. 3, APIC Timer.
 */
#include "core/trace.h"
#include "kvm/irqchip/lapic.h"

/* It has been set, or has @fired. */
static __attribute__((noinline, cold)) void tell(const struct lapic *l, bool fired)
{
	trace_write(KVM0_TRACE_TIMER, l->bus->vm, l->index, fired, l->deadline, 0, 0, 0);
}

static u32 mode_of(const struct lapic *l, u32 lvt)
{
	return lvt & (l->tsc_deadline ? LAPIC_TIMER_MODE_MASK : LAPIC_TIMER_PERIODIC);
}

static u32 mode(const struct lapic *l)
{
	return mode_of(l, l->timer_lvt);
}

/* TDCR bits 3, 1 and 0 are 2 to the (n + 1), and 7 stands for 1. */
static u32 divide_shift(const struct lapic *l)
{
	u32 tdcr = l->timer_divide;

	return (((tdcr & 3) | (tdcr >> 1 & 4)) + 1) & 7;
}

/* TSC ticks from the count in @reg to 0. */
static u64 count_ticks(const struct lapic *l, u32 reg)
{
	return irq_clock_ticks(l->clock, (u64)lapic_reg(l, reg) << divide_shift(l));
}

static void limit_period(struct lapic *l)
{
	if (mode(l) == LAPIC_TIMER_PERIODIC && l->period)
		l->period = MAX(l->period, l->clock->min_period);
}

void lapic_timer_stop(struct lapic *l)
{
	l->deadline = IRQ_NEVER;
	l->period = 0;
	l->deadline_msr = 0;
}

/* The deadline MSR in host TSC.  What has passed is due at once. */
static void arm_tsc_deadline(struct lapic *l, u64 now)
{
	u64 guest_now = irq_clock_scale(now, l->tsc.ratio) + l->tsc.offset;

	if (!l->deadline_msr)
		l->deadline = IRQ_NEVER;
	else if (l->deadline_msr <= guest_now)
		l->deadline = now;
	else
		l->deadline = irq_clock_after(
			now, irq_clock_host_ticks(l->clock, &l->tsc, l->deadline_msr - guest_now));
}

void lapic_timer_write_lvt(struct lapic *l, u32 val)
{
	u32 old = mode(l), new;

	if (!l->tsc_deadline)
		val &= ~LAPIC_TIMER_DEADLINE;
	lapic_set_reg(l, LAPIC_LVT_TIMER, val);
	l->timer_lvt = val;
	new = mode(l);
	if (old == new)
		return;
	/* To or from TSC-deadline disarms; one-shot and periodic share the count. */
	if ((old | new) & LAPIC_TIMER_DEADLINE) {
		lapic_timer_stop(l);
		lapic_set_reg(l, LAPIC_TMICT, 0);
	}
	limit_period(l);
}

void lapic_timer_write_count(struct lapic *l, u32 val, u64 now)
{
	if (mode(l) & LAPIC_TIMER_DEADLINE) {
		if (l->by_cpu) /* which has put it there */
			lapic_set_reg(l, LAPIC_TMICT, 0);
		return;
	}
	lapic_timer_stop(l);
	lapic_set_reg(l, LAPIC_TMICT, val);
	l->period = count_ticks(l, LAPIC_TMICT);
	if (!l->period)
		return;
	limit_period(l);
	l->deadline = irq_clock_after(now, l->period);
	if (trace_wants(KVM0_TRACE_TIMER))
		tell(l, false);
}

void lapic_timer_write_divide(struct lapic *l, u32 val, u64 now)
{
	u32 old = divide_shift(l);
	u64 left;

	l->timer_divide = val & 0xb;
	lapic_set_reg(l, LAPIC_TDCR, l->timer_divide);
	if (divide_shift(l) == old || !l->period)
		return;
	l->period = count_ticks(l, LAPIC_TMICT);
	limit_period(l);
	if (l->deadline == IRQ_NEVER)
		return;
	/* The counts that are left stay; only their length changes. */
	left = l->deadline > now ? l->deadline - now : 0;
	left = irq_mul_div(left, 1u << divide_shift(l), 1u << old);
	l->deadline = irq_clock_after(now, left);
}

/* TSC ticks left of a count that was set with the other registers, as KVM has it: a one-shot
 * one at 0 has expired and has still to be delivered. */
static u64 restored_left(const struct lapic *l)
{
	u64 left = count_ticks(l, LAPIC_TMCCT);

	if (!left)
		return mode(l) == LAPIC_TIMER_PERIODIC ? l->period : 0;
	return MIN(left, l->period);
}

void lapic_timer_restore(struct lapic *l, u32 old_lvt, u64 now)
{
	u64 deadline_msr = l->deadline_msr;

	lapic_timer_stop(l);
	if ((mode_of(l, old_lvt) ^ mode(l)) & LAPIC_TIMER_DEADLINE) {
		lapic_set_reg(l, LAPIC_TMICT, 0);
	} else if (mode(l) == LAPIC_TIMER_DEADLINE) {
		l->deadline_msr = deadline_msr;
		arm_tsc_deadline(l, now);
	} else if (!(mode(l) & LAPIC_TIMER_DEADLINE)) {
		l->period = count_ticks(l, LAPIC_TMICT);
		limit_period(l);
		if (l->period)
			l->deadline = irq_clock_after(now, restored_left(l));
	}
	lapic_set_reg(l, LAPIC_TMCCT, 0);
}

u32 lapic_timer_current(const struct lapic *l, u64 now)
{
	u64 left;

	if ((mode(l) & LAPIC_TIMER_DEADLINE) || l->deadline == IRQ_NEVER || l->deadline <= now ||
	    !l->period)
		return 0;
	left = irq_clock_ns(l->clock, l->deadline - now) >> divide_shift(l);
	return (u32)MIN(left, lapic_reg(l, LAPIC_TMICT));
}

bool lapic_timer_expire(struct lapic *l, u64 now)
{
	u64 late;

	if (l->deadline > now || l->deadline == IRQ_NEVER)
		return false;
	if (trace_wants(KVM0_TRACE_TIMER))
		tell(l, true);
	late = now - l->deadline;
	if (mode(l) == LAPIC_TIMER_PERIODIC && l->period)
		/* In phase; periods that were missed altogether are one interrupt. */
		l->deadline = irq_clock_after(now, l->period - late % l->period);
	else
		l->deadline = IRQ_NEVER;
	l->deadline_msr = 0;
	lapic_local_interrupt(l, LAPIC_LVT_TIMER);
	return true;
}

u64 lapic_tsc_deadline(const struct lapic *l)
{
	return lapic_hw_enabled(l) && mode(l) == LAPIC_TIMER_DEADLINE ? l->deadline_msr : 0;
}

void lapic_set_tsc_deadline(struct lapic *l, u64 val, u64 now)
{
	if (!lapic_hw_enabled(l) || mode(l) != LAPIC_TIMER_DEADLINE)
		return;
	l->deadline_msr = val;
	arm_tsc_deadline(l, now);
	if (trace_wants(KVM0_TRACE_TIMER))
		tell(l, false);
}

void lapic_set_tsc(struct lapic *l, const struct irq_guest_tsc *tsc, u64 now)
{
	l->tsc = *tsc;
	if (l->deadline_msr)
		arm_tsc_deadline(l, now);
}
