/* SPDX-License-Identifier: MIT */
/* A spin lock between CPUs.  Interrupts stay as they are: no handler may take one. */
#pragma once

#include "guest/lib/cpu.h"

struct lock {
	u32 taken;
};

static inline void lock_take(struct lock *l)
{
	/* Acquire: pairs with the release in lock_give(). */
	while (__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(l->taken))
			cpu_pause();
}

static inline void lock_give(struct lock *l)
{
	__atomic_store_n(&l->taken, 0, __ATOMIC_RELEASE);
}
