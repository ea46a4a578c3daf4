/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts.  An exception that nobody caught is reported with its registers,
 * and the machine halts.  trap_try() runs code that is expected to raise one.
 */
#pragma once

#include "guest/lib/types.h"

#define TRAP_VECTOR_PIC      0x20 /* 16 vectors */
#define TRAP_VECTOR_USER     0x80 /* way back from trap_try_user() */
#define TRAP_VECTOR_TIMER    0xf0
#define TRAP_VECTOR_WAKE     0xf1 /* IPI: leave idle_until() */
#define TRAP_VECTOR_SPURIOUS 0xff

/* The stack as traps.asm leaves it. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct cpu;

/* Builds the IDT and sets the 8259 pair up.  Called once, by the start code. */
void trap_init(void);
/* Loads GDT, TSS, IDT and GS of the CPU that calls.  Called by the start code of each. */
void trap_init_cpu(struct cpu *cpu);

/*
 * Has `handler` called for a vector from 0x20 on, with interrupts off, on the CPU that took
 * it.  The handler itself tells its interrupt controller (pic_eoi(), apic_eoi()).
 */
void trap_set_handler(u8 vector, void (*handler)(void));

/*
 * Calls fn(arg) on this CPU.  -1 if it returned; else the vector of the exception that ended
 * it, and its frame in *frame if that is not NULL.  Not nested.
 */
int trap_try(void (*fn)(void *arg), void *arg, struct trap_frame *frame);

/* The same with fn run at CPL 3: all memory is open to it, I/O ports are not.  Boot CPU only. */
int trap_try_user(void (*fn)(void *arg), void *arg, struct trap_frame *frame);

/* The 8259 pair, at TRAP_VECTOR_PIC with all lines masked after trap_init(). */
void pic_unmask(u8 irq);
void pic_eoi(u8 irq);
