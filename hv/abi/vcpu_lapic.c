/* SPDX-License-Identifier: MIT */
/* Requests on a vCPU's handle that concern its local APIC. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "cpu/tsc.h"

s64 vcpu_get_lapic(struct vcpu *c, u64 arg)
{
	struct kvm_lapic_state *s;

	if (!c->vm->chip)
		return -EINVAL;
	s = copy_span(arg, sizeof(*s));
	if (!s)
		return -EFAULT;
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
	result = lapic_set_state(&c->lapic, &s, rdtsc());
	vm_deliver_wakes(c->vm);
	return result;
}
