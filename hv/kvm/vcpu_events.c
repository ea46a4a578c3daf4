/* SPDX-License-Identifier: MIT */
/*
 * What waits to happen to a vCPU, as user space gets, sets and adds it.  Two stages, as in KVM:
 * an exception is *pending* until a run takes it up, with the effects that its payload has; an
 * event is *injected* from then until its delivery is complete (vmx.event).
 */
#include "kvm/vcpu_events.h"
#include <linux/errno.h>
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "kvm/apicv.h"
#include "kvm/pv/eoi.h"
#include "kvm/pv/steal.h"
#include "lib/string.h"

#define NMIS_MAX 2u /* one in progress, and one behind it */

/* INIT and SIPI from another vCPU (SDM vol. 3, Multiple-Processor Initialization). */
void vcpu_accept_apic_events(struct vcpu *c)
{
	u32 events = __atomic_exchange_n(&c->lapic.events, 0, __ATOMIC_ACQ_REL);

	if (events & LAPIC_EVENT_INIT) {
		vcpu_init_reset(c);
		/* The boot CPU is the one that IA32_APIC_BASE says is. */
		c->mp_state = c->lapic.base & LAPIC_BASE_BSP ? KVM_MP_STATE_RUNNABLE
							     : KVM_MP_STATE_INIT_RECEIVED;
	}
	if ((events & LAPIC_EVENT_SIPI) && c->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		vmx_start_at_sipi(&c->vmx, (u8)READ_ONCE(c->lapic.sipi_vector));
		c->mp_state = KVM_MP_STATE_RUNNABLE;
	}
}

u32 vcpu_get_mp_state(struct vcpu *c)
{
	if (c->vm->chip)
		vcpu_accept_apic_events(c);
	/* One that was kicked goes on when it runs. */
	if ((c->mp_state == KVM_MP_STATE_HALTED || c->mp_state == KVM_MP_STATE_AP_RESET_HOLD) &&
	    READ_ONCE(c->lapic.kicked))
		return KVM_MP_STATE_RUNNABLE;
	return c->mp_state;
}

int vcpu_set_mp_state(struct vcpu *c, u32 state)
{
	if (state > KVM_MP_STATE_SIPI_RECEIVED && state != KVM_MP_STATE_AP_RESET_HOLD)
		return -EINVAL;
	if (!c->vm->chip && state != KVM_MP_STATE_RUNNABLE)
		return -EINVAL;
	if (state == KVM_MP_STATE_SIPI_RECEIVED) {
		c->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		__atomic_fetch_or(&c->lapic.events, LAPIC_EVENT_SIPI, __ATOMIC_RELEASE);
		vcpu_ask(c, VCPU_APIC_EVENTS);
	} else {
		c->mp_state = state;
		pv_steal_go_on(c);
		if (state == KVM_MP_STATE_HALTED)
			halt_begin(c, rdtsc());
		else if (state == KVM_MP_STATE_RUNNABLE) /* one that has halted by itself too */
			vmx_set_halted(false);
	}
	return 0;
}

/* How many NMIs wait: of those that came, one more than the one in progress is kept. */
static u32 nmis_pending(const struct vcpu *c)
{
	struct kvm_vcpu_events e = {0};

	vmx_get_events(&c->vmx, &e);
	return MIN(READ_ONCE(c->lapic.nmi_pending),
		   e.nmi.masked || e.nmi.injected ? NMIS_MAX - 1 : NMIS_MAX);
}

void vcpu_nmi(struct vcpu *c)
{
	if (READ_ONCE(c->lapic.nmi_pending) < NMIS_MAX)
		__atomic_fetch_add(&c->lapic.nmi_pending, 1, __ATOMIC_RELEASE);
}

int vcpu_interrupt(struct vcpu *c, u8 vector)
{
	if (!c->user_pic)
		return -ENXIO;
	if (!c->vm->chip) {
		c->interrupt = vector;
		return 0;
	}
	if (c->lapic.user_vector >= 0)
		return -EEXIST;
	c->lapic.user_vector = vector;
	return 0;
}

static bool is_exception_pending(const struct vcpu *c)
{
	return c->exception.pending || (READ_ONCE(c->requests) & VCPU_TRIPLE_FAULT);
}

