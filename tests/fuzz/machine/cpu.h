/* SPDX-License-Identifier: MIT */
/* A CPU of the machine, for machine.c and machine_cpu.c. */
#pragma once

#include "tests/fuzz/machine/machine.h"

#define MACHINE_MSRS 64u

/* What a CPU has beside VMX. */
struct cpu {
	struct percpu percpu;
	struct vmx_vcpu control;
	u64 cr0, cr2, cr3, cr4, cr8, xcr0;
	u64 dr[4], dr6;
	struct {
		u32 index;
		u64 value;
	} msr[MACHINE_MSRS];
	u32 msr_count;
	u8 xstate[PAGE_SIZE]; /* as XSAVE stores it */
};

/* The one that runs. */
struct cpu *machine_cpu(void);
