/* SPDX-License-Identifier: MIT */
/*
 * irqfd: events whose signals are interrupts of a VM, and resampling ones, whose line stays
 * high until the guest's EOI, which signals another event.  An irqfd lives until it is
 * deassigned, its event is closed or its VM goes.
 */
#pragma once

#include <linux/kvm.h>
#include "core/spinlock.h"
#include "kvm/event.h"

struct vm;

/* Of a VM. */
struct irqfds {
	struct spinlock lock; /* rank 4: guards the list */
	struct irqfd *first;
	u32 ended; /* there are some for irqfd_resample(); atomic */
};

/*
 * KVM_IRQFD: the signals of @e become interrupts at @gsi of @vm, which has interrupt controllers;
 * any number is taken, and one without a route stays without effect.  @resample: NULL, or
 * signalled at the EOI.  Signals that @e has already count.  0; -EBUSY: @e has an irqfd;
 * -EBADF: it was closed; -ENOMEM.
 */
int irqfd_assign(struct vm *vm, struct event *e, u32 gsi, struct event *resample) __must_check;

/* Undo that, if it was done; when it returns no signal of @e reaches @vm at @gsi. */
void irqfd_deassign(struct vm *vm, struct event *e, u32 gsi);

/* The handle of @e is closed. */
void irqfd_event_closed(struct event *e);

/* @vm goes: nobody uses it any more. */
void irqfd_release_all(struct vm *vm);

/* A signal has come.  The lock of the event held. */
void irqfd_raise(struct irqfd *f);

/* Interrupts of resampling ones were ended: signal the events that wait for it. */
void irqfd_resample(struct vm *vm);
