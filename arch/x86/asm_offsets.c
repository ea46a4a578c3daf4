/* SPDX-License-Identifier: MIT */
/*
 * Offsets and sizes that assembly needs, printed into the compiler's output as
 * "@@NAME value" and turned into NASM definitions by the Makefile.  Never linked.
 */
#include "cpu/gdt.h"
#include "cpu/layout.h"
#include "cpu/percpu.h"

#define VALUE(name, value)         __asm__ volatile("\n# @@" #name " %0" : : "i"(value))
#define OFFSET(name, type, member) VALUE(name, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(PERCPU_KICK, struct percpu, kick);
	VALUE(ASM_STACK_SIZE, STACK_SIZE);
	VALUE(ASM_WRITABLE_SELECTOR, GDT_DATA);
}
