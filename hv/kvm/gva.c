/* SPDX-License-Identifier: MIT */
/* The walk of a guest's page tables; see gva.h. */
#include "kvm/gva.h"

#include <linux/errno.h>

#include "cpu/bits.h"
#include "kvm/gva_walk.h"

#define FLAG_AC BIT(18)

#define ERROR_P    BIT(0)
#define ERROR_RSVD BIT(3)

/* A translation whose entries keep changing under it ends in a page fault, which is harmless. */
#define RETRIES 8u

void gva_layout_of(const struct gva_paging *pg, struct gva_layout *l)
{
	u64 high = BIT(52) - BIT(pg->maxphyaddr);
	u64 nx = (pg->efer & EFER_NXE) ? 0 : PTE_NX;

	if (pg->efer & EFER_LMA)
		*l = (struct gva_layout){(pg->cr4 & CR4_LA57) ? 5 : 4, 9, 8, PTE_PS, high | nx};
	else if (pg->cr4 & CR4_PAE)
		*l = (struct gva_layout){2, 9, 8, PTE_PS, high | nx | (BIT(63) - BIT(52))};
	else
		*l = (struct gva_layout){2, 10, 4, (pg->cr4 & CR4_PSE) ? PTE_PS : 0, 0};
}

/* False: it cannot be read, and so counts as not present. */
static bool read_entry(const struct guest_mem *mem, gpa_t at, u64 *entry, u32 size,
		       struct gva_walk *w)
{
	int r = mem->read_gpa(mem->ctx, at, entry, size);

	w->absent = r == GUEST_MEM_ABSENT;
	w->lost = r;
	return !r;
}

/*
 * The PAE mode's page-directory-pointer entry, which has neither rights nor
 * accessed bit.  False if it is not present, or malformed.
 */
static bool pae_root(const struct gva_paging *pg, const struct guest_mem *mem,
		     const struct gva_layout *l, u64 linear, struct gva_walk *w, u64 *table)
{
	u64 index = linear >> 30 & 3;
	u64 entry = 0;

	if (pg->pdpte)
		entry = pg->pdpte[index];
	else if (!read_entry(mem, gpa((pg->cr3 & 0xffffffe0ull) + index * 8), &entry, 8, w))
		return false;
	w->pdpte = entry;
	if (!(entry & PTE_P))
		return false;
	w->reserved = entry & (l->reserved | PDPTE_RESERVED);
	*table = entry & FRAME;
	return !w->reserved;
}

/* Bits of an entry with PS, found where pages of 1 << shift bytes are mapped, that must be 0. */
static u64 large_reserved(const struct gva_paging *pg, const struct gva_layout *l, u32 shift)
{
	if (shift > 30)
		return PTE_PS;
	if (l->entry_size == 8)
		return BIT(shift) - BIT(13);
	/* A 4 MiB page: bits 20:13 are the address's bits 39:32, as far as there are any. */
	return BIT(22) - BIT(13 + (MIN(pg->maxphyaddr, 40u) - 32));
}

bool gva_descend(const struct gva_paging *pg, const struct guest_mem *mem,
		 const struct gva_layout *l, u64 linear, struct gva_walk *w)
{
	u64 table = pg->cr3 & FRAME;
	u32 shift = PAGE_SHIFT + l->levels * l->index_bits;
	u64 all = ~0ull;

	w->depth = 0;
	w->reserved = w->lost = w->absent = false;
	if (l->levels == 2) {
		table &= 0xffffffffull;
		if (l->entry_size == 8 && !pae_root(pg, mem, l, linear, w, &table))
			return false;
	}
	for (;;) {
		u64 entry = 0;
		u64 bad = l->reserved;
		gpa_t at;

		shift -= l->index_bits;
		at = gpa(table + (linear >> shift & (BIT(l->index_bits) - 1)) * l->entry_size);
		w->at[w->depth] = at.v;
		w->entry[w->depth] = 0;
		if (!read_entry(mem, at, &entry, l->entry_size, w))
			return false;
		w->entry[w->depth] = entry;
		if (!(entry & PTE_P))
			return false;
		w->depth++;
		all &= entry ^ PTE_NX;
		if (shift > PAGE_SHIFT && (entry & l->large))
			bad |= large_reserved(pg, l, shift);
		w->reserved = entry & bad;
		if (w->reserved)
			return false;
		if (shift == PAGE_SHIFT || (entry & l->large)) {
			w->shift = shift;
			w->all = all;
			return true;
		}
		table = entry & FRAME;
	}
}

/* May the access be made?  rights: see struct gva_walk's `all`. */
static bool allowed(const struct gva_paging *pg, u64 rights, u64 access)
{
	bool user_page = rights & PTE_U;

	if ((access & GVA_FETCH) && !(rights & PTE_NX))
		return false;
	if (access & GVA_USER)
		return user_page && (!(access & GVA_WRITE) || (rights & PTE_W));
	if (user_page && (access & GVA_FETCH))
		return !(pg->cr4 & CR4_SMEP);
	if (user_page && (pg->cr4 & CR4_SMAP) && !(pg->rflags & FLAG_AC) && !(access & GVA_PEEK))
		return false;
	return !(access & GVA_WRITE) || (rights & PTE_W) || !(pg->cr0 & CR0_WP);
}

/*
 * Set accessed and dirty bits that are missing.  False if an entry has changed
 * since it was read.  Tables in memory that cannot be written keep their bits.
 */
