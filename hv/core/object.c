/* SPDX-License-Identifier: MIT */
/*
 * Objects of the pool (core/page.h): up to half a page from a page of equal ones,
 * larger from whole pages.  A page none of whose objects is in use goes back.
 */
#include "core/page.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/string.h"

#define BIN_COUNT OBJECT_BINS /* 64, 128, ... 2048 bytes */
#define LARGEST   (64u * 1024)
#define NO_OBJECT 0xffffu

/* Guards the lists and the pages on them.  Rank: just above the page pool's. */
static struct spinlock object_lock;

/* The pages of each bin that have a free object; page numbers, the head first.
 * Zero means the same as PAGE_NONE, since page 0 holds the pool's notes. */
static u32 partial[BIN_COUNT];
static struct object_bin bins[OBJECT_BINS];

static void partial_push(u32 bin, u32 number)
{
	struct page_note *n = page_note_at(number);

	n->prev = 0;
	n->next = partial[bin];
	if (n->next)
		page_note_at(n->next)->prev = number;
	partial[bin] = number;
}

static void partial_remove(u32 bin, u32 number)
{
	struct page_note *n = page_note_at(number);

	if (n->prev)
		page_note_at(n->prev)->next = n->next;
	else
		partial[bin] = n->next;
	if (n->next)
		page_note_at(n->next)->prev = n->prev;
}

/* The bin for @size, or BIN_COUNT if whole pages are for it. */
static u32 bin_of(size_t size)
{
	u32 bin = 0;

	while (bin < BIN_COUNT && size > (64u << bin))
		bin++;
	return bin;
}

static unsigned order_of(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

/* Put a page of free objects on the list of @bin. */
static bool add_page(u32 bin)
{
	u8 *page = page_alloc();
	struct page_note *n;
	u32 size = 64u << bin;

	if (!page)
		return false;
	n = page_note(page);
	n->used = 0;
	n->first = 0;
	/* Each free object begins with the offset of the next. */
	for (u32 at = 0; at < PAGE_SIZE; at += size)
		*(u32 *)(void *)(page + at) = at + size < PAGE_SIZE ? at + size : NO_OBJECT;
	partial_push(bin, page_number(page));
	bins[bin].pages++;
	return true;
}

static void *take_object(u32 bin)
{
	struct page_note *n;
	u32 number;
	u32 *object;

	if (!partial[bin] && !add_page(bin))
		return NULL;
	number = partial[bin];
	n = page_note_at(number);
	object = (u32 *)(void *)((u8 *)page_at(number) + n->first);
	n->first = *object;
	n->used++;
	bins[bin].used++;
	if (n->first == NO_OBJECT)
		partial_remove(bin, number);
	return object;
}

static void put_object(u32 bin, void *object)
{
	u32 number = page_number(object);
	struct page_note *n = page_note_at(number);
	u32 offset = (u32)((uintptr_t)object % PAGE_SIZE);

	ASSERT(n->used > 0 && offset % (64u << bin) == 0);
	if (n->first == NO_OBJECT)
		partial_push(bin, number);
	*(u32 *)object = n->first;
	n->first = offset;
	bins[bin].used--;
	if (--n->used == 0) {
		bins[bin].pages--;
		partial_remove(bin, number);
		page_free(page_at(number));
	}
}

void object_bin(u32 n, struct object_bin *out)
{
	*out = bins[n];
	out->size = 64u << n;
}

void *object_alloc(size_t size)
{
	u32 bin = bin_of(size);
	void *object;

	if (!size || size > LARGEST)
		return NULL;
	if (bin == BIN_COUNT)
		return page_alloc_order(order_of(size));
	spin_lock(&object_lock);
	object = take_object(bin);
	spin_unlock(&object_lock);
	if (object)
		memset(object, 0, 64u << bin);
	return object;
}

void object_free(void *object, size_t size)
{
	u32 bin = bin_of(size);

	if (!object)
		return;
	if (bin == BIN_COUNT) {
		page_free_order(object, order_of(size));
		return;
	}
	spin_lock(&object_lock);
	put_object(bin, object);
	spin_unlock(&object_lock);
}
