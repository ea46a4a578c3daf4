/* SPDX-License-Identifier: MIT */
/* The window of halt polling, and its statistics: see halt.h. */
#include "kvm/halt.h"
#include <kvm0/abi.h>
#include "kvm/vcpu.h"
#include "lib/string.h"

/* Linux's defaults. */
static u32 poll_ns = 200000, poll_ns_grow = 2, poll_ns_grow_start = 10000, poll_ns_shrink;

#define RUNTIME(param_name, variable)                                                              \
	{                                                                                          \
		.name = param_name, .type = PARAM_UINT, .value = &(variable), .runtime = true      \
	}

static const struct param params[] = {
	RUNTIME("halt_poll_ns", poll_ns),
	RUNTIME("halt_poll_ns_grow", poll_ns_grow),
	RUNTIME("halt_poll_ns_grow_start", poll_ns_grow_start),
	RUNTIME("halt_poll_ns_shrink", poll_ns_shrink),
};
const struct param_table halt_params = {params, ARRAY_SIZE(params)};

u32 halt_grow(u32 window, u32 max)
{
	u64 grow = READ_ONCE(poll_ns_grow),
	    grown = MAX(window * grow, READ_ONCE(poll_ns_grow_start));

	return grow ? (u32)MIN(grown, max) : window;
}

u32 halt_shrink(u32 window)
{
	u32 by = READ_ONCE(poll_ns_shrink), shrunk = by ? window / by : 0;

	return shrunk < READ_ONCE(poll_ns_grow_start) ? 0 : shrunk;
}

/* The guest polls itself before it halts: it wants no more of it (KVM MSR_KVM_POLL_CONTROL). */
static bool is_allowed(const struct vcpu *c)
{
	return c->pv.poll_control & PV_POLL_CONTROL_ON;
}

/* KVM_CAP_HALT_POLL's, or the parameter. */
static u32 max_window(const struct vm *vm)
{
	return READ_ONCE(vm->halt_poll.set) ? READ_ONCE(vm->halt_poll.ns) : READ_ONCE(poll_ns);
}

void halt_begin(struct vcpu *c, u64 now)
{
	struct vcpu_halt *h = &c->halt;
	u32 window;

	h->start = h->stop = now;
	h->waited = false;
	if (!h->window) /* the commonest */
		return;
	window = h->window = MIN(h->window, max_window(c->vm));
	if (is_allowed(c))
		h->stop = irq_clock_after(now, irq_clock_ticks(&c->vm->chip->clock, window));
}

bool halt_may_poll(const struct vcpu *c, u64 now)
{
	return now < c->halt.stop && !c->halt.waited && !(c->run_hints & KVM0_RUN_NO_POLL);
}

void halt_block(struct vcpu *c, u64 now, u64 deadline)
{
	struct vcpu_halt *h = &c->halt;

	h->deadline = deadline;
	if (h->waited)
		return;
	h->waited = true;
	h->poll_end = now;
}

static void count(u64 *histogram, u64 ns)
{
	u32 log = ns ? 64 - (u32)__builtin_clzll(ns) : 0;

	histogram[MIN(log, STATS_HISTOGRAM - 1)]++;
}

static void count_poll(struct vcpu *c, u64 ns)
{
	struct vcpu_stats *s = &c->stats;

	s->halt_attempted_poll++;
	if (c->halt.waited) {
		s->halt_poll_fail_ns += ns;
		count(s->halt_poll_fail_hist, ns);
	} else {
		s->halt_successful_poll++;
		s->halt_poll_success_ns += ns;
		count(s->halt_poll_success_hist, ns);
	}
}

static void count_wait(struct vcpu *c, u64 ns)
{
	c->stats.halt_wakeup++;
	c->stats.halt_wait_ns += ns;
	count(c->stats.halt_wait_hist, ns);
}

/* After a halt of @ns. */
static void set_window(struct vcpu *c, u64 ns)
{
	struct vcpu_halt *h = &c->halt;
	u32 max = max_window(c->vm);

	if (!max)
		h->window = 0;
	else if (ns <= h->window)
		return;
	else if (h->window && ns > max)
		h->window = halt_shrink(h->window);
	else if (h->window < max && ns < max)
		h->window = halt_grow(h->window, max);
}

/* Nanoseconds from @from to @to.  The TSC of the CPU that it ends on may be behind. */
static u64 span(const struct vcpu *c, u64 from, u64 to)
{
	return to > from ? irq_clock_ns(&c->vm->chip->clock, to - from) : 0;
}

void halt_end(struct vcpu *c, u64 now)
{
	const struct vcpu_halt *h = &c->halt;
	u64 poll, wait = 0;

	if (h->waited) {
		wait = span(c, h->poll_end, now);
		count_wait(c, wait);
	}
	poll = span(c, h->start, h->waited ? h->poll_end : now);
	if (h->stop != h->start)
		count_poll(c, poll);
	if (is_allowed(c))
		set_window(c, poll + wait);
}
