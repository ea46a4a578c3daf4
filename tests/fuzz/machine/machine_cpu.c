/* SPDX-License-Identifier: MIT */
/* Registers of the machine's CPUs: control and debug registers, CPUID, XSAVE state, MSRs. */
#include "tests/fuzz/machine/cpu.h"

#include <linux/errno.h>
#include <string.h>

#include "cpu/msr_index.h"
#include "cpu/regs.h"
#include "cpu/vector.h"
#include "cpu/xregs.h"

#define XSTATE_KNOWN  0x2e7u /* x87, SSE, AVX, AVX-512, PKRU */
#define XSTATE_SIZE   2696u
#define FXSAVE_SIZE   512u
#define XSTATE_FSW    2u
#define XSTATE_ST     32u
#define XSTATE_XMM    160u
#define XSTATE_HEADER 512u
#define XSTATE_YMM    576u /* upper halves */
#define FSW_ES        0x80u

u64 read_cr0(void)
{
	return machine_cpu()->cr0;
}

u64 read_cr2(void)
{
	return machine_cpu()->cr2;
}

u64 read_cr3(void)
{
	return machine_cpu()->cr3;
}

u64 read_cr4(void)
{
	return machine_cpu()->cr4;
}

void write_cr0(u64 v)
{
	machine_cpu()->cr0 = v;
}

void write_cr2(u64 v)
{
	machine_cpu()->cr2 = v;
}

void write_cr3(u64 v)
{
	machine_cpu()->cr3 = v;
}

void write_cr4(u64 v)
{
	machine_cpu()->cr4 = v;
}

u64 read_cr8(void)
{
	return machine_cpu()->cr8;
}

void write_cr8(u64 v)
{
	machine_cpu()->cr8 = v;
}

void invlpg(const void *va)
{
	(void)va;
}

u64 read_dr6(void)
{
	return machine_cpu()->dr6;
}

void write_dr6(u64 v)
{
	MACHINE_REQUIRE(v >> 32 == 0, "DR6 0x%llx", v);
	machine_cpu()->dr6 = v;
}

void read_breakpoints(u64 dr[4])
{
	memcpy(dr, machine_cpu()->dr, 4 * sizeof(u64));
}

void write_breakpoints(const u64 dr[4])
{
	memcpy(machine_cpu()->dr, dr, 4 * sizeof(u64));
}

/* A CPU like Skylake's, with the XSAVE state of one that has AVX-512 and protection keys. */
static const struct leaf {
	u32 leaf, subleaf;
	struct cpuid r;
} leaves[] = {
	{0, 0, {0xd, 0x756e6547, 0x6c65746e, 0x49656e69}},
	{1, 0, {0x50654, 0x100800, 0x7ffefbff, 0xbfebfbff}},
	{4, 0, {0x121, 0x1c0003f, 0x3f, 0}},
	{4, 1, {0x122, 0x1c0003f, 0x3f, 0}},
	{4, 2, {0x143, 0x1c0003f, 0x3ff, 0}},
	{7, 0, {0, 0xd19ffffb, 8, 0}},
	{0xb, 0, {1, 2, 0x100, 0}},
	{0xd, 0, {XSTATE_KNOWN, XSTATE_SIZE, XSTATE_SIZE, 0}},
	{0xd, 1, {0xf, XSTATE_SIZE, 0, 0}},
	{0xd, 2, {256, 576, 0, 0}},
	{0xd, 5, {64, 1088, 0, 0}},
	{0xd, 6, {512, 1152, 0, 0}},
	{0xd, 7, {1024, 1664, 0, 0}},
	{0xd, 9, {8, 2688, 0, 0}},
	{0x80000000, 0, {0x80000008, 0, 0, 0}},
	{0x80000001, 0, {0, 0, 0x121, 0x2c100800}},
	{0x80000008, 0, {0x3030, 0, 0, 0}},
};

struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
			return leaves[i].r;
	return (struct cpuid){0};
}

/* SDM vol. 1, XRSTOR, standard form: what raises #GP. */
static void require_image(const u8 *area)
{
	u64 header[8];
	u32 mxcsr;

	memcpy(&mxcsr, area + 24, sizeof(mxcsr));
	memcpy(header, area + XSTATE_HEADER, sizeof(header));
	MACHINE_REQUIRE(!(header[0] & ~machine_cpu()->xcr0), "XRSTOR: XSTATE_BV 0x%llx", header[0]);
	for (u32 i = 1; i < 8; i++)
		MACHINE_REQUIRE(!header[i], "XRSTOR: header word %u is 0x%llx", i, header[i]);
	MACHINE_REQUIRE(!(mxcsr & ~0xffffu), "XRSTOR: MXCSR 0x%x", mxcsr);
}

void xsetbv(u32 index, u64 v)
{
	u64 avx512 = v & XCR0_AVX512;
	bool avx = v & XCR0_AVX;

	MACHINE_REQUIRE(!index && (v & XCR0_X87) && !(v & ~(u64)XSTATE_KNOWN), "XSETBV 0x%llx", v);
	MACHINE_REQUIRE(!avx || (v & XCR0_SSE), "XSETBV 0x%llx", v);
	MACHINE_REQUIRE(!avx512 || (avx512 == XCR0_AVX512 && avx), "XSETBV 0x%llx", v);
	machine_cpu()->xcr0 = v;
}

