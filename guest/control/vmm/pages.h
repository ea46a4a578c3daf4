/* SPDX-License-Identifier: MIT */
/*
 * Single pages for guests' memory on demand, cut out of blocks of 2 MiB of memory.h.  The first
 * page of a block keeps account of the others; a block of which no page is in use goes back.
 */
#pragma once

#include "guest/lib/types.h"

/* A zeroed page, or NULL. */
void *pages_take(void) __must_check;
/* Gives one back, clearing it. */
void pages_give(void *page);
