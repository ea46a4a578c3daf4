/* SPDX-License-Identifier: MIT */
/* The walk of a guest's page tables in its parts, for gva.c and gva_steps.c alone. */
#pragma once

#include "cpu/bits.h"
#include "kvm/gva.h"

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_A  BIT(5)
#define PTE_D  BIT(6)
#define PTE_PS BIT(7)
#define PTE_NX BIT(63)

#define FRAME          ((BIT(52) - 1) & PAGE_MASK)
#define PDPTE_RESERVED (PTE_NX | 0x1e6) /* PAE mode */

#define LEVELS_MAX 5u

/* How the guest's paging mode lays its tables out. */
struct gva_layout {
	u32 levels;
	u32 index_bits;
	u32 entry_size;
	u64 large;    /* PS if entries above the lowest level may map large pages */
	u64 reserved; /* bits that no present entry may have set */
};

/* A walk in progress: the entries used, from the root on, and what they have in common. */
struct gva_walk {
	u64 at[LEVELS_MAX], entry[LEVELS_MAX]; /* and behind them the one that ended it */
	u64 pdpte;                             /* PAE mode: the entry above those */
	u32 depth;                             /* entries used so far; the last is the leaf */
	u32 shift;                             /* log2 of the page's size */
	u64 all;                               /* bits set in all entries; NX: clear in all */
	bool reserved;
	bool lost;   /* an entry is where there is no memory ... */
	bool absent; /* ... or in memory that has to be supplied first */
};

void gva_layout_of(const struct gva_paging *pg, struct gva_layout *l);

/* Go down from the root.  False if an entry is not present or (w->reserved) malformed. */
bool gva_descend(const struct gva_paging *pg, const struct guest_mem *mem,
		 const struct gva_layout *l, u64 linear, struct gva_walk *w);

/* Where @linear is, by a walk that has come to its end. */
gpa_t gva_leaf_address(const struct gva_layout *l, const struct gva_walk *w, u64 linear);
