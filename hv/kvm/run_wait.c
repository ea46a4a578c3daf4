/* SPDX-License-Identifier: MIT */
/*
 * A vCPU that does not run, because it is halted or waits for INIT or SIPI: until something gets
 * it going it is polled for, and then KVM_RUN says that it is blocked.
 *
 * Polling is entering the guest in the HLT activity state with nothing to deliver (SDM vol. 3,
 * Guest Non-Register State).  The CPU sleeps as in HLT, and what kvm0 has to see ends that at
 * once: an interrupt of the control guest's, of whatever controller, the NMI of a kick, and the
 * preemption timer, which is set for the end of the window or the next timer.  So the rules of
 * docs/locking.md for a vCPU in guest mode are those for one that is polled for.
 */
#include <kvm0/abi.h>
#include "core/trace.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "kvm/apicv.h"
#include "kvm/pv/eoi.h"
#include "kvm/pv/steal.h"
#include "kvm/run.h"
#include "kvm/vcpu_events.h"

#define CPUID_1_ECX_MONITOR BIT(3)

/* One that would be delivered. */
static bool has_interrupt(struct vcpu *c)
{
	if (!c->lapic.by_cpu)
		return irqchip_pending_vector(c->vm->chip, c->index) >= 0;
	return irqchip_pending_extint(c->vm->chip, c->index) >= 0 || apicv_has_interrupt(c);
}

/* Is there anything that ends HLT?  Interrupts and NMIs do only if the guest takes them. */
static bool has_event(struct vcpu *c)
{
	if (READ_ONCE(c->lapic.events) || READ_ONCE(c->lapic.kicked) || c->vmx.event)
		return true;
	if (READ_ONCE(c->lapic.nmi_pending) && vmx_can_nmi(&c->vmx))
		return true;
	if ((vmx_rflags() & RFLAGS_IF) && (c->interrupt >= 0 || has_interrupt(c)))
		return true;
	return vmx_step_pending(); /* of HLT itself */
}

bool run_wait_is_over(struct vcpu *c)
{
	/* One that waits for SIPI is told of it by a request. */
	return c->mp_state != KVM_MP_STATE_INIT_RECEIVED && has_event(c);
}

void run_stop_polling(struct vcpu *c)
{
	if (c->injection != INJECT_POLLED)
		return;
	vcpu_update_injection(c);
	vmx_set_halted(false);
}

void run_end_wait(struct vcpu *c)
{
	run_stop_polling(c);
	trace(KVM0_TRACE_WAKE, c->vm->id, c->index, 0, 0, 0, 0, 0);
	if (c->mp_state == KVM_MP_STATE_HALTED)
		halt_end(c, rdtsc());
	WRITE_ONCE(c->lapic.kicked, 0);
	c->mp_state = KVM_MP_STATE_RUNNABLE;
	pv_steal_go_on(c);
	if (pv_eoi_is_used(c))
		vcpu_ask(c, VCPU_PV_EOI);
}

static enum exit_action go_on(struct vcpu *c)
{
	/* What comes to a vCPU that was never started does not start it: as in KVM. */
	if (c->mp_state == KVM_MP_STATE_UNINITIALIZED)
		return GO_STARTED;
	run_end_wait(c);
	return GO_ON;
}

/* Exchanged before the last look: whoever adds an event, or makes the next timer come earlier,
 * afterwards finds it set and reports the wake-up; pairs with vcpu_wake(). */
static void mark_blocked(struct vcpu *c, u64 *deadline)
{
	__atomic_exchange_n(&c->blocked, 1, __ATOMIC_SEQ_CST);
	*deadline = run_next_deadline(c);
}

static enum exit_action block(struct vcpu *c, u64 now, u64 *deadline)
{
	bool over;

	mark_blocked(c, deadline);
	if (__builtin_expect(*deadline <= now, 0)) {
		WRITE_ONCE(c->blocked, 0); /* or it would be itself that it wakes */
		run_expire_timers(c, now);
		mark_blocked(c, deadline);
	}
	over = run_wait_is_over(c);
	if (!over && !READ_ONCE(c->requests)) {
		halt_block(c, now, *deadline);
		trace(KVM0_TRACE_HALT, c->vm->id, c->index, 1, *deadline, 0, 0, 0);
		c->pv.steal.blocked_at = now;
		return GO_BLOCKED;
	}
	WRITE_ONCE(c->blocked, 0);
	return over ? go_on(c) : GO_ON;
}

enum exit_action run_wait(struct vcpu *c, u64 *deadline)
{
	u64 now = rdtsc();

	run_stop_polling(c);
	if (c->mp_state != KVM_MP_STATE_HALTED || !halt_may_poll(c, now) || !vmx_can_halt(&c->vmx))
		return block(c, now, deadline);
	if (run_next_deadline(c) <= now)
		run_expire_timers(c, now);
	if (run_wait_is_over(c))
		return go_on(c);
	c->injection = INJECT_POLLED;
	return GO_ON;
}

void run_recheck_blocked(struct vcpu *c)
{
	if (c->mp_state == KVM_MP_STATE_RUNNABLE || READ_ONCE(c->requests) || run_wait_is_over(c) ||
	    run_next_deadline(c) < c->halt.deadline)
		vcpu_wake(c);
}

enum exit_action run_yield(const struct vcpu *c)
{
	return c->run_hints & KVM0_RUN_NO_POLL ? GO_AGAIN : GO_ON;
}

/* Nothing monitors for a guest: both do nothing, as in KVM, and MWAIT is left at once. */
enum exit_action run_exit_mwait(struct vcpu *c, enum vmx_exit_kind kind)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(&c->cpuid, 1, 0);

	if ((READ_ONCE(c->vm->quirks_off) & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) &&
	    !(e && (e->ecx & CPUID_1_ECX_MONITOR)))
		return vcpu_inject(c, VECTOR_UD, 0);
	vmx_skip_instruction();
	return kind == VMX_MWAIT ? run_yield(c) : GO_ON;
}
