/* SPDX-License-Identifier: MIT */
/*
 * Events for a guest: queued in struct vmx_vcpu, written at the next entry, and
 * queued again if their delivery is broken off (exit.c).  An exception comes before an interrupt or
 * NMI that was to be delivered again: that one is set aside, and told of at the next entry.
 */
#include "vmx/vcpu.h"

/* SDM vol. 3, Interrupt 8 (Double Fault Exception). */
static bool is_contributory(u32 vector)
{
	return vector == 0 || (vector >= VECTOR_TS && vector <= VECTOR_GP);
}

static bool makes_double_fault(u32 first, u32 second)
{
	if (first == VECTOR_PF)
		return second == VECTOR_PF || is_contributory(second);
	return is_contributory(first) && is_contributory(second);
}

static void queue(struct vmx_vcpu *v, u32 info, u32 error)
{
	v->event = info | INTR_VALID;
	v->event_error = error;
	v->event_length = 0;
}

bool vmx_queue_exception(struct vmx_vcpu *v, u8 vector, u32 error)
{
	u32 type = v->event & INTR_TYPE;
	bool is_exception = v->event && (type == INTR_TYPE_HARD_EXC || type == INTR_TYPE_SOFT_EXC);

	if (is_exception && (v->event & INTR_VECTOR) == VECTOR_DF)
		return false;
	if (is_exception && makes_double_fault(v->event & INTR_VECTOR, vector)) {
		vector = VECTOR_DF;
		error = 0;
	}
	if (v->event && (type == INTR_TYPE_EXTERNAL || type == INTR_TYPE_NMI))
		v->aside = v->event;
	if (vmx_is_soft_exception(vector)) {
		queue(v, vector | INTR_TYPE_SOFT_EXC, 0);
		v->event_length = INT3_LENGTH;
		return true;
	}
	queue(v, vector | INTR_TYPE_HARD_EXC, error);
	if ((BIT(vector & 63) & ERROR_CODE_VECTORS) && (vmx_cr0() & CR0_PE))
		v->event |= INTR_ERROR_CODE;
	if (vector != VECTOR_DB)
		vmx_set_rflags(vmx_rflags() | RFLAGS_RF);
	return true;
}

bool vmx_take_aside(struct vmx_vcpu *v, u8 *vector)
{
	u32 event = v->aside;

	v->aside = 0;
	*vector = (u8)event;
	return (event & INTR_TYPE) == INTR_TYPE_EXTERNAL;
}

bool vmx_can_interrupt(const struct vmx_vcpu *v)
{
	return !v->event && (vmcs_read_nat(VMCS_GUEST_RFLAGS) & RFLAGS_IF) &&
	       !(vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS));
}

bool vmx_can_nmi(const struct vmx_vcpu *v)
{
	return !v->event && !(vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) &
			      (BLOCKING_BY_STI | BLOCKING_BY_MOVSS | BLOCKING_BY_NMI));
}

void vmx_queue_interrupt(struct vmx_vcpu *v, u8 vector)
{
	queue(v, vector | INTR_TYPE_EXTERNAL, 0);
}

void vmx_queue_nmi(struct vmx_vcpu *v)
{
	queue(v, VECTOR_NMI | INTR_TYPE_NMI, 0);
}

void vmx_change_interrupt_window(struct vmx_vcpu *v, bool want)
{
	v->interrupt_window = want;
	vmx_set_cpu_controls(v, want ? v->cpu_controls | (u32)CPU_INTERRUPT_WINDOW
				     : v->cpu_controls & ~(u32)CPU_INTERRUPT_WINDOW);
}

void vmx_want_nmi_window(struct vmx_vcpu *v, bool want)
{
	vmx_set_cpu_controls(v, want ? v->cpu_controls | (u32)CPU_NMI_WINDOW
				     : v->cpu_controls & ~(u32)CPU_NMI_WINDOW);
}
