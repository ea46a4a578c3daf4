/* SPDX-License-Identifier: MIT */
/*
 * The entry rules for the guest state but its segments, called by check.c (SDM vol. 3,
 * Checks on Guest Control Registers, Debug Registers, and MSRs; Guest
 * Descriptor-Table Registers; Guest RIP, RFLAGS, and SSP; Guest Non-Register State;
 * Guest Page-Directory-Pointer-Table Entries).
 */
#include "vmx/check.h"

#define DEBUGCTL_RESERVED      (~0xdfc7ull) /* bits 5:3, 13, 63:16 */
#define DEBUGCTL_BTF           BIT(1)
#define RFLAGS_RESERVED        (~0x3f7fd7ull) /* bits 3, 5, 15, 63:22; 1 is always set */
#define INTERRUPTIBILITY_KNOWN 0x1fu
#define BLOCKING_IN_ENCLAVE    0x10u
#define PENDING_DEBUG_KNOWN    (0xfull | BIT(12) | PENDING_DEBUG_BS | PENDING_DEBUG_RTM)
#define PDPTE_RESERVED         0x1e6ull /* and beyond the physical-address width */

static void check_control_registers(struct check *c, bool long_mode)
{
	const struct vmx_caps *caps = &vmx_config.caps;
	u64 cr0 = vmcs_read_nat(VMCS_GUEST_CR0), cr3 = vmcs_read_nat(VMCS_GUEST_CR3);
	u64 cr4 = vmcs_read_nat(VMCS_GUEST_CR4), must = caps->cr0_fixed0;

	if (check_has(c, WORD_CPU2, CPU2_UNRESTRICTED_GUEST))
		must &= ~(CR0_PE | CR0_PG);
	/* CD and NW are not looked at. */
	RULE(c, !(must & ~cr0) && !(cr0 & ~(caps->cr0_fixed1 | CR0_CD | CR0_NW)),
	     "guest CR0 0x%llx: 0x%llx has to be set, 0x%llx clear", cr0, must & ~cr0,
	     cr0 & ~caps->cr0_fixed1);
	RULE(c, !(cr0 & CR0_PG) || (cr0 & CR0_PE), "guest CR0 0x%llx: PG without PE", cr0);
	RULE(c, !(caps->cr4_fixed0 & ~cr4) && !(cr4 & ~caps->cr4_fixed1),
	     "guest CR4 0x%llx: 0x%llx has to be set, 0x%llx clear", cr4, caps->cr4_fixed0 & ~cr4,
	     cr4 & ~caps->cr4_fixed1);
	RULE(c, !(cr4 & CR4_CET) || (cr0 & CR0_WP), "guest CR4.CET without CR0.WP");
	RULE(c, !long_mode || ((cr0 & CR0_PG) && (cr4 & CR4_PAE)),
	     "guest CR0 0x%llx, CR4 0x%llx: IA-32e mode without PG and PAE", cr0, cr4);
	RULE(c, long_mode || !(cr4 & CR4_PCIDE), "guest CR4 0x%llx: PCIDE outside IA-32e mode",
	     cr4);
	RULE(c, check_physical(c, cr3, 1), "guest CR3 0x%llx: wider than %u bits", cr3,
	     c->phys_bits);
}

static void check_guest_msrs(struct check *c, bool long_mode)
{
	u64 v;

	if (check_has(c, WORD_ENTRY, ENTRY_LOAD_DEBUG)) {
		v = vmcs_read64(VMCS_GUEST_DEBUGCTL);
		RULE(c, !(v & DEBUGCTL_RESERVED), "guest DEBUGCTL 0x%llx: reserved bits", v);
		v = vmcs_read_nat(VMCS_GUEST_DR7);
		RULE(c, !(v >> 32), "guest DR7 0x%llx: over 32 bits", v);
	}
	if (check_has(c, WORD_ENTRY, ENTRY_LOAD_PAT))
		check_pat(c, "guest", vmcs_read64(VMCS_GUEST_PAT));
	if (check_has(c, WORD_ENTRY, ENTRY_LOAD_EFER))
		check_efer(c, "guest", vmcs_read64(VMCS_GUEST_EFER), long_mode,
			   vmcs_read_nat(VMCS_GUEST_CR0) & CR0_PG);
	if (check_has(c, WORD_ENTRY, ENTRY_LOAD_CET)) {
		v = vmcs_read_nat(VMCS_GUEST_SSP);
		check_cet(c, "guest", vmcs_read_nat(VMCS_GUEST_S_CET), v);
		RULE(c, long_mode || !(v >> 32), "guest SSP 0x%llx: over 32 bits", v);
	}
}

