/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory, laid out as a PC's.  It is blocks of the control guest's own memory, or single
 * pages of it that are found when the guest touches them first (demand.h).
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

#include "guest/control/vmm/demand.h"
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
	struct demand demand; /* instead of parts, if demand.pages is not NULL */
};

/*
 * Takes `size` bytes (a multiple of 2 MiB) from memory.h in 2 MiB-aligned blocks, as few as
 * go.  0, or -ENOMEM with nothing kept.  But for the firmware's area the contents are what the
 * memory held: what a guest has used is scrubbed by ram_free().
 */
int ram_alloc(struct ram *ram, u64 size) __must_check;
/* The same with no page taken yet; all of it reads as zero. */
int ram_alloc_demand(struct ram *ram, u64 size) __must_check;
/* One of the same size and kind. */
int ram_alloc_like(struct ram *ram, const struct ram *other) __must_check;
/* Clears all of it and gives it back. */
void ram_free(struct ram *ram);
/* The same for at most `most` bytes (whole pages) of it.  True when nothing is left. */
bool ram_free_some(struct ram *ram, u64 most);
/* Most that ram_alloc() would give now, in bytes. */
u64 ram_available(void);

/* End of the RAM below 4 GiB, and of that above (4 GiB if there is none). */
u64 ram_low_top(const struct ram *ram);
u64 ram_high_end(const struct ram *ram);

/*
 * Copies into the guest, or clears.  0, or -EFAULT if it is not all RAM, or there is no more of
 * it on demand.
 */
int ram_write(struct ram *ram, u64 gpa, const void *from, u64 size) __must_check;
int ram_clear(struct ram *ram, u64 gpa, u64 size) __must_check;
/* Address of `size` bytes that lie in one piece, or NULL; memory on demand does in each page. */
void *ram_at(struct ram *ram, u64 gpa, u64 size);

/* Copies one page, or all, into another RAM of the same size.  0 or -ENOMEM. */
int ram_copy_page(struct ram *to, const struct ram *from, u64 gpa) __must_check;
int ram_copy(struct ram *to, const struct ram *from) __must_check;

/* A piece of the RAM that is one memory slot of KVM's. */
struct ram_slot {
	u64 gpa, size;
	u8 *host; /* where it lies in one piece; NULL: on demand */
};

/* The slot of this number, from 0 on; false if there are no more. */
bool ram_slot(const struct ram *ram, u32 number, struct ram_slot *slot);
/*
 * Tells KVM of all slots (KVM_SET_USER_MEMORY_REGION) with these flags (KVM_MEM_*), for the first
 * time or to change the flags.  0 or -errno.
 */
int ram_map(const struct ram *ram, u32 vm_handle, u32 flags) __must_check;

/* The guest wants the page at this address of its memory on demand.  0, or -errno. */
s64 ram_supply(struct ram *ram, u32 vm_handle, u64 gpa) __must_check;
/*
 * Takes so many pages of memory on demand away from the guest, one after the other round all of
 * it; it gets them back when it touches them.  How many there were, or -errno; *zero is how many
 * of them held nothing and are free again.
 */
s64 ram_withdraw(struct ram *ram, u32 vm_handle, u64 pages, u64 *zero) __must_check;
/* Bytes of the control guest's memory that it uses. */
u64 ram_used(const struct ram *ram);
