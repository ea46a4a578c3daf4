/* SPDX-License-Identifier: MIT */
/*
 * The entry rules for the guest's segments, called by check.c (SDM vol. 3, Checks on
 * Guest Segment Registers).
 */
#include "vmx/check.h"

#define RIGHTS_RESERVED 0xfffe0f00u

#define SELECTOR_TI 4u
#define TYPE_CODE   8u
#define TYPE_READ   2u /* of code */
#define V86_RIGHTS  0xf3u

struct segment {
	const char *name;
	u64 base;
	u32 limit, rights;
	u16 selector;
	bool usable;
	u32 type, dpl, rpl; /* parts of rights and selector */
};

static void read_segments(struct segment s[SEG_TR + 1])
{
	static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};

	for (u32 i = 0; i <= SEG_TR; i++) {
		u32 rights = (u32)vmcs_read_any(VMCS_GUEST_ES_RIGHTS + 2 * i);
		u16 selector = (u16)vmcs_read_any(VMCS_GUEST_ES_SELECTOR + 2 * i);

		s[i] = (struct segment){
			.name = names[i],
			.base = vmcs_read_any(VMCS_GUEST_ES_BASE + 2 * i),
			.limit = (u32)vmcs_read_any(VMCS_GUEST_ES_LIMIT + 2 * i),
			.rights = rights,
			.selector = selector,
			.usable = !(rights & RIGHTS_UNUSABLE),
			.type = rights & 15,
			.dpl = rights >> RIGHTS_DPL_SHIFT & 3,
			.rpl = selector & 3,
		};
	}
}

/* What every usable segment needs, CS and TR whatever they say of themselves. */
static void check_form(struct check *c, const struct segment *s, bool is_system)
{
	RULE(c, !(s->rights & RIGHTS_S) == is_system, "guest %s rights 0x%x: S", s->name,
	     s->rights);
	RULE(c, s->rights & RIGHTS_P, "guest %s rights 0x%x: not present", s->name, s->rights);
	RULE(c, !(s->rights & RIGHTS_RESERVED), "guest %s rights 0x%x: reserved bits", s->name,
	     s->rights);
	RULE(c, !(s->rights & RIGHTS_G) || (s->limit & 0xfff) == 0xfff,
	     "guest %s limit 0x%x: cannot have G, rights 0x%x", s->name, s->limit, s->rights);
	RULE(c, (s->rights & RIGHTS_G) || !(s->limit >> 20),
	     "guest %s limit 0x%x: needs G, rights 0x%x", s->name, s->limit, s->rights);
}

static void check_v86(struct check *c, const struct segment *s)
{
	for (u32 i = SEG_ES; i <= SEG_GS; i++)
		RULE(c,
		     s[i].base == (u64)s[i].selector << 4 && s[i].limit == 0xffff &&
			     s[i].rights == V86_RIGHTS,
		     "guest %s 0x%x, base 0x%llx, limit 0x%x, rights 0x%x: not virtual-8086's",
		     s[i].name, s[i].selector, s[i].base, s[i].limit, s[i].rights);
}

static void check_cs(struct check *c, const struct segment *s, bool unrestricted, bool long_mode)
{
	const struct segment *cs = &s[SEG_CS], *ss = &s[SEG_SS];
	bool conforming = cs->type == 13 || cs->type == 15;
	bool data = cs->type == 3;

	check_form(c, cs, false);
	RULE(c, cs->type == 9 || cs->type == 11 || conforming || (data && unrestricted),
	     "guest CS type %u: not accessed code%s", cs->type,
	     unrestricted ? ", nor 3 as unrestricted guests may have" : "");
	if (data)
		RULE(c, cs->dpl == 0, "guest CS type 3 with DPL %u: not 0", cs->dpl);
	else if (conforming)
		RULE(c, cs->dpl <= ss->dpl, "guest CS type %u with DPL %u: above SS's %u", cs->type,
		     cs->dpl, ss->dpl);
	else
		RULE(c, cs->dpl == ss->dpl, "guest CS type %u with DPL %u: not SS's %u", cs->type,
		     cs->dpl, ss->dpl);
	RULE(c, !long_mode || !(cs->rights & RIGHTS_L) || !(cs->rights & RIGHTS_DB),
	     "guest CS rights 0x%x: both L and D", cs->rights);
	RULE(c, !(cs->base >> 32), "guest CS base 0x%llx: over 32 bits", cs->base);
}

