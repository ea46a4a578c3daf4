/* SPDX-License-Identifier: MIT */
/*
 * Choice of the VMX controls from the capability MSRs.  Pure but for
 * vmx_caps_read(), so that the host tests it with the MSRs of many models.
 */
#include "vmx/caps.h"
#include "vmx/vmcs.h"
#include "cpu/regs.h"
#include "cpu/msr_index.h"
#include "lib/string.h"

struct vmx_config vmx_config;
struct vmx_options vmx_options = {.vpid = true,
				  .eptad = true,
				  .pml = true,
				  .enable_apicv = true,
				  .flexpriority = true,
				  .ple_gap = 128,
				  .ple_window = 4096,
				  .ple_window_grow = 2,
				  .ple_window_max = ~0u};

#ifndef UNIT_TEST
void vmx_caps_read(struct vmx_caps *caps)
{
	u64 basic = rdmsr(MSR_VMX_BASIC);
	bool exact = basic & BIT(55); /* the TRUE MSRs exist */

	*caps = (struct vmx_caps){
		.basic = basic,
		.pin = rdmsr(exact ? MSR_VMX_TRUE_PINBASED : MSR_VMX_PINBASED),
		.cpu = rdmsr(exact ? MSR_VMX_TRUE_PROCBASED : MSR_VMX_PROCBASED),
		.exit = rdmsr(exact ? MSR_VMX_TRUE_EXIT : MSR_VMX_EXIT),
		.entry = rdmsr(exact ? MSR_VMX_TRUE_ENTRY : MSR_VMX_ENTRY),
		.misc = rdmsr(MSR_VMX_MISC),
		.cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0),
		.cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1),
		.cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0),
		.cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1),
	};
	if (caps->cpu >> 32 & CPU_SECONDARY)
		caps->cpu2 = rdmsr(MSR_VMX_PROCBASED2);
	if (caps->cpu2 >> 32 & (CPU2_EPT | CPU2_VPID))
		caps->ept_vpid = rdmsr(MSR_VMX_EPT_VPID_CAP);
}
#endif

/* One control word: all of @need, what can be had of @want, and what must be set. */
static bool choose(u64 cap, u64 need, u64 want, u32 *out)
{
	u32 must = (u32)cap, may = (u32)(cap >> 32);

	*out = must | (u32)((need | want) & may);
	return (may & need) == need;
}

struct requirement {
	const char *name;
	size_t cap; /* offset of the capability word in struct vmx_caps */
	u64 bits;   /* all of these in its allowed-1 half (or in the word, for plain ones) */
	bool plain;
};

#define NEED(word, bits, name)                                                                     \
	{                                                                                          \
		name, offsetof(struct vmx_caps, word), bits, false                                 \
	}
#define PLAIN(word, bits, name)                                                                    \
	{                                                                                          \
		name, offsetof(struct vmx_caps, word), bits, true                                  \
	}

/* In the order in which a user wants to hear of them. */
static const struct requirement requirements[] = {
	NEED(cpu, CPU_SECONDARY, "secondary processor-based controls"),
	NEED(cpu2, CPU2_EPT, "EPT (extended page tables)"),
	NEED(cpu2, CPU2_UNRESTRICTED_GUEST, "unrestricted guest"),
	PLAIN(ept_vpid, EPT_CAP_4_LEVELS | EPT_CAP_WB | EPT_CAP_2M, "EPT with 2 MiB pages"),
	PLAIN(ept_vpid, EPT_CAP_INVEPT | EPT_CAP_INVEPT_ONE | EPT_CAP_INVEPT_ALL, "INVEPT"),
	NEED(pin, PIN_EXTERNAL_INTERRUPT | PIN_NMI, "interrupt exiting"),
	NEED(pin, PIN_VIRTUAL_NMIS, "virtual NMIs"),
	NEED(pin, PIN_PREEMPTION_TIMER, "the VMX preemption timer"),
	NEED(cpu, CPU_MSR_BITMAPS, "MSR bitmaps"),
	NEED(cpu, CPU_IO_BITMAPS, "I/O bitmaps"),
	NEED(exit, EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER,
	     "PAT and EFER switching at VM exit"),
	NEED(entry, ENTRY_LOAD_PAT | ENTRY_LOAD_EFER, "PAT and EFER switching at VM entry"),
	PLAIN(misc, VMX_MISC_WAIT_FOR_SIPI, "the wait-for-SIPI activity state"),
};

static bool meets(const struct vmx_caps *caps, const struct requirement *r)
{
	u64 word = *(const u64 *)(const void *)((const char *)caps + r->cap);

	return ((r->plain ? word : word >> 32) & r->bits) == r->bits;
}

/* How much of a guest's local APIC the CPU does. */
static void choose_apic(const struct vmx_caps *caps, struct vmx_config *c)
{
	u64 may = caps->cpu2 >> 32;

	c->tpr_shadow = caps->cpu >> 32 & CPU_TPR_SHADOW;
	c->apic_accesses = c->tpr_shadow && (may & CPU2_APIC_ACCESSES) && vmx_options.flexpriority;
	c->x2apic = c->tpr_shadow && (may & CPU2_X2APIC);
	c->apicv = c->apic_accesses && c->x2apic && (may & CPU2_APIC_REGISTERS) &&
		   (may & CPU2_VIRTUAL_INTERRUPTS) && vmx_options.enable_apicv;
	c->vague_vectoring = c->apicv && !(caps->pin >> 32 & PIN_POSTED_INTERRUPTS);
}

