/* SPDX-License-Identifier: MIT */
/* MSRs that the VMCS holds for a guest, or that vmx_switch() swaps. */
#include "vmx/caps.h"
#include "vmx/mitigate.h"
#include "vmx/vcpu.h"
#include "cpu/regs.h"

bool vmx_has_tsc_aux(void)
{
	return vmx_config.guest.cpu2 & CPU2_RDTSCP;
}

static u64 *shared_msr(struct vmx_vcpu *v, u32 index)
{
	switch (index) {
	case MSR_STAR:
		return &v->msrs.star;
	case MSR_LSTAR:
		return &v->msrs.lstar;
	case MSR_CSTAR:
		return &v->msrs.cstar;
	case MSR_FMASK:
		return &v->msrs.fmask;
	case MSR_KERNEL_GS_BASE:
		return &v->msrs.kernel_gs_base;
	case MSR_TSC_AUX:
		return vmx_has_tsc_aux() ? &v->msrs.tsc_aux : NULL;
	case MSR_TSX_CTRL:
		return vmx_bugs.tsx_ctrl ? &v->msrs.tsx_ctrl : NULL;
	default:
		return NULL;
	}
}

int vmx_get_msr(const struct vmx_vcpu *v, u32 index, u64 *value)
{
	/* shared_msr() only finds the place; nothing is written through it here. */
	u64 *shared = shared_msr((struct vmx_vcpu *)(uintptr_t)v, index);

	if (shared) {
		/* SWAPGS changes this one without a trace. */
		*value = index == MSR_KERNEL_GS_BASE && v->in_cpu ? rdmsr(index) : *shared;
		return 0;
	}
	switch (index) {
	case MSR_SYSENTER_CS:
		*value = vmcs_read32(VMCS_GUEST_SYSENTER_CS);
		return 0;
	case MSR_SYSENTER_ESP:
		*value = vmcs_read_nat(VMCS_GUEST_SYSENTER_ESP);
		return 0;
	case MSR_SYSENTER_EIP:
		*value = vmcs_read_nat(VMCS_GUEST_SYSENTER_EIP);
		return 0;
	case MSR_FS_BASE:
		*value = vmcs_read_nat(VMCS_GUEST_FS_BASE);
		return 0;
	case MSR_GS_BASE:
		*value = vmcs_read_nat(VMCS_GUEST_GS_BASE);
		return 0;
	case MSR_PAT:
		*value = vmcs_read64(VMCS_GUEST_PAT);
		return 0;
	case MSR_EFER:
		*value = vmx_efer();
		return 0;
	case MSR_SPEC_CTRL:
		*value = v->spec_ctrl;
		return vmx_bugs.spec_ctrl ? 0 : -ENOENT;
	default:
		return -ENOENT;
	}
}

static u64 make_canonical(u64 a)
{
	return (u64)((s64)(a << 16) >> 16);
}

static bool is_canonical(u64 a)
{
	return make_canonical(a) == a;
}

/* SDM vol. 3, IA32_PAT MSR: each byte is 0, 1, 4, 5, 6 or 7. */
static bool is_pat(u64 v)
{
	for (u32 i = 0; i < 64; i += 8) {
		u8 type = (u8)(v >> i);

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* The host may set LME at any time, as in KVM; a combination that is none is found by the entry. */
static int set_efer(u64 value, bool host)
{
	u64 old = vmx_efer();

	if (value & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
		return -EINVAL;
	if (!host && (vmx_cr0() & CR0_PG) && ((old ^ value) & EFER_LME))
		return -EINVAL;
	/* LMA is the CPU's to set. */
	vmx_set_efer((value & ~EFER_LMA) | (old & EFER_LMA));
	return 0;
}

/* Values that WRMSR takes: it must not fault when vmx_switch() loads them. */
static bool shared_msr_valid(u32 index, u64 value)
{
	switch (index) {
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_KERNEL_GS_BASE:
		return is_canonical(value);
	case MSR_FMASK:
	case MSR_TSC_AUX:
		return value >> 32 == 0;
	case MSR_TSX_CTRL:
		return !(value & ~(TSX_CTRL_NO_RTM | TSX_CTRL_NO_CPUID));
	default:
		return true;
	}
}

void vmx_take_shared_msrs(struct vmx_vcpu *v)
{
	v->msrs = (struct vmx_shared_msrs){
		.star = rdmsr(MSR_STAR),
		.lstar = rdmsr(MSR_LSTAR),
		.cstar = rdmsr(MSR_CSTAR),
		.fmask = rdmsr(MSR_FMASK),
		.kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE),
	};
	if (vmx_has_tsc_aux())
		v->msrs.tsc_aux = rdmsr(MSR_TSC_AUX);
	if (vmx_bugs.tsx_ctrl)
		v->msrs.tsx_ctrl = rdmsr(MSR_TSX_CTRL);
	v->in_cpu = true;
}

int vmx_set_msr(struct vmx_vcpu *v, u32 index, u64 value, bool host)
{
	u64 *shared = shared_msr(v, index);

	if (shared) {
		if (!shared_msr_valid(index, value))
			return -EINVAL;
		*shared = value;
		if (v->in_cpu)
			wrmsr(index, value);
		return 0;
	}
	switch (index) {
	case MSR_SYSENTER_CS:
		vmcs_write32(VMCS_GUEST_SYSENTER_CS, value);
		return 0;
	/* As KVM: AMD's take any value, so a VMM may restore one from there. */
	case MSR_SYSENTER_ESP:
		vmcs_write_nat(VMCS_GUEST_SYSENTER_ESP, make_canonical(value));
		return 0;
	case MSR_SYSENTER_EIP:
		vmcs_write_nat(VMCS_GUEST_SYSENTER_EIP, make_canonical(value));
		return 0;
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		if (!is_canonical(value))
			return -EINVAL;
		vmcs_write_any(index == MSR_FS_BASE ? VMCS_GUEST_FS_BASE : VMCS_GUEST_GS_BASE,
			       value);
		return 0;
	case MSR_PAT:
		if (!is_pat(value))
			return -EINVAL;
		vmcs_write64(VMCS_GUEST_PAT, value);
		return 0;
	case MSR_EFER:
		return set_efer(value, host);
	case MSR_SPEC_CTRL:
		return vmx_bugs.spec_ctrl ? mitigate_set_spec_ctrl(v, value) : -ENOENT;
	default:
		return -ENOENT;
	}
}
