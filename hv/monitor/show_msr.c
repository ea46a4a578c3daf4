/* SPDX-License-Identifier: MIT */
/* Commands that show a vCPU's MSRs and its CPUID. */
#include <linux/errno.h>
#include <linux/kvm_para.h>
#include "cpu/msr_index.h"
#include "kvm/msr.h"
#include "monitor/command.h"
#include "monitor/park.h"
#include "monitor/sets.h"

/* --- msr --- */

/* As SDM vol. 4 and KVM have them; those of msr_list() among them. */
#define IA32(name)                                                                                 \
	{                                                                                          \
		MSR_##name, "IA32_" #name                                                          \
	}
#define MSR(name)                                                                                  \
	{                                                                                          \
		MSR_##name, "MSR_" #name                                                           \
	}
static const struct {
	u32 index;
	const char *name;
} msr_names[] = {IA32(SYSENTER_CS),
		 IA32(SYSENTER_ESP),
		 IA32(SYSENTER_EIP),
		 IA32(STAR),
		 IA32(LSTAR),
		 IA32(CSTAR),
		 IA32(FMASK),
		 IA32(KERNEL_GS_BASE),
		 IA32(FS_BASE),
		 IA32(GS_BASE),
		 IA32(EFER),
		 {MSR_TSC, "IA32_TIME_STAMP_COUNTER"},
		 IA32(PAT),
		 IA32(TSC_AUX),
		 IA32(APIC_BASE),
		 IA32(FEATURE_CONTROL),
		 IA32(TSC_ADJUST),
		 IA32(TSC_DEADLINE),
		 MSR(PLATFORM_INFO),
		 IA32(ARCH_CAPABILITIES),
		 {MSR_MISC_FEATURES, "MISC_FEATURES_ENABLES"},
		 IA32(MCG_STATUS),
		 IA32(MCG_CTL),
		 IA32(MCG_EXT_CTL),
		 IA32(MISC_ENABLE),
		 MSR(POWER_CTL),
		 IA32(BIOS_SIGN_ID),
		 IA32(PERF_CAPABILITIES),
		 MSR(SMI_COUNT),
		 {MSR_HWCR, "HWCR (AMD)"},
		 {MSR_VM_HSAVE_PA, "VM_HSAVE_PA (AMD)"},
		 IA32(SPEC_CTRL),
		 IA32(TSX_CTRL),
		 MSR(KVM_WALL_CLOCK),
		 MSR(KVM_SYSTEM_TIME),
		 MSR(KVM_WALL_CLOCK_NEW),
		 MSR(KVM_SYSTEM_TIME_NEW),
		 MSR(KVM_ASYNC_PF_EN),
		 MSR(KVM_STEAL_TIME),
		 MSR(KVM_PV_EOI_EN),
		 MSR(KVM_ASYNC_PF_INT),
		 MSR(KVM_ASYNC_PF_ACK),
		 MSR(KVM_POLL_CONTROL)};
#undef IA32
#undef MSR

static const char *msr_name(u32 index)
{
	for (u32 i = 0; i < ARRAY_SIZE(msr_names); i++)
		if (msr_names[i].index == index)
			return msr_names[i].name;
	return "";
}

static int show_one(struct vcpu *c, u32 index)
{
	u64 value;
	int err = msr_read(c, index, &value, true);

	if (!err)
		monitor_print("%08x  %016llx  %s\n", index, value, msr_name(index));
	return err;
}

static int run_msr(u32 argc, char *const *argv)
{
	u32 list[MSR_LIST_MAX];
	struct vcpu *c;
	u64 index;
	int err = arg_vcpu(argv[1], &c);

	if (!err)
		err = park_load(&c->vmx);
	if (err)
		return err;
	if (argc > 2)
		return arg_number(argv[2], &index) || index >> 32 ? -EINVAL
								  : show_one(c, (u32)index);
	for (u32 i = 0, count = msr_list(list); i < count; i++)
		(void)show_one(c, list[i]);
	return 0;
}

/* --- cpuid --- */

static int run_cpuid(u32 argc, char *const *argv)
{
	struct vcpu *c;
	u64 leaf = 0;
	u32 shown = 0;
	int err = arg_vcpu(argv[1], &c);

	if (!err && argc > 2)
		err = arg_number(argv[2], &leaf);
	if (!err)
		err = park_load(&c->vmx);
	if (err)
		return err;
	monitor_print("leaf     index     eax      ebx      ecx      edx\n");
	for (u32 i = 0; i < c->cpuid.count; i++) {
		struct kvm_cpuid_entry2 e = c->cpuid.entries[i];

		if (argc > 2 && e.function != leaf)
			continue;
		vcpu_cpuid_dynamic(c, &e);
		monitor_print("%08x %08x  %08x %08x %08x %08x\n", e.function, e.index, e.eax, e.ebx,
			      e.ecx, e.edx);
		shown++;
	}
	return shown ? 0 : -ENOENT;
}

static const struct command commands[] = {
	{"msr", "N.M [INDEX]", "its MSRs, those to be saved or one", run_msr, complete_vcpu, 1, 2},
	{"cpuid", "N.M [LEAF]", "what CPUID tells it", run_cpuid, complete_vcpu, 1, 2},
};
COMMAND_SET(show_msr, commands);
