/* SPDX-License-Identifier: MIT */
/*
 * Exits for control registers and XSETBV (SDM vol. 3, Instructions
 * That Cause VM Exits; vol. 2 for each instruction's own checks).
 */
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "cpu/regs.h"
#include "cpu/xregs.h"

u64 vmx_read_gpr(const struct vmx_vcpu *v, u32 gpr)
{
	return gpr == GPR_RSP ? vmcs_read_nat(VMCS_GUEST_RSP) : v->gpr[gpr];
}

void vmx_write_gpr(struct vmx_vcpu *v, u32 gpr, u64 value)
{
	if (gpr == GPR_RSP)
		vmcs_write_nat(VMCS_GUEST_RSP, value);
	else
		v->gpr[gpr] = value;
}

enum vmx_exit_kind vmx_exit_cr(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	u64 q = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);
	u32 type = (u32)(q >> 4 & 3);

	exit->cr.number = q & 15;
	exit->cr.gpr = (u8)(q >> 8 & 15);
	if (type == 0) {
		exit->cr.value = vmx_read_gpr(v, exit->cr.gpr);
		if (!vmx_cs_is_long())
			exit->cr.value = (u32)exit->cr.value;
		return VMX_CR_WRITE;
	}
	if (type == 1 && exit->cr.number == 8)
		return VMX_CR8_READ;
	/* CLTS and LMSW touch only bits that the guest owns, reads of CR0, CR3 and CR4
	 * do not exit: SDM vol. 3, Instructions That Cause VM Exits Conditionally. */
	exit->qualification = q;
	return VMX_UNKNOWN;
}

/*
 * MOV to CR0 or CR4, which only comes here for a bit that kvm0 owns.  Returns 0;
 * -EINVAL: the guest gets #GP; 1: done, and the PDPTEs have to be loaded from CR3
 * (SDM vol. 3, PAE Paging, PDPTE Registers).
 */
static int move_to_cr0(struct vmx_vcpu *v, u64 value)
{
	u64 old = vmx_cr0(), efer = vmx_efer(), cr4 = vmx_cr4();
	bool paging_on = (value & CR0_PG) && !(old & CR0_PG);

	if (value >> 32 || ((value & CR0_PG) && !(value & CR0_PE)) ||
	    ((value & CR0_NW) && !(value & CR0_CD)))
		return -EINVAL;
	if (paging_on && (efer & EFER_LME) && (!(cr4 & CR4_PAE) || vmx_cs_is_long()))
		return -EINVAL;
	if (!(value & CR0_PG) && (old & CR0_PG) && ((cr4 & CR4_PCIDE) || vmx_cs_is_long()))
		return -EINVAL;
	if (paging_on && (efer & EFER_LME))
		vmx_set_efer(efer | EFER_LMA);
	if (!(value & CR0_PG))
		vmx_set_efer(efer & ~EFER_LMA);
	/* SDM vol. 3, Operations that Invalidate TLBs; the instruction itself is not run. */
	if ((value ^ old) & CR0_PG)
		vmx_flush_tlb(v);
	vmx_set_cr0(v, (value & (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM |
				 CR0_NW | CR0_CD | CR0_PG)) |
			       CR0_ET);
	return (value & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LME) &&
	       ((value ^ old) & (CR0_PG | CR0_CD | CR0_NW));
}

static int move_to_cr4(struct vmx_vcpu *v, u64 value)
{
	u64 old = vmx_cr4(), efer = vmx_efer();
	const u64 reload = CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP;

	if (value & ~v->cr4_allowed)
		return -EINVAL;
	if ((efer & EFER_LMA) && (!(value & CR4_PAE) || ((value ^ old) & CR4_LA57)))
		return -EINVAL;
	if ((value & CR4_PCIDE) && !(old & CR4_PCIDE) &&
	    (!(efer & EFER_LMA) || (vmx_cr3() & 0xfff)))
		return -EINVAL;
	if ((value ^ old) & (reload | CR4_PCIDE))
		vmx_flush_tlb(v);
	vmx_set_cr4(v, value);
	return (vmx_cr0() & CR0_PG) && (value & CR4_PAE) && !(efer & EFER_LMA) &&
	       ((value ^ old) & reload);
}

int vmx_write_cr(struct vmx_vcpu *v, u32 number, u64 value)
{
	return number == 0 ? move_to_cr0(v, value) : number == 4 ? move_to_cr4(v, value) : -EINVAL;
}

/* SDM vol. 1, Enabling the XSAVE Feature Set: which values XCR0 takes. */
bool vmx_xcr0_valid(const struct vmx_vcpu *v, u64 value)
{
	u64 avx512 = value & XCR0_AVX512, mpx = value & XCR0_MPX;

	if ((value & ~v->xcr0_allowed) || !(value & XCR0_X87))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	if (avx512 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX)))
		return false;
	return !mpx || mpx == XCR0_MPX;
}

enum vmx_exit_kind vmx_exit_xsetbv(struct vmx_vcpu *v)
{
	u64 value = (u32)v->gpr[GPR_RAX] | (u64)(u32)v->gpr[GPR_RDX] << 32;

	if ((u32)v->gpr[GPR_RCX] != 0 || !vmx_xcr0_valid(v, value))
		return vmx_fault(v, VECTOR_GP);
	v->xcr0 = value;
	xsetbv(0, value);
	vmx_skip_instruction();
	return VMX_RESUME;
}
