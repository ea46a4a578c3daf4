/* SPDX-License-Identifier: MIT */
/*
 * Registers in kvm_run, which saves calls.  The page is the control guest's, which may write to
 * it at any time: each structure is copied once.
 */
#include <linux/errno.h>
#include "abi/requests.h"
#include "kvm/vcpu_events.h"

/* Done with that kind. */
static void clear_dirty(struct vcpu *c, u64 kind)
{
	WRITE_ONCE(c->run->kvm_dirty_regs, READ_ONCE(c->run->kvm_dirty_regs) & ~kind);
}

/* As in KVM what is wrong is found one by one. */
static int set_dirty(struct vcpu *c, u64 dirty)
{
	struct kvm_sync_regs *s = &c->run->s.regs;

	if (dirty & KVM_SYNC_X86_REGS) {
		struct kvm_regs regs = s->regs;

		compiler_barrier(); /* see copy_in() */
		vcpu_set_regs(c, &regs);
		clear_dirty(c, KVM_SYNC_X86_REGS);
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		struct kvm_sregs sregs = s->sregs;

		compiler_barrier();
		if (vcpu_set_sregs(c, &sregs))
			return -EINVAL;
		clear_dirty(c, KVM_SYNC_X86_SREGS);
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		struct kvm_vcpu_events events = s->events;

		compiler_barrier();
		if (vcpu_set_events(c, &events))
			return -EINVAL;
		clear_dirty(c, KVM_SYNC_X86_EVENTS);
	}
	return 0;
}

int vcpu_sync_in(struct vcpu *c, u64 valid)
{
	u64 dirty = READ_ONCE(c->run->kvm_dirty_regs);
	int err;

	if ((valid | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	err = set_dirty(c, dirty);
	if (err)
		vcpu_sync_out(c, valid);
	return err;
}

void vcpu_sync_out(struct vcpu *c, u64 valid)
{
	struct kvm_sync_regs *s = &c->run->s.regs;

	if (valid & KVM_SYNC_X86_REGS)
		vmx_get_regs(&c->vmx, &s->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		vcpu_get_sregs(c, &s->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		vcpu_get_events(c, &s->events);
}
