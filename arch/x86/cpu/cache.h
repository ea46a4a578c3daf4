/* SPDX-License-Identifier: MIT */
/* Writing caches back to memory. */
#pragma once

#include "lib/types.h"

#define CACHE_LINE_MIN 32u /* of any processor with CLFLUSH */

/* Write [@p, @p + @size) back from all caches (SDM vol. 2, CLFLUSH). */
static inline void cache_flush(const void *p, size_t size)
{
	const char *end = (const char *)p + size;

	for (const char *c = p; c < end; c += CACHE_LINE_MIN)
		__asm__ volatile("clflush %0" : : "m"(*c) : "memory");
	if (size)
		__asm__ volatile("clflush %0" : : "m"(end[-1]) : "memory");
}
