/* SPDX-License-Identifier: MIT */
/* Requests about events of a vCPU: interrupts, and what ends KVM_RUN. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"

s64 vcpu_interrupt(struct vcpu *c, u64 arg)
{
	struct kvm_interrupt i;

	if (copy_in(&i, arg, sizeof(i)))
		return -EFAULT;
	if (i.irq > 255)
		return -EINVAL;
	if (c->vm->chip)
		return -ENXIO;
	c->interrupt = (s32)i.irq;
	return 0;
}

/* KVM API, KVM_SET_SIGNAL_MASK; @arg is 0 for "no mask". */
s64 vcpu_set_signal_mask(struct vcpu *c, u64 arg)
{
	struct kvm_signal_mask head;
	u64 set = 0;

	if (arg) {
		if (copy_in(&head, arg, sizeof(head)))
			return -EFAULT;
		if (head.len != sizeof(set))
			return -EINVAL;
		if (copy_in(&set, arg + sizeof(head), sizeof(set)))
			return -EFAULT;
	}
	vcpu_block_signals(c, set);
	return 0;
}
