/* SPDX-License-Identifier: MIT */
/*
 * The events of a virtual CPU as KVM_GET_VCPU_EVENTS and KVM_SET_VCPU_EVENTS have them: the
 * one that the next entry delivers, and what keeps others back.  See inject.c.
 */
#include "vmx/vcpu.h"

u8 vmx_shadow(void)
{
	u32 blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);

	return (blocking & BLOCKING_BY_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (blocking & BLOCKING_BY_MOVSS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

/* In a shadow, an entry wants the single-step trap pending exactly with RFLAGS.TF (SDM
 * vol. 3, Checks on Guest Non-Register State). */
static void match_pending_step(void)
{
	u64 pending = vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS;

	if (vmx_rflags() & RFLAGS_TF)
		pending |= PENDING_DEBUG_BS;
	vmcs_write_nat(VMCS_GUEST_PENDING_DEBUG, pending);
}

void vmx_set_shadow(u8 shadow)
{
	u32 blocking =
		vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & ~(BLOCKING_BY_STI | BLOCKING_BY_MOVSS);

	if (shadow & KVM_X86_SHADOW_INT_MOV_SS)
		blocking |= BLOCKING_BY_MOVSS;
	else if (shadow & KVM_X86_SHADOW_INT_STI)
		blocking |= BLOCKING_BY_STI;
	vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY, blocking);
	if (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS))
		match_pending_step();
}

u32 vmx_last_exit(u64 *qualification)
{
	*qualification = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);
	return vmcs_read32(VMCS_EXIT_REASON);
}

u32 vmx_blocking(u32 *activity)
{
	*activity = vmcs_read32(VMCS_GUEST_ACTIVITY);
	return vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);
}

bool vmx_nmi_masked(void)
{
	return vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_NMI;
}

static void set_nmi_masked(bool masked)
{
	u32 blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & ~BLOCKING_BY_NMI;

	vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY, masked ? blocking | BLOCKING_BY_NMI : blocking);
}

static bool is_interrupt(u32 event)
{
	return event && (event & INTR_TYPE) == INTR_TYPE_EXTERNAL;
}

int vmx_injected_interrupt(const struct vmx_vcpu *v)
{
	return is_interrupt(v->aside)   ? (int)(u8)v->aside
	       : is_interrupt(v->event) ? (int)(u8)v->event
					: -1;
}

/* What INT n, INT3 and INTO do is not shown as injected, as in KVM: RIP is still before the
 * instruction, and it is carried out again. */
static void get_event(const struct vmx_vcpu *v, u32 event, struct kvm_vcpu_events *e)
{
	u8 vector = (u8)(event & INTR_VECTOR);

	if (!event)
		return;
	switch (event & INTR_TYPE) {
	case INTR_TYPE_HARD_EXC:
		e->exception.injected = 1;
		e->exception.nr = vector;
		e->exception.has_error_code = (event & INTR_ERROR_CODE) != 0;
		e->exception.error_code = v->event_error;
		break;
	case INTR_TYPE_EXTERNAL:
		e->interrupt.injected = 1;
		e->interrupt.nr = vector;
		break;
	case INTR_TYPE_NMI:
		e->nmi.injected = 1;
		break;
	default:
		break;
	}
}

void vmx_get_events(const struct vmx_vcpu *v, struct kvm_vcpu_events *e)
{
	e->interrupt.shadow = vmx_shadow();
	e->nmi.masked = vmx_nmi_masked();
	get_event(v, v->event, e);
	get_event(v, v->aside, e);
}

/* The event that @e has injected: of several the one that KVM injects first. */
static u32 injected_event(const struct kvm_vcpu_events *e)
{
	u32 error = e->exception.has_error_code ? INTR_ERROR_CODE : 0;

	if (e->exception.injected && vmx_is_soft_exception(e->exception.nr))
		return e->exception.nr | INTR_TYPE_SOFT_EXC | INTR_VALID;
	if (e->exception.injected)
		return e->exception.nr | INTR_TYPE_HARD_EXC | INTR_VALID | error;
	if (e->nmi.injected)
		return VECTOR_NMI | INTR_TYPE_NMI | INTR_VALID;
	if (e->interrupt.injected)
		return e->interrupt.nr | INTR_VALID |
		       (e->interrupt.soft ? INTR_TYPE_SOFT_INT : INTR_TYPE_EXTERNAL);
	return 0;
}

void vmx_set_events(struct vmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	v->event = injected_event(e);
	v->aside = e->exception.injected && e->nmi.injected
			   ? VECTOR_NMI | INTR_TYPE_NMI | INTR_VALID
			   : 0;
	v->event_error = e->exception.error_code;
	v->event_length = (v->event & INTR_TYPE) == INTR_TYPE_SOFT_INT ? INT_N_LENGTH : INT3_LENGTH;
	/* An entry that a kick stopped has left it there. */
	vmcs_write32(VMCS_ENTRY_INTR_INFO, 0);
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vmx_set_shadow(e->interrupt.shadow);
	set_nmi_masked(e->nmi.masked);
}

bool vmx_step_pending(void)
{
	return vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS;
}

u64 vmx_take_pending_step(const struct vmx_vcpu *v)
{
	u64 pending = vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG);

	if (!vmx_step_pending() || v->hidden_flags || vmx_shadow())
		return 0;
	vmcs_write_nat(VMCS_GUEST_PENDING_DEBUG, 0);
	return pending;
}
