/* SPDX-License-Identifier: MIT */
/*
 * Entering a guest and taking its exit apart.  vmx_run() does what concerns only the
 * virtual CPU itself; all else goes to the caller by kind.
 */
#include "vmx/caps.h"
#include "vmx/mitigate.h"
#include "vmx/vcpu.h"
#include "vmx/watch.h"
#include "core/panic.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "lib/string.h"

__on_the_way void vmx_finish_instruction(u64 rip)
{
	u32 blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);

	vmcs_write_nat(VMCS_GUEST_RIP, rip);
	if (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS))
		vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY,
			     blocking & ~(BLOCKING_BY_STI | BLOCKING_BY_MOVSS));
	/* The single-step trap that the instruction itself would have ended with. */
	if (vmcs_read_nat(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
		vmcs_write_nat(VMCS_GUEST_PENDING_DEBUG,
			       vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

__on_the_way void vmx_skip_instruction(void)
{
	u64 old = vmcs_read_nat(VMCS_GUEST_RIP);
	u64 rip = old + vmcs_read32(VMCS_EXIT_INSTRUCTION_LENGTH);

	/* Outside 64-bit mode it wraps at 4 GiB. */
	if ((old ^ rip) >> 32 && !vmx_cs_is_long())
		rip = (u32)rip;
	vmx_finish_instruction(rip);
}

void vmx_set_timer(u64 now, u64 deadline)
{
	u64 ticks = deadline > now ? (deadline - now) >> vmx_config.timer_shift : 0;

	vmcs_write32(VMCS_PREEMPTION_TIMER, ticks > vmx_timer_most ? vmx_timer_most : (u32)ticks);
}

/* An entry fails outright unless an exception has an error code exactly when its vector and
 * the guest's CR0.PE want one (SDM vol. 3, VM-Entry Control Fields).  That is decided here
 * and not when it is queued: KVM_SET_SREGS may change the mode in between. */
static u32 event_for_mode(u32 event)
{
	if ((event & INTR_TYPE) != INTR_TYPE_HARD_EXC ||
	    !(BIT(event & INTR_VECTOR & 63) & ERROR_CODE_VECTORS))
		return event;
	return vmcs_read_nat(VMCS_GUEST_CR0) & CR0_PE ? event | INTR_ERROR_CODE
						      : event & ~INTR_ERROR_CODE;
}

static void write_event(struct vmx_vcpu *v)
{
	v->event = event_for_mode(v->event);
	v->event_rip = vmcs_read_nat(VMCS_GUEST_RIP);
	vmcs_write32(VMCS_ENTRY_INTR_INFO, v->event);
	/* As in KVM: hardware has no more of it, and KVM_SET_VCPU_EVENTS takes 32 bits. */
	if (v->event & INTR_ERROR_CODE)
		vmcs_write32(VMCS_ENTRY_ERROR_CODE, (u16)v->event_error);
	vmcs_write32(VMCS_ENTRY_INSTRUCTION_LENGTH, v->event_length);
	if (v->halts_itself) /* an exception would not be delivered in the HLT state */
		vmx_set_halted(false);
}

/* The exit broke off the delivery of an event: it is to be delivered again (SDM
 * vol. 3, Information for VM Exits During Event Delivery). */
static void requeue_event(struct vmx_vcpu *v, u32 info)
{
	/* Bit 12 is undefined here and reserved in an entry. */
	v->event = info & ~INTR_NMI_UNBLOCK;
	v->event_error = 0;
	if (info & INTR_ERROR_CODE)
		v->event_error = vmcs_read32(VMCS_IDT_VECTORING_ERROR_CODE);
	v->event_length = vmcs_read32(VMCS_EXIT_INSTRUCTION_LENGTH);
	/* The NMI's own blocking would keep it from being delivered. */
	if ((info & INTR_TYPE) == INTR_TYPE_NMI)
		vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY,
			     vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & ~BLOCKING_BY_NMI);
}

/* An IRET that faulted had unblocked NMIs already: block them again, it runs anew. */
static void restore_nmi_blocking(const struct vmx_vcpu *v)
{
	if (!v->event)
		vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY,
			     vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_BY_NMI);
}

static enum vmx_exit_kind exit_exception(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	u32 info = vmcs_read32(VMCS_EXIT_INTR_INFO);

	if ((info & INTR_TYPE) == INTR_TYPE_NMI) {
		nmi_receive(NULL);
		vmx_unblock_nmis();
		return VMX_KICKED;
	}
	if (info & INTR_NMI_UNBLOCK)
		restore_nmi_blocking(v);
	switch (info & INTR_VECTOR) {
	case VECTOR_DB:
		return vmx_exit_db(v, exit);
	case VECTOR_BP:
		return vmx_exit_debug(v, VECTOR_BP, exit);
	case VECTOR_AC:
		return vmx_queue_exception(v, VECTOR_AC, vmcs_read32(VMCS_EXIT_INTR_ERROR_CODE))
			       ? VMX_RESUME
			       : VMX_TRIPLE_FAULT;
	case VECTOR_MC:
		return VMX_MACHINE_CHECK;
	default:
		return VMX_UNKNOWN;
	}
}

static enum vmx_exit_kind exit_io(struct vmx_exit *exit)
{
	u64 q = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);

	exit->io.port = (u16)(q >> 16);
	exit->io.size = (u8)((q & 7) + 1);
	exit->io.in = q & BIT(3);
	exit->io.string = q & BIT(4);
	return VMX_IO;
}