static void check_ss(struct check *c, const struct segment *s, bool unrestricted)
{
	const struct segment *cs = &s[SEG_CS], *ss = &s[SEG_SS];
	bool real = !(vmcs_read_nat(VMCS_GUEST_CR0) & CR0_PE);

	RULE(c, !ss->usable || ss->type == 3 || ss->type == 7,
	     "guest SS type %u: not accessed, writable data", ss->type);
	RULE(c, unrestricted || ss->rpl == cs->rpl, "guest SS 0x%x: RPL is not that of CS, 0x%x",
	     ss->selector, cs->selector);
	RULE(c, unrestricted || ss->dpl == ss->rpl, "guest SS 0x%x: RPL is not DPL %u",
	     ss->selector, ss->dpl);
	RULE(c, (cs->type != 3 && !real) || ss->dpl == 0,
	     "guest SS DPL %u: not 0, in real mode or with CS of type 3", ss->dpl);
}

static void check_data(struct check *c, const struct segment *s, u32 n, bool unrestricted)
{
	if (!s->usable)
		return;
	check_form(c, s, false);
	if (n <= SEG_DS) /* the others: canonical, in check_segments() */
		RULE(c, !(s->base >> 32), "guest %s base 0x%llx: over 32 bits", s->name, s->base);
	if (n == SEG_SS)
		return;
	RULE(c, s->type & 1, "guest %s type %u: not accessed", s->name, s->type);
	RULE(c, !(s->type & TYPE_CODE) || (s->type & TYPE_READ),
	     "guest %s type %u: code that is not readable", s->name, s->type);
	RULE(c, unrestricted || s->type > 11 || s->dpl >= s->rpl, "guest %s 0x%x: RPL above DPL %u",
	     s->name, s->selector, s->dpl);
}

static void check_system(struct check *c, const struct segment *s, bool long_mode)
{
	const struct segment *tr = &s[SEG_TR], *ldtr = &s[SEG_LDTR];

	check_form(c, tr, true);
	RULE(c, tr->usable, "guest TR rights 0x%x: unusable", tr->rights);
	RULE(c, tr->type == 11 || (tr->type == 3 && !long_mode), "guest TR type %u: not a busy TSS",
	     tr->type);
	RULE(c, !(tr->selector & SELECTOR_TI), "guest TR 0x%x: TI is set", tr->selector);
	if (!ldtr->usable)
		return;
	check_form(c, ldtr, true);
	RULE(c, ldtr->type == 2, "guest LDTR type %u: not an LDT", ldtr->type);
	RULE(c, !(ldtr->selector & SELECTOR_TI), "guest LDTR 0x%x: TI is set", ldtr->selector);
	RULE(c, check_canonical(ldtr->base, c->linear_bits),
	     "guest LDTR base 0x%llx: not canonical", ldtr->base);
}

void check_segments(struct check *c)
{
	static const struct check_field canonical[] = {
		{VMCS_GUEST_FS_BASE, "FS base"},
		{VMCS_GUEST_GS_BASE, "GS base"},
		{VMCS_GUEST_TR_BASE, "TR base"},
	};
	bool long_mode = check_has(c, WORD_ENTRY, ENTRY_IA32E);
	bool unrestricted = check_has(c, WORD_CPU2, CPU2_UNRESTRICTED_GUEST);
	struct segment s[SEG_TR + 1];

	read_segments(s);
	check_system(c, s, long_mode);
	check_all_canonical(c, "guest", canonical, ARRAY_SIZE(canonical), c->linear_bits);
	if (vmcs_read_nat(VMCS_GUEST_RFLAGS) & RFLAGS_VM) {
		check_v86(c, s);
		return;
	}
	check_cs(c, s, unrestricted, long_mode);
	check_ss(c, s, unrestricted);
	for (u32 i = SEG_ES; i <= SEG_GS; i++)
		if (i != SEG_CS)
			check_data(c, &s[i], i, unrestricted);
}
