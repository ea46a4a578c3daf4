/* SPDX-License-Identifier: MIT */
/*
 * Memory on demand: which page of the control guest stands for each page of a guest, and whether
 * the guest has it.  A page that was never touched, or holds nothing but zeros, is none.  Called
 * by ram.c, which knows where the pages lie in the guest.
 */
#pragma once

#include "guest/lib/types.h"

#define DEMAND_SUPPLIED 1ull /* beside the page's address: the guest has it */

struct demand {
	u64 *pages; /* by number; 0: none */
	u64 count, used;
	u64 left; /* those below this number are not given back yet: demand_free_some() */
	u64 hand; /* where the next one to be taken away is looked for */
};

/* So many pages, all none.  0 or -ENOMEM. */
int demand_init(struct demand *d, u64 count) __must_check;
/* Goes through `most` numbers, from the end, and gives back those that are pages.  True when
 * nothing is left. */
bool demand_free_some(struct demand *d, u64 most);
/* Page number n: NULL if it is none. */
u8 *demand_find(const struct demand *d, u64 n);
/* The same, and one of zeros if it is none; NULL: no memory. */
u8 *demand_touch(struct demand *d, u64 n) __must_check;

/* Page n, which is one, has been given to the guest. */
void demand_supplied(struct demand *d, u64 n);
/*
 * Pages to be taken away: at most `most` that the guest has, one behind the other.  How many, with
 * the first one's number in *first; 0: it has none.
 */
u64 demand_pick(struct demand *d, u64 most, u64 *first);
/* The guest does not have page n any more.  True if it held nothing and is none now. */
bool demand_withdrawn(struct demand *d, u64 n);
