/* SPDX-License-Identifier: MIT */
/* The map of physical memory; see core/memmap.h. */
#include <linux/errno.h>

#include "core/memmap.h"
#include "lib/string.h"

struct memmap memmap;

static void insert(struct memmap *m, u32 at, u64 base, u64 end, enum memmap_type type)
{
	memmove(&m->range[at + 1], &m->range[at], (m->count - at) * sizeof(m->range[0]));
	m->range[at] = (struct memrange){.base = base, .end = end, .type = type};
	m->count++;
}

/* If @address lies inside a range, make two of it that meet there. */
static void split(struct memmap *m, u64 address)
{
	for (u32 i = 0; i < m->count; i++) {
		struct memrange *r = &m->range[i];

		if (address <= r->base || address >= r->end)
			continue;
		insert(m, i + 1, address, r->end, r->type);
		r->end = address;
		return;
	}
}

/* Join neighbours of one type that touch. */
static void merge(struct memmap *m)
{
	u32 kept = 0;

	for (u32 i = 1; i < m->count; i++) {
		struct memrange *last = &m->range[kept], *r = &m->range[i];

		if (last->end == r->base && last->type == r->type)
			last->end = r->end;
		else
			m->range[++kept] = *r;
	}
	m->count = m->count ? kept + 1 : 0;
}

/* The most that laying [@base, @end) over the map can add before merging. */
static u32 worst_growth(const struct memmap *m, u64 base, u64 end)
{
	u32 overlapped = 0;

	for (u32 i = 0; i < m->count; i++)
		overlapped += m->range[i].base < end && base < m->range[i].end;
	return 2 + overlapped + 1;
}

int memmap_add(struct memmap *m, u64 base, u64 size, enum memmap_type type)
{
	u64 end = base + size, at;
	u32 i = 0;

	if (!size)
		return 0;
	if (end < base || end > PAGE_MASK)
		return -EINVAL;
	if (type == MEM_RAM) {
		base = ALIGN_UP(base, PAGE_SIZE);
		end = ALIGN_DOWN(end, PAGE_SIZE);
		if (base >= end)
			return 0;
	} else {
		base = ALIGN_DOWN(base, PAGE_SIZE);
		end = ALIGN_UP(end, PAGE_SIZE);
	}
	if (m->count + worst_growth(m, base, end) > MEMMAP_MAX)
		return -ENOSPC;

	split(m, base);
	split(m, end);
	for (at = base; at < end; at = m->range[i++].end) {
		while (i < m->count && m->range[i].end <= at)
			i++;
		if (i == m->count || m->range[i].base >= end)
			insert(m, i, at, end, type);
		else if (m->range[i].base > at)
			insert(m, i, at, m->range[i].base, type);
		else
			m->range[i].type = MAX(m->range[i].type, type);
	}
	merge(m);
	return 0;
}

int memmap_type(const struct memmap *m, u64 base, u64 size)
{
	u64 end = base + size;

	if (end < base)
		return -1;
	for (u32 i = 0; i < m->count; i++) {
		const struct memrange *r = &m->range[i];

		if (r->end <= base)
			continue;
		if (r->base >= end)
			break;
		return r->base <= base && r->end >= end ? (int)r->type : -1;
	}
	return MEM_DEVICE;
}

/* The busy range that [@base, @base + @size) touches, or NULL. */
static const struct memrange *touched(u64 base, u64 size, const struct memrange *busy, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (busy[i].base < base + size && base < busy[i].end)
			return &busy[i];
	return NULL;
}

u64 memmap_find(const struct memmap *m, u64 size, u64 align, u64 floor, u64 limit,
		const struct memrange *busy, u32 busy_count)
{
	for (u32 i = m->count; i-- > 0;) {
		const struct memrange *r = &m->range[i], *hit;
		u64 low = MAX(r->base, floor), high = MIN(r->end, limit), base;

		if (r->type != MEM_RAM)
			continue;
		while (high > low && high - low >= size) {
			base = ALIGN_DOWN(high - size, align);
			if (base < low)
				break;
			hit = touched(base, size, busy, busy_count);
			if (!hit)
				return base;
			high = hit->base;
		}
	}
	return 0;
}

u64 memmap_bytes(const struct memmap *m, enum memmap_type type)
{
	u64 bytes = 0;

	for (u32 i = 0; i < m->count; i++)
		if (m->range[i].type == type)
			bytes += m->range[i].end - m->range[i].base;
	return bytes;
}
