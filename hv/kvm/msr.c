/* SPDX-License-Identifier: MIT */
/*
 * A guest's MSRs.  Owners: the VMCS and the CPU (vmx_get_msr), the local APIC, the MTRRs,
 * the machine-check banks, KVM's own MSRs (kvm/pv) and those that never change in files of their
 * own, and values that are only kept here.  What is not listed does not exist.
 */
#include "kvm/msr.h"
#include <linux/errno.h>
#include "core/log.h"
#include "cpu/msr_index.h"
#include "cpu/tsc.h"
#include "kvm/vcpu_events.h"
#include "lib/string.h"

#define MISC_ENABLE_NO_BTS   BIT(11)
#define MISC_ENABLE_NO_PEBS  BIT(12)
#define MISC_ENABLE_EMON     BIT(7)
#define HWCR_IGNORED         0x148ull /* MSR_HWCR of AMD's: FFDIS, CACHEDIS, TLBCACHEDIS */
#define HWCR_MC_STATUS_WRITE BIT(18)
#define APIC_BASE_RESET      (LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE)
#define CPUID_FAULTING       BIT(31) /* IA32_PLATFORM_INFO: it is there */
#define CPUID_FAULT_ON       BIT(0)  /* MISC_FEATURES_ENABLES */

/* Linux's parameters of the module kvm: MSRs that do not exist read 0 and take what is written;
 * with a line in the log. */
static bool ignore_msrs, report_ignored_msrs = true;

static const struct param params[] = {
	{.name = "ignore_msrs", .type = PARAM_BOOL, .value = &ignore_msrs, .runtime = true},
	{.name = "report_ignored_msrs",
	 .type = PARAM_BOOL,
	 .value = &report_ignored_msrs,
	 .runtime = true},
};
const struct param_table msr_params = {params, ARRAY_SIZE(params)};

static bool ignored(u32 index, u64 value, bool write)
{
	if (!READ_ONCE(ignore_msrs))
		return false;
	if (READ_ONCE(report_ignored_msrs))
		log_guest(LOG_INFO, "msr", "ignored %s 0x%x data 0x%llx", write ? "WRMSR" : "RDMSR",
			  index, value);
	return true;
}

void msr_reset(struct vcpu *c)
{
	c->msr = (struct msr_values){
		.misc_enable = MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS,
		.bios_sign_id = 1ull << 32,
		.platform_info = CPUID_FAULTING,
	};
	if (!msr_feature(MSR_ARCH_CAPABILITIES, &c->msr.arch_capabilities))
		c->msr.arch_capabilities = 0;
	mce_init(&c->mce);
	c->apic_base = APIC_BASE_RESET | (vcpu_is_boot_cpu(c) ? LAPIC_BASE_BSP : 0);
}

static int read_apic(struct vcpu *c, u32 index, u64 *value)
{
	if (index == MSR_APIC_BASE) {
		*value = c->vm->chip ? c->lapic.base : c->apic_base;
		return 0;
	}
	if (!c->vm->chip)
		return -EINVAL;
	if (index == MSR_TSC_DEADLINE) {
		*value = lapic_tsc_deadline(&c->lapic);
		return 0;
	}
	return lapic_msr_read(&c->lapic, index, value, rdtsc());
}

static int write_apic_base(struct vcpu *c, u64 value, bool host)
{
	if (c->vm->chip) {
		int err = lapic_set_base(&c->lapic, value, host);

		vcpu_update_injection(c);
		return err;
	}
	if ((value & c->lapic.base_reserved) ||
	    (value & (LAPIC_BASE_X2APIC | LAPIC_BASE_ENABLE)) == LAPIC_BASE_X2APIC)
		return -EINVAL;
	c->apic_base = value;
	return 0;
}

static int write_apic(struct vcpu *c, u32 index, u64 value, bool host)
{
	if (index == MSR_APIC_BASE)
		return write_apic_base(c, value, host);
	if (!c->vm->chip)
		return -EINVAL;
	if (index == MSR_TSC_DEADLINE) {
		lapic_set_tsc_deadline(&c->lapic, value, rdtsc());
		return 0;
	}
	return lapic_msr_write(&c->lapic, index, value, rdtsc());
}

