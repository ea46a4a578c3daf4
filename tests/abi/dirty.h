/* SPDX-License-Identifier: MIT */
/* What the tests of the dirty log share: a logged slot, writes to it, and its bitmap. */
#pragma once

#include "tests/abi/machine.h"

#define LOG_SLOT   5u
#define LOG        KVM_MEM_LOG_DIRTY_PAGES
#define PAGES_2M   (u32)(SIZE_2M / PAGE_SIZE)
#define BITS_BYTES (16 * PAGE_SIZE) /* room for a bitmap: slots of up to 2 GiB */

/* A 64-bit machine with `size` bytes at GPA_EXTRA, logged if `flags` say so. */
struct logged {
	struct machine m;
	u64 size;
	u8 *memory;
	u64 *bits; /* what the last dirty_get() has brought */
};

void dirty_open(struct logged *d, u64 size, u32 flags);
/* KVM_SET_USER_MEMORY_REGION of that slot with other flags, in another place. */
long dirty_slot(const struct logged *d, u32 flags, u64 gpa);
/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
long dirty_manual(const struct logged *d, u64 options);

/* The guest writes to `count` pages, each `step` pages behind the one before. */
void dirty_touch(struct logged *d, u32 first, u32 step, u32 count);
/* ... stores or loads eight bytes at this offset in the slot. */
void dirty_store(struct logged *d, u64 offset);
void dirty_load(struct logged *d, u64 offset);

/* KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG with d->bits. */
long dirty_get(struct logged *d);
long dirty_clear(struct logged *d, u32 first, u32 pages);
/* KVM_GET_DIRTY_LOG has these pages, and no others. */
#define dirty_expect(d, first, step, count)                                                        \
	dirty_expect_at(__FILE__, __LINE__, d, first, step, count)
void dirty_expect_at(const char *file, int line, struct logged *d, u32 first, u32 step, u32 count);