static void check_addresses(struct check *c)
{
	static const struct check_field canonical[] = {
		{VMCS_GUEST_SYSENTER_ESP, "SYSENTER_ESP"},
		{VMCS_GUEST_SYSENTER_EIP, "SYSENTER_EIP"},
		{VMCS_GUEST_GDTR_BASE, "GDTR base"},
		{VMCS_GUEST_IDTR_BASE, "IDTR base"},
	};
	static const struct check_field canonical_cet[] = {
		{VMCS_GUEST_S_CET, "S_CET"},
		{VMCS_GUEST_SSP, "SSP"},
		{VMCS_GUEST_INTERRUPT_SSP_TABLE, "interrupt SSP table"},
	};
	u32 gdt = vmcs_read32(VMCS_GUEST_GDTR_LIMIT), idt = vmcs_read32(VMCS_GUEST_IDTR_LIMIT);

	check_all_canonical(c, "guest", canonical, ARRAY_SIZE(canonical), c->linear_bits);
	if (check_has(c, WORD_ENTRY, ENTRY_LOAD_CET))
		check_all_canonical(c, "guest", canonical_cet, ARRAY_SIZE(canonical_cet),
				    c->linear_bits);
	RULE(c, !(gdt >> 16), "guest GDTR limit 0x%x: over 16 bits", gdt);
	RULE(c, !(idt >> 16), "guest IDTR limit 0x%x: over 16 bits", idt);
}

static void check_rip_rflags(struct check *c, bool long_mode)
{
	u64 rip = vmcs_read_nat(VMCS_GUEST_RIP), rflags = vmcs_read_nat(VMCS_GUEST_RFLAGS);

	if (long_mode && (vmcs_read32(VMCS_GUEST_CS_RIGHTS) & RIGHTS_L))
		/* The last bit of the width may differ from those above it. */
		RULE(c, !(rip >> c->linear_bits) || !(~rip >> c->linear_bits),
		     "guest RIP 0x%llx: wider than %u bits", rip, c->linear_bits);
	else
		RULE(c, !(rip >> 32), "guest RIP 0x%llx: over 32 bits outside 64-bit code", rip);
	RULE(c, (rflags & (RFLAGS_RESERVED | RFLAGS_FIXED)) == RFLAGS_FIXED,
	     "guest RFLAGS 0x%llx: reserved bits", rflags);
	RULE(c, !(rflags & RFLAGS_VM) || (!long_mode && (vmcs_read_nat(VMCS_GUEST_CR0) & CR0_PE)),
	     "guest RFLAGS 0x%llx: VM in IA-32e or real mode", rflags);
	RULE(c, !c->event || (c->event & INTR_TYPE) != INTR_TYPE_EXTERNAL || (rflags & RFLAGS_IF),
	     "guest RFLAGS 0x%llx: event 0x%x is an interrupt, but IF is 0", rflags, c->event);
}

/* Can the event be delivered in @activity? */
static bool activity_takes(u32 activity, u32 event)
{
	u32 type = event & INTR_TYPE, vector = event & INTR_VECTOR;
	bool machine_check = type == INTR_TYPE_HARD_EXC && vector == VECTOR_MC;

	switch (activity) {
	case ACTIVITY_HLT:
		return type == INTR_TYPE_EXTERNAL || type == INTR_TYPE_NMI || machine_check ||
		       (type == INTR_TYPE_HARD_EXC && vector == VECTOR_DB) ||
		       (type == INTR_TYPE_OTHER && vector == 0);
	case ACTIVITY_SHUTDOWN:
		return type == INTR_TYPE_NMI || machine_check;
	default:
		return activity == ACTIVITY_ACTIVE;
	}
}

static void check_activity(struct check *c, u32 activity, u32 blocking)
{
	u32 dpl = vmcs_read32(VMCS_GUEST_SS_RIGHTS) >> RIGHTS_DPL_SHIFT & 3;

	/* IA32_VMX_MISC has a bit for each but the active one, from bit 6. */
	RULE(c,
	     activity == ACTIVITY_ACTIVE || (activity <= ACTIVITY_WAIT_FOR_SIPI &&
					     vmx_config.caps.misc >> (5 + activity) & 1),
	     "guest activity %u: this CPU does not have it", activity);
	RULE(c, activity != ACTIVITY_HLT || dpl == 0, "guest activity HLT at DPL %u of SS", dpl);
	RULE(c, activity == ACTIVITY_ACTIVE || !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS)),
	     "guest activity %u: with blocking by STI or MOV SS, 0x%x", activity, blocking);
	RULE(c, !c->event || activity_takes(activity, c->event),
	     "guest activity %u: does not take event 0x%x", activity, c->event);
}

