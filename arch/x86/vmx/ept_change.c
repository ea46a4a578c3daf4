/* SPDX-License-Identifier: MIT */
/*
 * Changes of what an EPT maps already: rights, dirty flags, smaller pages.  The CPU may set
 * flags in an entry at any time, so all that changes one is atomic.
 */
#include <linux/errno.h>
#include "core/page.h"
#include "vmx/ept_table.h"

void ept_grant(const struct ept_leaf *leaf, u64 flags)
{
	__atomic_fetch_or(leaf->entry, flags, __ATOMIC_RELAXED);
}

int ept_split(struct ept *e, const struct ept_leaf *leaf, u64 flags)
{
	u64 size = ept_size(leaf->level - 1);
	u64 entry = (*leaf->entry & EPT_ADDR) | flags | (leaf->level > EPT_2M ? EPT_LEAF : 0);
	u64 *t = page_alloc();

	if (!t)
		return -ENOMEM;
	for (u32 i = 0; i < ENTRIES; i++)
		t[i] = entry + i * size;
	e->pages++;
	e->mapped[leaf->level]--;
	e->mapped[leaf->level - 1] += ENTRIES;
	/* Release: a CPU that walks it finds the table complete. */
	__atomic_store_n(leaf->entry, virt_to_phys(t).v | EPT_ALL, __ATOMIC_RELEASE);
	return 0;
}

/* The lowest entry on the way to @a: of a page, or not present; its level in *@level. */
static u64 *lowest(const struct ept *e, u64 a, u32 *level)
{
	u64 *t = e->root;

	for (u32 l = ROOT_LEVEL;; l--) {
		u64 *entry = &t[index_at(gpa(a), l)];

		if (!(*entry & EPT_ALL) || is_leaf(*entry, l)) {
			*level = l;
			return entry;
		}
		t = table_of(*entry);
	}
}

/* Bytes up to the end of what the entry of @level for @a maps, or of its table at level 0. */
static u64 left_in(u64 a, u32 level)
{
	u64 span = PAGE_SIZE << (9 * MAX(level, 1u));

	return span - (a & (span - 1));
}

static void revoke(u64 *entry, u64 bits)
{
	if (*entry & bits)
		__atomic_fetch_and(entry, ~bits, __ATOMIC_RELAXED);
}

void ept_revoke(const struct ept *e, gpa_t start, u64 size, u64 bits)
{
	u64 left, level_bits;
	u32 level;

	for (u64 a = start.v, end = a + size; a < end; a += left) {
		u64 *entry = lowest(e, a, &level);
		u64 n = 1;

		left = MIN(left_in(a, level), end - a);
		level_bits = level ? EPT_WRITE : bits;
		if (!level)
			n = left / PAGE_SIZE;
		for (u64 i = 0; i < n; i++)
			revoke(&entry[i], level_bits);
	}
}

void ept_revoke_pages(const struct ept *e, struct ept_cursor *at, gpa_t start, u64 pages, u64 bits)
{
	for (; pages; pages &= pages - 1) {
		u64 a = start.v + (u64)__builtin_ctzll(pages) * PAGE_SIZE;

		if (a - at->base >= at->end - at->base || !at->entry) {
			at->entry = lowest(e, a, &at->level);
			at->base = a;
			at->end = a + left_in(a, at->level);
		}
		if (!at->level) {
			revoke(&at->entry[(a - at->base) / PAGE_SIZE], bits);
			continue;
		}
		revoke(at->entry, EPT_WRITE);
		if (at->end - start.v >= 64 * PAGE_SIZE) /* it maps all the others, or none */
			return;
	}
}

#define GROUP 16u

static u64 any_of_group(const u64 *p)
{
	u64 any = 0;

#pragma GCC unroll 16
	for (u32 i = 0; i < GROUP; i++)
		any |= p[i];
	return any;
}

/* Which entries of the group are dirty, a bit each. */
static u32 dirty_of_group(const u64 *p)
{
	u32 mask = 0;

#pragma GCC unroll 16
	for (u32 i = GROUP; i-- > 0;)
		__asm__("btl %2, %1; adcl %0, %0"
			: "+r"(mask)
			: "m"(p[i]), "i"(__builtin_ctzll(EPT_DIRTY))
			: "cc");
	return mask;
}

/* Note in @bitmap from bit @first on which of a group's entries are dirty. */
static void collect_group(u64 *entry, u64 *bitmap, u64 first, bool clear)
{
	u64 mask = dirty_of_group(entry), at = first % 64, *word = &bitmap[first / 64];

	*word |= mask << at;
	if (at > 64 - GROUP && mask >> (64 - at))
		word[1] |= mask >> (64 - at);
	for (; clear && mask; mask &= mask - 1)
		__atomic_fetch_and(&entry[__builtin_ctzll(mask)], ~EPT_DIRTY, __ATOMIC_RELAXED);
}

/* The same of @n entries, one by one.  False: none is. */
static bool collect_some(u64 *entry, u64 n, u64 *bitmap, u64 first, bool clear)
{
	bool any = false;

	for (u64 i = 0; i < n; i++) {
		if (!(entry[i] & EPT_DIRTY))
			continue;
		any = true;
		bitmap[(first + i) / 64] |= BIT((first + i) % 64);
		if (clear)
			revoke(&entry[i], EPT_DIRTY);
	}
	return any;
}

/* The same, many at a time: most are not. */
static bool collect(u64 *entry, u64 n, u64 *bitmap, u64 first, bool clear)
{
	bool any = false;
	u64 i = 0;

	for (; i + 2 * GROUP <= n; i += 2 * GROUP) {
		u64 low = any_of_group(&entry[i]), high = any_of_group(&entry[i + GROUP]);

		if (!((low | high) & EPT_DIRTY))
			continue;
		any = true;
		if (low & EPT_DIRTY)
			collect_group(&entry[i], bitmap, first + i, clear);
		if (high & EPT_DIRTY)
			collect_group(&entry[i + GROUP], bitmap, first + i + GROUP, clear);
	}
	return collect_some(&entry[i], n - i, bitmap, first + i, clear) || any;
}

bool ept_collect(const struct ept *e, gpa_t start, u64 size, u64 *bitmap, bool clear)
{
	bool any = false;
	u64 left;
	u32 level;

	for (u64 a = start.v, end = a + size; a < end; a += left) {
		u64 *entry = lowest(e, a, &level);

		left = MIN(left_in(a, level), end - a);
		if (!level)
			any |= collect(entry, left / PAGE_SIZE, bitmap, (a - start.v) / PAGE_SIZE,
				       clear);
	}
	return any;
}