static bool is_apic(u32 index)
{
	return index == MSR_APIC_BASE || index == MSR_TSC_DEADLINE ||
	       (index >= MSR_X2APIC_FIRST && index <= MSR_X2APIC_LAST);
}

static int read_kept(const struct vcpu *c, u32 index, u64 *value, bool host)
{
	switch (index) {
	case MSR_TSC:
		*value = time_read_tsc(c);
		return 0;
	case MSR_TSC_ADJUST:
		*value = c->msr.tsc_adjust;
		return 0;
	case MSR_MISC_ENABLE:
		*value = c->msr.misc_enable;
		return 0;
	case MSR_BIOS_SIGN_ID:
		*value = c->msr.bios_sign_id;
		return 0;
	case MSR_FEATURE_CONTROL:
		*value = c->msr.feature_control;
		return 0;
	case MSR_ARCH_CAPABILITIES:
		*value = c->msr.arch_capabilities;
		return host || spec_has_arch_capabilities(c) ? 0 : -EINVAL;
	case MSR_PERF_CAPABILITIES:
	case MSR_XSS: /* no XSAVES either */
		*value = 0;
		return host ? 0 : -EINVAL;
	case MSR_PLATFORM_INFO:
		*value = c->msr.platform_info;
		return host || !c->vm->hide_platform_info ? 0 : -EINVAL;
	case MSR_MISC_FEATURES:
		*value = c->msr.misc_features;
		return 0;
	case MSR_POWER_CTL:
		*value = c->msr.power_ctl;
		return 0;
	case MSR_SMI_COUNT:
		*value = c->msr.smi_count;
		return 0;
	case MSR_HWCR:
		*value = c->msr.hwcr;
		return 0;
	case MSR_SPEC_CTRL:
	case MSR_TSX_CTRL:
		return spec_read(c, index, value, host);
	case MSR_DEBUGCTL: /* nothing in it can be set */
		*value = 0;
		return 0;
	default:
		return -ENOENT;
	}
}

/* Those first that guests access again and again. */
static int read(struct vcpu *c, u32 index, u64 *value, bool host)
{
	int err;

	if (is_apic(index))
		return read_apic(c, index, value);
	err = read_kept(c, index, value, host);
	if (err == -ENOENT)
		err = vmx_get_msr(&c->vmx, index, value);
	if (err != -ENOENT)
		return err;
	if (pv_is_msr(index))
		return pv_get_msr(c, index, value);
	if (mtrr_is_msr(index)) {
		*value = mtrr_read(c, index);
		return 0;
	}
	return mce_is_msr(index) ? mce_read(c, index, value, host) : msr_read_fixed(index, value);
}

int msr_read(struct vcpu *c, u32 index, u64 *value, bool host)
{
	int err = read(c, index, value, host);

	if (__builtin_expect(err != -ENOENT, 1) || !ignored(index, 0, false))
		return err;
	*value = 0;
	return 0;
}

static int write_tsc(struct vcpu *c, u64 value, bool host)
{
	u64 change;

	if (host) {
		time_write_tsc(c, value);
		return 0;
	}
	/* The guest's own write shows in IA32_TSC_ADJUST (SDM vol. 3, IA32_TSC_ADJUST MSR). */
	change = value - time_read_tsc(c);
	c->msr.tsc_adjust += change;
	time_adjust_offset(c, c->tsc.offset + change);
	return 0;
}

static int write_tsc_adjust(struct vcpu *c, u64 value, bool host)
{
	if (!host)
		time_adjust_offset(c, c->tsc.offset + value - c->msr.tsc_adjust);
	c->msr.tsc_adjust = value;
	return 0;
}

/* Values that are kept as they come, unless a bit outside @allowed is set. */
static int keep(u64 *place, u64 value, u64 allowed)
{
	if (value & ~allowed)
		return -EINVAL;
	*place = value;
	return 0;
}

