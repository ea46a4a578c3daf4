/* SPDX-License-Identifier: MIT */
/*
 * A checker of the current VMCS, by the rules of SDM vol. 3, chapter VM Entries: a CPU
 * says only that an entry failed, not why.  Called after such a failure, when the VMCS
 * still holds what the entry was tried with.  This file has the order of the checks and
 * the rules about the controls; check_event.c, check_host.c, check_guest.c and
 * check_segments.c have the others.
 *
 * A field is read only if the controls use it, since VMREAD of a field that the CPU
 * does not have is an error.
 */
#include "vmx/check.h"
#include "cpu/layout.h"
#include "cpu/regs.h"

/* Controls that bring rules of their own which are not here, as kvm0 uses none of them. */
static const u64 no_rules_here[WORD_COUNT] = {
	[WORD_CPU] = CPU_TERTIARY,
	[WORD_CPU2] = CPU2_VM_FUNCTIONS | CPU2_VMCS_SHADOWING | CPU2_EPT_VIOLATION_VE |
		      CPU2_SUB_PAGE_WRITES | CPU2_PT_IN_GUEST,
	[WORD_EXIT] = EXIT_LOAD_PERF | EXIT_LOAD_PKRS | EXIT_SECONDARY,
	[WORD_ENTRY] = ENTRY_LOAD_PERF | ENTRY_LOAD_BNDCFGS | ENTRY_LOAD_RTIT | ENTRY_LOAD_UINV |
		       ENTRY_LOAD_LBR | ENTRY_LOAD_PKRS,
};

static void check_control_words(struct check *c)
{
	const struct vmx_caps *caps = &vmx_config.caps;
	const struct {
		const char *name;
		u64 field, cap;
	} words[WORD_COUNT] = {
		[WORD_PIN] = {"pin-based", VMCS_PIN_CONTROLS, caps->pin},
		[WORD_CPU] = {"processor-based", VMCS_CPU_CONTROLS, caps->cpu},
		[WORD_CPU2] = {"secondary", VMCS_CPU2_CONTROLS, caps->cpu2},
		[WORD_EXIT] = {"VM-exit", VMCS_EXIT_CONTROLS, caps->exit},
		[WORD_ENTRY] = {"VM-entry", VMCS_ENTRY_CONTROLS, caps->entry},
	};

	for (u32 i = 0; i < WORD_COUNT; i++) {
		u32 v, must = (u32)words[i].cap, may = (u32)(words[i].cap >> 32);

		if (i == WORD_CPU2 && !check_has(c, WORD_CPU, CPU_SECONDARY))
			continue;
		v = c->word[i] = (u32)vmcs_read_any(words[i].field);
		RULE(c, !(must & ~v) && !(v & ~may),
		     "%s controls 0x%x: 0x%x has to be set, 0x%x clear", words[i].name, v,
		     must & ~v, v & ~may);
		RULE(c, !(v & no_rules_here[i]),
		     "%s controls 0x%x: what 0x%llx wants is not checked", words[i].name, v,
		     v & no_rules_here[i]);
	}
}

