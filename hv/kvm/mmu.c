/* SPDX-License-Identifier: MIT */
/* EPT pages made of memory slots when the guest touches them, and taken away again. */
#include "kvm/mmu.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/dirty.h"

u64 mmu_rights(const struct vm *vm, const struct memslot *m, enum ept_level level, bool writable)
{
	u64 flags = EPT_READ | EPT_EXEC | EPT_WB | EPT_ACCESSED;

	if (!writable)
		return flags;
	flags |= EPT_WRITABLE;
	if (!(m->flags & KVM_MEM_LOG_DIRTY_PAGES)) /* the CPU need not set the flag, or list it */
		return flags | EPT_WRITE | EPT_DIRTY;
	if (level == EPT_4K && vm->dirty_mode != DIRTY_BY_FAULT)
		flags |= EPT_WRITE;
	return flags;
}

/* Does a page of @level round @a lie in the slot, and alike in both spaces? */
static bool fits(const struct memslot *m, gpa_t a, enum ept_level level)
{
	u64 size = ept_size(level), base = ALIGN_DOWN(a.v, size);

	return IS_ALIGNED(m->base.v - m->hva, size) && base >= m->base.v &&
	       base + size <= m->base.v + m->size;
}

bool mmu_has_large_pages(const struct memslot *m)
{
	return !(m->flags & KVM0_MEM_ON_DEMAND) && m->size >= ept_size(EPT_2M) &&
	       IS_ALIGNED(m->base.v - m->hva, ept_size(EPT_2M));
}

/* The page at @a, which something is mapped for already, is written to. */
static enum mmu_result grant_write(struct vcpu *c, const struct memslot *m, gpa_t a)
{
	struct vm *vm = c->vm;
	bool log = m->flags & KVM_MEM_LOG_DIRTY_PAGES;
	struct ept_leaf leaf;

	for (;;) {
		if (!ept_find(&vm->ept, a, &leaf) || (*leaf.entry & EPT_WRITE))
			return MMU_MAPPED; /* another vCPU was faster */
		if (!(*leaf.entry & EPT_WRITABLE))
			return MMU_WANTED;
		if (!log || leaf.level == EPT_4K)
			break;
		if (ept_split(&vm->ept, &leaf, mmu_rights(vm, m, leaf.level - 1, true)))
			return MMU_NO_MEMORY;
	}
	if (log)
		dirty_mark(c, m, a);
	ept_grant(&leaf, EPT_WRITE | EPT_DIRTY);
	return MMU_MAPPED;
}

/* Map the page at @a of a slot whose memory is the control guest's at m->hva. */
static enum mmu_result map_page(struct vcpu *c, const struct memslot *m, gpa_t a, bool write)
{
	struct vm *vm = c->vm;
	bool writable = !(m->flags & KVM_MEM_READONLY);
	bool log = write && (m->flags & KVM_MEM_LOG_DIRTY_PAGES);
	enum ept_level level = log ? EPT_4K : ept_max_level();
	u64 to = m->hva + (a.v - m->base.v); /* the control guest is identity-mapped */

	for (;; level--) {
		u64 mask = ~(ept_size(level) - 1);
		int err = -EEXIST;

		if (level == EPT_4K || fits(m, a, level))
			err = ept_map(&vm->ept, gpa(a.v & mask), cg_identity(gpa(to & mask)), level,
				      mmu_rights(vm, m, level, writable));
		if (err == -ENOMEM)
			return MMU_NO_MEMORY;
		if (!err && !log)
			return MMU_MAPPED;
		if (level == EPT_4K)
			return write ? grant_write(c, m, a) : MMU_MAPPED;
	}
}

/* The same for a slot whose pages are supplied: all that are stand in the EPT. */
static enum mmu_result find_supplied(struct vcpu *c, const struct memslot *m, gpa_t a, bool write)
{
	enum mmu_result r = MMU_WANTED;
	struct ept_leaf leaf;

	if (ept_find(&c->vm->ept, a, &leaf))
		r = write ? grant_write(c, m, a) : MMU_MAPPED;
	if (r == MMU_WANTED)
		c->wanted = (a.v & PAGE_MASK) | (write ? KVM0_WANTED_WRITE : 0);
	return r;
}

#define TABLES_A_FAULT 3u

/* vm->lock held. */
static enum mmu_result fault(struct vcpu *c, gpa_t a, bool write)
{
	struct vm *vm = c->vm;
	const struct memslot *m = memslots_find(&vm->slots, a);

	if (!m)
		return MMU_NO_SLOT;
	if (write && (m->flags & KVM_MEM_READONLY))
		return MMU_READ_ONLY;
	if (!page_room())
		return MMU_NO_MEMORY;
	if (vm->mmu_pages_max && vm->ept.pages + TABLES_A_FAULT > vm->mmu_pages_max)
		mmu_drop(vm);
	if (m->flags & KVM0_MEM_ON_DEMAND)
		return find_supplied(c, m, a, write);
	return map_page(c, m, a, write);
}

enum mmu_result mmu_fault(struct vcpu *c, gpa_t a, bool write)
{
	enum mmu_result r;

	spin_lock(&c->vm->lock);
	r = fault(c, a, write);
	spin_unlock(&c->vm->lock);
	return r;
}

bool mmu_force_out(struct vm *vm)
{
	bool kicked = false;

	/* Ordered before the look at each vCPU's mode; pairs with vcpu_run()'s exchange
	 * of mode before it reads the generation. */
	__atomic_fetch_add(&vm->tlb_generation, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		kicked |= vcpu_force_out(vm->vcpus[i]);
	return kicked;
}

/* As KVM counts: what was asked for, and where another CPU had to be kicked for it. */
void mmu_flush(struct vm *vm)
{
	vm->stats.remote_tlb_flush_requests++;
	vm->stats.remote_tlb_flush += mmu_force_out(vm);
	ept_release(&vm->ept);
}

void mmu_unmap(struct vm *vm, gpa_t a, u64 size)
{
	ept_unmap(&vm->ept, a, size);
	mmu_flush(vm);
}

void mmu_drop(struct vm *vm)
{
	dirty_settle_all(vm);
	mmu_unmap(vm, gpa(0), MEMSLOT_GPA_LIMIT);
}
