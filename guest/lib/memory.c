/* SPDX-License-Identifier: MIT */
/* Free memory as a sorted list of ranges; see memory.h. */
#include "guest/lib/memory.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/lock.h"
#include "guest/lib/string.h"

#define LOW_END    0xa0000ull
#define MAPPED_END (512 * SIZE_1G) /* all that paging.c maps */

struct range {
	u64 start, end;
};

/* Sorted, disjoint, none empty. */
static struct range ranges[256];
static u32 count;
static u64 low_page;
static struct lock lock; /* guards ranges and count */

static void remove_at(u32 i)
{
	memmove(&ranges[i], &ranges[i + 1], (--count - i) * sizeof(ranges[0]));
}

static bool insert_at(u32 i, u64 start, u64 end)
{
	if (count == ARRAY_SIZE(ranges))
		return false;
	memmove(&ranges[i + 1], &ranges[i], (count++ - i) * sizeof(ranges[0]));
	ranges[i] = (struct range){start, end};
	return true;
}

/* Adds a range, merged with its neighbours. */
static void add(u64 start, u64 end)
{
	u32 i = 0;

	while (i < count && ranges[i].end < start)
		i++;
	while (i < count && ranges[i].start <= end) {
		start = MIN(start, ranges[i].start);
		end = MAX(end, ranges[i].end);
		remove_at(i);
	}
	insert_at(i, start, end);
}

/* Takes a range out; false if that needs one more entry than there is room for. */
static bool take(u64 start, u64 end)
{
	for (u32 i = 0; i < count;) {
		struct range r = ranges[i];
		if (r.end <= start || r.start >= end) {
			i++;
		} else if (r.start < start && r.end > end) {
			if (!insert_at(i + 1, end, r.end))
				return false;
			ranges[i].end = start;
			return true;
		} else if (r.start < start) {
			ranges[i++].end = start;
		} else if (r.end > end) {
			ranges[i++].start = end;
		} else {
			remove_at(i);
		}
	}
	return true;
}

static void take_pages(u64 start, u64 end)
{
	if (start < end)
		(void)take(ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
}

void memory_init(const struct boot *boot)
{
	for (u32 i = 0; i < boot->range_count; i++) {
		const struct boot_range *r = &boot->ranges[i];
		u64 start = ALIGN_UP(r->start, PAGE_SIZE),
		    end = ALIGN_DOWN(MIN(r->end, MAPPED_END), PAGE_SIZE);
		if (r->type == BOOT_MEMORY_RAM && start < end)
			add(start, end);
	}
	for (u32 i = 0; i < boot->range_count; i++)
		if (boot->ranges[i].type != BOOT_MEMORY_RAM)
			take_pages(boot->ranges[i].start, boot->ranges[i].end);
	take_pages(boot->image_start, boot->image_end);
	take_pages(boot->info_start, boot->info_end);
	for (u32 i = 0; i < boot->module_count; i++)
		take_pages(addr(boot->modules[i].start),
			   addr(boot->modules[i].start) + boot->modules[i].size);
	/* The firmware's first pages hold its own data; what is free above them will do. */
	for (u32 i = 0; i < count; i++) {
		u64 page = MIN(ranges[i].end, LOW_END) - PAGE_SIZE;
		if (ranges[i].start < LOW_END && page >= MAX(ranges[i].start, SIZE_64K / 2))
			low_page = page;
	}
	take_pages(0, SIZE_1M);
}

static void *alloc(u64 size, u64 align, u64 limit)
{
	for (u32 i = count; size && i-- > 0;) {
		u64 end = MIN(ranges[i].end, limit);
		if (end <= ranges[i].start || end - ranges[i].start < size)
			continue;
		u64 start = ALIGN_DOWN(end - size, align);
		if (start >= ranges[i].start)
			return take(start, start + size) ? ptr(start) : NULL;
	}
	return NULL;
}

void *memory_alloc_below(u64 size, u64 align, u64 limit)
{
	lock_take(&lock);
	void *block = alloc(ALIGN_UP(size, PAGE_SIZE), align, limit);
	lock_give(&lock);
	return block;
}

void *memory_alloc_raw(u64 size, u64 align)
{
	return memory_alloc_below(size, align, ~0ull);
}

void *memory_alloc(u64 size, u64 align)
{
	void *block = memory_alloc_raw(size, align);

	if (block)
		memset(block, 0, ALIGN_UP(size, PAGE_SIZE));
	return block;
}

void *memory_page(void)
{
	void *page = memory_alloc(PAGE_SIZE, PAGE_SIZE);

	if (!page) {
		console_printf("out of memory: not one page is left; give the machine more\n");
		cpu_stop();
	}
	return page;
}

void memory_free(void *block, u64 size)
{
	if (!block)
		return;
	lock_take(&lock);
	add(addr(block), addr(block) + ALIGN_UP(size, PAGE_SIZE));
	lock_give(&lock);
}

u64 memory_free_bytes(void)
{
	u64 sum = 0;

	lock_take(&lock);
	for (u32 i = 0; i < count; i++)
		sum += ranges[i].end - ranges[i].start;
	lock_give(&lock);
	return sum;
}

u64 memory_largest_block(void)
{
	u64 best = 0;

	lock_take(&lock);
	for (u32 i = 0; i < count; i++) {
		u64 start = ALIGN_UP(ranges[i].start, SIZE_2M);
		u64 end = ALIGN_DOWN(ranges[i].end, SIZE_2M);
		if (start < end)
			best = MAX(best, end - start);
	}
	lock_give(&lock);
	return best;
}

u64 memory_low_page(void)
{
	return low_page;
}
