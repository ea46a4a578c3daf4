/* SPDX-License-Identifier: MIT */
/* See cpu/bugs.h.  Which models suffer from what: Linux's cpu_vuln_whitelist has the same. */
#include "cpu/bugs.h"
#include "cpu/regs.h"

#define NO_L1TF     1u
#define NO_MDS      2u
#define NO_MULTIHIT 4u

/* Models of family 6 that run in order, or whose caches are built otherwise. */
static const struct {
	u8 model, free_of;
} spared[] = {
	{0x37, NO_L1TF | NO_MULTIHIT}, /* Silvermont, Airmont: MDS of the store buffer alone */
	{0x4a, NO_L1TF | NO_MULTIHIT},
	{0x4c, NO_L1TF | NO_MULTIHIT},
	{0x4d, NO_L1TF | NO_MULTIHIT},
	{0x5a, NO_L1TF | NO_MULTIHIT},
	{0x75, NO_L1TF | NO_MULTIHIT},
	{0x57, NO_L1TF | NO_MULTIHIT}, /* Knights Landing, Knights Mill */
	{0x85, NO_L1TF | NO_MULTIHIT},
	{0x5c, NO_L1TF | NO_MDS | NO_MULTIHIT}, /* Goldmont */
	{0x5f, NO_L1TF | NO_MDS | NO_MULTIHIT},
	{0x7a, NO_L1TF | NO_MDS | NO_MULTIHIT},
	{0x86, NO_MULTIHIT}, /* Tremont */
};

/* Of makes other than Intel's and of families that nobody knows yet nothing is assumed: the
 * latter have to say in IA32_ARCH_CAPABILITIES what they are free of. */
static u32 free_of(const struct cpu_facts *f)
{
	if (!f->intel)
		return NO_L1TF | NO_MDS | NO_MULTIHIT;
	for (u32 i = 0; i < ARRAY_SIZE(spared); i++)
		if (f->family == 6 && spared[i].model == f->model)
			return spared[i].free_of;
	return 0;
}

static bool needs_clearing(const struct cpu_facts *f, u32 spared_from)
{
	u64 cap = f->arch_capabilities;
	bool mds = !(spared_from & NO_MDS) && !(cap & ARCH_MDS_NO);
	bool taa = (f->leaf7_ebx & LEAF7_RTM) && !(cap & ARCH_TAA_NO);
	bool rfds = (cap & ARCH_RFDS_CLEAR) && !(cap & ARCH_RFDS_NO);

	/* Without such microcode VERW clears nothing. */
	return f->intel && (rfds || ((mds || taa) && (f->leaf7_edx & LEAF7_MD_CLEAR)));
}

void cpu_bugs_decide(const struct cpu_facts *f, struct cpu_bugs *b)
{
	u64 cap = f->arch_capabilities;
	u32 spared_from = free_of(f);
	bool ibrs = f->leaf7_edx & LEAF7_IBRS_IBPB;

	*b = (struct cpu_bugs){
		.spec_ctrl = f->leaf7_edx & (LEAF7_IBRS_IBPB | LEAF7_STIBP | LEAF7_SSBD),
		.pred_cmd = ibrs,
		.flush_cmd = f->leaf7_edx & LEAF7_L1D_FLUSH,
		.tsx_ctrl = cap & ARCH_TSX_CTRL,
		.ibrs_always = ibrs && (cap & ARCH_IBRS_ALL),
		.ibrs_at_exits = f->intel && ibrs && !(cap & ARCH_IBRS_ALL),
		.l1tf = !(spared_from & NO_L1TF) && !(cap & (ARCH_RDCL_NO | ARCH_SKIP_L1DFL)),
		.clear_buffers = needs_clearing(f, spared_from),
		.ibpb = f->intel && ibrs,
		.fill_rsb = f->intel && !(ibrs && (cap & ARCH_IBRS_ALL) && (cap & ARCH_PBRSB_NO)),
		.multihit = !(spared_from & NO_MULTIHIT) && !(cap & ARCH_PSCHANGE_NO),
	};
}

#ifndef UNIT_TEST
void cpu_facts_read(struct cpu_facts *f)
{
	struct cpuid first = cpuid(0, 0), id = cpuid(1, 0), seven = {0};
	u32 family = id.eax >> 8 & 15, model = id.eax >> 4 & 15;

	if (first.eax >= 7)
		seven = cpuid(7, 0);
	*f = (struct cpu_facts){
		.intel = first.ebx == 0x756e6547 && first.edx == 0x49656e69 &&
			 first.ecx == 0x6c65746e, /* GenuineIntel */
		.family = family == 15 ? family + (id.eax >> 20 & 0xff) : family,
		.model = family == 6 || family == 15 ? model | (id.eax >> 12 & 0xf0) : model,
		.leaf7_ebx = seven.ebx,
		.leaf7_edx = seven.edx,
		.arch_capabilities = seven.edx & LEAF7_ARCH_CAP ? rdmsr(MSR_ARCH_CAPABILITIES) : 0,
	};
}
#endif
