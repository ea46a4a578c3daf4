/* SPDX-License-Identifier: MIT */
/*
 * What comes before each entry to the guest, in guest mode: what has changed in the VM is caught up
 * with, the timer set, and interrupts and NMIs are delivered, or an exit wanted for when they can
 * be.
 */
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "kvm/apicv.h"
#include "kvm/pv/eoi.h"
#include "kvm/run.h"
#include "kvm/vapic.h"
#include "kvm/vcpu_events.h"

/* If that gives somebody to wake, the entry that may be about to follow fails as a kick would have
 * it, and the run ends for it: exit_kicked(). */
static void deliver_wakes(struct vm *vm)
{
	if (vm_deliver_wakes(vm))
		WRITE_ONCE(this_cpu()->kick, 1);
}

__attribute__((noinline)) void run_expire_timers(struct vcpu *c, u64 now)
{
	u64 deadline = lapic_next_deadline(&c->lapic);
	u64 begin = timer_advance_begin(&c->advance, deadline);

	if (begin <= now) {
		now = timer_advance_wait(&c->advance, deadline, now, c->timer == begin);
		lapic_timer_expire(&c->lapic, now);
	}
	if (c->index == 0 && irqchip_next_deadline(c->vm->chip) <= now) {
		irqchip_expire(c->vm->chip, now);
		deliver_wakes(c->vm);
	}
}

/* Make the CPU exit when the next timer is due, or at @limit, having done what is due already. */
static __on_the_way void arm_timer(struct vcpu *c, u64 limit)
{
	u64 deadline = run_next_deadline(c), now;

	if (deadline == IRQ_NEVER && c->timer == IRQ_NEVER && limit == IRQ_NEVER)
		return;
	now = rdtsc();
	if (deadline <= now) {
		run_expire_timers(c, now);
		deadline = run_next_deadline(c);
	}
	c->timer = MIN(deadline, limit);
	vmx_set_timer(now, c->timer);
}

/* An interrupt that the TPR holds back can come when the guest lowers CR8 below this. */
static u32 tpr_threshold(struct vcpu *c)
{
	int irr = lapic_highest_irr(&c->lapic);

	return irr >= 0 && lapic_cr8(&c->lapic) >= irr >> 4 ? (u32)irr >> 4 : 0;
}

static void queue_interrupt(struct vcpu *c, int vector)
{
	vmx_queue_interrupt(&c->vmx, (u8)vector);
	c->stats.irq_injections++;
}

/* The NMI, or one of several; the next one comes when the handler has returned. */
static void inject_nmi(struct vcpu *c)
{
	if (vmx_can_nmi(&c->vmx)) {
		vmx_queue_nmi(&c->vmx);
		c->stats.nmi_injections++;
		if (__atomic_exchange_n(&c->lapic.nmi_pending, 0, __ATOMIC_ACQ_REL) == 1)
			return;
		__atomic_fetch_add(&c->lapic.nmi_pending, 1, __ATOMIC_RELAXED);
	}
	vmx_want_nmi_window(&c->vmx, true);
}

/* The interrupt controllers' interrupts and NMIs. */
static void inject_from_chip(struct vcpu *c)
{
	struct irqchip *chip = c->vm->chip;
	int vector;

	if (__builtin_expect(c->lapic.nmi_pending != 0, 0))
		inject_nmi(c);
	vector = irqchip_pending_vector(chip, c->index);
	if (vector >= 0 && vmx_can_interrupt(&c->vmx)) {
		vector = irqchip_take_vector(chip, c->index);
		if (vector >= 0)
			queue_interrupt(c, vector);
		if (READ_ONCE(c->vm->irqfds.ended)) /* the PIC ends some by itself */
			deliver_wakes(c->vm);
		vector = irqchip_pending_vector(chip, c->index);
	}
	vmx_want_interrupt_window(&c->vmx, vector >= 0);
	vmx_set_tpr_threshold(&c->vmx, tpr_threshold(c));
}

/* The PIC's interrupt, which the CPU does not deliver by itself: what waits in the local APIC comes
 * after it. */
static void inject_extint(struct vcpu *c)
{
	struct irqchip *chip = c->vm->chip;
	int vector = irqchip_pending_extint(chip, c->index);

	if (vector >= 0 && vmx_can_interrupt(&c->vmx)) {
		vector = irqchip_take_extint(chip, c->index);
		if (vector >= 0)
			queue_interrupt(c, vector);
		deliver_wakes(c->vm);
		vector = irqchip_pending_extint(chip, c->index);
	}
	vmx_want_interrupt_window(&c->vmx, vector >= 0);
}

/* Before any entry with lapic.by_cpu: what the CPU has of IRR and ISR may be out of date. */
static inline void tell_cpu(struct vcpu *c)
{
	if (__builtin_expect(READ_ONCE(c->lapic.posted) != 0, 0))
		apicv_tell_cpu(c);
}

