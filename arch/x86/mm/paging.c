/* SPDX-License-Identifier: MIT */
/* kvm0's own page tables; see mm/paging.h. */
#include "core/page.h"
#include "core/spinlock.h"
#include "cpu/layout.h"
#include "cpu/regs.h"
#include "mm/paging.h"

#define PTE_P     BIT(0)
#define PTE_W     BIT(1)
#define PTE_PWT   BIT(3)
#define PTE_PCD   BIT(4)
#define PTE_A     BIT(5)
#define PTE_D     BIT(6)
#define PTE_PS    BIT(7)
#define PTE_NX    BIT(63)
#define PTE_ADDR  0x000ffffffffff000ull
#define PTE_TABLE (PTE_P | PTE_W | PTE_A)

/* Accessed and dirty from the start: the CPU need not write them. */
#define MAP_RX (PTE_P | PTE_A)
#define MAP_R  (PTE_P | PTE_A | PTE_NX)
#define MAP_RW (PTE_P | PTE_A | PTE_D | PTE_W | PTE_NX)
#define MAP_UC (MAP_RW | PTE_PWT | PTE_PCD)

/* linker.ld */
extern const u8 image_start[], image_end[];
extern const u8 text_start[], text_end[], rodata_start[], rodata_end[];
extern const u8 data_start[], data_end[], symbols_start[], symbols_end[];

/* Guards the tables' contents while they grow.  Rank: above object_lock. */
static struct spinlock paging_lock;
static u64 *paging_pml4;

static u64 level_size(unsigned level) /* bytes that one entry of it maps */
{
	return PAGE_SIZE << 9 * level;
}

static u64 *entry_at(u64 *table, u64 va, unsigned level)
{
	return &table[va >> (PAGE_SHIFT + 9 * level) & 511];
}

static bool have_1g_pages(void)
{
	return cpuid(0x80000001, 0).edx & BIT(26);
}

/* The highest level at which one page can map @va to @pa within @size bytes. */
static unsigned best_level(u64 va, u64 pa, u64 size)
{
	unsigned level = have_1g_pages() ? 2 : 1;

	while (level && (!IS_ALIGNED(va | pa, level_size(level)) || size < level_size(level)))
		level--;
	return level;
}

/*
 * Map one page at @va if there is none, as large as fits, and return its size or,
 * if there was one, the distance to its end.  0: no memory for a table.
 */
static u64 map_one(u64 *table, u64 va, u64 pa, u64 size, u64 flags)
{
	unsigned best = best_level(va, pa, size);
	u64 *e;

	for (unsigned level = 3;; level--) {
		e = entry_at(table, va, level);
		if (*e & PTE_P) {
			if (level == 0 || *e & PTE_PS)
				return level_size(level) - (va & (level_size(level) - 1));
		} else if (level == best) {
			/* Release: other CPUs' page walks see a whole entry. */
			__atomic_store_n(e, pa | flags | (level ? PTE_PS : 0), __ATOMIC_RELEASE);
			return level_size(level);
		} else {
			u64 *fresh = page_alloc();

			if (!fresh)
				return 0;
			__atomic_store_n(e, virt_to_phys(fresh).v | PTE_TABLE, __ATOMIC_RELEASE);
		}
		table = phys_to_virt(hpa(*e & PTE_ADDR));
	}
}

static int map(u64 *pml4, u64 va, u64 pa, u64 size, u64 flags)
{
	while (size) {
		u64 done = map_one(pml4, va, pa, size, flags);

		if (!done)
			return -ENOMEM;
		done = MIN(done, size);
		va += done;
		pa += done;
		size -= done;
	}
	return 0;
}

static int map_section(const u8 *start, const u8 *end, u64 flags)
{
	u64 va = (u64)(uintptr_t)start, pa = virt_to_phys(start).v;

	/* Sections are a few pages each; 4 KiB pages keep their borders exact. */
	for (; va < (u64)(uintptr_t)end; va += PAGE_SIZE, pa += PAGE_SIZE) {
		int err = map(paging_pml4, va, pa, PAGE_SIZE, flags);

		if (err)
			return err;
	}
	return 0;
}

static int map_image(void)
{
	int err = map_section(text_start, text_end, MAP_RX);

	if (!err)
		err = map_section(rodata_start, rodata_end, MAP_R);
	if (!err)
		err = map_section(data_start, data_end, MAP_RW);
	if (!err)
		err = map_section(symbols_start, symbols_end, MAP_R);
	return err;
}

static int map_direct(u64 base, u64 end, u64 flags)
{
	if (base >= end)
		return 0;
	return map(paging_pml4, DIRECT_MAP_BASE + base, base, end - base, flags);
}

