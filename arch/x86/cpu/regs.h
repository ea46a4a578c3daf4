/* SPDX-License-Identifier: MIT */
/* Control registers, MSRs, CPUID, TSC and the like, one instruction each. */
#pragma once

#include <linux/errno.h>

#include "cpu/bits.h"
#include "cpu/msr_index.h"
#include "lib/types.h"

#define DEFINE_CR(n)                                                                               \
	static inline u64 read_cr##n(void)                                                         \
	{                                                                                          \
		u64 v;                                                                             \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));                                  \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_cr##n(u64 v)                                                      \
	{                                                                                          \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");                         \
	}
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
DEFINE_CR(8)
#undef DEFINE_CR

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

/* For MSRs that are known to exist; see rdmsr_safe() for the others. */
static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* If the instruction at the local label 1 raises an exception, go on at 2; read by
 * trap_fixup() in cpu/trap.c. */
#define EX_TABLE_1_TO_2                                                                            \
	".pushsection __ex_table, \"a\"\n"                                                         \
	".balign 4\n"                                                                              \
	".long 1b - ., 2b - .\n"                                                                   \
	".popsection\n"

/* 0 and *@v, or -EIO (and *@v 0) if reading @msr raises #GP. */
static inline int __must_check rdmsr_safe(u32 msr, u64 *v)
{
	u32 low = 0, high = 0;
	int err = -EIO;

	__asm__ volatile("1: rdmsr\n"
			 "xor %0, %0\n"
			 "2:\n" EX_TABLE_1_TO_2
			 : "+r"(err), "+a"(low), "+d"(high)
			 : "c"(msr));
	*v = (u64)high << 32 | low;
	return err;
}

/* 0, or -EIO if writing @v to @msr raises #GP. */
static inline int __must_check wrmsr_safe(u32 msr, u64 v)
{
	int err = -EIO;

	__asm__ volatile("1: wrmsr\n"
			 "xor %0, %0\n"
			 "2:\n" EX_TABLE_1_TO_2
			 : "+r"(err)
			 : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32))
			 : "memory");
	return err;
}

static inline void invlpg(const void *va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Halt this CPU for good; only an NMI, SMI or INIT still reaches it. */
static inline __noreturn void halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}
