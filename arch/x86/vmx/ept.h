/* SPDX-License-Identifier: MIT */
/*
 * Extended page tables (SDM vol. 3, The Extended Page Table Mechanism).  A struct ept
 * is guarded by its owner's lock.  Removing a mapping does not flush any TLB: the
 * owner does that with ept_flush() on each CPU, before the page is used otherwise.
 */
#pragma once

#include "lib/addr.h"

struct ept {
	u64 *root;     /* PML4 */
	u64 pages;     /* of tables, the root included */
	u64 mapped[3]; /* leaves of 4 KiB, 2 MiB, 1 GiB */
	u64 *retired;  /* tables taken out that a CPU may still have cached */
	bool flags;    /* the CPU sets EPT_ACCESSED and EPT_DIRTY */
};

enum ept_level { EPT_4K, EPT_2M, EPT_1G };

/* Guest-physical addresses that four levels reach; what lies above is never mapped. */
#define EPT_ADDRESS_BITS 48u

#define EPT_READ     BIT(0)
#define EPT_WRITE    BIT(1)
#define EPT_EXEC     BIT(2)
#define EPT_ALL      (EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_WB       (6ull << 3)
#define EPT_UNCACHED (0ull << 3)
#define EPT_ACCESSED BIT(8) /* these two mean something only with flags */
#define EPT_DIRTY    BIT(9)
#define EPT_WRITABLE BIT(52) /* ignored by the CPU: EPT_WRITE may be added */

/* The entry that maps a page. */
struct ept_leaf {
	u64 *entry;
	enum ept_level level;
};

/* Bytes of a page of @level. */
static inline u64 ept_size(enum ept_level level)
{
	return PAGE_SIZE << (9u * (u32)level);
}

/* The largest page that EPT can use on this machine. */
enum ept_level ept_max_level(void);

/* An empty table.  @flags: the CPU is to set accessed and dirty flags in it, which it has
 * to be able to.  0 or -ENOMEM. */
int ept_init(struct ept *e, bool flags) __must_check;

/* Free the tables that ept_unmap() took out; every CPU has been flushed since. */
void ept_release(struct ept *e);

/* Free all tables.  No CPU may be using them or will again. */
void ept_destroy(struct ept *e);

/* The EPT pointer for a VMCS. */
u64 ept_pointer(const struct ept *e);

/*
 * Map @gpa, which is not mapped, to @hpa with a page of @level; both aligned to it.
 * @flags: EPT_* bits.  0; -ENOMEM; -EEXIST: smaller pages are mapped below it, or it is
 * mapped already.
 */
int ept_map(struct ept *e, gpa_t gpa, hpa_t hpa, enum ept_level level, u64 flags) __must_check;

/* Unmap [@gpa, @gpa + @size), page-aligned.  Larger pages that reach over an end are
 * dropped whole: they come back by a fault.  Tables that become empty are retired. */
void ept_unmap(struct ept *e, gpa_t gpa, u64 size);

/* The entry that maps @gpa.  False: none does. */
bool ept_find(const struct ept *e, gpa_t gpa, struct ept_leaf *leaf) __must_check;

/* The walk to @gpa from the root on, as far as it comes: each entry's place, physically, what it
 * is, and how many bytes it maps.  Only the last may be a page, or not present. */
#define EPT_LEVELS 4u
struct ept_step {
	u64 at, entry, size;
	bool page;
};
u32 ept_walk(const struct ept *e, gpa_t gpa, struct ept_step steps[EPT_LEVELS]);

/* Where @gpa is that @leaf maps. */
hpa_t ept_address(const struct ept_leaf *leaf, gpa_t gpa);

/* Forget on this CPU what it has cached of @e. */
void ept_flush(const struct ept *e);

/* --- ept_change.c: rights and flags of what is mapped; without a flush --- */

/* Give the page more rights, EPT_* bits. */
void ept_grant(const struct ept_leaf *leaf, u64 flags);

/* Replace a large page by 512 of the next smaller size, all with @flags.  0 or -ENOMEM. */
int ept_split(struct ept *e, const struct ept_leaf *leaf, u64 flags) __must_check;

/* Take @bits (EPT_WRITE or EPT_DIRTY) from all pages of 4 KiB in [@start, @start + @size), and
 * EPT_WRITE from the larger ones. */
void ept_revoke(const struct ept *e, gpa_t start, u64 size, u64 bits);

/* Where in the tables ept_revoke_pages() was last; zeroed before the first call. */
struct ept_cursor {
	u64 base, end; /* guest-physical: what `entry` and those behind it map */
	u64 *entry;
	u32 level;
};

/* The same for those of the 64 pages from @start whose bit in @pages is set. */
void ept_revoke_pages(const struct ept *e, struct ept_cursor *at, gpa_t start, u64 pages, u64 bits);

/* Set the bits in @bitmap, a bit a page from @start on, of all pages of 4 KiB there that have
 * EPT_DIRTY, and take that away with @clear.  False: there is none. */
bool ept_collect(const struct ept *e, gpa_t start, u64 size, u64 *bitmap, bool clear);
