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
#include "vmx/ept_table.h"
#ifndef UNIT_TEST
#include "vmx/insn.h"
#endif

enum ept_level ept_max_level(void)
{
	return vmx_config.ept_1g ? EPT_1G : EPT_2M;
}

int ept_init(struct ept *e, bool flags)
{
	*e = (struct ept){.root = page_alloc(), .pages = 1, .flags = flags};
	return e->root ? 0 : -ENOMEM;
}

u64 ept_pointer(const struct ept *e)
{
	return virt_to_phys(e->root).v | (e->flags ? EPTP_FLAGS : 0) | ROOT_LEVEL << 3 | 6;
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

static bool is_empty(const u64 *t)
{
	for (u32 i = 0; i < ENTRIES; i++)
		if (t[i])
			return false;
	return true;
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
		if (!whole && !is_leaf(*slot, level)) {
			unmap_in(e, table_of(*slot), level - 1, a, MIN(end, base + span));
			/* Or a guest that moves its devices about would use the pool up. */
			if (!is_empty(table_of(*slot)))
				continue;
		}
		clear_entry(e, slot, level);
	}
}

void ept_unmap(struct ept *e, gpa_t start, u64 size)
{
	unmap_in(e, e->root, ROOT_LEVEL, start.v, start.v + size);
}

bool ept_find(const struct ept *e, gpa_t a, struct ept_leaf *leaf)
{
	u64 *t = e->root;

	for (u32 l = ROOT_LEVEL;; l--) {
		u64 *entry = &t[index_at(a, l)];

		if (!(*entry & EPT_ALL))
			return false;
		if (is_leaf(*entry, l)) {
			*leaf = (struct ept_leaf){entry, (enum ept_level)l};
			return true;
		}
		t = table_of(*entry);
	}
}

u32 ept_walk(const struct ept *e, gpa_t a, struct ept_step steps[EPT_LEVELS])
{
	const u64 *t = e->root;
	u32 n = 0;

	for (u32 l = ROOT_LEVEL;; l--) {
		const u64 *entry = &t[index_at(a, l)];
		struct ept_step *s = &steps[n++];

		*s = (struct ept_step){.at = virt_to_phys(entry).v,
				       .entry = READ_ONCE(*entry),
				       .size = PAGE_SIZE << (9 * l)};
		s->page = (s->entry & EPT_ALL) && is_leaf(s->entry, l);
		if (s->page || !(s->entry & EPT_ALL))
			return n;
		t = table_of(s->entry);
	}
}

hpa_t ept_address(const struct ept_leaf *leaf, gpa_t a)
{
	return hpa((*leaf->entry & EPT_ADDR) | (a.v & (ept_size(leaf->level) - 1)));
}

#ifndef UNIT_TEST
void ept_flush(const struct ept *e)
{
	if (vmx_invept(INV_SINGLE_CONTEXT, ept_pointer(e)))
		panic("INVEPT failed");
}
#endif
