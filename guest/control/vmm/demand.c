/* SPDX-License-Identifier: MIT */
/* Memory on demand; see demand.h. */
#include <linux/errno.h>
#include "guest/control/vmm/demand.h"
#include "guest/control/vmm/pages.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"

#define MASK (~(PAGE_SIZE - 1))

int demand_init(struct demand *d, u64 count)
{
	*d = (struct demand){.count = count, .left = count};
	d->pages = memory_alloc(count * sizeof(*d->pages), PAGE_SIZE);
	return d->pages ? 0 : -ENOMEM;
}

static void give(struct demand *d, u64 n)
{
	if (d->pages[n]) {
		pages_give(ptr(d->pages[n] & MASK));
		d->used--;
	}
	d->pages[n] = 0;
}

bool demand_free_some(struct demand *d, u64 most)
{
	for (; d->left && most; most--)
		give(d, --d->left);
	if (d->left)
		return false;
	memory_free(d->pages, d->count * sizeof(*d->pages));
	*d = (struct demand){0};
	return true;
}

u8 *demand_find(const struct demand *d, u64 n)
{
	return d->pages[n] ? ptr(d->pages[n] & MASK) : NULL;
}

u8 *demand_touch(struct demand *d, u64 n)
{
	if (!d->pages[n]) {
		d->pages[n] = addr(pages_take());
		d->used += d->pages[n] != 0;
	}
	return demand_find(d, n);
}

void demand_supplied(struct demand *d, u64 n)
{
	d->pages[n] |= DEMAND_SUPPLIED;
}

u64 demand_pick(struct demand *d, u64 most, u64 *first)
{
	u64 n = 0;

	for (u64 i = 0; i < d->count && !(d->pages[d->hand] & DEMAND_SUPPLIED); i++)
		d->hand = (d->hand + 1) % d->count;
	*first = d->hand;
	while (n < most && *first + n < d->count && (d->pages[*first + n] & DEMAND_SUPPLIED))
		n++;
	d->hand = (*first + n) % d->count;
	return n;
}

static bool is_zero(const u8 *page)
{
	const u64 *words = (const void *)page;
	u64 any = 0;

	for (u32 i = 0; i < PAGE_SIZE / 8 && !any; i += 8)
		any = words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] |
		      words[i + 5] | words[i + 6] | words[i + 7];
	return !any;
}

bool demand_withdrawn(struct demand *d, u64 n)
{
	d->pages[n] &= ~DEMAND_SUPPLIED;
	if (!is_zero(demand_find(d, n)))
		return false;
	give(d, n);
	return true;
}