void vcpu_set_pending_exception(struct vcpu *c, const struct pending_exception *e)
{
	c->exception = *e;
	if (e->pending)
		vcpu_ask(c, VCPU_EXCEPTION);
}

/* The payload takes effect: CR2 of #PF, DR6 of #DB. */
static void deliver_payload(struct vcpu *c, struct pending_exception *e)
{
	if (e->has_payload && e->vector == VECTOR_DB)
		vmx_take_debug_payload(&c->vmx, e->payload);
	if (e->has_payload && e->vector == VECTOR_PF) {
		c->vmx.cr2 = e->payload;
		if (c->vmx.in_cpu)
			write_cr2(e->payload);
	}
	e->has_payload = false;
	e->payload = 0;
}

bool vcpu_take_exception(struct vcpu *c)
{
	struct pending_exception *e = &c->exception;

	if (!e->pending)
		return true;
	deliver_payload(c, e);
	e->pending = false;
	return vmx_queue_exception(&c->vmx, e->vector, e->error);
}

/* A single-step trap of the guest's own is an exception that is pending, to KVM. */
static void show_pending_step(struct vcpu *c)
{
	u64 payload;

	if (c->exception.pending || c->vmx.event)
		return;
	payload = vmx_take_pending_step(&c->vmx);
	if (payload)
		vcpu_set_pending_exception(c, &(struct pending_exception){.pending = true,
									  .vector = VECTOR_DB,
									  .has_payload = true,
									  .payload = payload});
}

static void get_pending_exception(struct vcpu *c, struct kvm_vcpu_events *e)
{
	struct pending_exception *p = &c->exception;

	/* Without KVM_CAP_EXCEPTION_PAYLOAD user space would lose it. */
	if (!c->vm->exception_payload)
		deliver_payload(c, p);
	e->exception.nr = p->vector;
	e->exception.has_error_code = p->has_error;
	e->exception.error_code = p->error;
	e->exception_has_payload = p->has_payload;
	e->exception_payload = p->payload;
	if (vmx_is_soft_exception(p->vector)) /* the instruction is carried out again */
		return;
	e->exception.pending = 1;
	e->exception.injected = !c->vm->exception_payload;
}

