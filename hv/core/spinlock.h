/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks.  kvm0 runs with interrupts off, so there is one kind.  Each
 * lock says at its declaration what it protects and its rank; docs/locking.md has
 * the order.  Never taken in NMI context.
 */
#pragma once

#include "lib/types.h"

struct spinlock {
	u32 next;  /* the ticket that the next taker draws */
	u32 owner; /* the ticket that may go on */
};

static inline void spin_lock(struct spinlock *l)
{
	u32 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	/* Acquire: pairs with the release in spin_unlock(). */
	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		__builtin_ia32_pause();
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/* Take the lock if it is free; for panic(), which must not wait for ever. */
static inline bool __must_check spin_trylock(struct spinlock *l)
{
	u32 owner = __atomic_load_n(&l->owner, __ATOMIC_ACQUIRE);

	/* Free exactly if nobody has drawn a ticket after the owner's. */
	return __atomic_compare_exchange_n(&l->next, &owner, owner + 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}
