/* SPDX-License-Identifier: MIT */
/*
 * KVM_RUN: enter the guest, see to its exits, until something is the control guest's
 * to do.
 */
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/guest_uart.h"
#include "core/trace.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "kvm/apicv.h"
#include "kvm/dirty.h"
#include "kvm/pv/hypercall.h"
#include "kvm/msr.h"
#include "kvm/pv/eoi.h"
#include "kvm/pv/steal.h"
#include "kvm/run.h"
#include "kvm/vapic.h"
#include "kvm/vcpu_events.h"

/* --- exits --- */

static enum exit_action exit_cpuid(struct vcpu *c)
{
	u64 *g = c->vmx.gpr;
	u32 leaf = (u32)g[GPR_RAX], subleaf = (u32)g[GPR_RCX];
	const struct kvm_cpuid_entry2 *e;
	struct kvm_cpuid_entry2 dynamic;

	if (__builtin_expect(c->msr.misc_features != 0, 0) && vmx_cpl()) /* CPUID faulting */
		return vcpu_inject(c, VECTOR_GP, 0);
	e = cpuid_answer(&c->cpuid, leaf, subleaf);
	if (e && (BIT(leaf & 63) & CPUID_DYNAMIC)) {
		dynamic = *e;
		vcpu_cpuid_dynamic(c, &dynamic);
		spec_hide_tsx(c, &dynamic);
		e = &dynamic;
	}
	g[GPR_RAX] = e ? e->eax : 0;
	g[GPR_RBX] = e ? e->ebx : 0;
	g[GPR_RCX] = e ? e->ecx : 0;
	g[GPR_RDX] = e ? e->edx : 0;
	vmx_skip_instruction();
	return GO_ON;
}

static enum exit_action exit_hlt(struct vcpu *c)
{
	c->stats.halt_exits++;
	if (c->vm->chip) {
		c->mp_state = KVM_MP_STATE_HALTED;
		trace(KVM0_TRACE_HALT, c->vm->id, c->index, 0, run_next_deadline(c), 0, 0, 0);
		halt_begin(c, rdtsc());
		return GO_ON;
	}
	c->run->exit_reason = KVM_EXIT_HLT;
	return TO_USER;
}

/* Every so often the control guest gets the CPU: while other vCPUs kick this one all the time it
 * is never in the guest, where an interrupt would end the run. */
#define KICKS_IN_A_ROW 64u

static enum exit_action exit_kicked(struct vcpu *c)
{
	struct percpu *p = this_cpu();

	vmx_take_kick();
	if (READ_ONCE(p->wanted)) { /* for the control guest's loop to find */
		WRITE_ONCE(p->kick, 1);
		return GO_AGAIN;
	}
	return READ_ONCE(p->nmi_pending) || wake_any() || ++c->kicks % KICKS_IN_A_ROW == 0
		       ? GO_AGAIN
		       : GO_ON;
}

static enum exit_action handle_exit(struct vcpu *c, enum vmx_exit_kind kind,
				    const struct vmx_exit *exit)
{
	switch (kind) {
	case VMX_RESUME:
		return GO_ON;
	case VMX_TIMER:
		(void)guest_uart_poll(); /* the control guest's timer stands still meanwhile */
		return c->run_stop != IRQ_NEVER && c->run_stop <= rdtsc() ? GO_AGAIN : GO_ON;
	case VMX_PAUSE:
		vmx_grow_pause_window(&c->vmx);
		return run_yield(c);
	case VMX_MONITOR:
	case VMX_MWAIT:
		return run_exit_mwait(c, kind);
	case VMX_CPUID:
		return exit_cpuid(c);
	case VMX_IO:
		return run_exit_io(c, exit);
	case VMX_EPT_VIOLATION:
		return run_exit_ept(c, exit);
	case VMX_APIC_WRITE:
		return apicv_exit_write(c, exit);
	case VMX_EOI:
		return apicv_exit_eoi(c, exit);
	case VMX_APIC_ACCESS:
		return apicv_exit_access(c, exit);
	case VMX_LOG_FULL:
		dirty_take_list(c);
		return GO_ON;
	case VMX_RDMSR:
		return run_rdmsr(c);
	case VMX_WRMSR:
		return run_wrmsr(c);
	case VMX_HLT:
		return exit_hlt(c);
	case VMX_INTERRUPT:
		c->stats.irq_exits++;
		return GO_AGAIN;
	case VMX_INTERRUPT_WINDOW:
		c->stats.irq_window_exits++;
		vmx_want_interrupt_window(&c->vmx, false);
		return GO_ON;
	case VMX_NMI_WINDOW:
		c->stats.nmi_window_exits++;
		vmx_want_nmi_window(&c->vmx, false);
		return GO_ON;
	case VMX_KICKED:
		return exit_kicked(c);
	case VMX_ASIDE:
		return run_exit_aside(c);
	case VMX_VMCALL:
		return pv_hypercall(c);
	case VMX_CR_WRITE:
		return run_exit_cr_write(c, exit);
	case VMX_CR8_READ:
		vmx_write_gpr(&c->vmx, exit->cr.gpr, vcpu_get_cr8(c));
		vmx_skip_instruction();
		return GO_ON;
	case VMX_DEBUG:
		return run_exit_debug(c, exit);
	case VMX_TRIPLE_FAULT:
		c->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return TO_USER;
	case VMX_INIT:
		return GO_INIT;
	case VMX_MACHINE_CHECK:
		return GO_MACHINE_CHECK;
	case VMX_ENTRY_FAILED:
		return run_exit_failed_entry(c, exit);
	case VMX_SIPI: /* only in the wait-for-SIPI state */
	case VMX_UNKNOWN:
		break;
	}
	return run_exit_unknown(c, exit);
}

