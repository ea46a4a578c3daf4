/* SPDX-License-Identifier: MIT */
/* A guest's page walk, step by step, for people; see gva.h. */
#include "kvm/gva_walk.h"

/* What the entry that ended the walk is. */
static enum gva_step_kind end_of(const struct gva_walk *w)
{
	return w->absent     ? GVA_STEP_ABSENT
	       : w->lost     ? GVA_STEP_LOST
	       : w->reserved ? GVA_STEP_RESERVED
			     : GVA_STEP_NOT_PRESENT;
}

u32 gva_steps(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva,
	      struct gva_step steps[GVA_STEPS_MAX], gpa_t *out)
{
	struct gva_walk w = {0};
	struct gva_layout l;
	bool complete, pae;
	u32 n = 0, shift;

	gva_layout_of(pg, &l);
	complete = gva_descend(pg, mem, &l, gva.v, &w);
	pae = l.levels == 2 && l.entry_size == 8;
	shift = PAGE_SHIFT + l.levels * l.index_bits;
	if (pae)
		steps[n++] = (struct gva_step){.entry = w.pdpte, .shift = shift};
	if (!pae || w.depth || ((w.pdpte & PTE_P) && !w.reserved)) {
		/* One that is reserved has been counted already. */
		u32 count = w.depth + (complete || w.reserved ? 0 : 1);

		for (u32 i = 0; i < count; i++) {
			shift -= l.index_bits;
			steps[n++] = (struct gva_step){
				.at = w.at[i], .entry = w.entry[i], .shift = shift};
		}
	}
	steps[n - 1].kind = complete ? GVA_STEP_PAGE : end_of(&w);
	if (complete)
		*out = gva_leaf_address(&l, &w, gva.v);
	return n;
}