/* The host may set all of it; the guest not what the CPU says of itself. */
static int write_misc_enable(struct vcpu *c, u64 value, bool host)
{
	u64 old = c->msr.misc_enable;

	if (!host) {
		if ((old ^ value) & (MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS))
			return -EINVAL;
		value = (value & ~MISC_ENABLE_EMON) | (old & MISC_ENABLE_EMON);
	}
	c->msr.misc_enable = value;
	return 0;
}

static int write_feature_control(struct vcpu *c, u64 value, bool host)
{
	u64 known = FEATURE_CONTROL_LOCKED | (c->mce.cap & MCG_CAP_LMCE ? FEATURE_CONTROL_LMCE : 0);

	if (!host && c->msr.feature_control & FEATURE_CONTROL_LOCKED)
		return -EINVAL;
	return keep(&c->msr.feature_control, value, known);
}

static int write_platform_info(struct vcpu *c, u64 value, bool host)
{
	/* What the guest has turned on has to stay. */
	if (!host || (!(value & CPUID_FAULTING) && c->msr.misc_features))
		return -EINVAL;
	c->msr.platform_info = value;
	return 0;
}

static int write_kept(struct vcpu *c, u32 index, u64 value, bool host)
{
	switch (index) {
	case MSR_TSC:
		return write_tsc(c, value, host);
	case MSR_TSC_ADJUST:
		return write_tsc_adjust(c, value, host);
	case MSR_MISC_ENABLE:
		return write_misc_enable(c, value, host);
	case MSR_BIOS_SIGN_ID: /* the guest writes 0 before it reads the revision */
		if (host)
			c->msr.bios_sign_id = value;
		return 0;
	case MSR_FEATURE_CONTROL:
		return write_feature_control(c, value, host);
	case MSR_ARCH_CAPABILITIES:
		return host ? keep(&c->msr.arch_capabilities, value, ~0ull) : -EINVAL;
	case MSR_PERF_CAPABILITIES:
	case MSR_XSS:
		return host && !value ? 0 : -EINVAL;
	case MSR_PLATFORM_INFO:
		return write_platform_info(c, value, host);
	case MSR_MISC_FEATURES:
		return keep(&c->msr.misc_features, value,
			    c->msr.platform_info & CPUID_FAULTING ? CPUID_FAULT_ON : 0);
	case MSR_POWER_CTL:
		return keep(&c->msr.power_ctl, value, ~0ull);
	case MSR_SMI_COUNT: /* there are none, but a VMM may bring a count along */
		return host ? keep(&c->msr.smi_count, value, ~0ull) : -EINVAL;
	case MSR_SPEC_CTRL:
	case MSR_PRED_CMD:
	case MSR_FLUSH_CMD:
	case MSR_TSX_CTRL:
		return spec_write(c, index, value, host);
	case MSR_HWCR:
		return keep(&c->msr.hwcr, value & ~HWCR_IGNORED, HWCR_MC_STATUS_WRITE);
	case MSR_DEBUGCTL: /* no last-branch records, no BTF: KVM ignores these two */
		return value & ~3ull ? -EINVAL : 0;
	default:
		return -ENOENT;
	}
}

static int write(struct vcpu *c, u32 index, u64 value, bool host)
{
	int err;

	if (is_apic(index))
		return write_apic(c, index, value, host);
	err = write_kept(c, index, value, host);
	if (err == -ENOENT)
		err = vmx_set_msr(&c->vmx, index, value, host);
	if (err != -ENOENT)
		return err;
	if (pv_is_msr(index))
		return pv_set_msr(c, index, value, host);
	if (mtrr_is_msr(index))
		return mtrr_write(c, index, value);
	return mce_is_msr(index) ? mce_write(c, index, value, host) : msr_write_fixed(index, value);
}

int msr_write(struct vcpu *c, u32 index, u64 value, bool host)
{
	int err = write(c, index, value, host);

	return __builtin_expect(err != -ENOENT, 1) || !ignored(index, value, true) ? err : 0;
}