const char *vmx_config_choose(const struct vmx_caps *caps, struct vmx_config *c)
{
	const u64 cpu_common = CPU_MSR_BITMAPS | CPU_SECONDARY;
	const u64 cpu2_need = CPU2_EPT | CPU2_UNRESTRICTED_GUEST;
	const u64 invvpid = VPID_CAP_INVVPID | VPID_CAP_INVVPID_ONE;
	const u64 exit = EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_PAT | EXIT_LOAD_PAT |
			 EXIT_SAVE_EFER | EXIT_LOAD_EFER;
	const u64 entry = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER;
	u64 cpu2_want = CPU2_RDTSCP | CPU2_INVPCID, guest_want = CPU2_WBINVD | CPU2_TSC_SCALING;
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(requirements); i++)
		if (!meets(caps, &requirements[i]))
			return requirements[i].name;

	memset(c, 0, sizeof(*c));
	c->caps = *caps;
	c->revision = (u32)caps->basic & 0x7fffffff;
	c->timer_shift = (u32)caps->misc & 0x1f;
	c->cr0_fixed0 = caps->cr0_fixed0;
	c->cr0_fixed1 = caps->cr0_fixed1;
	c->cr4_fixed0 = caps->cr4_fixed0;
	c->cr4_fixed1 = caps->cr4_fixed1;
	c->ept_1g = caps->ept_vpid & EPT_CAP_1G;
	c->ept_flags = (caps->ept_vpid & EPT_CAP_ACCESS_DIRTY) && vmx_options.eptad;
	choose_apic(caps, c);
	c->vpid = (caps->cpu2 >> 32 & CPU2_VPID) && (caps->ept_vpid & invvpid) == invvpid &&
		  vmx_options.vpid;
	if (c->vpid)
		cpu2_want |= CPU2_VPID;

	ok &= choose(caps->pin, PIN_NMI | PIN_VIRTUAL_NMIS, 0, &c->control.pin);
	ok &= choose(caps->cpu, cpu_common | CPU_IO_BITMAPS, 0, &c->control.cpu);
	ok &= choose(caps->cpu2, cpu2_need, cpu2_want | CPU2_XSAVES | CPU2_USER_WAIT_PAUSE,
		     &c->control.cpu2);
	ok &= choose(caps->exit, exit, 0, &c->control.exit);
	ok &= choose(caps->entry, entry, 0, &c->control.entry);

	ok &= choose(caps->pin,
		     PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER, 0,
		     &c->guest.pin);
	ok &= choose(caps->cpu,
		     cpu_common | CPU_HLT | CPU_MWAIT | CPU_MONITOR | CPU_RDPMC |
			     CPU_TSC_OFFSETTING | CPU_CR8_LOAD | CPU_CR8_STORE | CPU_MOV_DR |
			     CPU_UNCONDITIONAL_IO,
		     0, &c->guest.cpu);
	if (vmx_options.ple_gap)
		guest_want |= CPU2_PAUSE_LOOP;
	if (c->ept_flags && vmx_options.pml)
		guest_want |= CPU2_PML;
	ok &= choose(caps->cpu2, cpu2_need, cpu2_want | guest_want, &c->guest.cpu2);
	ok &= choose(caps->exit, exit, 0, &c->guest.exit);
	ok &= choose(caps->entry, entry, 0, &c->guest.entry);
	if (!ok)
		return "a VM-execution control that every VMX CPU has";
	/* Controls that a guest would be wrong under: only old CPUs force them on. */
	if ((c->control.cpu | c->guest.cpu) & (CPU_CR3_LOAD | CPU_CR3_STORE | CPU_INVLPG))
		return "the TRUE capability MSRs";
	return NULL;
}

const char *vmx_config_compare(const struct vmx_config *a, const struct vmx_config *b)
{
	if (a->revision != b->revision)
		return "the VMCS revision";
	if (memcmp(&a->control, &b->control, sizeof(a->control)) ||
	    memcmp(&a->guest, &b->guest, sizeof(a->guest)))
		return "the VMX controls";
	if (a->timer_shift != b->timer_shift)
		return "the preemption timer's rate";
	if (a->apic_accesses != b->apic_accesses || a->x2apic != b->x2apic || a->apicv != b->apicv)
		return "the virtualization of the local APIC";
	if (a->vpid != b->vpid || a->ept_1g != b->ept_1g || a->tpr_shadow != b->tpr_shadow ||
	    a->ept_flags != b->ept_flags)
		return "EPT, VPID or TPR shadow";
	if (a->cr0_fixed0 != b->cr0_fixed0 || a->cr0_fixed1 != b->cr0_fixed1 ||
	    a->cr4_fixed0 != b->cr4_fixed0 || a->cr4_fixed1 != b->cr4_fixed1)
		return "the fixed bits of CR0 and CR4";
	return NULL;
}