/* The direct map of one range, around the image if that lies in it. */
static int map_memory(u64 base, u64 end)
{
	u64 hole = virt_to_phys(image_start).v, hole_end = virt_to_phys(image_end).v;
	int err;

	if (end <= hole || base >= hole_end)
		return map_direct(base, end, MAP_RW);
	err = map_direct(base, hole, MAP_RW);
	return err ? err : map_direct(hole_end, end, MAP_RW);
}

static u64 physical_limit(void)
{
	u32 width = 36;

	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		width = cpuid(0x80000008, 0).eax & 0xff;
	return BIT(MIN(width, 46u)); /* 46 bits: up to STACK_AREA_BASE and no further */
}

int paging_init(const struct memmap *m)
{
	u64 limit = physical_limit();
	int err;

	paging_pml4 = page_alloc();
	if (!paging_pml4)
		return -ENOMEM;
	err = map_image();
	for (u32 i = 0; i < m->count && !err; i++) {
		const struct memrange *r = &m->range[i];

		if (r->type == MEM_RAM || r->type == MEM_ACPI || r->type == MEM_NVS ||
		    r->type == MEM_KVM0)
			err = map_memory(r->base, MIN(r->end, limit));
	}
	if (err)
		return err;
	paging_load();
	return 0;
}

void paging_load(void)
{
	write_cr3(paging_root().v);
}

hpa_t paging_root(void)
{
	return virt_to_phys(paging_pml4);
}

int paging_map_direct(hpa_t base, u64 size, bool uncached)
{
	u64 start = base.v & PAGE_MASK, end = base.v + size;
	int err;

	if (end < base.v || end > physical_limit())
		return -EINVAL;
	end = ALIGN_UP(end, PAGE_SIZE);
	if (start < virt_to_phys(image_end).v && virt_to_phys(image_start).v < end)
		return -EINVAL;
	spin_lock(&paging_lock);
	err = map_direct(start, end, uncached ? MAP_UC : MAP_RW);
	spin_unlock(&paging_lock);
	return err;
}

u64 paging_find(u64 va, bool *uncached)
{
	const u64 *table = paging_pml4;

	for (unsigned level = 3; va >= DIRECT_MAP_BASE; level--) {
		u64 e = table[va >> (PAGE_SHIFT + 9 * level) & 511];

		if (!(e & PTE_P))
			return 0;
		if (level == 0 || e & PTE_PS) {
			*uncached = e & PTE_PCD;
			return level_size(level) - (va & (level_size(level) - 1));
		}
		table = phys_to_virt(hpa(e & PTE_ADDR));
	}
	return 0;
}

void *paging_trampoline_tables(hpa_t page)
{
	u64 *pml4 = page_alloc();

	if (!pml4)
		return NULL;
	/* kvm0's half is shared, tables and all; the lower half is this page alone. */
	for (u32 i = 256; i < 512; i++)
		pml4[i] = paging_pml4[i];
	if (map(pml4, page.v, page.v, PAGE_SIZE, MAP_RX)) {
		paging_trampoline_free(pml4);
		return NULL;
	}
	return pml4;
}

static void free_tables(u64 *table, unsigned level, u32 count)
{
	for (u32 i = 0; i < count && level; i++)
		if (table[i] & PTE_P && !(table[i] & PTE_PS))
			free_tables(phys_to_virt(hpa(table[i] & PTE_ADDR)), level - 1, 512);
	page_free(table);
}

void paging_trampoline_free(void *tables)
{
	free_tables(tables, 3, 256);
}

/* Map stack number @n of all; its end, or 0. */
static u64 map_stack(u64 n)
{
	/* As much address space as the stack has stays empty below it. */
	u64 base = STACK_AREA_BASE + (2 * n + 1) * STACK_SIZE;
	u8 *pages = page_alloc_order(2);

	_Static_assert(STACK_SIZE == PAGE_SIZE << 2, "stacks are of order 2");
	if (!pages || map(paging_pml4, base, virt_to_phys(pages).v, STACK_SIZE, MAP_RW))
		return 0;
	return base + STACK_SIZE;
}

int paging_map_stacks(struct percpu *p, u32 index)
{
	bool ok;

	spin_lock(&paging_lock);
	p->stack_top = map_stack(index * 4ull);
	ok = p->stack_top;
	for (u32 i = 0; i < ARRAY_SIZE(p->ist_top); i++) {
		p->ist_top[i] = map_stack(index * 4ull + 1 + i);
		ok = ok && p->ist_top[i];
	}
	spin_unlock(&paging_lock);
	return ok ? 0 : -ENOMEM;
}
