/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's own page tables: guest-linear to guest-physical.
 * Called by the instruction emulator and by KVM_TRANSLATE.  It reaches guest
 * memory only through struct guest_mem, so it knows nothing of slots.
 */
#pragma once

#include "lib/addr.h"
#include "lib/types.h"

/* What the functions of struct guest_mem answer. */
enum guest_mem_result {
	GUEST_MEM_OK = 0,
	EMU_MMIO = 1,         /* no memory there, or (writes) memory that may not be written */
	GUEST_MEM_ABSENT = 2, /* memory that the control guest has to supply first */
};

/*
 * Access to one guest's physical memory.  gpa..gpa+len-1 never crosses a page.
 * An aligned access of 1, 2, 4 or 8 bytes must be a single access; cmpxchg (len 4
 * or 8 for page tables; 1, 2, 4, 8 for locked instructions, naturally aligned) is
 * atomic, writes `new` if the memory holds *old, and else stores what it holds in
 * *old.  Writes enter the dirty log.  All return enum guest_mem_result.
 */
struct guest_mem {
	int (*read_gpa)(void *ctx, gpa_t gpa, void *buf, u32 len);
	int (*write_gpa)(void *ctx, gpa_t gpa, const void *buf, u32 len);
	int (*cmpxchg_gpa)(void *ctx, gpa_t gpa, u64 *old, u64 new, u32 len);
	void *ctx;
	/* Memory that may be read in place, if size is not 0: gpa window_base is at window.
	 * It stays so for as long as this structure is used. */
	const u8 *window;
	u64 window_base, window_size;
};

/* The @len bytes at @gpa in the window, or NULL. */
static inline const void *guest_mem_window(const struct guest_mem *mem, gpa_t gpa, u32 len)
{
	u64 offset = gpa.v - mem->window_base;

	return offset < mem->window_size && mem->window_size - offset >= len ? mem->window + offset
									     : NULL;
}

/* What the walk needs to know of the vCPU. */
struct gva_paging {
	u64 cr0, cr3, cr4, efer;
	u64 rflags;       /* AC, for SMAP */
	const u64 *pdpte; /* PAE: the four PDPTEs of the VMCS; NULL: read them at CR3 */
	u8 maxphyaddr;    /* guest's physical-address width, 32..52 */
};

/*
 * An access, in the bits of a page fault's error code; a read has none of them.
 * GVA_PEEK makes no change to the tables (no accessed or dirty bits).
 */
#define GVA_WRITE BIT(1)
#define GVA_USER  BIT(2)
#define GVA_FETCH BIT(4)
#define GVA_PEEK  BIT(31)

/*
 * Translate one linear address, for an access within its page, and set the
 * accessed and dirty bits as the CPU does.  32-bit, PAE, 4- and 5-level paging
 * with all their page sizes; CR0.WP, NX, SMEP, SMAP and reserved bits are checked;
 * protection keys are not.  A table entry outside memory counts as not present.
 * Returns 0 with *gpa set, -EFAULT with *error the #PF error code, or -EAGAIN: an entry is
 * in memory that has to be supplied first.
 * SDM vol. 3, Paging.
 */
int __must_check gva_walk(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva,
			  u64 access, gpa_t *gpa, u32 *error);

/*
 * For KVM_TRANSLATE: where a supervisor read of gva goes, without a change to the
 * tables.  False if it is not mapped or not canonical.
 */
bool __must_check gva_to_gpa(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva,
			     gpa_t *gpa);

/*
 * The same walk step by step (gva_steps.c), with CR0.PG set and @gva canonical: entries from the
 * root on, the last of which is a page, with *@out where @gva is, or says why there is none.
 * Rights are not looked at.  Returns how many there are.
 */
#define GVA_STEPS_MAX 6u
enum gva_step_kind {
	GVA_STEP_TABLE,
	GVA_STEP_PAGE,
	GVA_STEP_NOT_PRESENT,
	GVA_STEP_RESERVED, /* a bit that must be 0 */
	GVA_STEP_LOST,     /* there is no memory where the entry would be */
	GVA_STEP_ABSENT,   /* it has to be supplied first */
};
struct gva_step {
	u64 at, entry; /* guest-physical; at is 0 for a PDPTE of PAE paging, which the CPU holds */
	u32 shift;     /* log2 of the bytes that an entry of this level maps */
	enum gva_step_kind kind;
};
u32 gva_steps(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva,
	      struct gva_step steps[GVA_STEPS_MAX], gpa_t *out);

/* Is the address canonical for 4-level paging, or 5-level if CR4.LA57 is set? */
static inline bool gva_canonical(u64 cr4, u64 linear)
{
	u32 unused = (cr4 & BIT(12)) ? 64 - 57 : 64 - 48;

	return (u64)((s64)(linear << unused) >> unused) == linear;
}