/* --- running --- */

/* What the guest has left in its memory, before anything else is done. */
static __attribute__((noinline)) void read_pages(struct vcpu *c, bool timer)
{
	if (c->vapic.address)
		vapic_read(c);
	if (pv_eoi_is_used(c))
		pv_eoi_after_exit(c, timer);
}

static __on_the_way enum exit_action enter_once(struct vcpu *c)
{
	enum vmx_exit_kind kind;
	struct vmx_exit exit;

	/* Ordered before the look at pending events and requests; pairs with vcpu_wake()
	 * and mmu_unmap(). */
	__atomic_exchange_n(&c->mode, VCPU_IN_GUEST, __ATOMIC_SEQ_CST);
	if (__builtin_expect(READ_ONCE(c->requests) != 0, 0)) {
		__atomic_store_n(&c->mode, VCPU_OUTSIDE, __ATOMIC_RELEASE);
		return run_carry_out_requests(c);
	}
	run_prepare_entry(c);
	kind = vmx_run(&c->vmx, &exit);
	__atomic_store_n(&c->mode, VCPU_OUTSIDE, __ATOMIC_RELEASE);
	if (__builtin_expect(c->reads_pages, 0))
		read_pages(c, kind == VMX_TIMER);
	return handle_exit(c, kind, &exit);
}

/* Could KVM_INTERRUPT's vector be delivered at once, and would it not meet another? */
static bool ready_for_interrupt(const struct vcpu *c)
{
	if (c->vm->chip && (c->lapic.user_vector >= 0 || !lapic_accepts_extint(&c->lapic)))
		return false;
	return c->interrupt < 0 && !c->exception.pending && vmx_can_interrupt(&c->vmx);
}

static __on_the_way enum exit_action run_loop(struct vcpu *c, u64 *deadline)
{
	for (;;) {
		enum exit_action a;

		if (c->user_pic &&
		    __builtin_expect(READ_ONCE(c->run->request_interrupt_window), 0) &&
		    ready_for_interrupt(c)) {
			c->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			c->stats.request_irq_exits++;
			return TO_USER;
		}
		/* One with requests is not entered: they are seen to instead. */
		if (__builtin_expect(c->mp_state != KVM_MP_STATE_RUNNABLE, 0) &&
		    !READ_ONCE(c->requests)) {
			a = run_wait(c, deadline);
			if (a != GO_ON)
				return a;
		}
		a = enter_once(c);
		if (a != GO_ON)
			return a;
	}
}

/* What user space sees in kvm_run after each exit. */
static void fill_run(struct vcpu *c)
{
	struct kvm_run *run = c->run;
	bool interruptible = (vmx_rflags() & RFLAGS_IF) != 0;

	run->flags = 0;
	run->if_flag = interruptible;
	run->ready_for_interrupt_injection =
		!c->user_pic || (interruptible && ready_for_interrupt(c));
	if (c->vm->chip) {
		run->cr8 = lapic_cr8(&c->lapic);
		run->apic_base = c->lapic.base;
	} else {
		run->cr8 = c->cr8;
		run->apic_base = c->apic_base;
	}
}

#define STOPPED_LOOK_MS 10u

