/* SPDX-License-Identifier: MIT */
/* Single pages; see pages.h. */
#include "guest/control/vmm/pages.h"
#include "guest/lib/lock.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"

#define BLOCK_PAGES (SIZE_2M / PAGE_SIZE - 1)

/* The first page of a block.  Free pages are those behind `fresh`, which were never taken, and
 * a list of others, each with a pointer to the next. */
struct block {
	struct block *next, *previous; /* of those with free pages */
	void **free;
	u32 used, fresh;
};

static struct block *roomy; /* those with free pages */
static struct lock lock;    /* guards the blocks' heads; above memory.c's */

static void link(struct block *b)
{
	b->next = roomy;
	b->previous = NULL;
	if (roomy)
		roomy->previous = b;
	roomy = b;
}

static void unlink(struct block *b)
{
	if (b->previous)
		b->previous->next = b->next;
	else
		roomy = b->next;
	if (b->next)
		b->next->previous = b->previous;
}

static void *take(void)
{
	if (!roomy) {
		struct block *b = memory_alloc_raw(SIZE_2M, SIZE_2M);
		if (!b)
			return NULL;
		memset(b, 0, sizeof(*b));
		link(b);
	}
	struct block *b = roomy;
	void **page = b->free;
	if (page) {
		b->free = *page;
		*page = NULL;
	} else {
		page = memset(ptr(addr(b) + ++b->fresh * PAGE_SIZE), 0, PAGE_SIZE);
	}
	if (++b->used == BLOCK_PAGES)
		unlink(b);
	return page;
}

void *pages_take(void)
{
	lock_take(&lock);
	void *page = take();
	lock_give(&lock);
	return page;
}

void pages_give(void *page)
{
	struct block *b = ptr(ALIGN_DOWN(addr(page), SIZE_2M));
	void **link_in = page;

	memset(page, 0, PAGE_SIZE);
	lock_take(&lock);
	if (b->used-- == BLOCK_PAGES)
		link(b);
	*link_in = b->free;
	b->free = link_in;
	if (!b->used) {
		unlink(b);
		memory_free(b, SIZE_2M);
	}
	lock_give(&lock);
}