static inline void inject_by_cpu(struct vcpu *c)
{
	if (__builtin_expect(c->lapic.nmi_pending != 0, 0))
		inject_nmi(c);
	if (READ_ONCE(c->vm->chip->pic.output) || c->lapic.user_vector >= 0)
		inject_extint(c);
	else
		vmx_want_interrupt_window(&c->vmx, false);
	tell_cpu(c);
	if (__builtin_expect(vmx_delivers_hastily(), 0))
		apicv_inject(c);
}

void run_inject(struct vcpu *c)
{
	arm_timer(c, IRQ_NEVER);
	inject_from_chip(c);
}

/* KVM_INTERRUPT's, where user space has the interrupt controllers, and KVM_NMI's. */
static void inject_from_user(struct vcpu *c)
{
	if (__builtin_expect(c->lapic.nmi_pending != 0, 0))
		inject_nmi(c);
	if (__builtin_expect(c->interrupt >= 0, 0) && vmx_can_interrupt(&c->vmx)) {
		queue_interrupt(c, c->interrupt);
		c->interrupt = -1;
	}
	vmx_want_interrupt_window(&c->vmx,
				  c->interrupt >= 0 || READ_ONCE(c->run->request_interrupt_window));
}

/* After these: what user space has to do with it. */
static void inject_and_tell(struct vcpu *c)
{
	if (c->user_pic && READ_ONCE(c->run->request_interrupt_window) &&
	    lapic_accepts_extint(&c->lapic))
		vmx_want_interrupt_window(&c->vmx, true);
	if (vapic_is_stale(c) || pv_eoi_is_stale(c)) /* to be written first: as in catch_up() */
		WRITE_ONCE(this_cpu()->kick, 1);
}

/*
 * Something of the VM's has changed that no vCPU may run on without: see docs/locking.md.  A
 * request is carried out outside of guest mode, where vm->lock may be taken: as if another CPU
 * had kicked this one.
 */
static __attribute__((noinline)) void catch_up(struct vcpu *c, u64 generation)
{
	struct percpu *cpu = this_cpu();

	c->stats.tlb_flush++;
	ept_flush(&c->vm->ept);
	WRITE_ONCE(c->vm->tlb_seen[cpu->index], generation);
	if (READ_ONCE(c->requests))
		WRITE_ONCE(cpu->kick, 1);
}

/* KVM_GUESTDBG_BLOCKIRQ, or a step of the debugger's: all that comes waits, but time goes on. */
static void inject_nothing(struct vcpu *c)
{
	if (c->vm->chip)
		arm_timer(c, c->run_stop);
	vmx_want_nmi_window(&c->vmx, false);
	vmx_want_interrupt_window(&c->vmx, false);
	vmx_set_tpr_threshold(&c->vmx, 0);
}

/* An interrupt that was accepted once, and the next ones when it is delivered. */
static void inject_kept(struct vcpu *c)
{
	arm_timer(c, c->run_stop);
	if (__builtin_expect(c->lapic.nmi_pending != 0, 0))
		inject_nmi(c);
	if (vmx_can_interrupt(&c->vmx)) {
		queue_interrupt(c, c->interrupt);
		c->interrupt = -1;
		vcpu_update_injection(c);
	}
	vmx_want_interrupt_window(&c->vmx, true);
	vmx_set_tpr_threshold(&c->vmx, 0); /* or the guest may have come to be below it */
	if (c->lapic.by_cpu)
		tell_cpu(c);
	if (vapic_is_stale(c))
		WRITE_ONCE(this_cpu()->kick, 1);
}

/* A halted vCPU is polled for (run_wait.c): it is entered in the HLT state, with nothing to
 * deliver; or, if there is something now, not at all. */
static void prepare_poll(struct vcpu *c)
{
	arm_timer(c, c->halt.stop);
	vmx_want_nmi_window(&c->vmx, false);
	vmx_want_interrupt_window(&c->vmx, false);
	vmx_set_tpr_threshold(&c->vmx, 0);
	vmx_set_halted(true);
	if (c->lapic.by_cpu)
		tell_cpu(c);
	if (run_wait_is_over(c))
		WRITE_ONCE(this_cpu()->kick, 1);
}

void run_prepare_entry(struct vcpu *c)
{
	struct vm *vm = c->vm;
	u64 generation = __atomic_load_n(&vm->tlb_generation, __ATOMIC_ACQUIRE);

	if (__builtin_expect(vm->tlb_seen[this_cpu()->index] != generation, 0))
		catch_up(c, generation);
	if (c->injection == INJECT_BY_CPU) {
		arm_timer(c, c->run_stop);
		inject_by_cpu(c);
	} else if (c->injection == INJECT_FROM_USER) {
		inject_from_user(c);
	} else if (c->injection == INJECT_FROM_CHIP) {
		arm_timer(c, c->run_stop);
		inject_from_chip(c);
	} else if (c->injection == INJECT_AND_TELL) {
		arm_timer(c, c->run_stop);
		if (c->lapic.by_cpu)
			inject_by_cpu(c);
		else
			inject_from_chip(c);
		inject_and_tell(c);
	} else if (c->injection == INJECT_KEPT) {
		inject_kept(c);
	} else if (c->injection == INJECT_POLLED) {
		prepare_poll(c);
	} else {
		inject_nothing(c);
	}
}
