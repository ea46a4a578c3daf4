/* SPDX-License-Identifier: MIT */
/*
 * What a CPU's VMX can do, and the controls that kvm0 uses on it.  Capabilities are
 * read from the MSRs, the configuration is a pure function of them, and every CPU's
 * must equal the boot CPU's; after boot it is constant.  Only for arch/x86/vmx.
 */
#pragma once

#include "lib/types.h"

/* The capability MSRs of one CPU (SDM vol. 3, appendix VMX Capability Reporting Facility). */
struct vmx_caps {
	u64 basic;
	u64 pin, cpu, cpu2, exit, entry; /* the TRUE variants where they exist */
	u64 misc;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 ept_vpid;
};

/* One set of VM-execution, VM-exit and VM-entry controls. */
struct vmx_controls {
	u32 pin, cpu, cpu2, exit, entry;
};

struct vmx_config {
	u32 revision;
	u32 timer_shift;             /* the preemption timer counts TSC >> this */
	struct vmx_controls control; /* for the control guest */
	struct vmx_controls guest;   /* for every other */
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	bool vpid, ept_1g, tpr_shadow;
	bool apic_accesses, x2apic; /* the CPU virtualizes accesses to these; with TPR shadow */
	bool apicv; /* it delivers interrupts and virtualizes APIC registers, for both of them */
	bool vague_vectoring; /* see vmx_vectoring() */
	bool ept_flags;       /* the CPU sets accessed and dirty flags in EPT entries */
	struct vmx_caps caps; /* the boot CPU's own: what check*.c measures a VMCS by */
};

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_4_LEVELS     BIT(6)
#define EPT_CAP_UC           BIT(8)
#define EPT_CAP_WB           BIT(14)
#define EPT_CAP_2M           BIT(16)
#define EPT_CAP_1G           BIT(17)
#define EPT_CAP_INVEPT       BIT(20)
#define EPT_CAP_ACCESS_DIRTY BIT(21)
#define EPT_CAP_INVEPT_ONE   BIT(25)
#define EPT_CAP_INVEPT_ALL   BIT(26)
#define VPID_CAP_INVVPID     BIT(32)
#define VPID_CAP_INVVPID_ONE BIT(41)

/* IA32_VMX_MISC: activity states that there are */
#define VMX_MISC_HLT           BIT(6)
#define VMX_MISC_WAIT_FOR_SIPI BIT(8)

/* Features that may be turned off, before vmx_probe(): kvm_intel's parameters of these names. */
struct vmx_options {
	bool vpid, eptad, pml, enable_apicv, flexpriority;
	/* PAUSE-loop exiting; all in ticks of the TSC but for what the window grows and shrinks by.
	 */
	u32 ple_gap, ple_window, ple_window_grow, ple_window_shrink, ple_window_max;
};
extern struct vmx_options vmx_options;

/* Read this CPU's capability MSRs.  It must have VMX. */
void vmx_caps_read(struct vmx_caps *caps);

/*
 * Compute the configuration that kvm0 uses on a CPU with @caps.  Returns NULL, or the
 * name of the first feature that kvm0 needs and the CPU lacks.
 */
const char *vmx_config_choose(const struct vmx_caps *caps, struct vmx_config *config);

/* NULL if both are the same, else the name of the first part that differs. */
const char *vmx_config_compare(const struct vmx_config *a, const struct vmx_config *b);

/* The configuration of every CPU; written once at boot. */
extern struct vmx_config vmx_config;
