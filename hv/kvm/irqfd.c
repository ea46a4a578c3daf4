/* SPDX-License-Identifier: MIT */
/* Events as interrupts: see irqfd.h.  KVM API, KVM_IRQFD. */
#include "kvm/irqfd.h"
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/vm.h"

struct irqfd {
	struct irqfd *next; /* of the VM */
	struct vm *vm;
	struct event *event, *resample; /* with a reference on each */
	struct irq_listener listener;   /* of a resampling one; and its GSI */
	u32 ended;                      /* the guest has ended its interrupt; atomic */
};

/* Rank 3: guards which irqfds there are.  Who changes event->irqfd or a VM's list holds this and
 * the event's or the list's lock; who reads, one of both.  So a VM whose irqfd is found
 * under it has not been freed. */
static struct spinlock irqfd_lock;

void irqfd_raise(struct irqfd *f)
{
	struct irqchip *chip = f->vm->chip;
	u32 gsi = f->listener.gsi;

	if (f->resample) {
		(void)irqchip_line(chip, gsi, IRQ_SOURCE_RESAMPLE, true);
	} else {
		/* A pulse, of the source that KVM_IRQ_LINE drives, as in Linux. */
		(void)irqchip_line(chip, gsi, IRQ_SOURCE_API, true);
		(void)irqchip_line(chip, gsi, IRQ_SOURCE_API, false);
	}
	vm_wake_vcpus(f->vm);
}

/* The listener's function: the line goes down at once, the event is signalled when the lock
 * of the interrupt controllers is given up. */
static void ended(struct irq_listener *l, struct irqchip *chip)
{
	struct irqfd *f = container_of(l, struct irqfd, listener);

	(void)irqchip_line_held(chip, l->gsi, IRQ_SOURCE_RESAMPLE, false);
	__atomic_store_n(&f->ended, 1, __ATOMIC_RELAXED);
	/* Release: pairs with irqfd_resample(). */
	__atomic_store_n(&f->vm->irqfds.ended, 1, __ATOMIC_RELEASE);
}

/* Is there a resampling irqfd at @gsi?  irqfd_lock held. */
static bool resamples(const struct vm *vm, u32 gsi)
{
	for (const struct irqfd *f = vm->irqfds.first; f; f = f->next)
		if (f->resample && f->listener.gsi == gsi)
			return true;
	return false;
}

static void link(struct irqfd *f)
{
	struct irqfds *list = &f->vm->irqfds;

	if (f->resample)
		irqchip_listen(f->vm->chip, &f->listener);
	spin_lock(&list->lock);
	f->next = list->first;
	list->first = f;
	spin_unlock(&list->lock);
	spin_lock(&f->event->lock);
	f->event->irqfd = f;
	if (f->event->count) /* signals from before, which a read still gives */
		irqfd_raise(f);
	spin_unlock(&f->event->lock);
}

/* No signal comes to it any more.  irqfd_lock held. */
static void detach(struct irqfd *f)
{
	struct irqfds *list = &f->vm->irqfds;
	struct irqfd **p = &list->first;

	spin_lock(&f->event->lock);
	f->event->irqfd = NULL;
	spin_unlock(&f->event->lock);
	while (*p != f)
		p = &(*p)->next;
	spin_lock(&list->lock);
	*p = f->next;
	spin_unlock(&list->lock);
}

/* The same, for a VM that goes on.  irqfd_lock held. */
static void unlink(struct irqfd *f)
{
	detach(f);
	if (!f->resample)
		return;
	irqchip_unlisten(f->vm->chip, &f->listener);
	if (!resamples(f->vm, f->listener.gsi))
		(void)irqchip_line(f->vm->chip, f->listener.gsi, IRQ_SOURCE_RESAMPLE, false);
}

static void free_irqfd(struct irqfd *f)
{
	if (!f)
		return;
	event_put(f->event);
	if (f->resample)
		event_put(f->resample);
	object_free(f, sizeof(*f));
}

int irqfd_assign(struct vm *vm, struct event *e, u32 gsi, struct event *resample)
{
	struct irqfd *f = page_room() ? object_alloc(sizeof(*f)) : NULL;
	int err = 0;

	if (!f)
		return -ENOMEM;
	*f = (struct irqfd){.vm = vm,
			    .event = e,
			    .resample = resample,
			    .listener = {.gsi = gsi, .ended = ended}};
	event_get(e);
	if (resample)
		event_get(resample);
	spin_lock(&irqfd_lock);
	if (e->irqfd)
		err = -EBUSY;
	else if (!READ_ONCE(e->handle)) /* irqfd_event_closed() has been here */
		err = -EBADF;
	else
		link(f);
	spin_unlock(&irqfd_lock);
	if (err)
		free_irqfd(f);
	return err;
}

void irqfd_deassign(struct vm *vm, struct event *e, u32 gsi)
{
	struct irqfd *f;

	spin_lock(&irqfd_lock);
	f = e->irqfd;
	if (f && (f->vm != vm || f->listener.gsi != gsi))
		f = NULL;
	if (f)
		unlink(f);
	spin_unlock(&irqfd_lock);
	free_irqfd(f);
}

void irqfd_event_closed(struct event *e)
{
	struct irqfd *f;

	spin_lock(&irqfd_lock);
	f = e->irqfd;
	if (f)
		unlink(f);
	spin_unlock(&irqfd_lock);
	free_irqfd(f);
}

void irqfd_release_all(struct vm *vm)
{
	for (;;) {
		struct irqfd *f;

		spin_lock(&irqfd_lock);
		f = vm->irqfds.first;
		if (f) /* nobody touches the interrupt controllers any more */
			detach(f);
		spin_unlock(&irqfd_lock);
		if (!f)
			return;
		free_irqfd(f);
	}
}

void irqfd_resample(struct vm *vm)
{
	/* Acquire: pairs with ended(). */
	if (!__atomic_exchange_n(&vm->irqfds.ended, 0, __ATOMIC_ACQUIRE))
		return;
	spin_lock(&vm->irqfds.lock);
	for (struct irqfd *f = vm->irqfds.first; f; f = f->next)
		if (__atomic_exchange_n(&f->ended, 0, __ATOMIC_RELAXED))
			event_signal(f->resample);
	spin_unlock(&vm->irqfds.lock);
}
