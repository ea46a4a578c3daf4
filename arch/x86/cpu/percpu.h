/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data, reached through GS.  Only the CPU itself touches its own, except
 * for the fields under "shared", whose comments name the rule.
 */
#pragma once

#include "cpu/gdt.h"
#include "cpu/layout.h"

/* percpu->online, changed by compare-and-exchange: a CPU that starts sets UP, the
 * boot CPU that has waited too long sets ABANDONED; whoever comes second obeys. */
enum percpu_state { PERCPU_DOWN, PERCPU_UP, PERCPU_ABANDONED };

struct percpu {
	struct percpu *self; /* first: GS:0 */
	u32 index;           /* 0 is the boot CPU; dense */
	u32 apic_id;
	u64 stack_top;  /* each stack is STACK_SIZE bytes, a multiple of which its end is */
	u64 ist_top[3]; /* NMI, #MC, #DF */
	struct gdt gdt;
	struct tss tss;
	char model[49]; /* the processor brand string, by percpu_load() */

	/* Owned by arch/x86/vmx. */
	hpa_t vmxon_region; /* v == 0: not in VMX operation */
	hpa_t current_vmcs; /* v == 0: none */

	/* Shared. */
	u32 online;      /* enum percpu_state; see there */
	u32 kick;        /* this CPU is not to enter a guest; set by any CPU, cleared by this one */
	u32 kick_nmi;    /* an NMI of kvm0's own is under way here; set by its sender */
	u32 nmi_pending; /* NMIs not kvm0's own, to be reflected; NMI handler and this CPU */
	u32 wanted;      /* CPU_*: what the control guest's loop is to do here; see cpu_want() */
};

#define CPU_STOP   1u /* leave VMX and halt */
#define CPU_ATTEND 2u /* monitor_work() */
#define CPU_PANIC  4u /* crash_on_demand() */

extern struct percpu *percpu_by_index[MAX_CPUS];
extern u32 percpu_count; /* CPUs that are up; written during boot only */

/*
 * Make @p the per-CPU data of a CPU; its stack_top and ist_top are set already.
 * Fills in the descriptor tables.  Before that CPU runs.
 */
void percpu_init(struct percpu *p, u32 index, u32 apic_id);

/*
 * Make this CPU use @p: GDT, TSS, IDT, GS base, and the control-register and EFER
 * bits that kvm0 relies on (CR0.WP, EFER.NXE, CR4.MCE, and SMEP and SMAP where
 * there are any).
 */
void percpu_load(struct percpu *p);

/* Whether [@va, @va + @size) lies in one of @p's stacks; in a guard page of one. */
bool percpu_on_stack(const struct percpu *p, u64 va, u64 size);
bool percpu_in_guard(const struct percpu *p, u64 va);

/* Make @target leave the guest that it runs, or not enter one: sets target->kick,
 * which that CPU clears, then sends an NMI.  Any CPU, itself excepted. */
void cpu_kick(struct percpu *target);

/* Make the loop of @p, this CPU or another, do @what: sets the bit of @p->wanted with release, then
 * kicks.  What the CPU runs comes to an end for it. */
void cpu_want(struct percpu *p, u32 what);

/* This CPU's own data. */
static inline struct percpu *this_cpu(void)
{
	struct percpu *p;

	__asm__("mov %%gs:0, %0" : "=r"(p));
	return p;
}
