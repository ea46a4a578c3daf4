/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and NMIs that reach kvm0 itself, in root mode.  Interrupts are never
 * enabled there.  Handlers run on the interrupted stack, except for NMI, #MC and
 * #DF, which have stacks of their own.
 */
#pragma once

#include "lib/types.h"

enum trap_vector {
	TRAP_NMI = 2,
	TRAP_DF = 8,
	TRAP_GP = 13,
	TRAP_PF = 14,
	TRAP_MC = 18,
	TRAP_COUNT = 32,
};

/* What cpu/trap_entry.asm pushes; the last five by the CPU. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* What becomes of an exception that nothing expects: core/panic.c's. */
typedef void (*trap_fatal_fn)(const struct trap_frame *f, const char *name);
/* What becomes of this CPU when another one has panicked; does not return.  @f: as for
 * nmi_receive(). */
typedef void (*trap_stop_fn)(const struct trap_frame *f);

/* Fill in the IDT, which all CPUs share, and name what handles fatal exceptions and panics
 * of others.  Once, on the boot CPU. */
void trap_init(trap_fatal_fn fatal, trap_stop_fn stop);

/* Load the IDT on this CPU. */
void trap_load(void);

/* The linear address of the IDT, for the VMCS host-state area. */
u64 trap_idt_base(void);

/*
 * An NMI in [@start, @end) sends this code to @abort instead of back: the window
 * is what lies between the last look at percpu->kick and VMRESUME or VMLAUNCH.  At
 * @abort all registers are those of the interrupted code.  Once, during boot.
 */
void nmi_set_restart_window(const void *start, const void *end, const void *abort);

/*
 * What an NMI means, wherever it arrived: called by the NMI handler in root mode
 * and, with @f NULL, by the exit handler for an NMI that ended a guest's run.  Stops this CPU
 * if another one has panicked; else nothing if it is cpu_kick()'s; else one more in
 * percpu->nmi_pending, and percpu->kick is set.
 */
void nmi_receive(const struct trap_frame *f);

/* Set by core/panic.c to the index + 1 of its CPU: from now on an NMI stops every other
 * CPU that gets one. */
extern u32 trap_stop_all;

/* Called by cpu/trap_entry.asm. */
__from_outside void trap_handle(struct trap_frame *f);
