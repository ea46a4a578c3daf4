/* SPDX-License-Identifier: MIT */
/*
 * A lock that one CPU can take over for good, by force if it has to: for a panic, which has to say
 * what it knows, whoever holds the log or the console.  From then on that CPU enters without taking
 * the lock, and the others do not get in any more.
 */
#pragma once

#include "core/spinlock.h"
#include "cpu/percpu.h"

#define SEIZE_TRIES 2000000u /* for the holder to finish its line at 9600 baud */

struct seizable {
	struct spinlock lock;
	u32 owner; /* index + 1 of the CPU that has taken it over; 0: none */
};

/* False: another CPU has it for good, and there is nothing to leave. */
static inline bool __must_check seizable_enter(struct seizable *s)
{
	u32 owner = READ_ONCE(s->owner);

	if (!owner) {
		spin_lock(&s->lock);
		owner = READ_ONCE(s->owner);
		if (!owner)
			return true;
		spin_unlock(&s->lock);
	}
	return owner == this_cpu()->index + 1;
}

static inline void seizable_leave(struct seizable *s)
{
	if (!READ_ONCE(s->owner))
		spin_unlock(&s->lock);
}

static inline bool seizable_is_seized(const struct seizable *s)
{
	return READ_ONCE(s->owner) != 0;
}

/* This CPU takes it over.  False: by force, in the midst of what its holder does. */
static inline bool seizable_seize(struct seizable *s)
{
	u32 tries = 0;

	while (!spin_trylock(&s->lock) && ++tries < SEIZE_TRIES)
		__builtin_ia32_pause();
	WRITE_ONCE(s->owner, this_cpu()->index + 1);
	return tries < SEIZE_TRIES;
}
