/* SPDX-License-Identifier: MIT */
/* The table of handles. */
#include "kvm/handle.h"
#include <linux/errno.h>

/* [0] is the system's, and never used. */
static struct {
	struct spinlock lock; /* rank 1: guards the table */
	u32 next;             /* where the search for a free one begins */
	u8 kind[HANDLE_MAX];  /* enum handle_kind */
	void *object[HANDLE_MAX];
} table;

/* The VM that an object is, or is part of. */
static inline struct vm *vm_of(enum handle_kind kind, void *object)
{
	return __builtin_expect(kind == HANDLE_VCPU, 1) ? ((struct vcpu *)object)->vm : object;
}

/* A free handle, or 0.  Locked. */
static u32 find_free(void)
{
	for (u32 n = 0; n < HANDLE_MAX; n++) {
		u32 h = (table.next + n) % HANDLE_MAX;

		if (h && table.kind[h] == HANDLE_FREE)
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
		table.kind[h] = HANDLE_RESERVED;
		/* The next one is another, so that a stale handle is found out early. */
		table.next = h + 1;
	}
	spin_unlock(&table.lock);
	return h ? (int)h : -EMFILE;
}

/* Wake-ups name the object by @handle; 0: by none any more.  Locked. */
static void name_object(enum handle_kind kind, void *object, u32 handle)
{
	if (kind == HANDLE_VCPU)
		WRITE_ONCE(((struct vcpu *)object)->handle, handle);
}

void handle_fill(int handle, enum handle_kind kind, void *object)
{
	spin_lock(&table.lock);
	name_object(kind, object, (u32)handle);
	table.object[handle] = object;
	table.kind[handle] = (u8)kind;
	spin_unlock(&table.lock);
}

void handle_unreserve(int handle)
{
	spin_lock(&table.lock);
	table.kind[handle] = HANDLE_FREE;
	spin_unlock(&table.lock);
}

int handle_get(u64 handle, struct handle_ref *ref)
{
	if (handle == 0 || handle >= HANDLE_MAX)
		return -EBADF;
	spin_lock(&table.lock);
	ref->kind = table.kind[handle];
	ref->object = table.object[handle];
	if (ref->kind > HANDLE_RESERVED)
		vm_get(vm_of(ref->kind, ref->object));
	spin_unlock(&table.lock);
	return ref->kind > HANDLE_RESERVED ? 0 : -EBADF;
}

void handle_put(const struct handle_ref *ref)
{
	vm_put(vm_of(ref->kind, ref->object));
}

int handle_close(u64 handle)
{
	struct handle_ref ref = {HANDLE_FREE, {NULL}};

	if (handle == 0 || handle >= HANDLE_MAX)
		return -EBADF;
	spin_lock(&table.lock);
	if (table.kind[handle] > HANDLE_RESERVED) {
		ref.kind = table.kind[handle];
		ref.object = table.object[handle];
		name_object(ref.kind, ref.object, 0);
		table.kind[handle] = HANDLE_FREE;
		table.object[handle] = NULL;
	}
	spin_unlock(&table.lock);
	if (ref.kind == HANDLE_FREE)
		return -EBADF;
	handle_put(&ref);
	return 0;
}
