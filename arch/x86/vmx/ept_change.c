/* SPDX-License-Identifier: MIT */
/*
 * Changes of what an EPT maps already: more rights, smaller pages.  The CPU may set
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