void vcpu_get_events(struct vcpu *c, struct kvm_vcpu_events *e)
{
	memset(e, 0, sizeof(*e));
	show_pending_step(c);
	vmx_get_events(&c->vmx, e);
	if (c->exception.pending)
		get_pending_exception(c, e);
	if (c->interrupt >= 0) {
		e->interrupt.injected = 1;
		e->interrupt.nr = (u8)c->interrupt;
	}
	if (READ_ONCE(c->lapic.nmi_pending))
		e->nmi.pending = (u8)nmis_pending(c);
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
		   KVM_VCPUEVENT_VALID_SMM;
	if (c->vm->exception_payload)
		e->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (c->vm->triple_fault_event) {
		e->triple_fault.pending = (READ_ONCE(c->requests) & VCPU_TRIPLE_FAULT) != 0;
		e->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

#define EVENT_FLAGS                                                                                \
	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |                       \
	 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM | KVM_VCPUEVENT_VALID_PAYLOAD |      \
	 KVM_VCPUEVENT_VALID_TRIPLE_FAULT)

/* Can it be set?  Without KVM_VCPUEVENT_VALID_PAYLOAD an exception cannot be pending, with it
 * not both pending and injected: adapts that. */
static bool check_events(const struct vcpu *c, struct kvm_vcpu_events *e)
{
	const struct vm *vm = c->vm;

	if (e->flags & ~(u32)EVENT_FLAGS)
		return false;
	if ((e->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && !vm->exception_payload)
		return false;
	if ((e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && !vm->triple_fault_event)
		return false;
	if (!(e->flags & KVM_VCPUEVENT_VALID_PAYLOAD))
		e->exception.pending = 0;
	if (e->exception.pending)
		e->exception.injected = 0;
	else
		e->exception_has_payload = 0;
	if ((e->exception.injected || e->exception.pending) &&
	    (e->exception.nr > 31 || e->exception.nr == VECTOR_NMI))
		return false;
	/* There is no SMM. */
	return !(e->flags & KVM_VCPUEVENT_VALID_SMM) ||
	       !(e->smi.smm || e->smi.pending || e->smi.smm_inside_nmi);
}

static void set_init_event(struct vcpu *c, bool pending)
{
	if (pending) {
		__atomic_fetch_or(&c->lapic.events, LAPIC_EVENT_INIT, __ATOMIC_RELEASE);
		vcpu_ask(c, VCPU_APIC_EVENTS);
	} else {
		__atomic_fetch_and(&c->lapic.events, ~LAPIC_EVENT_INIT, __ATOMIC_RELEASE);
	}
}

/* Does another event of @e come before its interrupt? */
static bool is_preceded(const struct kvm_vcpu_events *e)
{
	return e->exception.injected || e->exception.pending || e->nmi.injected;
}

int vcpu_set_events(struct vcpu *c, const struct kvm_vcpu_events *in)
{
	struct kvm_vcpu_events e = *in;

	if (!check_events(c, &e))
		return -EINVAL;
	vcpu_set_pending_exception(
		c, &(struct pending_exception){.pending = e.exception.pending,
					       .vector = e.exception.nr,
					       .has_error = e.exception.has_error_code,
					       .error = e.exception.error_code,
					       .has_payload = e.exception_has_payload,
					       .payload = e.exception_payload});
	/* Without interrupt controllers it is as if KVM_INTERRUPT had brought it. */
	c->interrupt = -1;
	if (e.interrupt.injected && !e.interrupt.soft && (!c->vm->chip || is_preceded(&e))) {
		c->interrupt = e.interrupt.nr;
		e.interrupt.injected = 0;
	}
	vcpu_update_injection(c);
	vmx_set_events(&c->vmx, &e);
	if (e.flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		__atomic_store_n(&c->lapic.nmi_pending, MIN(e.nmi.pending, NMIS_MAX),
				 __ATOMIC_RELEASE);
	if ((e.flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR) && c->vm->chip)
		WRITE_ONCE(c->lapic.sipi_vector, (u8)e.sipi_vector);
	if ((e.flags & KVM_VCPUEVENT_VALID_SMM) && c->vm->chip)
		set_init_event(c, e.smi.latched_init);
	if (e.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (e.triple_fault.pending)
			vcpu_ask(c, VCPU_TRIPLE_FAULT);
		else
			__atomic_fetch_and(&c->requests, ~VCPU_TRIPLE_FAULT, __ATOMIC_RELAXED);
	}
	return 0;
}

void vcpu_keep_interrupt(struct vcpu *c, u8 vector)
{
	c->interrupt = vector;
	vcpu_update_injection(c);
}

void vcpu_update_injection(struct vcpu *c)
{
	apicv_update(c);
	c->reads_pages = c->vapic.address || pv_eoi_is_used(c);
	if ((c->vmx.debug & KVM_GUESTDBG_BLOCKIRQ) || (c->vmx.debugger & VMX_DEBUGGER_STEP))
		c->injection = INJECT_NOTHING;
	else if (!c->vm->chip)
		c->injection = INJECT_FROM_USER;
	else if (c->interrupt >= 0)
		c->injection = INJECT_KEPT;
	else if (c->reads_pages || c->user_pic)
		c->injection = INJECT_AND_TELL;
	else
		c->injection = c->lapic.by_cpu ? INJECT_BY_CPU : INJECT_FROM_CHIP;
}

#define INJECT_EITHER (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)

int vcpu_set_guest_debug(struct vcpu *c, const struct kvm_guest_debug *d)
{
	bool db = d->control & KVM_GUESTDBG_INJECT_DB;

	if (d->control & INJECT_EITHER) {
		if (is_exception_pending(c))
			return -EBUSY;
		vcpu_set_pending_exception(
			c, &(struct pending_exception){.pending = true,
						       .vector = db ? VECTOR_DB : VECTOR_BP});
	}
	vmx_set_guest_debug(&c->vmx, d);
	c->emu_stale = true; /* RFLAGS.TF */
	vcpu_update_injection(c);
	return 0;
}
