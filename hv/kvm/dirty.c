/* SPDX-License-Identifier: MIT */
/* The dirty log: bitmaps, and how writes of the guest get into them.  See kvm/dirty.h. */
#include "kvm/dirty.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/mmu.h"
#include "lib/string.h"

enum dirty_mode dirty_mode_choose(void)
{
	if (!vmx_has_ept_flags())
		return DIRTY_BY_FAULT;
	return vmx_has_log() ? DIRTY_BY_LIST : DIRTY_BY_FLAG;
}

u64 dirty_flag(const struct vm *vm)
{
	return vm->dirty_mode == DIRTY_BY_FAULT ? EPT_WRITE : EPT_DIRTY;
}

void dirty_mark(struct vcpu *c, const struct memslot *m, gpa_t a)
{
	u64 page = (a.v - m->base.v) / PAGE_SIZE;

	if (c->ring.entries) /* a bitmap may be left from before there were rings */
		dirty_ring_push(c, m->id, page);
	else if (m->dirty)
		m->dirty[page / 64] |= BIT(page % 64);
}

/* --- bitmaps --- */

static u64 words(const struct memslot *m)
{
	return (m->size / PAGE_SIZE + 63) / 64;
}

/* Objects are small; above that it is whole pages. */
#define OBJECT_MAX (64u * 1024)

static unsigned order_of(u64 bytes)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	return order;
}

u64 *dirty_bitmap_alloc(const struct memslot *m, bool set)
{
	u64 bytes = words(m) * sizeof(u64), tail = m->size / PAGE_SIZE % 64;
	u64 *bitmap;

	if (!page_room_for(BIT(order_of(bytes))))
		return NULL;
	bitmap = bytes <= OBJECT_MAX ? object_alloc(bytes) : page_alloc_order(order_of(bytes));
	if (bitmap && set) {
		memset(bitmap, 0xff, bytes);
		if (tail)
			bitmap[words(m) - 1] = BIT(tail) - 1;
	}
	return bitmap;
}

void dirty_bitmap_free(const struct memslot *m)
{
	u64 bytes = words(m) * sizeof(u64);

	if (bytes <= OBJECT_MAX)
		object_free(m->dirty, bytes);
	else
		page_free_order(m->dirty, order_of(bytes));
}

void dirty_start(struct vm *vm, const struct memslot *m)
{
	/* With all bits set at first, pages become clean when they are cleared. */
	if (m->dirty && (vm->dirty_manual & KVM_DIRTY_LOG_INITIALLY_SET))
		return;
	ept_revoke(&vm->ept, m->base, m->size, dirty_flag(vm));
	mmu_flush(vm);
}

void dirty_set_manual(struct vm *vm, u32 options)
{
	spin_lock(&vm->lock);
	vm->dirty_manual = options;
	/* Large pages may be writable that were dirty from the start, and were never cleared. */
	for (u32 i = 0; i < vm->slots.count; i++) {
		const struct memslot *m = memslots_at(&vm->slots, i);

		if (m->flags & KVM_MEM_LOG_DIRTY_PAGES)
			ept_revoke(&vm->ept, m->base, m->size, 0);
	}
	mmu_flush(vm);
	spin_unlock(&vm->lock);
}

void dirty_stop(struct vm *vm, const struct memslot *m)
{
	/* Large pages come back with the next faults.  Where none can, writes of clean pages
	 * are granted one by one; and what was supplied has to stay. */
	if (mmu_has_large_pages(m))
		mmu_unmap(vm, m->base, m->size);
}

static bool has_flags(const struct vm *vm, const struct memslot *m)
{
	return vm->dirty_mode == DIRTY_BY_FLAG && m->dirty;
}

void dirty_settle(struct vm *vm, const struct memslot *m, gpa_t a, u64 size)
{
	u64 first = (a.v - m->base.v) / PAGE_SIZE;

	if (!has_flags(vm, m))
		return;
	/* No flag is set any more once every CPU has seen that. */
	ept_revoke(&vm->ept, a, size, EPT_WRITE);
	mmu_flush(vm);
	/* From a word's first page on: what comes before is as good as collected later. */
	first = ALIGN_DOWN(first, 64);
	(void)ept_collect(&vm->ept, gpa(m->base.v + first * PAGE_SIZE),
			  a.v + size - (m->base.v + first * PAGE_SIZE), &m->dirty[first / 64],
			  false);
}

