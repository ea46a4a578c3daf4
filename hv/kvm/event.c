/* SPDX-License-Identifier: MIT */
/* Events: see event.h. */
#include "kvm/event.h"
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/irqfd.h"
#include "kvm/wake.h"

struct event *event_create(u64 count, bool semaphore)
{
	struct event *e = page_room() ? object_alloc(sizeof(*e)) : NULL;

	if (e) {
		e->refs = 1;
		e->count = count;
		e->semaphore = semaphore;
	}
	return e;
}

void event_free(struct event *e)
{
	object_free(e, sizeof(*e));
}

void event_put(struct event *e)
{
	/* Release and acquire: all that any holder did comes before the freeing. */
	if (!__atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL))
		event_free(e);
}

/* What a read gives.  Locked. */
static u64 take(struct event *e)
{
	u64 value = e->semaphore && e->count ? 1 : e->count;

	e->count -= value;
	return value;
}

/* The count has grown, or somebody has added 0.  Locked. */
static void signalled(struct event *e)
{
	if (e->irqfd) {
		(void)take(e);
		irqfd_raise(e->irqfd);
	}
	if (e->awaited && e->count) {
		e->awaited = false;
		wake_add(READ_ONCE(e->handle));
	}
}

int event_add(struct event *e, u64 n)
{
	int err = n == ~0ull ? -EINVAL : 0;

	spin_lock(&e->lock);
	if (!err && ~0ull - e->count <= n)
		err = -EAGAIN;
	if (!err) {
		e->count += n;
		signalled(e);
	}
	spin_unlock(&e->lock);
	return err;
}

void event_signal(struct event *e)
{
	spin_lock(&e->lock);
	if (e->count != ~0ull)
		e->count++;
	signalled(e);
	spin_unlock(&e->lock);
}

int event_read(struct event *e, u64 *value)
{
	spin_lock(&e->lock);
	*value = take(e);
	if (!*value)
		e->awaited = true;
	spin_unlock(&e->lock);
	return *value ? 0 : -EAGAIN;
}
