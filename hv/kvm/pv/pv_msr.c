/* SPDX-License-Identifier: MIT */
/* KVM's own MSRs, by number, and how INIT leaves them. */
#include <linux/errno.h>
#include "kvm/pv/apf.h"
#include "kvm/pv/eoi.h"
#include "kvm/pv/kvmclock.h"
#include "kvm/pv/steal.h"

void pv_reset_vcpu(struct vcpu *c)
{
	kvmclock_reset(c);
	c->pv.steal.msr = 0;
	c->pv.eoi = (struct pv_eoi){0};
	c->pv.apf.msr = 0;
	c->pv.apf.vector = 0;
	pv_apf_forget(c);
}

static int gate(const struct vcpu *c, u32 feature)
{
	return pv_allows(c, feature) ? 0 : -EINVAL;
}

int pv_get_msr(struct vcpu *c, u32 index, u64 *value)
{
	*value = 0;
	switch (index) {
	case MSR_KVM_ASYNC_PF_EN:
		*value = c->pv.apf.msr;
		return gate(c, KVM_FEATURE_ASYNC_PF);
	case MSR_KVM_ASYNC_PF_INT:
		*value = c->pv.apf.vector;
		return gate(c, KVM_FEATURE_ASYNC_PF_INT);
	case MSR_KVM_ASYNC_PF_ACK:
		return gate(c, KVM_FEATURE_ASYNC_PF_INT);
	case MSR_KVM_PV_EOI_EN:
		*value = c->pv.eoi.msr;
		return gate(c, KVM_FEATURE_PV_EOI);
	case MSR_KVM_STEAL_TIME:
		*value = c->pv.steal.msr;
		return gate(c, KVM_FEATURE_STEAL_TIME);
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return kvmclock_get_msr(c, index, value);
	case MSR_KVM_POLL_CONTROL:
		*value = c->pv.poll_control;
		return gate(c, KVM_FEATURE_POLL_CONTROL);
	default:
		return -ENOENT;
	}
}

int pv_set_msr(struct vcpu *c, u32 index, u64 value, bool host)
{
	switch (index) {
	case MSR_KVM_ASYNC_PF_EN:
		return gate(c, KVM_FEATURE_ASYNC_PF) ? -EINVAL : pv_apf_set(c, value);
	case MSR_KVM_ASYNC_PF_INT:
		return gate(c, KVM_FEATURE_ASYNC_PF_INT) ? -EINVAL : pv_apf_set_vector(c, value);
	case MSR_KVM_ASYNC_PF_ACK:
		return gate(c, KVM_FEATURE_ASYNC_PF_INT) ? -EINVAL : pv_apf_ack(c, value);
	case MSR_KVM_PV_EOI_EN:
		return gate(c, KVM_FEATURE_PV_EOI) ? -EINVAL : pv_eoi_set(c, value);
	case MSR_KVM_STEAL_TIME:
		return gate(c, KVM_FEATURE_STEAL_TIME) ? -EINVAL : pv_steal_set(c, value);
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return kvmclock_set_msr(c, index, value, host);
	case MSR_KVM_POLL_CONTROL:
		if (gate(c, KVM_FEATURE_POLL_CONTROL) || value & ~PV_POLL_CONTROL_ON)
			return -EINVAL;
		c->pv.poll_control = value;
		return 0;
	default:
		return -ENOENT;
	}
}
