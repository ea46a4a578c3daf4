/* SPDX-License-Identifier: MIT */
/* Requests on a vCPU's handle that concern its local APIC. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "cpu/tsc.h"

s64 vcpu_get_lapic(struct vcpu *c, u64 arg)
{
	struct kvm_lapic_state s;

	if (!c->vm->chip)
		return -EINVAL;
	lapic_get_state(&c->lapic, &s, rdtsc());
	return copy_out(arg, &s, sizeof(s));
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
