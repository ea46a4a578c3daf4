/* SPDX-License-Identifier: MIT */
/*
 * The map of the machine's physical memory: sorted ranges that do not overlap.
 * Built at boot from what the boot loader says, then read only.  What no range
 * covers is taken for device memory.
 */
#pragma once

#include "lib/addr.h"

enum memmap_type { /* the first five are those of e820, ACPI and multiboot2 */
		   MEM_RAM = 1,
		   MEM_RESERVED = 2,
		   MEM_ACPI = 3,
		   MEM_NVS = 4,
		   MEM_BAD = 5,
		   MEM_KVM0 = 0x100, /* kvm0's own: absent from every guest */
		   MEM_DEVICE = 0,   /* in no range */
};

struct memrange {
	u64 base, end; /* bytes; end is exclusive; page-aligned for RAM */
	enum memmap_type type;
};

#define MEMMAP_MAX 256u

struct memmap {
	u32 count;
	struct memrange range[MEMMAP_MAX];
};

extern struct memmap memmap; /* the machine's; written during boot only */

/* Lay [@base, @base + @size) over the map.  Where it overlaps an older range, the
 * higher of both types wins for @type != MEM_RAM, so that a range that any entry
 * calls reserved is reserved.  RAM is shrunk to whole pages, all else widened.
 * 0; -EINVAL if it wraps; -ENOSPC if the map is full. */
int memmap_add(struct memmap *m, u64 base, u64 size, enum memmap_type type) __must_check;

/* The type of all of [@base, @base + @size), or -1 if it is of several. */
int memmap_type(const struct memmap *m, u64 base, u64 size);

/* The highest base of @size bytes of RAM below @limit, aligned to @align, that
 * touches none of the @busy ranges; 0 if there is none. */
u64 memmap_find(const struct memmap *m, u64 size, u64 align, u64 floor, u64 limit,
		const struct memrange *busy, u32 busy_count);

/* Bytes of type @type. */
u64 memmap_bytes(const struct memmap *m, enum memmap_type type);
