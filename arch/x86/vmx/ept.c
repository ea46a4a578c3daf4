/* SPDX-License-Identifier: MIT */
/*
 * The tables behind struct ept: four levels of 512 entries, pages of 4 KiB, 2 MiB
 * and 1 GiB.  Table pages come from the pool.
 */
#include "vmx/ept.h"
#include "vmx/caps.h"
#include <linux/errno.h>
#include "core/page.h"
#include "core/panic.h"
#include "cpu/layout.h"
#ifndef UNIT_TEST
#include "vmx/insn.h"
#endif

#define EPT_LEAF   BIT(7) /* in a 2 MiB or 1 GiB entry */
#define EPT_ADDR   0x000ffffffffff000ull
#define ROOT_LEVEL 3u
#define ENTRIES    512u

static u32 index_at(gpa_t a, u32 level)
{
	return (u32)(a.v >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

static u64 *table_of(u64 entry)
{
	return phys_to_virt(hpa(entry & EPT_ADDR));
}

/* Is @entry, found at @level, a page and not a table? */
static bool is_leaf(u64 entry, u32 level)
{
	return level == 0 || (entry & EPT_LEAF);
}

enum ept_level ept_max_level(void)
{
	return vmx_config.ept_1g ? EPT_1G : EPT_2M;
}

int ept_init(struct ept *e)
{
	*e = (struct ept){.root = page_alloc(), .pages = 1};
	return e->root ? 0 : -ENOMEM;
}

u64 ept_pointer(const struct ept *e)
{
	return virt_to_phys(e->root).v | ROOT_LEVEL << 3 | 6;
}

/* Retire the table @t of @level and all below it.  Until the flush a CPU may still walk
 * it: the link to the next is page-aligned and so reads as an entry not present. */
static void retire_table(struct ept *e, u64 *t, u32 level)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		if (!(t[i] & EPT_ALL))
			continue;
		if (is_leaf(t[i], level))
			e->mapped[level]--;
		else
			retire_table(e, table_of(t[i]), level - 1);
	}
	WRITE_ONCE(t[0], (u64)(uintptr_t)e->retired);
	e->retired = t;
	e->pages--;
}

void ept_release(struct ept *e)
{
	while (e->retired) {
		u64 *t = e->retired;

		e->retired = (u64 *)(uintptr_t)t[0];
		page_free(t);
	}
}

void ept_destroy(struct ept *e)
{
	if (e->root)
		retire_table(e, e->root, ROOT_LEVEL);
	ept_release(e);
	e->root = NULL;
}

/* Take the entry @slot of @level out. */
static void clear_entry(struct ept *e, u64 *slot, u32 level)
{
	u64 old = *slot;

	WRITE_ONCE(*slot, 0);
	if (is_leaf(old, level))
		e->mapped[level]--;
	else
		retire_table(e, table_of(old), level - 1);
}

/* The table that @slot points to, made if need be; NULL: no memory. */
static u64 *descend(struct ept *e, u64 *slot)
{
	u64 *t;

	if (*slot & EPT_ALL)
		return table_of(*slot);
	t = page_alloc();
	if (!t)
		return NULL;
	e->pages++;
	WRITE_ONCE(*slot, virt_to_phys(t).v | EPT_ALL);
	return t;
}

int ept_map(struct ept *e, gpa_t a, hpa_t h, enum ept_level level, u64 flags)
{
	u64 *t = e->root, *slot;

	for (u32 l = ROOT_LEVEL; l > (u32)level; l--) {
		slot = &t[index_at(a, l)];
		if ((*slot & EPT_ALL) && is_leaf(*slot, l))
			return -EEXIST;
		t = descend(e, slot);
		if (!t)
			return -ENOMEM;
	}
	slot = &t[index_at(a, (u32)level)];
	if (*slot & EPT_ALL)
		return -EEXIST;
	WRITE_ONCE(*slot, h.v | flags | (level ? EPT_LEAF : 0));
	e->mapped[level]++;
	return 0;
}

static void unmap_in(struct ept *e, u64 *t, u32 level, u64 start, u64 end)
{
	u64 span = PAGE_SIZE << (9 * level);

	for (u64 a = start; a < end; a = ALIGN_DOWN(a, span) + span) {
		u64 *slot = &t[index_at(gpa(a), level)];
		u64 base = ALIGN_DOWN(a, span);
		bool whole = a == base && end - a >= span;

		if (!(*slot & EPT_ALL))
			continue;
		if (whole || is_leaf(*slot, level))
			clear_entry(e, slot, level);
		else
			unmap_in(e, table_of(*slot), level - 1, a, MIN(end, base + span));
	}
}

void ept_unmap(struct ept *e, gpa_t start, u64 size)
{
	unmap_in(e, e->root, ROOT_LEVEL, start.v, start.v + size);
}

u64 ept_lookup(const struct ept *e, gpa_t a)
{
	const u64 *t = e->root;

	for (u32 l = ROOT_LEVEL;; l--) {
		u64 entry = t[index_at(a, l)];

		if (!(entry & EPT_ALL))
			return 0;
		if (is_leaf(entry, l))
			return entry;
		t = table_of(entry);
	}
}

#ifndef UNIT_TEST
void ept_flush(const struct ept *e)
{
	if (vmx_invept(INV_SINGLE_CONTEXT, ept_pointer(e)))
		panic("INVEPT failed");
}
#endif
