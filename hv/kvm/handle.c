/* SPDX-License-Identifier: MIT */
/* The table of handles. */
#include "kvm/handle.h"
#include <linux/errno.h>

static struct {
	struct spinlock lock; /* rank 1: guards the table */
	u32 next;             /* where the search for a free one begins */
	struct {
		struct vm *vm; /* NULL: free */
		struct vcpu *vcpu;
	} slot[HANDLE_MAX]; /* [0] is the system's, and never used */
} table;

/* A free handle, or 0.  Locked. */
static u32 find_free(void)
{
	for (u32 n = 0; n < HANDLE_MAX; n++) {
		u32 h = (table.next + n) % HANDLE_MAX;

		if (h && !table.slot[h].vm)
			return h;
	}
	return 0;
}

int handle_open(struct vm *vm, struct vcpu *vcpu)
{
	u32 h;

	spin_lock(&table.lock);
	h = find_free();
	if (h) {
		table.slot[h].vm = vm;
		table.slot[h].vcpu = vcpu;
		/* The next one is another, so that a stale handle is found out early. */
		table.next = h + 1;
		if (vcpu)
			vcpu->handle = h;
	}
	spin_unlock(&table.lock);
	return h ? (int)h : -EMFILE;
}

void handle_bind(u64 handle, struct vcpu *vcpu)
{
	spin_lock(&table.lock);
	/* Somebody may have guessed the number and closed it. */
	if (table.slot[handle].vm == vcpu->vm) {
		table.slot[handle].vcpu = vcpu;
		vcpu->handle = (u32)handle;
	}
	spin_unlock(&table.lock);
}

int handle_get(u64 handle, struct handle_ref *ref)
{
	if (handle == 0 || handle >= HANDLE_MAX)
		return -EBADF;
	spin_lock(&table.lock);
	ref->vm = table.slot[handle].vm;
	ref->vcpu = table.slot[handle].vcpu;
	if (ref->vm)
		vm_get(ref->vm);
	spin_unlock(&table.lock);
	return ref->vm ? 0 : -EBADF;
}

void handle_put(const struct handle_ref *ref)
{
	if (ref->vm)
		vm_put(ref->vm);
}

int handle_close(u64 handle)
{
	struct vm *vm = NULL;

	if (handle == 0 || handle >= HANDLE_MAX)
		return -EBADF;
	spin_lock(&table.lock);
	vm = table.slot[handle].vm;
	if (vm && table.slot[handle].vcpu)
		table.slot[handle].vcpu->handle = 0;
	table.slot[handle].vm = NULL;
	table.slot[handle].vcpu = NULL;
	spin_unlock(&table.lock);
	if (!vm)
		return -EBADF;
	vm_put(vm);
	return 0;
}
