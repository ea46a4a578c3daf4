/* SPDX-License-Identifier: MIT */
/*
 * Events: counters of signals, what Linux's eventfd is.  The control guest signals and
 * reads them by calls; kvm0 signals those that an ioeventfd or a resampled interrupt names, and
 * turns the signals of those that an irqfd has into interrupts (kvm/irqfd.h).
 */
#pragma once

#include "core/spinlock.h"

struct irqfd;

struct event {
	u32 refs;             /* atomic: its handle, calls that use it, and who signals it */
	u32 handle;           /* 0: closed */
	bool semaphore;       /* a read takes 1 and not all */
	struct spinlock lock; /* rank 5: guards the rest */
	u64 count;
	bool awaited;        /* a read found nothing: the next signal is reported */
	struct irqfd *irqfd; /* takes the signals first; NULL: none */
};

/* A new event with one reference and no handle.  NULL: no memory. */
struct event *event_create(u64 count, bool semaphore) __must_check;

static inline void event_get(struct event *e)
{
	__atomic_fetch_add(&e->refs, 1, __ATOMIC_RELAXED);
}

/* Drop a reference; the last one frees it. */
void event_put(struct event *e);
/* For handle_put(), when it was the last one. */
void event_free(struct event *e);

/* eventfd(2), write: 0; -EINVAL: @n is 2^64-1; -EAGAIN: the sum would be more than 2^64-2. */
int event_add(struct event *e, u64 n) __must_check;

/* kvm0's own signal: adds 1, and nothing at 2^64-1. */
void event_signal(struct event *e);

/* eventfd(2), read: 0 with what was taken; -EAGAIN: nothing to take, and the next signal
 * that leaves something is reported as a wake-up (kvm/wake.h). */
int event_read(struct event *e, u64 *value) __must_check;
