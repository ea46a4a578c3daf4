/* SPDX-License-Identifier: MIT */
/*
 * MSRs against the CPU's defects: which of them a guest may use is what its CPUID and
 * IA32_ARCH_CAPABILITIES say, where the CPU has them; the host may use all that the CPU has.
 */
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/msr.h"

static u32 leaf7_edx(const struct vcpu *c)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(&c->cpuid, 7, 0);

	return e ? e->edx : 0;
}

bool spec_has_arch_capabilities(const struct vcpu *c)
{
	return leaf7_edx(c) & LEAF7_ARCH_CAP;
}

static bool guest_has(const struct vcpu *c, u32 index)
{
	switch (index) {
	case MSR_SPEC_CTRL:
		return leaf7_edx(c) & (LEAF7_IBRS_IBPB | LEAF7_STIBP | LEAF7_SSBD);
	case MSR_PRED_CMD:
		return leaf7_edx(c) & LEAF7_IBRS_IBPB;
	case MSR_FLUSH_CMD:
		return leaf7_edx(c) & LEAF7_L1D_FLUSH;
	default: /* MSR_TSX_CTRL */
		return spec_has_arch_capabilities(c) && c->msr.arch_capabilities & ARCH_TSX_CTRL;
	}
}

int spec_read(const struct vcpu *c, u32 index, u64 *value, bool host)
{
	return host || guest_has(c, index) ? vmx_get_msr(&c->vmx, index, value) : -EINVAL;
}

int spec_write(struct vcpu *c, u32 index, u64 value, bool host)
{
	int err;

	if (!host && !guest_has(c, index))
		return -EINVAL;
	if (index == MSR_PRED_CMD || index == MSR_FLUSH_CMD)
		return vmx_command(index, value);
	err = vmx_set_msr(&c->vmx, index, value, host);
	/* It may be native from now on, which a filter has to know of. */
	if (c->vm->msr_filter)
		vcpu_ask(c, VCPU_MSR_FILTER);
	return err;
}

void spec_hide_tsx(const struct vcpu *c, struct kvm_cpuid_entry2 *e)
{
	if (e->function == 7 && e->index == 0 && c->vmx.msrs.tsx_ctrl & TSX_CTRL_NO_CPUID)
		e->ebx &= ~(u32)(LEAF7_RTM | LEAF7_HLE);
}