static void check_interruptibility(struct check *c, u32 blocking)
{
	u64 rflags = vmcs_read_nat(VMCS_GUEST_RFLAGS);
	bool sti = blocking & BLOCKING_BY_STI, movss = blocking & BLOCKING_BY_MOVSS;
	u32 type = c->event & INTR_TYPE;

	RULE(c, !(blocking & ~INTERRUPTIBILITY_KNOWN), "guest interruptibility 0x%x: reserved bits",
	     blocking);
	RULE(c, !(sti && movss), "guest interruptibility 0x%x: both STI and MOV SS", blocking);
	RULE(c, !sti || (rflags & RFLAGS_IF), "guest interruptibility 0x%x: STI, but IF is 0",
	     blocking);
	RULE(c, !(blocking & BLOCKING_BY_SMI), "guest interruptibility 0x%x: SMIs outside SMM",
	     blocking);
	RULE(c, !(blocking & BLOCKING_IN_ENCLAVE) || !movss,
	     "guest interruptibility 0x%x: MOV SS in an enclave", blocking);
	if (!c->event)
		return;
	RULE(c, type != INTR_TYPE_EXTERNAL || (!sti && !movss),
	     "guest interruptibility 0x%x: blocks event 0x%x, an interrupt", blocking, c->event);
	/* Whether STI blocks an NMI too is each CPU's own choice: taken as if it did. */
	RULE(c, type != INTR_TYPE_NMI || (!sti && !movss),
	     "guest interruptibility 0x%x: blocks event 0x%x, an NMI", blocking, c->event);
	RULE(c,
	     type != INTR_TYPE_NMI || !check_has(c, WORD_PIN, PIN_VIRTUAL_NMIS) ||
		     !(blocking & BLOCKING_BY_NMI),
	     "guest interruptibility 0x%x: virtual NMIs are blocked, event 0x%x", blocking,
	     c->event);
}

static void check_pending_debug(struct check *c, u32 activity, u32 blocking)
{
	u64 v = vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG);
	bool step = (vmcs_read_nat(VMCS_GUEST_RFLAGS) & RFLAGS_TF) &&
		    !(vmcs_read64(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF);

	RULE(c, !(v & ~PENDING_DEBUG_KNOWN), "guest pending debug exceptions 0x%llx: reserved bits",
	     v);
	if (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS) || activity == ACTIVITY_HLT)
		RULE(c, !!(v & PENDING_DEBUG_BS) == step,
		     "guest pending debug exceptions 0x%llx: BS, where TF and BTF say %u", v, step);
	RULE(c,
	     !(v & PENDING_DEBUG_RTM) ||
		     (v == (PENDING_DEBUG_RTM | BIT(12)) && !(blocking & BLOCKING_BY_MOVSS)),
	     "guest pending debug exceptions 0x%llx: RTM with others", v);
}

/* With EPT the CPU takes them from the VMCS and not from memory. */
static void check_pdptes(struct check *c, bool long_mode)
{
	if (long_mode || !check_has(c, WORD_CPU2, CPU2_EPT) ||
	    !(vmcs_read_nat(VMCS_GUEST_CR0) & CR0_PG) || !(vmcs_read_nat(VMCS_GUEST_CR4) & CR4_PAE))
		return;
	for (u32 i = 0; i < 4; i++) {
		u64 v = vmcs_read_any(VMCS_GUEST_PDPTE0 + 2 * i);

		RULE(c, !(v & 1) || (!(v & PDPTE_RESERVED) && !(v >> c->phys_bits)),
		     "guest PDPTE%u 0x%llx: reserved bits, or wider than %u bits", i, v,
		     c->phys_bits);
	}
}

void check_guest(struct check *c)
{
	bool long_mode = check_has(c, WORD_ENTRY, ENTRY_IA32E);
	u32 activity = vmcs_read32(VMCS_GUEST_ACTIVITY);
	u32 blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);
	u64 link = vmcs_read64(VMCS_LINK_POINTER);

	check_control_registers(c, long_mode);
	check_guest_msrs(c, long_mode);
	check_addresses(c);
	check_rip_rflags(c, long_mode);
	check_activity(c, activity, blocking);
	check_interruptibility(c, blocking);
	check_pending_debug(c, activity, blocking);
	/* Another value would be allowed, if it led to a shadow VMCS: kvm0 has none. */
	RULE(c, link == ~0ull, "VMCS link pointer 0x%llx: not all ones", link);
	check_pdptes(c, long_mode);
}
