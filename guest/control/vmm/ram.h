/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory: blocks of the control guest's own memory, laid out as a PC's.
 *
 *   0 .. 640 KiB         RAM
 *   640 .. 768 KiB       nothing (video memory)
 *   768 KiB .. 1 MiB     RAM, zeroed, for the tables that firmware would hold; kernels search
 *                        it by thousands of reads, which would all leave the guest otherwise
 *   1 MiB .. 3 GiB       RAM, as far as it goes
 *   3 .. 4 GiB           nothing (devices)
 *   4 GiB ..             what is left of the RAM
 */
#pragma once

#include "guest/lib/types.h"

#define RAM_LOW_END  0xa0000ull
#define RAM_BIOS     0xc0000ull
#define RAM_HOLE     0xc0000000ull
#define RAM_MAX_PART 16

struct ram_part {
	u64 offset; /* of its first byte in the guest's RAM */
	u64 size;
	u8 *host;
};

struct ram {
	u64 size; /* bytes, the hole at 640 KiB counted */
	struct ram_part parts[RAM_MAX_PART];
	u32 part_count;
};

/*
 * Takes `size` bytes (a multiple of 2 MiB) from memory.h in 2 MiB-aligned blocks, as few as
 * go.  0, or -ENOMEM with nothing kept.  But for the firmware's area the contents are what the
 * memory held: what a guest has used is scrubbed by ram_free().
 */
int ram_alloc(struct ram *ram, u64 size) __must_check;
/* Clears all of it and gives it back. */
void ram_free(struct ram *ram);
/* Most that ram_alloc() would give now, in bytes. */
u64 ram_available(void);

/* End of the RAM below 4 GiB, and of that above (4 GiB if there is none). */
u64 ram_low_top(const struct ram *ram);
u64 ram_high_end(const struct ram *ram);

/* Copies into the guest, or clears.  0, or -EFAULT if it is not all RAM. */
int ram_write(struct ram *ram, u64 gpa, const void *from, u64 size) __must_check;
int ram_clear(struct ram *ram, u64 gpa, u64 size) __must_check;
/* Address of `size` bytes that lie in one piece, or NULL. */
void *ram_at(const struct ram *ram, u64 gpa, u64 size);

/* Tells KVM of all slots (KVM_SET_USER_MEMORY_REGION).  0 or -errno. */
int ram_map(const struct ram *ram, u32 vm_handle) __must_check;
