/* SPDX-License-Identifier: MIT */
/* The table of handles. */
#include "kvm/handle.h"
#include <linux/errno.h>
#include "core/page.h"

static struct {
	struct spinlock lock;    /* rank 1: guards the table */
	u32 next;                /* where the search for a free one begins */
	struct handle_ref *slot; /* HANDLE_MAX; [0] is the system's, and never used */
} table;

#define TABLE_ORDER 5u
_Static_assert(HANDLE_MAX * sizeof(struct handle_ref) == PAGE_SIZE << TABLE_ORDER, "table");

int handle_init(void)
{
	table.slot = page_alloc_order(TABLE_ORDER);
	return table.slot ? 0 : -ENOMEM;
}

/* The references on what is behind a handle. */
static inline u32 *refs_of(const struct handle_ref *ref)
{
	if (__builtin_expect(ref->kind == HANDLE_VCPU, 1))
		return &ref->vcpu->vm->refs;
	if (ref->kind == HANDLE_VCPU_STATS)
		return &ref->vcpu->vm->refs;
	return ref->kind == HANDLE_EVENT ? &ref->event->refs : &ref->vm->refs;
}

/* A free handle, or 0.  Locked. */
static u32 find_free(void)
{
	for (u32 n = 0; n < HANDLE_MAX; n++) {
		u32 h = (table.next + n) % HANDLE_MAX;

		if (h && table.slot[h].kind == HANDLE_FREE)
			return h;
	}
	return 0;
}

int handle_reserve(void)
{
	u32 h;

	spin_lock(&table.lock);
	h = find_free();
	if (h) {
		table.slot[h].kind = HANDLE_RESERVED;
		/* The next one is another, so that a stale handle is found out early. */
		table.next = h + 1;
	}
	spin_unlock(&table.lock);
	return h ? (int)h : -EMFILE;
}

/* Wake-ups name the object by @handle; 0: by none any more.  Locked. */
static void name_object(const struct handle_ref *ref, u32 handle)
{
	if (ref->kind == HANDLE_VCPU)
		WRITE_ONCE(ref->vcpu->handle, handle);
	else if (ref->kind == HANDLE_EVENT)
		WRITE_ONCE(ref->event->handle, handle);
}

void handle_fill(int handle, enum handle_kind kind, void *object)
{
	const struct handle_ref ref = {kind, {object}};

	spin_lock(&table.lock);
	name_object(&ref, (u32)handle);
	table.slot[handle] = ref;
	spin_unlock(&table.lock);
}

void handle_unreserve(int handle)
{
	spin_lock(&table.lock);
	table.slot[handle].kind = HANDLE_FREE;
	spin_unlock(&table.lock);
}

int handle_open(enum handle_kind kind, void *object)
{
	int handle = handle_reserve();

	if (handle > 0)
		handle_fill(handle, kind, object);
	return handle;
}

int handle_get(u64 handle, struct handle_ref *ref)
{
	if (handle == 0 || handle >= HANDLE_MAX)
		return -EBADF;
	spin_lock(&table.lock);
	*ref = table.slot[handle];
	if (__builtin_expect(ref->kind <= HANDLE_RESERVED, 0)) {
		spin_unlock(&table.lock);
		return -EBADF;
	}
	__atomic_fetch_add(refs_of(ref), 1, __ATOMIC_RELAXED);
	spin_unlock(&table.lock);
	return 0;
}

/* The last reference is gone. */
static __attribute__((noinline)) void free_object(const struct handle_ref *ref)
{
	if (ref->kind == HANDLE_EVENT)
		event_free(ref->event);
	else if (ref->kind == HANDLE_VCPU || ref->kind == HANDLE_VCPU_STATS)
		vm_free(ref->vcpu->vm);
	else
		vm_free(ref->vm);
}

void handle_put(const struct handle_ref *ref)
{
	/* Release and acquire: all that any holder did comes before the freeing. */
	if (!__atomic_sub_fetch(refs_of(ref), 1, __ATOMIC_ACQ_REL))
		free_object(ref);
}

int handle_close(u64 handle)
{
	struct handle_ref ref = {HANDLE_FREE, {NULL}};

	if (handle == 0 || handle >= HANDLE_MAX)
		return -EBADF;
	spin_lock(&table.lock);
	if (table.slot[handle].kind > HANDLE_RESERVED) {
		ref = table.slot[handle];
		name_object(&ref, 0);
		table.slot[handle].kind = HANDLE_FREE;
	}
	spin_unlock(&table.lock);
	if (ref.kind == HANDLE_FREE)
		return -EBADF;
	if (ref.kind == HANDLE_EVENT)
		irqfd_event_closed(ref.event);
	else if (ref.kind == HANDLE_DEVICE)
		__atomic_store_n(&ref.vm->has_vfio, false, __ATOMIC_RELAXED);
	handle_put(&ref);
	return 0;
}