/* Where @bit is set in @word, @other_bit must be @wanted in @other. */
static const struct {
	const char *rule;
	u64 bit, other_bit;
	enum control_word word, other;
	bool wanted;
} dependencies[] = {
	{"virtual NMIs without NMI exiting", PIN_VIRTUAL_NMIS, PIN_NMI, WORD_PIN, WORD_PIN, true},
	{"NMI-window exiting without virtual NMIs", CPU_NMI_WINDOW, PIN_VIRTUAL_NMIS, WORD_CPU,
	 WORD_PIN, true},
	{"x2APIC mode without TPR shadow", CPU2_X2APIC, CPU_TPR_SHADOW, WORD_CPU2, WORD_CPU, true},
	{"APIC-register virtualization without TPR shadow", CPU2_APIC_REGISTERS, CPU_TPR_SHADOW,
	 WORD_CPU2, WORD_CPU, true},
	{"virtual-interrupt delivery without TPR shadow", CPU2_VIRTUAL_INTERRUPTS, CPU_TPR_SHADOW,
	 WORD_CPU2, WORD_CPU, true},
	{"x2APIC mode and APIC accesses both virtualized", CPU2_X2APIC, CPU2_APIC_ACCESSES,
	 WORD_CPU2, WORD_CPU2, false},
	{"virtual-interrupt delivery without external-interrupt exiting", CPU2_VIRTUAL_INTERRUPTS,
	 PIN_EXTERNAL_INTERRUPT, WORD_CPU2, WORD_PIN, true},
	{"posted interrupts without virtual-interrupt delivery", PIN_POSTED_INTERRUPTS,
	 CPU2_VIRTUAL_INTERRUPTS, WORD_PIN, WORD_CPU2, true},
	{"posted interrupts without acknowledge on exit", PIN_POSTED_INTERRUPTS, EXIT_ACK_INTERRUPT,
	 WORD_PIN, WORD_EXIT, true},
	{"unrestricted guest without EPT", CPU2_UNRESTRICTED_GUEST, CPU2_EPT, WORD_CPU2, WORD_CPU2,
	 true},
	{"page-modification log without EPT", CPU2_PML, CPU2_EPT, WORD_CPU2, WORD_CPU2, true},
	{"mode-based execute control without EPT", CPU2_EXECUTE_BY_MODE, CPU2_EPT, WORD_CPU2,
	 WORD_CPU2, true},
	{"preemption timer saved but not active", EXIT_SAVE_TIMER, PIN_PREEMPTION_TIMER, WORD_EXIT,
	 WORD_PIN, true},
	{"entry to SMM from outside SMM", ENTRY_TO_SMM, ENTRY_TO_SMM, WORD_ENTRY, WORD_ENTRY,
	 false},
	{"dual-monitor treatment deactivated outside SMM", ENTRY_DEACTIVATE_DUAL,
	 ENTRY_DEACTIVATE_DUAL, WORD_ENTRY, WORD_ENTRY, false},
};

/* Pages and the like that @bit in @word makes the CPU use. */
static const struct {
	const char *name;
	u64 bit, field, align;
	enum control_word word;
} addresses[] = {
	{"I/O bitmap A", CPU_IO_BITMAPS, VMCS_IO_BITMAP_A, PAGE_SIZE, WORD_CPU},
	{"I/O bitmap B", CPU_IO_BITMAPS, VMCS_IO_BITMAP_B, PAGE_SIZE, WORD_CPU},
	{"MSR bitmap", CPU_MSR_BITMAPS, VMCS_MSR_BITMAP, PAGE_SIZE, WORD_CPU},
	{"virtual-APIC page", CPU_TPR_SHADOW, VMCS_VIRTUAL_APIC_PAGE, PAGE_SIZE, WORD_CPU},
	{"APIC-access page", CPU2_APIC_ACCESSES, VMCS_APIC_ACCESS_PAGE, PAGE_SIZE, WORD_CPU2},
	{"page-modification log", CPU2_PML, VMCS_PML_ADDRESS, PAGE_SIZE, WORD_CPU2},
	{"posted-interrupt descriptor", PIN_POSTED_INTERRUPTS, VMCS_POSTED_INTERRUPT_DESCRIPTOR, 64,
	 WORD_PIN},
};

static void check_tables(struct check *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(dependencies); i++)
		RULE(c,
		     !check_has(c, dependencies[i].word, dependencies[i].bit) ||
			     check_has(c, dependencies[i].other, dependencies[i].other_bit) ==
				     dependencies[i].wanted,
		     "controls: %s", dependencies[i].rule);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		u64 address;

		if (!check_has(c, addresses[i].word, addresses[i].bit))
			continue;
		address = vmcs_read_any(addresses[i].field);
		RULE(c, check_physical(c, address, addresses[i].align),
		     "%s at 0x%llx: not aligned, or wider than %u bits", addresses[i].name, address,
		     c->phys_bits);
	}
}

#define MSR_AREA_ENTRY 16u /* bytes */

