/* SPDX-License-Identifier: MIT */
/* Requests on a vCPU's handle that concern its local APIC. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "cpu/tsc.h"
#include "kvm/pv/eoi.h"
#include "kvm/vapic.h"
#include "kvm/vcpu_events.h"

s64 vcpu_get_lapic(struct vcpu *c, u64 arg)
{
	struct kvm_lapic_state *s;

	if (!c->vm->chip)
		return -EINVAL;
	s = copy_span(arg, sizeof(*s));
	if (!s)
		return -EFAULT;
	(void)!pv_eoi_settle(c);
	lapic_get_state(&c->lapic, s, rdtsc());
	return 0;
}

s64 vcpu_set_lapic(struct vcpu *c, u64 arg)
{
	struct kvm_lapic_state s;
	s64 result;

	if (!c->vm->chip)
		return -EINVAL;
	if (copy_in(&s, arg, sizeof(s)))
		return -EFAULT;
	c->pv.eoi.offered = false; /* what was in service is so no longer */
	result = lapic_set_state(&c->lapic, &s, rdtsc());
	vm_deliver_wakes(c->vm);
	return result;
}

s64 vcpu_report_tpr_access(struct vcpu *c, u64 arg)
{
	struct kvm_tpr_access_ctl t;

	if (copy_in(&t, arg, sizeof(t)))
		return -EFAULT;
	if (t.flags)
		return -EINVAL;
	c->tpr_access.report = t.enabled != 0;
	vcpu_update_injection(c);
	return copy_out(arg, &t, sizeof(t));
}

s64 vcpu_set_vapic_addr(struct vcpu *c, u64 arg)
{
	struct kvm_vapic_addr v;

	if (!c->vm->chip)
		return -EINVAL;
	return copy_in(&v, arg, sizeof(v)) ? -EFAULT : vapic_set_address(c, v.vapic_addr);
}
