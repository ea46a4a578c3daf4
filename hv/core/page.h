/* SPDX-License-Identifier: MIT */
/*
 * kvm0's memory pool: pages and small objects.  The pool is one block of RAM that
 * is taken out of the memory map at boot.  All functions: any CPU, not from NMI.
 */
#pragma once

#include "lib/addr.h"

/* One zeroed 4 KiB page in the direct map, or NULL if the pool is empty. */
void *page_alloc(void) __must_check;

/* 2^@order contiguous zeroed pages, aligned to their size but to 2 MiB at the most;
 * NULL if there are none. */
void *page_alloc_order(unsigned order) __must_check;

/* Give back what page_alloc() or page_alloc_order() returned.  NULL is allowed. */
void page_free(void *page);
void page_free_order(void *pages, unsigned order);

/* A zeroed object of @size bytes (1 byte to 64 KiB), aligned to 64; NULL if none. */
void *object_alloc(size_t size) __must_check;
void object_free(void *object, size_t size);

/*
 * Is there more in the pool than what is kept back for the control guest's own map?  To
 * be asked before pages are taken for a VM, so that VMs cannot use the pool up.
 */
bool page_room(void);
/* The same for @pages of them. */
bool page_room_for(u64 pages);

/* Pages in the pool, and of these free now. */
u64 page_total(void);
u64 page_unused(void);

/* For the monitor, which has the world parked, or what a panic has left of it: no lock is taken.
 * Free blocks of 2^@order pages, PAGE_ORDERS of which there are. */
#define PAGE_ORDERS 18u /* the largest block is 512 MiB */
u32 page_free_blocks(unsigned order);

/* Of the objects of one size: how many are in use, in how many pages. */
struct object_bin {
	u32 size, used, pages;
};
#define OBJECT_BINS 6u
void object_bin(u32 n, struct object_bin *out);

/*
 * Make [@base, @base + @size) of the direct map the pool; both are multiples of
 * 2 MiB, and it is not zeroed yet.  Once, on the boot CPU, before all else here.
 */
void page_init(void *base, u64 size);

/* For page.c and object.c: what the pool notes about the page that @p lies in. */
struct page_note {
	u8 state; /* of page.c: free block, taken block, or inside of one */
	u8 order; /* of the block that starts here */
	u16 used; /* of object.c: objects given out */
	u32 next; /* in a list, page numbers; PAGE_NONE ends it */
	u32 prev;
	u32 first; /* of object.c: offset of the first free object in the page; 0xffff: none */
};
#define PAGE_NONE 0xffffffffu
struct page_note *page_note(const void *p);
struct page_note *page_note_at(u32 number);
u32 page_number(const void *p);
void *page_at(u32 number);
