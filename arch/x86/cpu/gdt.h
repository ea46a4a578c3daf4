/* SPDX-License-Identifier: MIT */
/*
 * Segments and the task state segment, per CPU (cpu/percpu.h).  arch/x86/vmx puts
 * the selectors and bases into the host-state area of each VMCS.
 */
#pragma once

#include "lib/types.h"

/* Selectors; SS is kept non-null because the VMCS host-state area needs it so. */
#define GDT_NULL   0x00u
#define GDT_CODE64 0x08u
#define GDT_DATA   0x10u
#define GDT_TSS    0x18u

/* Numbers of the interrupt stacks: TSS IST fields, and the IDT entries' IST. */
enum ist { IST_NMI = 1, IST_MC = 2, IST_DF = 3 };

struct gdt {
	u64 null, code64, data;
	u64 tss[2];
};
_Static_assert(sizeof(struct gdt) == GDT_TSS + 16, "gdt");

/* SDM vol. 3, Task Management in 64-bit Mode. */
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 ist[8]; /* [0] is reserved */
	u64 reserved1;
	u16 reserved2;
	u16 iomap_base;
} __packed;
_Static_assert(sizeof(struct tss) == 104, "tss");
_Static_assert(offsetof(struct tss, ist[1]) == 36, "tss.ist");

/* The operand of LGDT and LIDT. */
struct table_register {
	u16 limit;
	u64 base;
} __packed;

struct percpu;

/* Fill in @p's GDT and TSS from its stacks.  Any CPU, before @p's CPU runs. */
void gdt_init(struct percpu *p);

/* Load GDT, TSS, data segments and GS base on the CPU that @p belongs to. */
void gdt_load(struct percpu *p);
