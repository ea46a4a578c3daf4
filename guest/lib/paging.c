/* SPDX-License-Identifier: MIT */
/* Extends the identity map above 4 GiB; see paging.h. */
#include "guest/lib/paging.h"
#include "guest/lib/cpu.h"
#include "guest/lib/memory.h"
#include "guest/lib/console.h"

#define ENTRY_TABLE 0x07ull /* present, writable, open to CPL 3 */
#define ENTRY_LARGE 0x87ull
#define MAX_GIB     512u
#define CPUID_1G    (1u << 26) /* leaf 0x80000001, EDX */

extern u64 page_tables[]; /* start.asm: PML4, PDPT, ... */

static bool map_gib(u64 gib, bool large)
{
	u64 *pdpt = page_tables + 512;

	if (large) {
		pdpt[gib] = gib * SIZE_1G | ENTRY_LARGE;
		return true;
	}
	u64 *pd = memory_alloc_below(PAGE_SIZE, PAGE_SIZE, SIZE_4G);
	if (!pd)
		return false;
	for (u64 i = 0; i < 512; i++)
		pd[i] = (gib * SIZE_1G + i * SIZE_2M) | ENTRY_LARGE;
	pdpt[gib] = addr(pd) | ENTRY_TABLE;
	return true;
}

void paging_init(const struct boot *boot)
{
	bool large =
		cpuid(0x80000000u, 0).eax >= 0x80000001u && (cpuid(0x80000001u, 0).edx & CPUID_1G);
	u64 end = SIZE_4G;

	for (u32 i = 0; i < boot->range_count; i++)
		if (boot->ranges[i].type <= BOOT_MEMORY_BAD &&
		    boot->ranges[i].type != BOOT_MEMORY_RESERVED)
			end = MAX(end, boot->ranges[i].end);
	for (u64 gib = 4; gib < MIN(ALIGN_UP(end, SIZE_1G) / SIZE_1G, (u64)MAX_GIB); gib++)
		if (!map_gib(gib, large)) {
			console_printf("out of memory for page tables at %llu GiB\n", gib);
			cpu_stop();
		}
}
