/* SPDX-License-Identifier: MIT */
/*
 * What a guest and the control guest share in the CPU and no VMCS field swaps: XSAVE
 * state, a few MSRs, CR2, debug registers.  kvm0 itself uses none of it, so it is
 * swapped once for each KVM_RUN and not for each exit.
 */
#include "vmx/caps.h"
#include "vmx/mitigate.h"
#include "vmx/vcpu.h"
#include "vmx/xstate.h"
#include "core/panic.h"
#include "cpu/regs.h"
#include "cpu/xregs.h"
#include "cpu/msr_index.h"

/* State that kvm0 knows how to swap in one page.  Not MPX: IA32_BNDCFGS would belong to it. */
#define XCR0_KNOWN (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

static u64 host_xcr0;  /* written by the boot CPU; the others have to have the same */
static u32 mxcsr_mask; /* the same */

u64 vmx_host_xcr0(void)
{
	return host_xcr0;
}

u32 vmx_mxcsr_mask(void)
{
	return mxcsr_mask;
}

/* SDM vol. 1, Guidelines for Writing to the MXCSR Register. */
static u32 read_mxcsr_mask(void)
{
	struct fxsave f __attribute__((aligned(16)));

	fxsave(&f);
	return f.mxcsr_mask ? f.mxcsr_mask : 0xffbf;
}

bool vmx_xsave_enable(bool first)
{
	struct cpuid r = cpuid(1, 0);
	u64 xcr0;

	/* Without OSFXSR, FXSAVE leaves the XMM registers out. */
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	if (first)
		mxcsr_mask = read_mxcsr_mask();
	if (!(r.ecx & BIT(26)))
		return first || !host_xcr0;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	r = cpuid(0xd, 0);
	xcr0 = (r.eax | (u64)r.edx << 32) & XCR0_KNOWN;
	if (first)
		host_xcr0 = xcr0;
	if (xcr0 != host_xcr0)
		return false;
	xsetbv(0, host_xcr0);
	if (cpuid(0xd, 0).ebx > PAGE_SIZE)
		panic("the XSAVE area of 0x%llx does not fit a page", host_xcr0);
	xsetbv(0, XCR0_X87);
	return true;
}

/* The state after FNINIT and power-on. */
void vmx_xsave_init(struct vmx_vcpu *v)
{
	struct xsave *x = v->xsave;

	x->legacy.fcw = FCW_INITIAL;
	x->legacy.mxcsr = MXCSR_INITIAL;
	x->legacy.mxcsr_mask = vmx_mxcsr_mask();
	if (!host_xcr0) /* nothing else writes it then: it is KVM_GET_XSAVE's to show */
		x->header.xstate_bv = XCR0_X87 | XCR0_SSE;
}

static inline void swap_xsave(const struct vmx_vcpu *from, const struct vmx_vcpu *to)
{
	u64 all = host_xcr0;

	if (!all) {
		fxsave(from->xsave);
		fxrstor(to->xsave);
		return;
	}
	if (from->xcr0 != all)
		xsetbv(0, all);
	xsave(from->xsave);
	xrstor(to->xsave);
	if (to->xcr0 != all)
		xsetbv(0, to->xcr0);
}

/* Load one MSR of @to, unless @from has the same. */
static inline void swap_msr(u32 msr, u64 from, u64 to)
{
	if (from != to)
		wrmsr(msr, to);
}

/* Writes of the first six exit (setup.c), so @from is what the CPU has; SWAPGS changes
 * the last one without a trace. */
static void swap_msrs(struct vmx_shared_msrs *from, const struct vmx_shared_msrs *to)
{
	swap_msr(MSR_STAR, from->star, to->star);
	swap_msr(MSR_LSTAR, from->lstar, to->lstar);
	swap_msr(MSR_CSTAR, from->cstar, to->cstar);
	swap_msr(MSR_FMASK, from->fmask, to->fmask);
	swap_msr(MSR_TSC_AUX, from->tsc_aux, to->tsc_aux);
	swap_msr(MSR_TSX_CTRL, from->tsx_ctrl, to->tsx_ctrl);
	from->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	swap_msr(MSR_KERNEL_GS_BASE, from->kernel_gs_base, to->kernel_gs_base);
}

void vmx_switch(struct vmx_vcpu *from, struct vmx_vcpu *to)
{
	if (from->dr_in_cpu)
		vmx_save_debug_registers(from);
	swap_xsave(from, to);
	swap_msrs(&from->msrs, &to->msrs);
	from->in_cpu = false;
	to->in_cpu = true;
	from->cr2 = read_cr2();
	if (from->cr2 != to->cr2)
		write_cr2(to->cr2);
	from->dr6 = read_dr6();
	if (from->dr6 != to->dr6)
		write_dr6(to->dr6);
	if (to->dr_enabled)
		vmx_load_debug_registers(to);
	mitigate_switch(to);
}
