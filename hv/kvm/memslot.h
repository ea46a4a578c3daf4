/* SPDX-License-Identifier: MIT */
/*
 * A VM's memory slots: which guest-physical pages are which pages of the control
 * guest.  Pure bookkeeping; hv/kvm/mmu.c acts on it.  Guarded by vm->lock.
 */
#pragma once

#include <linux/kvm.h>
#include "lib/addr.h"

#define MEMSLOT_MAX 512u /* KVM_CAP_NR_MEMSLOTS */

/* A slot's end at the most: what the four levels of an EPT translate. */
#define MEMSLOT_GPA_LIMIT (1ull << 48)

struct memslot {
	gpa_t base;
	u64 size; /* bytes, > 0 */
	u64 hva;  /* KVM's userspace_addr: where the control guest has the memory */
	u32 id;
	u32 flags; /* KVM_MEM_* */
};

struct memslots {
	u32 count;
	u32 last;               /* index of the last one found */
	struct memslot *sorted; /* by base; MEMSLOT_MAX elements */
};

/* What a change does: nothing, or @old has to be unmapped first. */
struct memslot_change {
	bool none, remove, insert;
	struct memslot old, new;
};

/* An empty set.  0 or -ENOMEM. */
int memslots_init(struct memslots *s) __must_check;
void memslots_destroy(struct memslots *s);

/*
 * Check KVM_SET_USER_MEMORY_REGION's @r against @s and say what it changes, without
 * changing anything.  0; -EINVAL: slot number, alignment, wrap, flags, a size change,
 * deletion of what is not there; -EEXIST: it overlaps another slot.  KVM API,
 * KVM_SET_USER_MEMORY_REGION.
 */
int memslots_plan(const struct memslots *s, const struct kvm_userspace_memory_region *r,
		  struct memslot_change *change) __must_check;

/* Carry out what memslots_plan() found; cannot fail. */
void memslots_commit(struct memslots *s, const struct memslot_change *change);

/* The slot that memslots_find() found last, or NULL if there is none. */
static inline const struct memslot *memslots_last(const struct memslots *s)
{
	return s->last < s->count ? &s->sorted[s->last] : NULL;
}

/* The slot that holds @a, or NULL. */
const struct memslot *memslots_find(struct memslots *s, gpa_t a);
