/* SPDX-License-Identifier: MIT */
/*
 * Free memory: blocks of whole pages from the boot memory map, less this program, the
 * modules, the boot information and the first MiB.  Blocks stay contiguous and
 * identity-mapped, so their address is what a hypercall takes.  On any CPU.
 */
#pragma once

#include "guest/lib/boot.h"

/* Takes the memory map.  Called by the start code. */
void memory_init(const struct boot *boot);

/*
 * A zeroed block of `size` bytes (rounded up to pages) at a multiple of `align` (a power of
 * two >= 4096), from the highest address that fits; NULL if none does.
 */
void *memory_alloc(u64 size, u64 align) __must_check;
/* The same without zeroing, for large blocks that the caller fills. */
void *memory_alloc_raw(u64 size, u64 align) __must_check;
/* The same, not zeroed, ending at or below `limit`. */
void *memory_alloc_below(u64 size, u64 align, u64 limit) __must_check;
/* One zeroed page; halts with a line if there is none. */
void *memory_page(void);
/* Gives back a block of memory_alloc(), with the size that was asked for.  NULL is fine. */
void memory_free(void *block, u64 size);

/* Free bytes in all, and the largest block that memory_alloc(.., SIZE_2M) would give. */
u64 memory_free_bytes(void);
u64 memory_largest_block(void);
/* A page below 640 KiB for the start code of other CPUs, or 0 if there is none. */
u64 memory_low_page(void);
