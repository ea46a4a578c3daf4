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
};
/* KVM's own among it. */
static const u32 saved_of_kvm[] = {MSR_KVM_POLL_CONTROL};
_Static_assert(ARRAY_SIZE(saved) + ARRAY_SIZE(saved_of_kvm) <= MSR_LIST_MAX, "the list of MSRs");

static const u32 features[] = {MSR_BIOS_SIGN_ID, MSR_ARCH_CAPABILITIES, MSR_PERF_CAPABILITIES};

u32 msr_list(u32 list[MSR_LIST_MAX])
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(saved); i++)
		if (saved[i] != MSR_TSC_AUX || vmx_has_tsc_aux())
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

/*
 * IA32_ARCH_CAPABILITIES: defects that the CPU does not have, which hold for guests too.  None
 * of the bits that stand for an MSR.
 */
#define ARCH_RDCL_NO      BIT(0)
#define ARCH_RSBA         BIT(2)
#define ARCH_SSB_NO       BIT(4)
#define ARCH_MDS_NO       BIT(5)
#define ARCH_PSCHANGE_NO  BIT(6)
#define ARCH_TAA_NO       BIT(8)
#define ARCH_SBDR_SSDP_NO BIT(13)
#define ARCH_FBSDP_NO     BIT(14)
#define ARCH_PSDP_NO      BIT(15)
#define ARCH_RRSBA        BIT(19)
#define ARCH_BHI_NO       BIT(20)
#define ARCH_PBRSB_NO     BIT(24)
#define ARCH_GDS_NO       BIT(26)
#define ARCH_RFDS_NO      BIT(27)
#define ARCH_TO_GUEST                                                                              \
	(ARCH_RDCL_NO | ARCH_RSBA | ARCH_SSB_NO | ARCH_MDS_NO | ARCH_PSCHANGE_NO | ARCH_TAA_NO |   \
	 ARCH_SBDR_SSDP_NO | ARCH_FBSDP_NO | ARCH_PSDP_NO | ARCH_RRSBA | ARCH_BHI_NO |             \
	 ARCH_PBRSB_NO | ARCH_GDS_NO | ARCH_RFDS_NO)

static u64 arch_capabilities(void)
{
	bool host_has = cpuid(0, 0).eax >= 7 && cpuid(7, 0).edx & BIT(29);

	/* Guests have no VMX, and so nobody to stop the machine by a change of page size. */
	return ARCH_PSCHANGE_NO | (host_has ? rdmsr(MSR_ARCH_CAPABILITIES) & ARCH_TO_GUEST : 0);
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
