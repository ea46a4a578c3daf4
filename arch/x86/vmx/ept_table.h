/* SPDX-License-Identifier: MIT */
/* The tables of an EPT, for the ept*.c files. */
#pragma once

#include "cpu/layout.h"
#include "vmx/ept.h"

#define EPT_LEAF   BIT(7) /* in a 2 MiB or 1 GiB entry */
#define EPT_ADDR   0x000ffffffffff000ull
#define EPTP_FLAGS BIT(6) /* of the EPT pointer: accessed and dirty flags */
#define ROOT_LEVEL 3u
#define ENTRIES    512u

static inline u32 index_at(gpa_t a, u32 level)
{
	return (u32)(a.v >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

static inline u64 *table_of(u64 entry)
{
	return phys_to_virt(hpa(entry & EPT_ADDR));
}

/* Is @entry, found at @level, a page and not a table? */
static inline bool is_leaf(u64 entry, u32 level)
{
	return level == 0 || (entry & EPT_LEAF);
}