static enum vmx_exit_kind exit_ept_violation(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	u64 q = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);

	exit->ept.gpa = gpa(vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS));
	exit->ept.gva = gva(vmcs_read_nat(VMCS_GUEST_LINEAR_ADDRESS));
	exit->ept.gva_valid = (q & (BIT(7) | BIT(8))) == (BIT(7) | BIT(8));
	exit->ept.write = q & BIT(1);
	exit->ept.fetch = q & BIT(2);
	if (q & BIT(12))
		restore_nmi_blocking(v);
	return VMX_EPT_VIOLATION;
}

static enum vmx_exit_kind exit_log_full(struct vmx_vcpu *v)
{
	if (vmcs_read_nat(VMCS_EXIT_QUALIFICATION) & BIT(12))
		restore_nmi_blocking(v);
	return VMX_LOG_FULL;
}

static enum vmx_exit_kind skip(enum vmx_exit_kind kind)
{
	vmx_skip_instruction();
	return kind;
}

static __on_the_way enum vmx_exit_kind decode(struct vmx_vcpu *v, u32 reason, struct vmx_exit *exit)
{
	/* Bits 16 to 30 say more about the same reason (an SGX enclave, a pending trap). */
	switch (reason & (EXIT_ENTRY_FAILED | 0xffff)) {
	case EXIT_CPUID:
		return VMX_CPUID;
	case EXIT_IO:
		return exit_io(exit);
	case EXIT_EPT_VIOLATION:
		return exit_ept_violation(v, exit);
	case EXIT_EXTERNAL_INTERRUPT:
		return VMX_INTERRUPT;
	case EXIT_EXCEPTION_NMI:
		return exit_exception(v, exit);
	case EXIT_VMCALL:
		return VMX_VMCALL;
	case EXIT_RDMSR:
		return VMX_RDMSR;
	case EXIT_WRMSR:
		return VMX_WRMSR;
	case EXIT_HLT:
		return skip(VMX_HLT);
	case EXIT_PREEMPTION_TIMER:
		return VMX_TIMER;
	case EXIT_INTERRUPT_WINDOW:
		return VMX_INTERRUPT_WINDOW;
	case EXIT_NMI_WINDOW:
		return VMX_NMI_WINDOW;
	case EXIT_CR_ACCESS:
		return vmx_exit_cr(v, exit);
	case EXIT_MOV_DR:
		return vmx_exit_dr(v, exit);
	case EXIT_XSETBV:
		return vmx_exit_xsetbv(v);
	case EXIT_PAUSE:
		return skip(VMX_PAUSE);
	case EXIT_MONITOR:
		return VMX_MONITOR;
	case EXIT_MWAIT:
		return VMX_MWAIT;
	case EXIT_INVD: /* a guest's caches are everybody's */
	case EXIT_WBINVD:
		return skip(VMX_RESUME);
	case EXIT_APIC_ACCESS:
	case EXIT_APIC_WRITE:
	case EXIT_VIRTUALIZED_EOI:
		return vmx_exit_apic(reason, exit);
	case EXIT_TPR_BELOW_THRESHOLD:
		return VMX_RESUME;
	case EXIT_RDPMC:
		return vmx_fault(v, VECTOR_GP);
	case EXIT_TRIPLE_FAULT:
		return VMX_TRIPLE_FAULT;
	case EXIT_INIT:
		return VMX_INIT;
	case EXIT_SIPI:
		exit->sipi_vector = (u8)vmcs_read_nat(VMCS_EXIT_QUALIFICATION);
		/* Bochs 2.7 blocks NMIs while it waits for SIPI, and leaves it at that. */
		vmx_unblock_nmis();
		/* A kick that came meanwhile is lost where NMIs are not kept. */
		__atomic_store_n(&this_cpu()->kick_nmi, 0, __ATOMIC_RELEASE);
		return VMX_SIPI;
	case EXIT_PML_FULL:
		return exit_log_full(v);
	case EXIT_GETSEC:
	case EXIT_INVEPT:
	case EXIT_INVVPID:
		return vmx_fault(v, VECTOR_UD);
	default:
		/* VMCLEAR to VMXON: the VMX instructions without an exit of their own use */
		if ((u16)reason >= EXIT_VMCLEAR && (u16)reason <= EXIT_VMXON &&
		    !(reason & EXIT_ENTRY_FAILED))
			return vmx_fault(v, VECTOR_UD);
		exit->qualification = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);
		return reason & EXIT_ENTRY_FAILED ? VMX_ENTRY_FAILED : VMX_UNKNOWN;
	}
}

