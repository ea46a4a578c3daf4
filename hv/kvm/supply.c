/* SPDX-License-Identifier: MIT */
/*
 * Slots with KVM0_MEM_ON_DEMAND: the control guest supplies pages and withdraws them.  The
 * EPT is the only place where kvm0 keeps what it was supplied with.
 */
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/memmap.h"
#include "core/page.h"
#include "kvm/dirty.h"
#include "kvm/mmu.h"
#include "kvm/pv/apf.h"

/* The slot of this kind that holds all of [@a, @a + @size); NULL: none does. */
static const struct memslot *slot_of(struct vm *vm, u64 a, u64 size)
{
	const struct memslot *m = memslots_find(&vm->slots, gpa(a));

	if (!m || !(m->flags & KVM0_MEM_ON_DEMAND) || size > m->base.v + m->size - a)
		return NULL;
	return m;
}

/*
 * Make the pages on both sides of @a separate ones, so that what is done to one leaves the
 * other alone.  0 or -ENOMEM.
 */
static int separate(struct vm *vm, const struct memslot *m, u64 a)
{
	struct ept_leaf leaf;

	while (ept_find(&vm->ept, gpa(a), &leaf) && !IS_ALIGNED(a, ept_size(leaf.level))) {
		bool writable = *leaf.entry & EPT_WRITABLE;

		if (!page_room() ||
		    ept_split(&vm->ept, &leaf, mmu_rights(vm, m, leaf.level - 1, writable)))
			return -ENOMEM;
	}
	return 0;
}

/* Something is at @a already: if it is the page at @h, that may get the right to write. */
static int supply_again(struct vm *vm, const struct memslot *m, const struct kvm0_supply *s,
			u64 *done)
{
	bool writable = s->flags & KVM0_SUPPLY_WRITABLE;
	u64 a = s->guest_phys_addr, end = a + s->pages * PAGE_SIZE;
	struct ept_leaf leaf;

	if (!ept_find(&vm->ept, gpa(a), &leaf) || ept_address(&leaf, gpa(a)).v != s->address)
		return -EEXIST;
	if (writable && !(*leaf.entry & EPT_WRITABLE)) {
		if (separate(vm, m, a) || separate(vm, m, end) ||
		    !ept_find(&vm->ept, gpa(a), &leaf))
			return -ENOMEM;
		ept_grant(&leaf, mmu_rights(vm, m, leaf.level, true));
	}
	*done = MIN(end - a, ept_size(leaf.level) - (a & (ept_size(leaf.level) - 1)));
	return 0;
}

/* Supply the first page of @s, or several in one; *@done is how many bytes that were. */
static int supply_first(struct vm *vm, const struct memslot *m, const struct kvm0_supply *s,
			u64 *done)
{
	u64 a = s->guest_phys_addr, h = s->address;
	bool writable = s->flags & KVM0_SUPPLY_WRITABLE;

	if (!page_room())
		return -ENOMEM;
	for (enum ept_level level = ept_max_level();; level--) {
		int err = -EEXIST;

		*done = ept_size(level);
		if (IS_ALIGNED(a | h, *done) && s->pages * PAGE_SIZE >= *done)
			err = ept_map(&vm->ept, gpa(a), cg_identity(gpa(h)), level,
				      mmu_rights(vm, m, level, writable));
		if (err != -EEXIST)
			return err;
		if (level == EPT_4K)
			return supply_again(vm, m, s, done);
	}
}

static int check_supply(struct vm *vm, const struct kvm0_supply *s, const struct memslot **m)
{
	u64 size = s->pages * PAGE_SIZE;

	if (!s->pages || s->pages > KVM0_SUPPLY_MAX || (s->flags & ~KVM0_SUPPLY_WRITABLE) ||
	    !IS_ALIGNED(s->guest_phys_addr | s->address, PAGE_SIZE))
		return -EINVAL;
	*m = slot_of(vm, s->guest_phys_addr, size);
	if (!*m || ((s->flags & KVM0_SUPPLY_WRITABLE) && ((*m)->flags & KVM_MEM_READONLY)))
		return -EINVAL;
	if (s->address + size < s->address || memmap_type(&memmap, s->address, size) != MEM_RAM)
		return -EFAULT;
	return 0;
}

s64 mmu_supply(struct vm *vm, const struct kvm0_supply *what)
{
	struct kvm0_supply s = *what; /* what is left */
	const struct memslot *m;
	int err;

	spin_lock(&vm->lock);
	err = check_supply(vm, &s, &m);
	while (!err && s.pages) {
		u64 done;

		err = supply_first(vm, m, &s, &done);
		if (!err) {
			s.guest_phys_addr += done;
			s.address += done;
			s.pages -= (u32)(done / PAGE_SIZE);
		}
	}
	pv_apf_supplied(vm, what->guest_phys_addr, (what->pages - s.pages) * PAGE_SIZE,
			what->flags & KVM0_SUPPLY_WRITABLE);
	spin_unlock(&vm->lock);
	return s.pages < what->pages ? (s64)(what->pages - s.pages) : err;
}

s64 mmu_withdraw(struct vm *vm, u64 a, u64 pages)
{
	u64 size = pages * PAGE_SIZE;
	const struct memslot *m;

	if (!pages || pages > MEMSLOT_GPA_LIMIT / PAGE_SIZE || !IS_ALIGNED(a, PAGE_SIZE))
		return -EINVAL;
	spin_lock(&vm->lock);
	m = slot_of(vm, a, size);
	if (m) {
		/* Without memory for that the whole large page goes, and comes back when wanted. */
		(void)separate(vm, m, a);
		(void)separate(vm, m, a + size);
		dirty_settle(vm, m, gpa(a), size);
		mmu_unmap(vm, gpa(a), size);
	}
	spin_unlock(&vm->lock);
	return m ? 0 : -EINVAL;
}
