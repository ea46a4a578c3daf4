/* SPDX-License-Identifier: MIT */
/* Instructions that C has no word for, and the private data of each CPU. */
#pragma once

#include "guest/lib/types.h"

#define CPU_MAX 64

struct trap_frame;

/* One for each CPU, found through GS.  traps.asm relies on the places of the first four members. */
struct cpu {
	struct cpu *self;
	u64 catch_rsp;             /* where trap_try() goes back to when a trap comes, or 0 */
	struct trap_frame *caught; /* where that trap's frame goes, or NULL */
	void *tss;
	u32 index; /* 0: the boot CPU */
	u32 apic_id;
	u32 irq_seen; /* an interrupt came since the last idle_until() */
	u32 online;
	void (*job)(void *arg); /* mailbox of smp_call(); NULL: idle */
	void *job_arg;
	u64 alarm; /* TSC at which the timer is to fire; TIME_NEVER; 0: it has fired */
};

static inline struct cpu *cpu_this(void)
{
	struct cpu *cpu;
	__asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u16 inw(u16 port)
{
	u16 v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u32 inl(u16 port)
{
	u32 v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* The time-stamp counter, in its own ticks. */
static inline u64 rdtsc(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;
	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}
static inline void cpu_irq_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}
static inline void cpu_irq_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Halts this CPU for good. */
static inline void __noreturn cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}
