/* SPDX-License-Identifier: MIT */
/*
 * The dirty rings: each vCPU's log as a list in memory that it shares with its owner (KVM
 * API, KVM_CAP_DIRTY_LOG_RING).  The control guest may write anything into that memory at any
 * time: kvm0 keeps both indices itself, and checks what it reads back.
 */
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/dirty.h"
#include "kvm/mmu.h"

#define PER_PAGE (u32)(PAGE_SIZE / sizeof(struct kvm_dirty_gfn))

/* Entries kept back for what may come before a vCPU stops: the page list of the CPU, and what
 * the emulator writes. */
#define RESERVED 64u

static u32 reserved(void)
{
	return RESERVED + (vmx_has_log() ? VMX_LOG_MAX : 0);
}

/*
 * Pages may have been supplied already, and dirty in a bitmap that nobody can read any more; no
 * CPU has anything cached of them.
 */
static void begin(struct vm *vm)
{
	/* Flags do not say which vCPU has set them, nor when: writes have to fault. */
	if (vm->dirty_mode == DIRTY_BY_FLAG) {
		vm->dirty_mode = DIRTY_BY_FAULT;
		vm->ept.flags = false;
	}
	for (u32 i = 0; i < vm->slots.count; i++) {
		const struct memslot *m = memslots_at(&vm->slots, i);

		if (m->flags & KVM_MEM_LOG_DIRTY_PAGES)
			ept_revoke(&vm->ept, m->base, m->size, dirty_flag(vm));
	}
}

int dirty_ring_enable(struct vm *vm, u32 bytes)
{
	int err = 0;

	if (!bytes || (bytes & (bytes - 1)) || bytes < PAGE_SIZE ||
	    bytes < reserved() * sizeof(struct kvm_dirty_gfn))
		return -EINVAL;
	if (bytes > DIRTY_RING_BYTES_MAX)
		return -E2BIG;
	spin_lock(&vm->lock);
	if (vm->ring_entries || vm->vcpu_count) {
		err = -EINVAL;
	} else {
		vm->ring_entries = bytes / sizeof(struct kvm_dirty_gfn);
		begin(vm);
	}
	spin_unlock(&vm->lock);
	return err;
}

int dirty_ring_init(struct vcpu *c)
{
	struct dirty_ring *r = &c->ring;
	u32 entries = c->vm->ring_entries;

	if (!entries)
		return 0;
	r->page = object_alloc(entries / PER_PAGE * sizeof(*r->page));
	if (!r->page)
		return -ENOMEM;
	r->entries = entries;
	r->missing = entries / PER_PAGE;
	r->last = ~0ull;
	vcpu_ask(c, VCPU_RING_FULL); /* until all its pages are named */
	return 0;
}

void dirty_ring_destroy(struct vcpu *c)
{
	object_free(c->ring.page, c->ring.entries / PER_PAGE * sizeof(*c->ring.page));
	c->ring = (struct dirty_ring){0};
}

int dirty_ring_set_page(struct vcpu *c, u64 number, void *page)
{
	struct dirty_ring *r = &c->ring;

	if (number >= r->entries / PER_PAGE)
		return -EINVAL;
	spin_lock(&c->vm->lock);
	if (!r->page[number])
		r->missing--;
	r->page[number] = page;
	spin_unlock(&c->vm->lock);
	return 0;
}

static u32 used(const struct dirty_ring *r)
{
	return r->dirty - r->reset;
}

bool dirty_ring_full(const struct vcpu *c)
{
	const struct dirty_ring *r = &c->ring;

	return r->missing || used(r) >= r->entries - reserved();
}

static struct kvm_dirty_gfn *entry(const struct dirty_ring *r, u32 index)
{
	u32 n = index & (r->entries - 1);

	return r->page[n / PER_PAGE] + n % PER_PAGE;
}

void dirty_ring_push(struct vcpu *c, u32 slot, u64 page)
{
	struct dirty_ring *r = &c->ring;
	struct kvm_dirty_gfn *e;

	/* A string instruction that the emulator carries out writes to one page often. */
	if (r->last == ((u64)slot << 48 | page) || r->missing || used(r) == r->entries)
		return;
	e = entry(r, r->dirty);
	e->slot = slot;
	e->offset = page;
	/* Release: who sees the flag sees what it is about. */
	__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_DIRTY, __ATOMIC_RELEASE);
	r->last = (u64)slot << 48 | page;
	r->dirty++;
	if (dirty_ring_full(c))
		vcpu_ask(c, VCPU_RING_FULL);
}

/* The page that @e names becomes clean, if there is such a page. */
static void clean(struct vm *vm, struct ept_cursor *at, const struct kvm_dirty_gfn *e)
{
	u64 page = READ_ONCE(e->offset);
	const struct memslot *m = memslots_get(&vm->slots, READ_ONCE(e->slot));

	if (m && (m->flags & KVM_MEM_LOG_DIRTY_PAGES) && page < m->size / PAGE_SIZE)
		ept_revoke_pages(&vm->ept, at, gpa(m->base.v + page * PAGE_SIZE), 1,
				 dirty_flag(vm));
}

/* Take back the entries that the owner has seen: its oldest ones, up to one that it has not. */
static u32 reset_ring(struct vcpu *c)
{
	struct dirty_ring *r = &c->ring;
	struct ept_cursor at = {0};
	u32 count = 0;

	for (; used(r) && !r->missing; count++) {
		struct kvm_dirty_gfn *e = entry(r, r->reset);

		/* Acquire: the owner is done with the entry. */
		if (!(__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_RESET))
			break;
		clean(c->vm, &at, e);
		WRITE_ONCE(e->flags, 0);
		r->reset++;
	}
	if (count)
		r->last = ~0ull;
	return count;
}

s64 dirty_ring_reset_all(struct vm *vm)
{
	s64 count = 0;

	if (!vm->ring_entries)
		return -EINVAL;
	spin_lock(&vm->lock);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		count += reset_ring(vm->vcpus[i]);
	if (count)
		mmu_flush(vm);
	spin_unlock(&vm->lock);
	return count;
}
