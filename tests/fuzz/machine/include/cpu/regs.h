/* SPDX-License-Identifier: MIT */
/* The real header, with the instructions that only kvm0 may execute replaced by machine.c. */
#pragma once

#define read_cr0   real_read_cr0
#define read_cr2   real_read_cr2
#define read_cr3   real_read_cr3
#define read_cr4   real_read_cr4
#define read_cr8   real_read_cr8
#define write_cr0  real_write_cr0
#define write_cr2  real_write_cr2
#define write_cr3  real_write_cr3
#define write_cr4  real_write_cr4
#define write_cr8  real_write_cr8
#define cpuid(...) real_cpuid(__VA_ARGS__) /* not the structure */
#define rdmsr      real_rdmsr
#define wrmsr      real_wrmsr
#define rdmsr_safe real_rdmsr_safe
#define wrmsr_safe real_wrmsr_safe
#define invlpg     real_invlpg
#include_next "cpu/regs.h"
#undef read_cr0
#undef read_cr2
#undef read_cr3
#undef read_cr4
#undef read_cr8
#undef write_cr0
#undef write_cr2
#undef write_cr3
#undef write_cr4
#undef write_cr8
#undef cpuid
#undef rdmsr
#undef wrmsr
#undef rdmsr_safe
#undef wrmsr_safe
#undef invlpg

u64 read_cr0(void);
u64 read_cr2(void);
u64 read_cr3(void);
u64 read_cr4(void);
u64 read_cr8(void);
void write_cr0(u64 v);
void write_cr2(u64 v);
void write_cr3(u64 v);
void write_cr4(u64 v);
void write_cr8(u64 v);
struct cpuid cpuid(u32 leaf, u32 subleaf);
u64 rdmsr(u32 msr);
void wrmsr(u32 msr, u64 v);
int rdmsr_safe(u32 msr, u64 *v) __must_check;
int wrmsr_safe(u32 msr, u64 v) __must_check;
void invlpg(const void *va);
