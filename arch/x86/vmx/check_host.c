/* SPDX-License-Identifier: MIT */
/*
 * The entry rules for the host state, called by check.c (SDM vol. 3, Checks on Host
 * Control Registers, MSRs, and SSP; Host Segment and Descriptor-Table Registers;
 * Address-Space Size), and the rules that the guest's MSRs have in common with it.
 * kvm0 is 64-bit code: of the rules for a 32-bit host only their absence is checked.
 */
#include "vmx/check.h"

#define S_CET_RESERVED 0x3c0ull /* bits 9:6 */
#define S_CET_TRACKER  0xc00ull /* SUPPRESS and TRACKER: not both */

void check_all_canonical(struct check *c, const char *who, const struct check_field *f, size_t n,
			 u32 bits)
{
	for (size_t i = 0; i < n; i++) {
		u64 v = vmcs_read_any(f[i].field);

		RULE(c, check_canonical(v, bits), "%s %s 0x%llx: not canonical", who, f[i].name, v);
	}
}

void check_pat(struct check *c, const char *who, u64 pat)
{
	for (u32 i = 0; i < 8; i++) {
		u64 type = pat >> 8 * i & 0xff;

		RULE(c, type <= 7 && type != 2 && type != 3, "%s PAT 0x%llx: type %llu", who, pat,
		     type);
	}
}

void check_efer(struct check *c, const char *who, u64 efer, bool long_mode, bool paging)
{
	bool lme = efer & EFER_LME, lma = efer & EFER_LMA;

	RULE(c, !(efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)),
	     "%s EFER 0x%llx: reserved bits", who, efer);
	RULE(c, lma == long_mode, "%s EFER 0x%llx: LMA, where the controls say %u", who, efer,
	     long_mode);
	RULE(c, !paging || lme == lma, "%s EFER 0x%llx: LME is not LMA", who, efer);
}

void check_cet(struct check *c, const char *who, u64 s_cet, u64 ssp)
{
	RULE(c, !(s_cet & S_CET_RESERVED) && (s_cet & S_CET_TRACKER) != S_CET_TRACKER,
	     "%s S_CET 0x%llx: reserved bits", who, s_cet);
	RULE(c, !(ssp & 3), "%s SSP 0x%llx: not aligned", who, ssp);
}

static void check_host_msrs(struct check *c)
{
	if (check_has(c, WORD_EXIT, EXIT_LOAD_PAT))
		check_pat(c, "host", vmcs_read64(VMCS_HOST_PAT));
	if (check_has(c, WORD_EXIT, EXIT_LOAD_EFER))
		check_efer(c, "host", vmcs_read64(VMCS_HOST_EFER), true, true);
	if (check_has(c, WORD_EXIT, EXIT_LOAD_CET))
		check_cet(c, "host", vmcs_read_nat(VMCS_HOST_S_CET), vmcs_read_nat(VMCS_HOST_SSP));
}

static void check_host_selectors(struct check *c)
{
	static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "TR"};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		u16 v = (u16)vmcs_read_any(VMCS_HOST_ES_SELECTOR + 2 * i);

		RULE(c, !(v & 7), "host %s 0x%x: RPL or TI is not 0", names[i], v);
		RULE(c, v || (i != 1 && i != 6), "host %s is 0", names[i]);
	}
}

void check_host(struct check *c)
{
	static const struct check_field canonical[] = {
		{VMCS_HOST_SYSENTER_ESP, "SYSENTER_ESP"}, {VMCS_HOST_SYSENTER_EIP, "SYSENTER_EIP"},
		{VMCS_HOST_FS_BASE, "FS base"},           {VMCS_HOST_GS_BASE, "GS base"},
		{VMCS_HOST_TR_BASE, "TR base"},           {VMCS_HOST_GDTR_BASE, "GDTR base"},
		{VMCS_HOST_IDTR_BASE, "IDTR base"},       {VMCS_HOST_RIP, "RIP"},
	};
	static const struct check_field canonical_cet[] = {
		{VMCS_HOST_S_CET, "S_CET"},
		{VMCS_HOST_SSP, "SSP"},
		{VMCS_HOST_INTERRUPT_SSP_TABLE, "interrupt SSP table"},
	};
	const struct vmx_caps *caps = &vmx_config.caps;
	u64 cr0 = vmcs_read_nat(VMCS_HOST_CR0), cr3 = vmcs_read_nat(VMCS_HOST_CR3);
	u64 cr4 = vmcs_read_nat(VMCS_HOST_CR4);
	u32 bits = cr4 & CR4_LA57 ? 57 : 48;

	RULE(c, !(caps->cr0_fixed0 & ~cr0) && !(cr0 & ~caps->cr0_fixed1),
	     "host CR0 0x%llx: 0x%llx has to be set, 0x%llx clear", cr0, caps->cr0_fixed0 & ~cr0,
	     cr0 & ~caps->cr0_fixed1);
	RULE(c, !(caps->cr4_fixed0 & ~cr4) && !(cr4 & ~caps->cr4_fixed1),
	     "host CR4 0x%llx: 0x%llx has to be set, 0x%llx clear", cr4, caps->cr4_fixed0 & ~cr4,
	     cr4 & ~caps->cr4_fixed1);
	RULE(c, !(cr4 & CR4_CET) || (cr0 & CR0_WP), "host CR4.CET without CR0.WP");
	RULE(c, check_physical(c, cr3, 1), "host CR3 0x%llx: wider than %u bits", cr3,
	     c->phys_bits);
	RULE(c, check_has(c, WORD_EXIT, EXIT_HOST_64), "the host has to be 64-bit");
	RULE(c, cr4 & CR4_PAE, "host CR4 0x%llx: 64-bit without PAE", cr4);
	check_all_canonical(c, "host", canonical, ARRAY_SIZE(canonical), bits);
	if (check_has(c, WORD_EXIT, EXIT_LOAD_CET))
		check_all_canonical(c, "host", canonical_cet, ARRAY_SIZE(canonical_cet), bits);
	check_host_msrs(c);
	check_host_selectors(c);
}
