/* SPDX-License-Identifier: MIT */
/*
 * The page pool: a buddy allocator over one block.  The notes about its pages stand
 * in its first pages.  See core/page.h; objects below a page are core/object.c's.
 */
#include "core/page.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/string.h"

enum page_state { PAGE_INSIDE, PAGE_FREE, PAGE_TAKEN };

static struct {
	struct spinlock lock; /* guards all of it.  Rank: above the log's, below all others */
	u8 *base;
	struct page_note *note;
	u32 count; /* pages */
	u32 unused;
	u32 free_list[PAGE_ORDERS]; /* heads, page numbers */
} pool;

struct page_note *page_note_at(u32 number)
{
	return &pool.note[number];
}

u32 page_number(const void *p)
{
	u64 offset = (u64)(uintptr_t)p - (u64)(uintptr_t)pool.base;

	ASSERT(offset < (u64)pool.count * PAGE_SIZE);
	return (u32)(offset / PAGE_SIZE);
}

struct page_note *page_note(const void *p)
{
	return page_note_at(page_number(p));
}

void *page_at(u32 number)
{
	return pool.base + (u64)number * PAGE_SIZE;
}

static void list_push(u32 number, unsigned order)
{
	struct page_note *n = &pool.note[number];

	n->state = PAGE_FREE;
	n->order = (u8)order;
	n->prev = PAGE_NONE;
	n->next = pool.free_list[order];
	if (n->next != PAGE_NONE)
		pool.note[n->next].prev = number;
	pool.free_list[order] = number;
}

static void list_remove(u32 number)
{
	struct page_note *n = &pool.note[number];

	if (n->prev == PAGE_NONE)
		pool.free_list[n->order] = n->next;
	else
		pool.note[n->prev].next = n->next;
	if (n->next != PAGE_NONE)
		pool.note[n->next].prev = n->prev;
	n->state = PAGE_INSIDE;
}

/* Give back a block, joined with its free neighbours as far as they go. */
static void put_block(u32 number, unsigned order)
{
	pool.unused += 1u << order;
	for (; order + 1 < PAGE_ORDERS; order++) {
		u32 buddy = number ^ 1u << order;
		struct page_note *n;

		if (buddy + (1u << order) > pool.count)
			break;
		n = &pool.note[buddy];
		if (n->state != PAGE_FREE || n->order != order)
			break;
		list_remove(buddy);
		number = MIN(number, buddy);
	}
	list_push(number, order);
}

/* A block's page number, or PAGE_NONE. */
static u32 take_block(unsigned order)
{
	unsigned from = order;
	u32 number;

	while (from < PAGE_ORDERS && pool.free_list[from] == PAGE_NONE)
		from++;
	if (from == PAGE_ORDERS)
		return PAGE_NONE;
	number = pool.free_list[from];
	list_remove(number);
	while (from > order) {
		from--;
		list_push(number + (1u << from), from);
	}
	pool.note[number].state = PAGE_TAKEN;
	pool.note[number].order = (u8)order;
	pool.unused -= 1u << order;
	return number;
}

void page_init(void *base, u64 size)
{
	u64 notes = size / PAGE_SIZE * sizeof(struct page_note);
	u32 first = (u32)((notes + PAGE_SIZE - 1) / PAGE_SIZE);

	pool.lock = (struct spinlock){0};
	pool.base = base;
	pool.note = base;
	pool.count = (u32)(size / PAGE_SIZE);
	pool.unused = 0;
	memset(base, 0, notes);
	for (unsigned i = 0; i < PAGE_ORDERS; i++)
		pool.free_list[i] = PAGE_NONE;
	/* As if each block had been taken: the largest aligned ones that fit. */
	while (first < pool.count) {
		unsigned order = 0;

		while (order + 1 < PAGE_ORDERS && IS_ALIGNED(first, 2u << order) &&
		       first + (2u << order) <= pool.count)
			order++;
		put_block(first, order);
		first += 1u << order;
	}
}

void *page_alloc_order(unsigned order)
{
	u32 number;
	void *pages;

	if (order >= PAGE_ORDERS)
		return NULL;
	spin_lock(&pool.lock);
	number = take_block(order);
	spin_unlock(&pool.lock);
	if (number == PAGE_NONE)
		return NULL;
	pages = page_at(number);
	memset(pages, 0, PAGE_SIZE << order);
	return pages;
}

void *page_alloc(void)
{
	return page_alloc_order(0);
}

void page_free_order(void *pages, unsigned order)
{
	struct page_note *n;

	if (!pages)
		return;
	spin_lock(&pool.lock);
	n = page_note(pages);
	ASSERT(n->state == PAGE_TAKEN && n->order == order);
	put_block(page_number(pages), order);
	spin_unlock(&pool.lock);
}

void page_free(void *page)
{
	page_free_order(page, 0);
}

u64 page_total(void)
{
	return pool.count;
}

u64 page_unused(void)
{
	return READ_ONCE(pool.unused);
}

u32 page_free_blocks(unsigned order)
{
	u32 count = 0;

	for (u32 n = pool.free_list[order]; n != PAGE_NONE; n = pool.note[n].next)
		count++;
	return count;
}

/* Pages for tables of the control guest's own map, made when it touches device memory. */
#define POOL_RESERVE 64u

bool page_room_for(u64 pages)
{
	return page_unused() > POOL_RESERVE + pages;
}

bool page_room(void)
{
	return page_room_for(0);
}
