/* SPDX-License-Identifier: MIT */
/*
 * A guest's MSRs.  Three owners: the VMCS and the CPU (vmx_get_msr), the local APIC,
 * and values that are only kept here.  What is not listed does not exist.
 */
#include "kvm/msr.h"
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "cpu/tsc.h"
#include "lib/string.h"

const u32 msr_list[] = {
	MSR_SYSENTER_CS,  MSR_SYSENTER_ESP,  MSR_SYSENTER_EIP,   MSR_STAR,        MSR_LSTAR,
	MSR_CSTAR,        MSR_FMASK,         MSR_KERNEL_GS_BASE, MSR_TSC_AUX,     MSR_PAT,
	MSR_TSC,          MSR_TSC_ADJUST,    MSR_TSC_DEADLINE,   MSR_MISC_ENABLE, MSR_MCG_STATUS,
	MSR_BIOS_SIGN_ID, MSR_MTRR_DEF_TYPE,
};
const u32 msr_list_count = ARRAY_SIZE(msr_list);

#define MTRRCAP_VALUE       (BIT(10) | BIT(8) | MTRR_VARIABLE) /* WC, fixed ranges */
#define MISC_ENABLE_NO_BTS  BIT(11)
#define MISC_ENABLE_NO_PEBS BIT(12)
#define APIC_BASE_RESET     (LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE)

void msr_reset(struct vcpu *c)
{
	c->msr = (struct msr_values){
		.misc_enable = MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS,
		.bios_sign_id = 1ull << 32,
	};
	c->apic_base = APIC_BASE_RESET | (c->id == 0 ? LAPIC_BASE_BSP : 0);
}

/* The place of an MTRR in @m, or NULL (SDM vol. 3, Memory Type Range Registers). */
static u64 *mtrr(struct msr_values *m, u32 index)
{
	if (index >= MSR_MTRR_PHYSBASE0 && index < MSR_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE)
		return &m->mtrr_variable[index - MSR_MTRR_PHYSBASE0];
	if (index >= MSR_MTRR_FIX4K_C0000 && index <= MSR_MTRR_FIX4K_F8000)
		return &m->mtrr_fixed[3 + index - MSR_MTRR_FIX4K_C0000];
	switch (index) {
	case MSR_MTRR_FIX64K_00000:
		return &m->mtrr_fixed[0];
	case MSR_MTRR_FIX16K_80000:
	case MSR_MTRR_FIX16K_A0000:
		return &m->mtrr_fixed[1 + index - MSR_MTRR_FIX16K_80000];
	case MSR_MTRR_DEF_TYPE:
		return &m->mtrr_def_type;
	default:
		return NULL;
	}
}

static bool is_memory_type(u64 t)
{
	return t == 0 || t == 1 || (t >= 4 && t <= 6);
}

static bool mtrr_valid(const struct vcpu *c, u32 index, u64 v)
{
	u64 address = (BIT(c->maxphyaddr) - 1) & PAGE_MASK;

	if (index == MSR_MTRR_DEF_TYPE)
		return !(v & ~0xcffull) && is_memory_type(v & 0xff);
	if (index < MSR_MTRR_FIX64K_00000) {
		if (index & 1) /* mask, with its valid bit */
			return !(v & ~(address | BIT(11)));
		return !(v & ~(address | 0xff)) && is_memory_type(v & 0xff);
	}
	for (u32 i = 0; i < 64; i += 8)
		if (!is_memory_type(v >> i & 0xff))
			return false;
	return true;
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
	if (c->vm->chip)
		return lapic_set_base(&c->lapic, value, host);
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

static void set_tsc_offset(struct vcpu *c, u64 offset)
{
	vmx_set_tsc_offset(offset);
	if (c->vm->chip)
		lapic_set_tsc_offset(&c->lapic, offset, rdtsc());
}

int msr_read(struct vcpu *c, u32 index, u64 *value)
{
	const u64 *m;
	int err = vmx_get_msr(&c->vmx, index, value);

	if (err != -ENOENT)
		return err;
	if (is_apic(index))
		return read_apic(c, index, value);
	m = mtrr(&c->msr, index);
	if (m) {
		*value = *m;
		return 0;
	}
	switch (index) {
	case MSR_TSC:
		*value = rdtsc() + vmx_tsc_offset();
		return 0;
	case MSR_TSC_ADJUST:
		*value = c->msr.tsc_adjust;
		return 0;
	case MSR_MISC_ENABLE:
		*value = c->msr.misc_enable;
		return 0;
	case MSR_MTRRCAP:
		*value = MTRRCAP_VALUE;
		return 0;
	case MSR_BIOS_SIGN_ID:
		*value = c->msr.bios_sign_id;
		return 0;
	case MSR_MCG_STATUS:
		*value = c->msr.mcg_status;
		return 0;
	case MSR_FEATURE_CONTROL: /* locked, with nothing on */
		*value = FEATURE_CONTROL_LOCKED;
		return 0;
	case MSR_DEBUGCTL:    /* nothing in it can be set */
	case MSR_MCG_CAP:     /* no banks */
	case MSR_PLATFORM_ID: /* kernels read these without looking whether they are there */
	case MSR_EBL_CR_POWERON:
	case MSR_PERF_STATUS:
	case MSR_PERF_CTL:
		*value = 0;
		return 0;
	default:
		return -EINVAL;
	}
}

static int write_tsc(struct vcpu *c, u64 value, bool host)
{
	u64 offset = value - rdtsc();

	/* The guest's own write shows in IA32_TSC_ADJUST (SDM vol. 3, IA32_TSC_ADJUST MSR). */
	if (!host)
		c->msr.tsc_adjust += offset - vmx_tsc_offset();
	set_tsc_offset(c, offset);
	return 0;
}

static int write_tsc_adjust(struct vcpu *c, u64 value, bool host)
{
	if (!host)
		set_tsc_offset(c, vmx_tsc_offset() + value - c->msr.tsc_adjust);
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

int msr_write(struct vcpu *c, u32 index, u64 value, bool host)
{
	u64 *m;
	int err = vmx_set_msr(&c->vmx, index, value);

	if (err != -ENOENT)
		return err;
	if (is_apic(index))
		return write_apic(c, index, value, host);
	m = mtrr(&c->msr, index);
	if (m) {
		if (!mtrr_valid(c, index, value))
			return -EINVAL;
		*m = value;
		return 0;
	}
	switch (index) {
	case MSR_TSC:
		return write_tsc(c, value, host);
	case MSR_TSC_ADJUST:
		return write_tsc_adjust(c, value, host);
	case MSR_MISC_ENABLE:
		return keep(&c->msr.misc_enable, value, ~0ull);
	case MSR_DEBUGCTL: /* no last-branch records, no BTF: KVM ignores these two */
		return value & ~3ull ? -EINVAL : 0;
	case MSR_MCG_STATUS: /* RIPV, EIPV, MCIP */
		return keep(&c->msr.mcg_status, value, host ? ~0ull : 7);
	case MSR_BIOS_SIGN_ID: /* the guest writes 0 before it reads the revision */
		if (host)
			c->msr.bios_sign_id = value;
		return 0;
	case MSR_BIOS_UPDT_TRIG:
		return 0;
	case MSR_FEATURE_CONTROL:
		return host && value == FEATURE_CONTROL_LOCKED ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}
