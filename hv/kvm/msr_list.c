/* SPDX-License-Identifier: MIT */
/* The lists of MSRs that a control guest asks for: those to save and restore, and the feature
 * MSRs, which tell what vCPUs can have. */
#include <linux/kvm_para.h>
#include "cpu/msr_index.h"
#include "cpu/regs.h"
#include "kvm/msr.h"

/* What a vCPU's state consists of, beside what other requests transfer. */
static const u32 saved[] = {
	MSR_SYSENTER_CS,
	MSR_SYSENTER_ESP,
	MSR_SYSENTER_EIP,
	MSR_STAR,
	MSR_CSTAR,
	MSR_KERNEL_GS_BASE,
	MSR_FMASK,
	MSR_LSTAR,
	MSR_TSC,
	MSR_PAT,
	MSR_TSC_AUX,
	MSR_FEATURE_CONTROL,
	MSR_TSC_ADJUST,
	MSR_TSC_DEADLINE,
	MSR_PLATFORM_INFO,
	MSR_ARCH_CAPABILITIES,
	MSR_MISC_FEATURES,
	MSR_MCG_STATUS,
	MSR_MCG_CTL,
	MSR_MCG_EXT_CTL,
	MSR_MISC_ENABLE,
	MSR_POWER_CTL,
	MSR_BIOS_SIGN_ID,
	MSR_PERF_CAPABILITIES,
	MSR_SMI_COUNT,
	MSR_HWCR,
	MSR_VM_HSAVE_PA,
	MSR_KVM_WALL_CLOCK,
	MSR_KVM_SYSTEM_TIME,
	MSR_KVM_WALL_CLOCK_NEW,
	MSR_KVM_SYSTEM_TIME_NEW,
	MSR_SPEC_CTRL,
	MSR_TSX_CTRL,
	MSR_KVM_ASYNC_PF_EN,
	MSR_KVM_STEAL_TIME,
	MSR_KVM_PV_EOI_EN,
	MSR_KVM_ASYNC_PF_INT,
	MSR_KVM_ASYNC_PF_ACK,
};
/* KVM's own among it. */
static const u32 saved_of_kvm[] = {MSR_KVM_POLL_CONTROL};
_Static_assert(ARRAY_SIZE(saved) + ARRAY_SIZE(saved_of_kvm) <= MSR_LIST_MAX, "the list of MSRs");

static const u32 features[] = {MSR_BIOS_SIGN_ID, MSR_ARCH_CAPABILITIES, MSR_PERF_CAPABILITIES};

static bool is_there(u32 index)
{
	switch (index) {
	case MSR_TSC_AUX:
		return vmx_has_tsc_aux();
	case MSR_SPEC_CTRL:
		return vmx_cpu_bugs()->spec_ctrl;
	case MSR_TSX_CTRL:
		return vmx_cpu_bugs()->tsx_ctrl;
	default:
		return true;
	}
}

u32 msr_list(u32 list[MSR_LIST_MAX])
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(saved); i++)
		if (is_there(saved[i]))
			list[n++] = saved[i];
	for (u32 i = 0; i < ARRAY_SIZE(saved_of_kvm); i++)
		list[n++] = saved_of_kvm[i];
	return n;
}

u32 msr_feature_list(u32 list[MSR_LIST_MAX])
{
	for (u32 i = 0; i < ARRAY_SIZE(features); i++)
		list[i] = features[i];
	return ARRAY_SIZE(features);
}

/* IA32_ARCH_CAPABILITIES: what the CPU does not suffer from, and has, which holds for guests too.
 */
#define ARCH_TO_GUEST                                                                              \
	(ARCH_RDCL_NO | ARCH_IBRS_ALL | ARCH_RSBA | ARCH_SKIP_L1DFL | ARCH_SSB_NO | ARCH_MDS_NO |  \
	 ARCH_PSCHANGE_NO | ARCH_TSX_CTRL | ARCH_TAA_NO | ARCH_SBDR_SSDP_NO | ARCH_FBSDP_NO |      \
	 ARCH_PSDP_NO | ARCH_FB_CLEAR | ARCH_RRSBA | ARCH_BHI_NO | ARCH_PBRSB_NO | ARCH_GDS_NO |   \
	 ARCH_RFDS_NO | ARCH_RFDS_CLEAR | ARCH_ITS_NO)

static u64 arch_capabilities(void)
{
	struct cpu_facts f;

	cpu_facts_read(&f);
	f.arch_capabilities &= ARCH_TO_GUEST;
	if (!(f.leaf7_ebx & LEAF7_RTM)) /* as KVM: nothing to turn off */
		f.arch_capabilities &= ~(u64)(ARCH_TSX_CTRL | ARCH_TAA_NO);
	/* Guests have no VMX, and so nobody to stop the machine by a change of page size. */
	return f.arch_capabilities | ARCH_PSCHANGE_NO;
}

bool msr_feature(u32 index, u64 *value)
{
	switch (index) {
	case MSR_BIOS_SIGN_ID:
		*value = rdmsr(MSR_BIOS_SIGN_ID);
		return true;
	case MSR_ARCH_CAPABILITIES:
		*value = arch_capabilities();
		return true;
	case MSR_PERF_CAPABILITIES: /* no performance monitoring */
		*value = 0;
		return true;
	default:
		return false;
	}
}