static enum run_result result_of(enum exit_action a, int *err, u64 *deadline)
{
	switch (a) {
	case GO_STOPPED:
		*deadline = rdtsc() + tsc_khz * STOPPED_LOOK_MS;
		return RUN_BLOCKED;
	case GO_BLOCKED:
		return RUN_BLOCKED;
	case GO_PAGE_WANTED:
		return RUN_PAGE_WANTED;
	case GO_AGAIN:
		return RUN_AGAIN;
	case GO_INIT:
		return RUN_INIT;
	case GO_MACHINE_CHECK:
		return RUN_MACHINE_CHECK;
	case GO_SIGNAL:
		*err = -EINTR;
		break;
	case GO_STARTED:
		*err = -EAGAIN;
		break;
	case GO_ON:
	case TO_USER:
		break;
	}
	return RUN_USER;
}

/*
 * Somebody else wants this CPU.  It is the control guest's interrupt that ends the turn of this
 * vCPU; but Bochs 2.7 lets none end the run of a guest that was entered with interrupts off, until
 * that has turned them on: without PAUSE-loop exiting it could wait for the other vCPU for ever.
 */
#define TURN_NS_MAX 10000000u

static void begin_turn(struct vcpu *c)
{
	vmx_shrink_pause_window(&c->vmx);
	if (c->vm->chip)
		c->run_stop =
			irq_clock_after(rdtsc(), irq_clock_ticks(&c->vm->chip->clock, TURN_NS_MAX));
}

/* What the last exit has left to do, but for the commonest, and the run itself: with the guest's
 * state in the CPU. */
static __on_the_way enum exit_action run_swapped_in(struct vcpu *c, struct vmx_vcpu *control,
						    u64 *deadline)
{
	enum exit_action a = GO_ON;

	vmx_switch(control, &c->vmx);
	if (c->completion != COMPLETE_NOTHING)
		a = run_complete(c);
	if (a == GO_ON)
		a = READ_ONCE(c->run->immediate_exit) ? GO_SIGNAL : run_loop(c, deadline);
	if (__builtin_expect(c->mp_state != KVM_MP_STATE_RUNNABLE, 0))
		run_stop_polling(c);
	vmx_end_run(&c->vmx);
	vmx_switch(&c->vmx, control);
	c->stats.fpu_reload++;
	return a;
}

/* What is to be known outside of guest mode, after a run that ended as @a, blocked until
 * @deadline. */
static __on_the_way void end_run(struct vcpu *c, enum exit_action a, u64 deadline)
{
	if (__builtin_expect(c->has_list, 0)) {
		dirty_take_list(c);
		/* Release: pairs with dirty_sync(). */
		__atomic_store_n(&c->has_list, 0, __ATOMIC_RELEASE);
	}
	if (__builtin_expect(pv_eoi_is_used(c), 0))
		pv_eoi_end_run(c, a == GO_BLOCKED);
	if (__builtin_expect(pv_steal_enabled(c), 0))
		pv_steal_end_run(c, a, deadline);
}

__on_the_way enum run_result vcpu_run(struct vcpu *c, struct vmx_vcpu *control, int *err,
				      u64 *deadline)
{
	enum exit_action a;

	*err = 0;
	c->run_hints = control->gpr[GPR_RCX];
	WRITE_ONCE(c->blocked, 0);
	if (__builtin_expect(c->pv.kvmclock.is_alone, 0))
		kvmclock_look(c);
	WRITE_ONCE(c->pcpu, this_cpu()->index);
	if (!c->vm->chip && vcpu_set_cr8(c, READ_ONCE(c->run->cr8))) {
		*err = -EINVAL;
		return RUN_USER;
	}
	if (c->vm->dirty_mode == DIRTY_BY_LIST)
		WRITE_ONCE(c->has_list, 1);
	c->run_stop = IRQ_NEVER;
	if (c->run_hints & KVM0_RUN_NO_POLL)
		begin_turn(c);
	if (c->completion == COMPLETE_OUT) { /* the commonest */
		c->completion = COMPLETE_NOTHING;
		vmx_skip_instruction();
	}
	if (c->completion == COMPLETE_NOTHING && READ_ONCE(c->run->immediate_exit))
		a = GO_SIGNAL;
	else
		a = run_swapped_in(c, control, deadline);
	end_run(c, a, a == GO_BLOCKED ? *deadline : IRQ_NEVER);
	fill_run(c);
	return result_of(a, err, deadline);
}
