/* SPDX-License-Identifier: MIT */
/* Writes that signal an event.  KVM API, KVM_IOEVENTFD. */
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/iobus.h"

#define BUCKET_BITS 6u
#define BUCKETS     (1u << BUCKET_BITS)

struct ioeventfd {
	struct ioeventfd *next; /* of the bucket */
	struct event *event;    /* with a reference */
	u64 addr, datamatch;
	u32 length; /* 0: any */
	u8 kind;    /* enum iobus_kind */
	bool wildcard;
};

static u32 bucket_of(u64 addr)
{
	return (u32)(addr * 0x9e3779b97f4a7c15ull >> (64 - BUCKET_BITS));
}

static enum iobus_kind kind_of(u32 flags)
{
	if (flags & KVM_IOEVENTFD_FLAG_PIO)
		return IOBUS_PIO;
	return flags & KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY ? IOBUS_CCW : IOBUS_MMIO;
}

static struct ioeventfd wanted(const struct kvm_ioeventfd *arg, struct event *e)
{
	return (struct ioeventfd){
		.event = e,
		.addr = arg->addr,
		.datamatch = arg->datamatch,
		.length = arg->len,
		.kind = (u8)kind_of(arg->flags),
		.wildcard = !(arg->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
	};
}

/* Could one write be meant for both? */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->kind != b->kind || a->addr != b->addr)
		return false;
	if (!a->length || !b->length)
		return true;
	return a->length == b->length &&
	       (a->wildcard || b->wildcard || a->datamatch == b->datamatch);
}

/* Does KVM_IOEVENTFD_FLAG_DEASSIGN with @want mean @p? */
static bool same(const struct ioeventfd *p, const struct ioeventfd *want)
{
	return p->kind == want->kind && p->event == want->event && p->addr == want->addr &&
	       p->length == want->length && p->wildcard == want->wildcard &&
	       (p->wildcard || p->datamatch == want->datamatch);
}

int ioeventfd_check(const struct kvm_ioeventfd *arg)
{
	if (arg->len > 8 || (arg->len & (arg->len - 1)))
		return -EINVAL;
	if (arg->addr + arg->len < arg->addr)
		return -EINVAL;
	if (arg->flags & ~(u32)KVM_IOEVENTFD_VALID_FLAG_MASK)
		return -EINVAL;
	return !arg->len && (arg->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) ? -EINVAL : 0;
}

/* Locked. */
static int insert(struct iobus *b, struct ioeventfd *new)
{
	struct ioeventfd **bucket;

	if (!b->table)
		b->table = object_alloc(BUCKETS * sizeof(struct ioeventfd *));
	if (!b->table)
		return -ENOMEM;
	bucket = &b->table[bucket_of(new->addr)];
	for (const struct ioeventfd *p = *bucket; p; p = p->next)
		if (collide(p, new))
			return -EEXIST;
	if (b->events == IOBUS_MAX_EVENTS)
		return -ENOSPC;
	event_get(new->event);
	new->next = *bucket;
	*bucket = new;
	b->events++;
	WRITE_ONCE(b->users[new->kind], b->users[new->kind] + 1);
	return 0;
}

static int assign(struct iobus *b, const struct kvm_ioeventfd *arg, struct event *e)
{
	struct ioeventfd *p = page_room() ? object_alloc(sizeof(*p)) : NULL;
	int err;

	if (!p)
		return -ENOMEM;
	*p = wanted(arg, e);
	spin_lock(&b->lock);
	err = insert(b, p);
	spin_unlock(&b->lock);
	if (err)
		object_free(p, sizeof(*p));
	return err;
}

static int deassign(struct iobus *b, const struct kvm_ioeventfd *arg, struct event *e)
{
	const struct ioeventfd want = wanted(arg, e);
	struct ioeventfd **at, *p = NULL;

	spin_lock(&b->lock);
	if (b->table) {
		at = &b->table[bucket_of(want.addr)];
		while (*at && !same(*at, &want))
			at = &(*at)->next;
		p = *at;
	}
	if (p) {
		*at = p->next;
		b->events--;
		WRITE_ONCE(b->users[p->kind], b->users[p->kind] - 1);
	}
	spin_unlock(&b->lock);
	if (!p)
		return -ENOENT;
	event_put(p->event);
	object_free(p, sizeof(*p));
	return 0;
}

int ioeventfd_change(struct iobus *b, const struct kvm_ioeventfd *arg, struct event *e)
{
	return arg->flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? deassign(b, arg, e) : assign(b, arg, e);
}

bool ioeventfd_write(struct iobus *b, enum iobus_kind kind, u64 addr, u32 len, u64 value)
{
	struct ioeventfd *p = b->table ? b->table[bucket_of(addr)] : NULL;

	for (; p; p = p->next) {
		if (p->addr != addr || p->kind != kind || (p->length && p->length != len))
			continue;
		if (!p->wildcard && p->datamatch != value)
			continue;
		event_signal(p->event);
		return true;
	}
	return false;
}

void ioeventfd_release_all(struct iobus *b)
{
	for (u32 i = 0; b->table && i < BUCKETS; i++)
		for (struct ioeventfd *p = b->table[i], *next; p; p = next) {
			next = p->next;
			event_put(p->event);
			object_free(p, sizeof(*p));
		}
	if (b->table)
		object_free(b->table, BUCKETS * sizeof(struct ioeventfd *));
}