/* In two passes: there may be many slots, and one flush has to do for all. */
void dirty_settle_all(struct vm *vm)
{
	bool any = false;

	for (u32 i = 0; i < vm->slots.count; i++) {
		const struct memslot *m = memslots_at(&vm->slots, i);

		if (has_flags(vm, m)) {
			ept_revoke(&vm->ept, m->base, m->size, EPT_WRITE);
			any = true;
		}
	}
	if (!any)
		return;
	mmu_flush(vm);
	for (u32 i = 0; i < vm->slots.count; i++) {
		const struct memslot *m = memslots_at(&vm->slots, i);

		if (has_flags(vm, m))
			(void)ept_collect(&vm->ept, m->base, m->size, m->dirty, false);
	}
}

/* --- lists of vCPUs --- */

void dirty_take_list(struct vcpu *c)
{
	const u64 *pages;
	u32 count = vmx_take_log(&c->vmx, &pages);

	if (count) {
		spin_lock(&c->vm->lock);
		while (count--) { /* the oldest is the last */
			gpa_t a = gpa(pages[count]);
			const struct memslot *m = memslots_find(&c->vm->slots, a);

			if (m && (m->flags & KVM_MEM_LOG_DIRTY_PAGES))
				dirty_mark(c, m, a);
		}
		spin_unlock(&c->vm->lock);
	}
	/* Release: pairs with dirty_sync(). */
	__atomic_store_n(&c->lists_taken, c->lists_taken + 1, __ATOMIC_RELEASE);
}

/* Wait until @c has taken its list after @before times, or has none. */
static void wait_for_list(const struct vcpu *c, u32 before)
{
	/* Acquire: both pair with dirty_take_list(), which comes before has_list is cleared. */
	while (__atomic_load_n(&c->has_list, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&c->lists_taken, __ATOMIC_ACQUIRE) == before)
		__builtin_ia32_pause();
}

void dirty_sync(struct vm *vm)
{
	u32 before[VM_MAX_VCPUS], count;

	if (vm->dirty_mode != DIRTY_BY_LIST)
		return;
	spin_lock(&vm->lock);
	count = vm->vcpu_count;
	for (u32 i = 0; i < count; i++) {
		before[i] = READ_ONCE(vm->vcpus[i]->lists_taken);
		vcpu_ask(vm->vcpus[i], VCPU_TAKE_LIST);
	}
	mmu_force_out(vm);
	spin_unlock(&vm->lock);
	for (u32 i = 0; i < count; i++)
		wait_for_list(vm->vcpus[i], before[i]);
}

/* --- reading and clearing --- */

const struct memslot *dirty_log_get(struct vm *vm, u32 slot, bool all, int *err)
{
	const struct memslot *m = memslots_get(&vm->slots, slot);

	*err = slot >= MEMSLOT_MAX ? -EINVAL : -ENOENT;
	if (!m || !m->dirty)
		return NULL;
	if (vm->dirty_mode == DIRTY_BY_FLAG)
		(void)ept_collect(&vm->ept, m->base, m->size, m->dirty, all);
	*err = 0;
	return m;
}

void dirty_log_clear(struct dirty_cleaning *d, u64 first, u64 pages)
{
	u64 *word = &d->m->dirty[first / 64];

	pages &= *word;
	if (!pages)
		return;
	*word &= ~pages;
	d->any = true;
	ept_revoke_pages(&d->vm->ept, &d->at, gpa(d->m->base.v + first * PAGE_SIZE), pages,
			 dirty_flag(d->vm));
}

void dirty_log_clear_all(struct dirty_cleaning *d)
{
	u64 *dirty = d->m->dirty, count = words(d->m);
	bool by_flag = d->vm->dirty_mode == DIRTY_BY_FLAG;

	for (u64 i = 0; i < count; i++) {
		if (!dirty[i])
			continue;
		if (by_flag) { /* the flags are clear already */
			dirty[i] = 0;
			d->any = true;
		} else {
			dirty_log_clear(d, i * 64, ~0ull);
		}
	}
}

void dirty_log_end(const struct dirty_cleaning *d)
{
	if (d->any)
		mmu_flush(d->vm);
}
