/* SPDX-License-Identifier: MIT */
/* KVM_SET_USER_MEMORY_REGION: what a change of slots means for EPT and dirty log. */
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/memmap.h"
#include "core/page.h"
#include "kvm/apicv.h"
#include "kvm/dirty.h"
#include "kvm/mmu.h"

/* Is the memory of a new slot the control guest's?  Where that supplies it, later. */
static bool has_memory(const struct memslot *m)
{
	return (m->flags & KVM0_MEM_ON_DEMAND) || memmap_type(&memmap, m->hva, m->size) == MEM_RAM;
}

/* Get all that carrying out @change takes.  0, -EFAULT or -ENOMEM. */
static int prepare(struct vm *vm, struct memslot_change *change)
{
	struct memslot *new = &change->new;

	if (change->insert && !has_memory(new))
		return -EFAULT;
	if ((change->insert && !page_room()) || memslots_reserve(&vm->slots, change))
		return -ENOMEM;
	if (!(new->flags &KVM_MEM_LOG_DIRTY_PAGES))
		return 0;
	new->dirty = change->old.dirty; /* it moves with its log */
	if (!new->dirty && !vm->ring_entries) {
		new->dirty =
			dirty_bitmap_alloc(new, vm->dirty_manual & KVM_DIRTY_LOG_INITIALLY_SET);
		if (!new->dirty)
			return -ENOMEM;
	}
	return 0;
}

static void commit(struct vm *vm, const struct memslot_change *change)
{
	const struct memslot *old = &change->old, *new = &change->new;
	u32 log = (old->flags ^ new->flags) & KVM_MEM_LOG_DIRTY_PAGES;

	if (change->remove && change->insert)
		dirty_settle(vm, old, old->base, old->size);
	memslots_commit(&vm->slots, change);
	vm->slot_pages += (change->insert ? new->size / PAGE_SIZE : 0) -
			  (change->remove ? old->size / PAGE_SIZE : 0);
	if (change->insert)
		apicv_unmap_page(vm);
	if (change->remove)
		mmu_unmap(vm, old->base, old->size);
	else if (change->reflag && log && (new->flags &KVM_MEM_LOG_DIRTY_PAGES))
		dirty_start(vm, new);
	else if (change->reflag && log)
		dirty_stop(vm, new);
	if (old->dirty && !new->dirty)
		dirty_bitmap_free(old);
}

int mmu_set_slot(struct vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct memslot_change change;
	int err;

	dirty_sync(vm); /* what was written before it moves */
	spin_lock(&vm->lock);
	err = memslots_plan(&vm->slots, r, &change);
	if (!err && !change.none)
		err = prepare(vm, &change);
	if (!err && !change.none)
		commit(vm, &change);
	spin_unlock(&vm->lock);
	return err;
}

#define LIMIT_MIN      64u /* KVM_MIN_ALLOC_MMU_PAGES */
#define LIMIT_PERMILLE 20u /* KVM_PERMILLE_MMU_PAGES */

int mmu_set_limit(struct vm *vm, u64 pages)
{
	if (pages < LIMIT_MIN)
		return -EINVAL;
	spin_lock(&vm->lock);
	vm->mmu_pages_max = pages;
	if (vm->ept.pages > pages)
		mmu_drop(vm);
	spin_unlock(&vm->lock);
	return 0;
}

u64 mmu_limit(struct vm *vm)
{
	u64 chosen = MAX(READ_ONCE(vm->slot_pages) * LIMIT_PERMILLE / 1000, (u64)LIMIT_MIN);
	u64 limit = READ_ONCE(vm->mmu_pages_max);

	return limit ? limit : chosen;
}
