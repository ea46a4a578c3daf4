/* SPDX-License-Identifier: MIT */
/* CPUID, MSRs and control registers of the control guest. */
#include "abi/control_cpu.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/power.h"
#include "cpu/layout.h"
#include "cpu/msr_index.h"
#include "cpu/regs.h"
#include "kvm/cpuid.h"
#include "lib/string.h"

#define LEAF1_ECX_DS         (BIT(2) | BIT(4)) /* DTES64, DS-CPL */
#define LEAF1_EDX_DS         BIT(21)
#define LEAF1_ECX_VMX        BIT(5)
#define LEAF1_ECX_SMX        BIT(6)
#define LEAF1_ECX_OSXSAVE    BIT(27)
#define LEAF1_ECX_HYPERVISOR BIT(31)
#define LEAF7_EBX_PT         BIT(25)
#define LEAF7_ECX_OSPKE      BIT(4)
#define LEAF7_EDX_CORE_CAPS  BIT(30)
#define LEAF6_EAX_FEEDBACK   (BIT(19) | BIT(23)) /* the table, and the one of threads' classes */
#define LEAF_PT              0x14u

/* LASS, FRED, LAM: bits of CR4 and MSRs that kvm0 does not swap. */
#define LEAF7_1_EAX_HIDDEN (BIT(6) | BIT(17) | BIT(26))

static void fault(struct vmx_vcpu *v, u8 vector)
{
	if (!vmx_queue_exception(v, vector, 0))
		power_control_stopped("triple fault");
}

static void signature(struct cpuid *r)
{
	r->eax = KVM0_CPUID_ENTRY_TSC_LEAF;
	memcpy(&r->ebx, KVM0_CPUID_SIGNATURE, 4);
	memcpy(&r->ecx, KVM0_CPUID_SIGNATURE + 4, 4);
	memcpy(&r->edx, KVM0_CPUID_SIGNATURE + 8, 4);
}

static void filter_cpuid(u32 leaf, u32 subleaf, struct cpuid *r)
{
	u64 cr4 = vmx_cr4(), xcr0 = vmx_host_xcr0();

	switch (leaf) {
	case 1:
		r->ecx &= ~(u32)(LEAF1_ECX_VMX | LEAF1_ECX_SMX | LEAF1_ECX_OSXSAVE | LEAF1_ECX_DS);
		r->edx &= ~(u32)LEAF1_EDX_DS;
		r->ecx |= (u32)LEAF1_ECX_HYPERVISOR;
		if (cr4 & CR4_OSXSAVE)
			r->ecx |= (u32)LEAF1_ECX_OSXSAVE;
		break;
	case 6:
		r->eax &= ~(u32)LEAF6_EAX_FEEDBACK;
		break;
	case 7:
		if (subleaf == 1)
			r->eax &= ~(u32)LEAF7_1_EAX_HIDDEN;
		if (subleaf != 0)
			break;
		r->ebx &= ~(u32)LEAF7_EBX_PT;
		r->edx &= ~(u32)LEAF7_EDX_CORE_CAPS;
		r->ecx = (r->ecx & ~(u32)LEAF7_ECX_OSPKE) |
			 (cr4 & CR4_PKE ? (u32)LEAF7_ECX_OSPKE : 0);
		break;
	case LEAF_PT:
		*r = (struct cpuid){0};
		break;
	case 0xd: /* only the state that kvm0 can swap; EBX is right: XCR0 is the guest's */
		if (subleaf == 0) {
			r->eax &= (u32)xcr0;
			r->edx &= (u32)(xcr0 >> 32);
			r->ecx = cpuid_xsave_size(xcr0);
		} else if (subleaf >= 2 && !(xcr0 >> MIN(subleaf, 63u) & 1) && !(r->ecx & 1)) {
			*r = (struct cpuid){0};
		}
		break;
	case KVM0_CPUID_SIGNATURE_LEAF:
		signature(r);
		break;
	case KVM0_CPUID_ENTRY_TSC_LEAF:
		*r = (struct cpuid){.eax = (u32)boot_entry_tsc, .edx = (u32)(boot_entry_tsc >> 32)};
		break;
	case KVM0_CPUID_VERSION_LEAF:
		*r = (struct cpuid){.eax = KVM0_ABI_VERSION};
		break;
	default:
		break;
	}
}

