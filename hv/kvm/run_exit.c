/* SPDX-License-Identifier: MIT */
/* Exits that come seldom; those of every moment are in run.c. */
#include <linux/errno.h>
#include "core/log.h"
#include "cpu/percpu.h"
#include "kvm/debugger.h"
#include "kvm/pv/apf.h"
#include "kvm/run.h"
#include "kvm/vcpu_events.h"

/* It is for kvm0's debugger, or for user space by KVM_SET_GUEST_DEBUG, that the guest stops here;
 * or it is an INT3 of the guest's after all. */
enum exit_action run_exit_debug(struct vcpu *c, const struct vmx_exit *exit)
{
	if (exit->debug.debugger && debugger_takes(&c->vmx, exit))
		return GO_AGAIN;
	if (!vmx_is_user_debug(&c->vmx, exit)) {
		if (vmx_return_debug(&c->vmx, exit))
			return GO_ON;
		c->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return TO_USER;
	}
	c->run->exit_reason = KVM_EXIT_DEBUG;
	c->run->debug.arch = (struct kvm_debug_exit_arch){.exception = exit->debug.vector,
							  .pc = vmx_linear_rip(),
							  .dr6 = exit->debug.dr6,
							  .dr7 = vmx_debug_dr7()};
	return TO_USER;
}

enum exit_action run_exit_cr_write(struct vcpu *c, const struct vmx_exit *exit)
{
	u64 old = exit->cr.number == 0 ? vmx_cr0() : vmx_cr4();
	int r;

	if (exit->cr.number == 8) {
		old = vcpu_get_cr8(c);
		if (vcpu_set_cr8(c, exit->cr.value))
			return vcpu_inject(c, VECTOR_GP, 0);
		vmx_skip_instruction();
		if (c->vm->chip || exit->cr.value >= old)
			return GO_ON;
		c->run->exit_reason = KVM_EXIT_SET_TPR;
		return TO_USER;
	}
	r = vmx_write_cr(&c->vmx, exit->cr.number, exit->cr.value);
	if (r == 1) { /* to or from PAE paging, out of long mode: EFER is as it was */
		r = vcpu_load_pdptes(c);
		if (r && exit->cr.number == 0)
			vmx_set_cr0(&c->vmx, old);
		else if (r)
			vmx_set_cr4(&c->vmx, old);
	}
	if (r == -EAGAIN)
		return GO_PAGE_WANTED;
	if (r)
		return vcpu_inject(c, VECTOR_GP, 0);
	if (exit->cr.number == 0 && ((old ^ vmx_cr0()) & CR0_PG))
		pv_apf_forget(c); /* who waits for a page is no longer there, as in KVM */
	vmx_skip_instruction();
	return GO_ON;
}

/* An exception comes before an event that was to be delivered again: as if that had just come. */
enum exit_action run_exit_aside(struct vcpu *c)
{
	u8 vector;

	if (vmx_take_aside(&c->vmx, &vector))
		vcpu_keep_interrupt(c, vector);
	else
		vcpu_nmi(c);
	return GO_ON;
}

/* The log says which rule the entry broke; so often as for anything that a guest can cause. */
enum exit_action run_exit_failed_entry(struct vcpu *c, const struct vmx_exit *exit)
{
	static u32 explained;

	if (__atomic_fetch_add(&explained, 1, __ATOMIC_RELAXED) < LOG_GUEST_BURST)
		vmx_check_vmcs();
	c->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	c->run->fail_entry.hardware_entry_failure_reason = exit->reason;
	c->run->fail_entry.cpu = this_cpu()->index;
	return TO_USER;
}

enum exit_action run_exit_unknown(struct vcpu *c, const struct vmx_exit *exit)
{
	u64 data[] = {exit->reason, exit->qualification, this_cpu()->index};

	return run_internal_error(c, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, ARRAY_SIZE(data),
				  data);
}

enum exit_action run_internal_error(struct vcpu *c, u32 suberror, u32 count, const u64 *data)
{
	c->run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	c->run->internal.suberror = suberror;
	c->run->internal.ndata = count;
	for (u32 i = 0; i < count; i++)
		c->run->internal.data[i] = data[i];
	return TO_USER;
}