void xsave(void *area)
{
	memcpy(area, machine_cpu()->xstate, XSTATE_SIZE);
}

void xrstor(const void *area)
{
	require_image(area);
	memcpy(machine_cpu()->xstate, area, XSTATE_SIZE);
}

void fxsave(void *area)
{
	memcpy(area, machine_cpu()->xstate, FXSAVE_SIZE);
}

void fxrstor(const void *area)
{
	memcpy(machine_cpu()->xstate, area, FXSAVE_SIZE);
}

u64 vector_xcr0(void)
{
	return machine_cpu()->xcr0;
}

u16 vector_fsw(void)
{
	u16 fsw;

	memcpy(&fsw, machine_cpu()->xstate + XSTATE_FSW, sizeof(fsw));
	return fsw;
}

/* Where a register is, and for VECTOR_YMM where its upper half is. */
static u8 *vector_place(enum vector_kind kind, u32 n, u8 **upper)
{
	const u64 avx = XCR0_SSE | XCR0_AVX;
	u8 *x = machine_cpu()->xstate;

	MACHINE_REQUIRE(n < (kind == VECTOR_MMX ? 8 : 16), "vector register %u", n);
	MACHINE_REQUIRE(kind != VECTOR_YMM || (machine_cpu()->xcr0 & avx) == avx, "YMM: #UD");
	MACHINE_REQUIRE(kind != VECTOR_MMX || !(vector_fsw() & FSW_ES), "MMX: #MF");
	*upper = kind == VECTOR_YMM ? x + XSTATE_YMM + 16 * n : NULL;
	return kind == VECTOR_MMX ? x + XSTATE_ST + 16 * n : x + XSTATE_XMM + 16 * n;
}

void vector_get(enum vector_kind kind, u32 n, void *buf)
{
	u8 *upper, *low = vector_place(kind, n, &upper);

	memcpy(buf, low, kind == VECTOR_MMX ? 8 : 16);
	if (upper)
		memcpy((u8 *)buf + 16, upper, 16);
}

void vector_set(enum vector_kind kind, u32 n, const void *buf)
{
	u8 *upper, *low = vector_place(kind, n, &upper);

	memcpy(low, buf, kind == VECTOR_MMX ? 8 : 16);
	if (upper)
		memcpy(upper, (const u8 *)buf + 16, 16);
	machine_cpu()->xstate[XSTATE_HEADER] |= (u8)machine_cpu()->xcr0 & 7;
}

/* --- MSRs --- */

/* The capabilities of VMX in Bochs's Skylake (tests/unit/test_caps.c). */
static const struct {
	u32 index;
	u64 value;
} constant_msrs[] = {
	{MSR_VMX_BASIC, 0x00d810000000002b},
	{MSR_VMX_TRUE_PINBASED, 0x7f00000016},
	{MSR_VMX_TRUE_PROCBASED, 0xf7f9fffe04006172},
	{MSR_VMX_TRUE_EXIT, 0x7fffff00036dfb},
	{MSR_VMX_TRUE_ENTRY, 0xffff000011fb},
	{MSR_VMX_MISC, 0x600401e0},
	{MSR_VMX_CR0_FIXED0, 0x80000021},
	{MSR_VMX_CR0_FIXED1, 0xffffffff},
	{MSR_VMX_CR4_FIXED0, 0x2000},
	{MSR_VMX_CR4_FIXED1, 0x3727ff},
	{MSR_VMX_PROCBASED2, 0x2177fff00000000},
	{MSR_VMX_EPT_VPID_CAP, 0xf0106334141},
	{MSR_FEATURE_CONTROL, 5},
};

static bool is_canonical(u64 a)
{
	return (u64)((s64)(a << 16) >> 16) == a;
}

/* Values that raise #GP in a CPU. */
static bool msr_takes(u32 index, u64 value)
{
	switch (index) {
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_KERNEL_GS_BASE:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_SYSENTER_ESP:
	case MSR_SYSENTER_EIP:
		return is_canonical(value);
	case MSR_FMASK:
	case MSR_TSC_AUX:
		return value >> 32 == 0;
	default:
		return true;
	}
}

int rdmsr_safe(u32 msr, u64 *v)
{
	struct cpu *c = machine_cpu();

	*v = 0;
	for (u32 i = 0; i < ARRAY_SIZE(constant_msrs); i++)
		if (constant_msrs[i].index == msr) {
			*v = constant_msrs[i].value;
			return 0;
		}
	for (u32 i = 0; i < c->msr_count; i++)
		if (c->msr[i].index == msr)
			*v = c->msr[i].value;
	return 0;
}

int wrmsr_safe(u32 msr, u64 v)
{
	struct cpu *c = machine_cpu();
	u32 i = 0;

	if (!msr_takes(msr, v))
		return -EIO;
	while (i < c->msr_count && c->msr[i].index != msr)
		i++;
	MACHINE_REQUIRE(i < MACHINE_MSRS, "WRMSR of too many");
	c->msr_count = MAX(c->msr_count, i + 1);
	c->msr[i].index = msr;
	c->msr[i].value = v;
	return 0;
}

u64 rdmsr(u32 msr)
{
	u64 v;

	return rdmsr_safe(msr, &v) ? 0 : v;
}

void wrmsr(u32 msr, u64 v)
{
	MACHINE_REQUIRE(!wrmsr_safe(msr, v), "WRMSR 0x%x 0x%llx: #GP", msr, v);
}