static void check_msr_areas(struct check *c)
{
	static const struct {
		const char *name;
		u64 count, address;
	} areas[] = {
		{"VM-exit MSR-store", VMCS_EXIT_MSR_STORE_COUNT, VMCS_EXIT_MSR_STORE_ADDRESS},
		{"VM-exit MSR-load", VMCS_EXIT_MSR_LOAD_COUNT, VMCS_EXIT_MSR_LOAD_ADDRESS},
		{"VM-entry MSR-load", VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_ADDRESS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		u64 count = vmcs_read_any(areas[i].count), at = vmcs_read_any(areas[i].address);

		RULE(c,
		     !count || (check_physical(c, at, MSR_AREA_ENTRY) &&
				check_physical(c, at + (count - 1) * MSR_AREA_ENTRY, 1)),
		     "%s area at 0x%llx, %llu entries: not aligned, or wider than %u bits",
		     areas[i].name, at, count, c->phys_bits);
	}
}

#define VIRTUAL_TPR 0x80u /* its place in the virtual-APIC page */

static void check_tpr(struct check *c)
{
	u32 threshold;
	u64 page;
	u8 tpr;

	if (!check_has(c, WORD_CPU, CPU_TPR_SHADOW) ||
	    check_has(c, WORD_CPU2, CPU2_VIRTUAL_INTERRUPTS))
		return;
	threshold = vmcs_read32(VMCS_TPR_THRESHOLD);
	RULE(c, threshold <= 15, "TPR threshold 0x%x: above 15", threshold);
	page = vmcs_read64(VMCS_VIRTUAL_APIC_PAGE);
	if (check_has(c, WORD_CPU2, CPU2_APIC_ACCESSES) || !check_physical(c, page, PAGE_SIZE))
		return;
	tpr = ((const volatile u8 *)phys_to_virt(hpa(page)))[VIRTUAL_TPR];
	RULE(c, (threshold & 15) <= tpr >> 4, "TPR threshold %u: above the virtual TPR 0x%x",
	     threshold, tpr);
}

/* SDM vol. 3, Extended-Page-Table Pointer (EPTP). */
static void check_ept_pointer(struct check *c)
{
	u64 cap = vmx_config.caps.ept_vpid, eptp;
	u64 type, reserved = 0xf80; /* bits 11:7; kvm0 knows no use of bit 7 */

	if (!check_has(c, WORD_CPU2, CPU2_EPT))
		return;
	eptp = vmcs_read64(VMCS_EPT_POINTER);
	type = eptp & 7;
	RULE(c, (type == 0 && (cap & EPT_CAP_UC)) || (type == 6 && (cap & EPT_CAP_WB)),
	     "EPT pointer 0x%llx: memory type %llu", eptp, type);
	RULE(c, (eptp >> 3 & 7) == 3, "EPT pointer 0x%llx: not 4 levels", eptp);
	RULE(c, !(eptp & BIT(6)) || (cap & EPT_CAP_ACCESS_DIRTY),
	     "EPT pointer 0x%llx: this CPU has no accessed and dirty flags", eptp);
	RULE(c, !(eptp & reserved) && !(eptp >> c->phys_bits),
	     "EPT pointer 0x%llx: reserved bits, or wider than %u bits", eptp, c->phys_bits);
}

void check_controls(struct check *c)
{
	u32 targets = vmcs_read32(VMCS_CR3_TARGET_COUNT);
	u32 targets_max = (u32)(vmx_config.caps.misc >> 16) & 0x1ff;

	check_tables(c);
	check_msr_areas(c);
	check_tpr(c);
	check_ept_pointer(c);
	RULE(c, targets <= targets_max, "CR3-target count %u: above %u", targets, targets_max);
	if (check_has(c, WORD_CPU2, CPU2_VPID))
		RULE(c, vmcs_read16(VMCS_VPID) != 0, "VPID is used and 0");
	if (check_has(c, WORD_CPU2, CPU2_TSC_SCALING))
		RULE(c, vmcs_read64(VMCS_TSC_MULTIPLIER) != 0, "TSC multiplier is used and 0");
	if (check_has(c, WORD_PIN, PIN_POSTED_INTERRUPTS))
		RULE(c, vmcs_read16(VMCS_POSTED_INTERRUPT_VECTOR) <= 255,
		     "posted-interrupt vector %u: above 255",
		     vmcs_read16(VMCS_POSTED_INTERRUPT_VECTOR));
}

bool check_vmcs(struct check *c)
{
	u32 event;

	check_control_words(c);
	/* What the others mean, and which fields there are, depends on these. */
	if (c->failures)
		return false;
	event = vmcs_read32(VMCS_ENTRY_INTR_INFO);
	c->event = event & INTR_VALID ? event : 0;
	check_controls(c);
	check_event(c);
	check_host(c);
	check_guest(c);
	check_segments(c);
	return !c->failures;
}

bool vmx_check_vmcs(void)
{
	u32 widths = cpuid(0x80000008, 0).eax;
	struct check c = {.phys_bits = widths & 0xff, .linear_bits = widths >> 8 & 0xff};

	return check_vmcs(&c);
}
