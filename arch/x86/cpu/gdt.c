/* SPDX-License-Identifier: MIT */
/* Segments and task state; see cpu/gdt.h. */
#include "cpu/gdt.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"

#define DESCRIPTOR_CODE64 0x00af9b000000ffffull /* present, DPL 0, code, long mode, accessed */
#define DESCRIPTOR_DATA   0x00cf93000000ffffull /* present, DPL 0, writable, accessed */
#define DESCRIPTOR_TSS64  0x89ull               /* present, available 64-bit TSS */

void gdt_init(struct percpu *p)
{
	u64 base = (u64)(uintptr_t)&p->tss;

	p->tss = (struct tss){.iomap_base = sizeof(struct tss)};
	p->tss.rsp[0] = p->stack_top;
	p->tss.ist[IST_NMI] = p->ist_top[0];
	p->tss.ist[IST_MC] = p->ist_top[1];
	p->tss.ist[IST_DF] = p->ist_top[2];

	p->gdt = (struct gdt){.code64 = DESCRIPTOR_CODE64, .data = DESCRIPTOR_DATA};
	p->gdt.tss[0] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
			DESCRIPTOR_TSS64 << 40 | (base >> 24 & 0xff) << 56;
	p->gdt.tss[1] = base >> 32;
}

void gdt_load(struct percpu *p)
{
	struct table_register r = {.limit = sizeof(struct gdt) - 1,
				   .base = (u64)(uintptr_t)&p->gdt};

	/* The far return reloads CS; the null selectors are for FS and GS, whose
	 * bases are MSRs, so GS base is set after its selector. */
	__asm__ volatile("lgdt %0\n"
			 "pushq %1\n"
			 "leaq 1f(%%rip), %%rax\n"
			 "pushq %%rax\n"
			 "lretq\n"
			 "1: mov %2, %%ss\n"
			 "mov %2, %%ds\n"
			 "mov %2, %%es\n"
			 "mov %3, %%fs\n"
			 "mov %3, %%gs\n"
			 "ltr %w4\n"
			 :
			 : "m"(r), "i"(GDT_CODE64), "r"(GDT_DATA), "r"(GDT_NULL), "r"(GDT_TSS)
			 : "rax", "memory");
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_GS_BASE, (u64)(uintptr_t)p);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}
