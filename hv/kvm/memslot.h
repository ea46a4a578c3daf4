/* SPDX-License-Identifier: MIT */
/*
 * A VM's memory slots: which guest-physical pages are which pages of the control
 * guest.  Pure bookkeeping; hv/kvm/mmu.c acts on it.  Guarded by vm->lock.
 */
#pragma once

#include <linux/kvm.h>
#include "lib/addr.h"

#define MEMSLOT_MAX 32764u /* KVM_CAP_NR_MEMSLOTS, as in Linux */

/* A slot's end at the most: what the four levels of an EPT translate. */
#define MEMSLOT_GPA_LIMIT (1ull << 48)

struct memslot {
	gpa_t base;
	u64 size;   /* bytes; 0: there is no slot of this number */
	u64 hva;    /* KVM's userspace_addr: where the control guest has the memory */
	u64 *dirty; /* the log, a bit a page; NULL: none is kept (hv/kvm/dirty.c) */
	u32 flags;  /* KVM_MEM_*, KVM0_MEM_* */
	u16 id;
};

struct memslots {
	u32 count;
	u32 room;                   /* elements of sorted */
	u16 *sorted;                /* numbers of the slots, by base */
	struct memslot **chunk;     /* by number; NULL where none was ever used */
	const struct memslot *last; /* the one found last, or NULL */
};

/* What a change does: nothing, or @old has to be unmapped first, or only flags differ. */
struct memslot_change {
	bool none, remove, insert, reflag;
	struct memslot old, new;
};

/* An empty set.  0 or -ENOMEM. */
int memslots_init(struct memslots *s) __must_check;
void memslots_destroy(struct memslots *s);

/*
 * Check KVM_SET_USER_MEMORY_REGION's @r against @s and say what it changes, without
 * changing anything.  0; -EINVAL: slot number, alignment, wrap, flags, a change of size or
 * place or of KVM_MEM_READONLY, deletion of what is not there; -EEXIST: it overlaps another
 * slot.  KVM API, KVM_SET_USER_MEMORY_REGION.
 */
int memslots_plan(const struct memslots *s, const struct kvm_userspace_memory_region *r,
		  struct memslot_change *change) __must_check;

/* Make room for what memslots_plan() found.  0 or -ENOMEM. */
int memslots_reserve(struct memslots *s, const struct memslot_change *change) __must_check;

/* Carry it out, after memslots_reserve(); cannot fail. */
void memslots_commit(struct memslots *s, const struct memslot_change *change);

/* The slot that memslots_find() found last, or NULL if there is none. */
static inline const struct memslot *memslots_last(const struct memslots *s)
{
	return s->last;
}

/* The slot that holds @a, or NULL. */
const struct memslot *memslots_find(struct memslots *s, gpa_t a);

/* The slot of that number, or NULL. */
const struct memslot *memslots_get(const struct memslots *s, u32 id);

/* Slot number @n in the order of addresses; @n below s->count. */
const struct memslot *memslots_at(const struct memslots *s, u32 n);
