/* SPDX-License-Identifier: MIT */
/* Requests about what happens to a vCPU: interrupts and other events, and what ends KVM_RUN. */
#include "kvm/vcpu_events.h"
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"

static s64 interrupt(struct vcpu *c, u64 arg)
{
	struct kvm_interrupt i;

	if (copy_in(&i, arg, sizeof(i)))
		return -EFAULT;
	if (i.irq > 255)
		return -EINVAL;
	return vcpu_interrupt(c, (u8)i.irq);
}

/* KVM API, KVM_SET_SIGNAL_MASK; @arg is 0 for "no mask". */
static s64 set_signal_mask(struct vcpu *c, u64 arg)
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

static s64 get_events(struct vcpu *c, u64 arg)
{
	struct kvm_vcpu_events e;

	vcpu_get_events(c, &e);
	return copy_out(arg, &e, sizeof(e));
}

static s64 set_events(struct vcpu *c, u64 arg)
{
	struct kvm_vcpu_events e;

	return copy_in(&e, arg, sizeof(e)) ? -EFAULT : vcpu_set_events(c, &e);
}

static s64 get_mp_state(struct vcpu *c, u64 arg)
{
	struct kvm_mp_state s = {.mp_state = vcpu_get_mp_state(c)};

	return copy_out(arg, &s, sizeof(s));
}

static s64 set_mp_state(struct vcpu *c, u64 arg)
{
	struct kvm_mp_state s;

	return copy_in(&s, arg, sizeof(s)) ? -EFAULT : vcpu_set_mp_state(c, s.mp_state);
}

static s64 set_guest_debug(struct vcpu *c, u64 arg)
{
	struct kvm_guest_debug d;

	return copy_in(&d, arg, sizeof(d)) ? -EFAULT : vcpu_set_guest_debug(c, &d);
}

s64 vcpu_event_request(struct vcpu *c, u32 request, u64 arg)
{
	switch (request) {
	case KVM_INTERRUPT:
		return interrupt(c, arg);
	case KVM_NMI:
		vcpu_nmi(c);
		return 0;
	case KVM_SET_SIGNAL_MASK:
		return set_signal_mask(c, arg);
	case KVM_GET_VCPU_EVENTS:
		return get_events(c, arg);
	case KVM_SET_VCPU_EVENTS:
		return set_events(c, arg);
	case KVM_GET_MP_STATE:
		return get_mp_state(c, arg);
	case KVM_SET_MP_STATE:
		return set_mp_state(c, arg);
	case KVM_SET_GUEST_DEBUG:
		return set_guest_debug(c, arg);
	default: /* as Linux says it of a vCPU; a VM says -ENOTTY */
		return -EINVAL;
	}
}