/* VMLAUNCH or VMRESUME did not even start: a wrong control or host field.  Those are kvm0's
 * own, but for a guest's event, which KVM_SET_VCPU_EVENTS may have made up. */
static enum vmx_exit_kind entry_not_started(const struct vmx_vcpu *v, struct vmx_exit *exit)
{
	exit->reason = vmcs_read32(VMCS_INSTRUCTION_ERROR);
	if (!v->event) {
		vmx_check_vmcs();
		panic("VM entry failed with VM-instruction error %u", exit->reason);
	}
	return VMX_ENTRY_FAILED;
}

/*
 * Bochs 2.7 leaves SMIs masked after the wait-for-SIPI state, and then saves "blocking by
 * SMI" at each exit, with which no entry outside SMM succeeds.  No hardware does that, so
 * the first failed entry tells; from then on the bit is cleared after each exit.
 */
static void strip_smi_blocking(void)
{
	u32 blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);

	if (blocking & BLOCKING_BY_SMI)
		vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~BLOCKING_BY_SMI);
}

static bool failed_for_smi_blocking(struct vmx_vcpu *v, u32 reason)
{
	if (reason != (EXIT_ENTRY_FAILED | EXIT_ENTRY_GUEST_STATE) ||
	    !(vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_SMI))
		return false;
	v->strip_smi = true;
	strip_smi_blocking();
	return true;
}

__on_the_way enum vmx_exit_kind vmx_run(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	u32 result, reason, vectoring;

	if (__builtin_expect(v->event != 0, 0)) {
		if (__builtin_expect(v->aside != 0, 0))
			return VMX_ASIDE;
		write_event(v);
	}
	result = __builtin_expect(mitigate_is_needed(v), 0) ? watch_enter(v) : vmx_enter(v, v->how);
	if (__builtin_expect(result != 0, 0)) {
		return result == 1 ? entry_not_started(v, exit) : VMX_KICKED;
	}
	reason = vmcs_read32(VMCS_EXIT_REASON);
	if (__builtin_expect(!(reason & EXIT_ENTRY_FAILED), 1)) {
		v->how |= HOW_LAUNCHED;
		v->exits[reason % VMX_EXIT_REASONS]++;
		vectoring = vmcs_read32(VMCS_IDT_VECTORING_INFO);
		if (__builtin_expect(vectoring & INTR_VALID, 0))
			requeue_event(v, vmx_vectoring(v, vectoring));
		else
			v->event = 0;
		if (__builtin_expect(v->strip_smi, 0))
			strip_smi_blocking();
	} else if (failed_for_smi_blocking(v, reason)) {
		return VMX_RESUME;
	}
	exit->reason = reason;
	return decode(v, reason, exit);
}
