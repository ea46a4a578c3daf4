/* SPDX-License-Identifier: MIT */
/* A guest's RDMSR and WRMSR: done here, #GP, or the control guest's to decide (KVM API,
 * KVM_CAP_X86_USER_SPACE_MSR). */
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "cpu/tsc.h"
#include "kvm/msr.h"
#include "kvm/msr_filter.h"
#include "kvm/run.h"

/* Whether a filter, where there is one, denies it. */
static inline bool is_denied(struct vcpu *c, bool write)
{
	return __builtin_expect(__atomic_load_n(&c->vm->msr_filter, __ATOMIC_RELAXED) != NULL, 0) &&
	       !msr_filter_vm_allows(c->vm, (u32)c->vmx.gpr[GPR_RCX], write);
}

/* It cannot be done, for the reason @err: to the control guest if it has asked for that. */
static enum exit_action refuse(struct vcpu *c, int err, bool write, u64 value)
{
	u32 reason = err == -EPERM    ? KVM_MSR_EXIT_REASON_FILTER
		     : err == -ENOENT ? KVM_MSR_EXIT_REASON_UNKNOWN
				      : KVM_MSR_EXIT_REASON_INVAL;
	struct kvm_run *run = c->run;

	if (!(READ_ONCE(c->vm->user_msr_reasons) & reason))
		return vcpu_inject(c, VECTOR_GP, 0);
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	for (u32 i = 0; i < sizeof(run->msr.pad); i++)
		run->msr.pad[i] = 0;
	run->msr.reason = reason;
	run->msr.index = (u32)c->vmx.gpr[GPR_RCX];
	run->msr.data = value;
	c->completion = write ? COMPLETE_WRMSR : COMPLETE_RDMSR;
	return TO_USER;
}

static void set_result(struct vcpu *c, u64 value)
{
	c->vmx.gpr[GPR_RAX] = (u32)value;
	c->vmx.gpr[GPR_RDX] = value >> 32;
	vmx_skip_instruction();
}

enum exit_action run_rdmsr(struct vcpu *c)
{
	u64 value;
	int err =
		is_denied(c, false) ? -EPERM : msr_read(c, (u32)c->vmx.gpr[GPR_RCX], &value, false);

	if (__builtin_expect(err != 0, 0))
		return refuse(c, err, false, 0);
	set_result(c, value);
	return GO_ON;
}

/* An IPI that goes to one vCPU, which is kicked before all else.  No filter denies it. */
static inline bool send_ipi(struct vcpu *c, u64 icr)
{
	struct lapic *target = c->vm->chip ? lapic_send_quickly(&c->lapic, icr) : NULL;

	if (!target)
		return false;
	vcpu_wake(container_of(target, struct vcpu, lapic));
	lapic_sent_quickly(&c->lapic, icr);
	vmx_skip_instruction();
	return true;
}

/* Those first that guests with a local APIC here write all the time. */
enum exit_action run_wrmsr(struct vcpu *c)
{
	const u64 *g = c->vmx.gpr;
	u64 value = (u32)g[GPR_RAX] | g[GPR_RDX] << 32;
	u32 index = (u32)g[GPR_RCX];
	int err;

	if (index == MSR_X2APIC_ICR && send_ipi(c, value))
		return wake_any() ? GO_AGAIN : GO_ON;
	if (index == MSR_TSC_DEADLINE && c->vm->chip && !is_denied(c, true)) {
		lapic_set_tsc_deadline(&c->lapic, value, rdtsc());
		vmx_skip_instruction();
		return GO_ON;
	}
	err = is_denied(c, true) ? -EPERM : msr_write(c, index, value, false);
	if (__builtin_expect(err != 0, 0))
		return refuse(c, err, true, value);
	vmx_skip_instruction();
	/* It may have been an IPI, or an EOI. */
	return vm_deliver_wakes(c->vm) ? GO_AGAIN : GO_ON;
}

enum exit_action run_complete_msr(struct vcpu *c, bool write)
{
	if (READ_ONCE(c->run->msr.error))
		return vcpu_inject(c, VECTOR_GP, 0);
	if (write)
		vmx_skip_instruction();
	else
		set_result(c, READ_ONCE(c->run->msr.data));
	return GO_ON;
}
