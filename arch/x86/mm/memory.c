/* SPDX-License-Identifier: MIT */
/* Taking possession of memory at boot; see mm/memory.h. */
#include "core/log.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/panic.h"
#include "cpu/layout.h"
#include "mm/memory.h"
#include "mm/paging.h"

#define POOL_LEAST (4ull << 20)
#define POOL_MOST  (512ull << 20)
#define POOL_FLOOR (1ull << 20) /* nothing of the first MiB: firmware and SIPI live there */
#define LOG_FLOOR  0x10000ull
#define LOG_LIMIT  0xa0000ull

extern const u8 image_start[], image_end[]; /* linker.ld */

static u64 memory_pool_size; /* 0: by the size of memory */

static const struct param params[] = {
	{.name = "pool",
	 .type = PARAM_SIZE,
	 .value = &memory_pool_size,
	 .min = POOL_LEAST,
	 .max = POOL_MOST},
};
const struct param_table memory_params = {params, ARRAY_SIZE(params)};

static void add(u64 base, u64 size, enum memmap_type type)
{
	int err = memmap_add(&memmap, base, size, type);

	if (err)
		refuse("the firmware's memory map is too long or malformed",
		       "update the firmware (entry %#llx, %#llx bytes, error %d)", base, size, err);
}

static void read_map(const struct mb2_info *info)
{
	if (!info->mmap_count)
		refuse("the boot loader passed no memory map", "boot by GRUB 2.02 or newer");
	for (u32 i = 0; i < info->mmap_count; i++) {
		const struct mb2_mmap_entry *e = &info->mmap[i];
		bool known = e->type >= MEM_RAM && e->type <= MEM_BAD;

		add(e->base, e->length, known ? (enum memmap_type)e->type : MEM_RESERVED);
	}
}

static u64 pool_size(void)
{
	u64 size = (8ull << 20) + memmap_bytes(&memmap, MEM_RAM) / 64;

	if (memory_pool_size)
		size = memory_pool_size;
	return ALIGN_UP(MIN(size, POOL_MOST), SIZE_2M);
}

/* RAM that no module is in; 0: there is none. */
static u64 find_free(const struct mb2_info *info, u64 size, u64 align, u64 floor, u64 limit)
{
	struct memrange busy[MB2_MAX_MODULES];

	for (u32 i = 0; i < info->module_count; i++)
		busy[i] = (struct memrange){.base = info->module[i].start,
					    .end = info->module[i].end};
	return memmap_find(&memmap, size, align, floor, limit, busy, info->module_count);
}

/* The place of the log's ring: the same at each boot, and one that a boot loader leaves alone, as
 * it does with most of the first MiB. */
static u64 choose_log(const struct mb2_info *info)
{
	u64 base = find_free(info, LOG_AREA_SIZE, PAGE_SIZE, LOG_FLOOR, LOG_LIMIT);

	if (base)
		add(base, LOG_AREA_SIZE, MEM_KVM0);
	return base;
}

static void choose_pool(const struct mb2_info *info)
{
	u64 size = pool_size(), base = find_free(info, size, SIZE_2M, POOL_FLOOR, SIZE_4G);

	if (!base)
		refuse("too little memory",
		       "kvm0 needs %llu MiB in one piece below 4 GiB and found %llu MiB of memory "
		       "in "
		       "all: add memory, or try pool=4M",
		       size >> 20, memory_total() >> 20);
	add(base, size, MEM_KVM0);
	page_init(phys_to_virt(hpa(base)), size);
	log_debug("memory", "pool of %llu MiB at %#llx, image at %#llx", size >> 20, base,
		  image_phys_base);
}

void memory_init(const struct mb2_info *info)
{
	u64 log;

	read_map(info);
	add(virt_to_phys(image_start).v, (u64)(image_end - image_start), MEM_KVM0);
	log = choose_log(info);
	choose_pool(info);
	if (paging_init(&memmap))
		refuse("the memory pool is too small", "give kvm0 more: pool=64M");
	if (log)
		log_keep(phys_to_virt(hpa(log)));
}

const void *memory_map_firmware(u64 at, u64 size)
{
	if (paging_map_direct(hpa(at), size, false))
		return NULL;
	return phys_to_virt(hpa(at));
}

u64 memory_total(void)
{
	return memmap_bytes(&memmap, MEM_RAM) + memmap_bytes(&memmap, MEM_KVM0);
}
