/* SPDX-License-Identifier: MIT */
/*
 * kvm0's memory pool: pages and small objects.  The pool is one block of RAM that
 * is taken out of the memory map at boot.  All functions: any CPU, not from NMI.
 */
#pragma once

#include "lib/addr.h"

/* One zeroed 4 KiB page in the direct map, or NULL if the pool is empty. */
void *page_alloc(void) __must_check;

/* 2^@order contiguous zeroed pages, aligned to their size; NULL if there are none. */
void *page_alloc_order(unsigned order) __must_check;

/* Give back what page_alloc() or page_alloc_order() returned.  NULL is allowed. */
void page_free(void *page);
void page_free_order(void *pages, unsigned order);

/* A zeroed object of @size bytes (1 byte to 64 KiB), aligned to 64; NULL if none. */
void *object_alloc(size_t size) __must_check;
void object_free(void *object, size_t size);

/* Pages in the pool, and of these free now. */
u64 page_total(void);
u64 page_unused(void);