static bool mark(const struct guest_mem *mem, const struct gva_layout *l, struct gva_walk *w,
		 u64 access)
{
	if ((w->all & PTE_A) && (!(access & GVA_WRITE) || (w->entry[w->depth - 1] & PTE_D)))
		return true;
	for (u32 i = 0; i < w->depth; i++) {
		bool dirty = i + 1 == w->depth && (access & GVA_WRITE);
		u64 new = w->entry[i] | PTE_A | (dirty ? PTE_D : 0);
		u64 old = w->entry[i];

		if (new == old)
			continue;
		switch (mem->cmpxchg_gpa(mem->ctx, gpa(w->at[i]), &old, new, l->entry_size)) {
		case EMU_MMIO:
			continue;
		case GUEST_MEM_ABSENT:
			w->absent = true;
			return false;
		}
		if (old != w->entry[i])
			return false;
	}
	return true;
}

/*
 * The walk as it nearly always goes, in a third of the instructions: four levels
 * in which nothing is missing, malformed, forbidden or to be marked.  False if
 * there is anything to it; the careful walk then says what.
 */
static bool walk_quickly(const struct gva_paging *pg, const struct guest_mem *mem, u64 linear,
			 u64 access, gpa_t *out)
{
	u64 reserved = (BIT(52) - BIT(pg->maxphyaddr)) | ((pg->efer & EFER_NXE) ? 0 : PTE_NX);
	u64 wanted = PTE_P | PTE_A;
	u64 table = pg->cr3 & FRAME;
	u64 all = ~0ull, any = 0, entry = 0;
	const u64 *direct;
	u64 offset;
	u32 shift;
	gpa_t at;

	for (shift = 39;; shift -= 9) {
		at = gpa(table + (linear >> shift & 511) * 8);
		direct = guest_mem_window(mem, at, 8);
		if (direct)
			entry = READ_ONCE(*direct);
		else if (mem->read_gpa(mem->ctx, at, &entry, 8))
			return false;
		all &= entry ^ PTE_NX;
		any |= entry;
		if (shift == PAGE_SHIFT || (entry & PTE_PS))
			break;
		table = entry & FRAME;
	}
	if ((all & wanted) != wanted || (any & reserved) || !allowed(pg, all, access))
		return false;
	if ((access & GVA_WRITE) && !(entry & PTE_D))
		return false;
	if (shift > PAGE_SHIFT && (shift > 30 || (entry & (BIT(shift) - BIT(13)))))
		return false;
	offset = BIT(shift) - 1;
	*out = gpa((entry & FRAME & ~offset) | (linear & offset));
	return true;
}

gpa_t gva_leaf_address(const struct gva_layout *l, const struct gva_walk *w, u64 linear)
{
	u64 leaf = w->entry[w->depth - 1];
	u64 offset = BIT(w->shift) - 1;
	u64 page = leaf & FRAME & ~offset;

	if (l->entry_size == 4 && w->shift > PAGE_SHIFT)
		page |= (leaf >> 13 & 0xff) << 32;
	return gpa(page | (linear & offset));
}

static u32 error_code(const struct gva_paging *pg, u64 access, u64 why)
{
	u64 code = why | (access & (GVA_WRITE | GVA_USER));

	if ((pg->cr4 & CR4_SMEP) || ((pg->cr4 & CR4_PAE) && (pg->efer & EFER_NXE)))
		code |= access & GVA_FETCH;
	return (u32)code;
}

/* The walk with all that can happen in one.  Not inline: the quick one stays quick so. */
static __attribute__((noinline)) int walk_carefully(const struct gva_paging *pg,
						    const struct guest_mem *mem, u64 linear,
						    u64 access, gpa_t *out, u32 *error)
{
	struct gva_layout l;
	struct gva_walk w;

	gva_layout_of(pg, &l);
	for (u32 i = 0; i < RETRIES; i++) {
		if (!gva_descend(pg, mem, &l, linear, &w)) {
			if (w.absent)
				return -EAGAIN;
			*error = error_code(pg, access, w.reserved ? ERROR_P | ERROR_RSVD : 0);
			return -EFAULT;
		}
		if (!allowed(pg, w.all, access)) {
			*error = error_code(pg, access, ERROR_P);
			return -EFAULT;
		}
		if (!(access & GVA_PEEK) && !mark(mem, &l, &w, access)) {
			if (w.absent)
				return -EAGAIN;
			continue;
		}
		*out = gva_leaf_address(&l, &w, linear);
		return 0;
	}
	*error = error_code(pg, access, 0);
	return -EFAULT;
}

int gva_walk(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva, u64 access,
	     gpa_t *out, u32 *error)
{
	if (!(pg->cr0 & CR0_PG)) {
		*out = gpa(gva.v & 0xffffffffull);
		return 0;
	}
	if ((pg->efer & EFER_LMA) && !(pg->cr4 & CR4_LA57) &&
	    walk_quickly(pg, mem, gva.v, access, out))
		return 0;
	return walk_carefully(pg, mem, gva.v, access, out, error);
}

bool gva_to_gpa(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva, gpa_t *out)
{
	u32 error;

	if ((pg->efer & EFER_LMA) && !gva_canonical(pg->cr4, gva.v))
		return false;
	return gva_walk(pg, mem, gva, GVA_PEEK, out, &error) == 0;
}
