/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data, reached through GS.  Only the CPU itself touches its own, except
 * for the fields under "shared", whose comments name the rule.
 */
#pragma once

#include "cpu/gdt.h"
#include "cpu/layout.h"

struct percpu {
	struct percpu *self; /* first: GS:0 */
	u32 index;           /* 0 is the boot CPU; dense */
	u32 apic_id;
	u64 stack_top;
	u64 ist_top[3]; /* NMI, #MC, #DF */
	struct gdt gdt;
	struct tss tss;

	/* Owned by arch/x86/vmx. */
	hpa_t vmxon_region; /* v == 0: not in VMX operation */
	hpa_t current_vmcs; /* v == 0: none */
	void *entered;      /* the struct vmx_vcpu inside vmx_enter(), for panics */

	/* Shared. */
	u32 online;      /* set once by the CPU itself, release; read by all, acquire */
	u32 kick;        /* set by any CPU before it sends an NMI; cleared by this one */
	u32 nmi_pending; /* NMIs not kvm0's own, to be reflected; NMI handler and this CPU */
	u32 stop;        /* set by any CPU before a kick: leave VMX and halt */
};

extern struct percpu *percpu_by_index[MAX_CPUS];
extern u32 percpu_count; /* CPUs that are up; written during boot only */

/* This CPU's own data. */
static inline struct percpu *this_cpu(void)
{
	struct percpu *p;

	__asm__("mov %%gs:0, %0" : "=r"(p));
	return p;
}
