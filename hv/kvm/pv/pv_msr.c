/* SPDX-License-Identifier: MIT */
/*
 * KVM's own MSRs, by number.  Those of features that do not work yet: a control guest may read and
 * write the zero that they have where they are off, as VMMs do at reset.
 */
#include <linux/errno.h>
#include "kvm/pv/pv.h"
#include "kvm/vcpu.h"

int pv_get_msr(struct vcpu *c, u32 index, u64 *value, bool host)
{
	*value = 0;
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return kvmclock_get_msr(c, index, value);
	case MSR_KVM_ASYNC_PF_EN:
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
	case MSR_KVM_STEAL_TIME:
	case MSR_KVM_PV_EOI_EN:
		return host ? 0 : -ENOENT;
	case MSR_KVM_POLL_CONTROL:
		*value = c->pv.poll_control;
		return pv_allows(c, KVM_FEATURE_POLL_CONTROL) ? 0 : -EINVAL;
	default:
		return -ENOENT;
	}
}

int pv_set_msr(struct vcpu *c, u32 index, u64 value, bool host)
{
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return kvmclock_set_msr(c, index, value, host);
	case MSR_KVM_ASYNC_PF_EN:
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
	case MSR_KVM_STEAL_TIME:
	case MSR_KVM_PV_EOI_EN:
		if (!host)
			return -ENOENT;
		return value ? -EINVAL : 0;
	case MSR_KVM_POLL_CONTROL:
		if (!pv_allows(c, KVM_FEATURE_POLL_CONTROL) || value & ~PV_POLL_CONTROL_ON)
			return -EINVAL;
		c->pv.poll_control = value;
		return 0;
	default:
		return -ENOENT;
	}
}
