/* SPDX-License-Identifier: MIT */
/*
 * What a guest and the control guest share in the CPU and no VMCS field swaps: XSAVE
 * state, a few MSRs, CR2, debug registers.  kvm0 itself uses none of it, so it is
 * swapped once for each KVM_RUN and not for each exit.
 */
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "core/panic.h"
#include "cpu/regs.h"
#include "cpu/xregs.h"
#include "cpu/msr_index.h"
#include "lib/string.h"

/* The legacy region that FXSAVE and XSAVE begin with (SDM vol. 1, FXSAVE Area). */
struct fxsave {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[8][16];
	u8 xmm[16][16];
	u8 unused[96];
};
_Static_assert(sizeof(struct fxsave) == 512, "fxsave");
#define XSAVE_HEADER 512u /* offset of XSTATE_BV */

/* State that kvm0 knows how to swap in one page.  Not MPX: IA32_BNDCFGS would belong to it. */
#define XCR0_KNOWN (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

static u64 host_xcr0; /* written by the boot CPU; the others have to have the same */

u64 vmx_host_xcr0(void)
{
	return host_xcr0;
}

bool vmx_xsave_enable(bool first)
{
	struct cpuid r = cpuid(1, 0);
	u64 xcr0;

	/* Without OSFXSR, FXSAVE leaves the XMM registers out. */
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
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
int vmx_xsave_init(struct vmx_vcpu *v)
{
	struct fxsave *f = v->xsave;

	f->fcw = 0x37f;
	f->mxcsr = 0x1f80;
	return 0;
}

static void save_xsave(struct vmx_vcpu *v)
{
	if (!host_xcr0) {
		fxsave(v->xsave);
		return;
	}
	if (v->xcr0 != host_xcr0)
		xsetbv(0, host_xcr0);
	xsave(v->xsave);
}

static void restore_xsave(const struct vmx_vcpu *v)
{
	if (!host_xcr0) {
		fxrstor(v->xsave);
		return;
	}
	xrstor(v->xsave);
	if (v->xcr0 != host_xcr0)
		xsetbv(0, v->xcr0);
}

/* Load one MSR of @to, unless @from has the same. */
static inline void swap_msr(u32 msr, u64 from, u64 to)
{
	if (from != to)
		wrmsr(msr, to);
}

/* Writes of the first five exit (setup.c), so @from is what the CPU has; SWAPGS changes
 * the last one without a trace. */
static void swap_msrs(struct vmx_shared_msrs *from, const struct vmx_shared_msrs *to)
{
	swap_msr(MSR_STAR, from->star, to->star);
	swap_msr(MSR_LSTAR, from->lstar, to->lstar);
	swap_msr(MSR_CSTAR, from->cstar, to->cstar);
	swap_msr(MSR_FMASK, from->fmask, to->fmask);
	swap_msr(MSR_TSC_AUX, from->tsc_aux, to->tsc_aux);
	from->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	swap_msr(MSR_KERNEL_GS_BASE, from->kernel_gs_base, to->kernel_gs_base);
}

void vmx_switch(struct vmx_vcpu *from, struct vmx_vcpu *to)
{
	if (from->dr_in_cpu)
		vmx_save_debug_registers(from);
	save_xsave(from);
	restore_xsave(to);
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
}

void vmx_load_debug_registers(struct vmx_vcpu *v)
{
	if (v->dr_in_cpu)
		return;
	read_breakpoints(vmx_cpus[this_cpu()->index].dr);
	write_breakpoints(v->dr);
	v->dr_in_cpu = true;
	vmx_set_cpu_controls(v, v->cpu_controls & ~(u32)CPU_MOV_DR);
}

/* The control guest's breakpoints are in the CPU whenever it is. */
void vmx_reset_debug_registers_in_cpu(const struct vmx_vcpu *v)
{
	write_dr6(v->dr6);
	if (v->control || v->dr_in_cpu)
		write_breakpoints(v->dr);
}

void vmx_save_debug_registers(struct vmx_vcpu *v)
{
	read_breakpoints(v->dr);
	write_breakpoints(vmx_cpus[this_cpu()->index].dr);
	v->dr_in_cpu = false;
	v->dr_enabled = vmcs_read_nat(VMCS_GUEST_DR7) & DR7_ENABLES;
	vmx_set_cpu_controls(v, v->cpu_controls | (u32)CPU_MOV_DR);
}

/* KVM transfers all of the structure but MXCSR, which it has a place for.  The bits of
 * XSTATE_BV say what of the image is not in its initial configuration. */
void vmx_get_fpu(struct vmx_vcpu *v, struct kvm_fpu *out)
{
	const struct fxsave *f = v->xsave;

	memset(out, 0, sizeof(*out));
	memcpy(out->fpr, f->st, sizeof(out->fpr));
	memcpy(out->xmm, f->xmm, sizeof(out->xmm));
	out->fcw = f->fcw;
	out->fsw = f->fsw;
	out->ftwx = f->ftw;
	out->last_opcode = f->fop;
	out->last_ip = f->fip;
	out->last_dp = f->fdp;
}

void vmx_set_fpu(struct vmx_vcpu *v, const struct kvm_fpu *in)
{
	struct fxsave *f = v->xsave;

	memcpy(f->st, in->fpr, sizeof(in->fpr));
	memcpy(f->xmm, in->xmm, sizeof(in->xmm));
	f->fcw = in->fcw;
	f->fsw = in->fsw;
	f->ftw = in->ftwx;
	f->fop = in->last_opcode;
	f->fip = in->last_ip;
	f->fdp = in->last_dp;
	if (host_xcr0)
		*(u64 *)(void *)((u8 *)v->xsave + XSAVE_HEADER) |= XCR0_X87 | XCR0_SSE;
}