void control_cpuid(struct vmx_vcpu *v)
{
	u64 *g = v->gpr;
	u32 leaf = (u32)g[GPR_RAX], subleaf = (u32)g[GPR_RCX];
	struct cpuid r = cpuid(leaf, subleaf);

	filter_cpuid(leaf, subleaf, &r);
	g[GPR_RAX] = r.eax;
	g[GPR_RBX] = r.ebx;
	g[GPR_RCX] = r.ecx;
	g[GPR_RDX] = r.edx;
	vmx_skip_instruction();
}

/* VMX; Intel PT, PEBS and the hardware feedback interface, whose output goes to physical
 * addresses, or to linear ones of whatever runs, kvm0 included; and #AC for split locks, which
 * would hit kvm0 when it carries out a guest's instruction. */
static bool is_hidden_msr(u32 index)
{
	return (index >= MSR_VMX_BASIC && index <= MSR_VMX_LAST) ||
	       (index >= MSR_RTIT_FIRST && index <= MSR_RTIT_LAST) || index == MSR_PEBS_ENABLE ||
	       index == MSR_DS_AREA || index == MSR_HW_FEEDBACK_PTR ||
	       index == MSR_HW_FEEDBACK_CONFIG || index == MSR_TEST_CTRL;
}

void control_rdmsr(struct vmx_vcpu *v)
{
	u32 index = (u32)v->gpr[GPR_RCX];
	u64 value;

	if (is_hidden_msr(index) || rdmsr_safe(index, &value)) {
		fault(v, VECTOR_GP);
		return;
	}
	if (index == MSR_FEATURE_CONTROL)
		value = (value & ~(FEATURE_CONTROL_VMX | 2)) | FEATURE_CONTROL_LOCKED;
	v->gpr[GPR_RAX] = (u32)value;
	v->gpr[GPR_RDX] = value >> 32;
	vmx_skip_instruction();
}

/* 0, or an error: #GP. */
static int write_msr(struct vmx_vcpu *v, u32 index, u64 value)
{
	int err = vmx_set_msr(v, index, value, false);

	if (err != -ENOENT)
		return err;
	if (is_hidden_msr(index) || index == MSR_FEATURE_CONTROL)
		return -1;
	/* Microcode is not loaded under kvm0 (SDM vol. 3, Microcode Update in VMX). */
	if (index == MSR_BIOS_UPDT_TRIG)
		return 0;
	/* The local APIC stays where kvm0 knows it to be, off kvm0's memory, and able to
	 * deliver its NMIs. */
	if (index == MSR_APIC_BASE &&
	    (((rdmsr(MSR_APIC_BASE) ^ value) & PAGE_MASK) || !(value & APIC_BASE_ENABLE)))
		return -1;
	return wrmsr_safe(index, value);
}

void control_wrmsr(struct vmx_vcpu *v)
{
	u64 value = (u32)v->gpr[GPR_RAX] | v->gpr[GPR_RDX] << 32;

	if (write_msr(v, (u32)v->gpr[GPR_RCX], value))
		fault(v, VECTOR_GP);
	else
		vmx_skip_instruction();
}

void control_cr_write(struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	u64 pdpte[4];
	int r = vmx_write_cr(v, exit->cr.number, exit->cr.value);

	if (r == 1) {
		if (copy_in(pdpte, vmx_cr3() & 0xffffffe0, sizeof(pdpte)))
			r = -1;
		else
			vmx_set_pdptes(pdpte);
	}
	if (r < 0)
		fault(v, VECTOR_GP);
	else
		vmx_skip_instruction();
}
