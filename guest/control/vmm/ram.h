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
/* The same for at most `most` bytes (whole pages) of it.  True when nothing is left. */
bool ram_free_some(struct ram *ram, u64 most);
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

/* Copies all of it into another of the same size. */
void ram_copy(struct ram *to, const struct ram *from);

/* A piece of the RAM that lies in one piece in both memories: one memory slot of KVM's. */
struct ram_slot {
	u64 gpa, size;
	u8 *host;
};

/* The slot of this number, from 0 on; false if there are no more. */
bool ram_slot(const struct ram *ram, u32 number, struct ram_slot *slot);
/*
 * Tells KVM of all slots (KVM_SET_USER_MEMORY_REGION) with these flags (KVM_MEM_*), for the first
 * time or to change the flags.  0 or -errno.
 */
int ram_map(const struct ram *ram, u32 vm_handle, u32 flags) __must_check;
