/* SPDX-License-Identifier: MIT */
/* The CPU as a vCPU's local APIC: see apicv.h. */
#include "kvm/apicv.h"
#include <linux/errno.h>
#include "core/page.h"
#include "cpu/tsc.h"
#include "kvm/mmu.h"

static enum vmx_apic_mode choose_mode(const struct vcpu *c)
{
	const struct lapic *l = &c->lapic;

	/* Where HLT does not exit, in Bochs 2.7 an interrupt that the CPU delivers does not end
	 * it. */
	if (!c->vm->chip || c->vmx.halts_itself || !lapic_hw_enabled(l) || c->vapic.address ||
	    c->tpr_access.report || (c->vmx.debug & KVM_GUESTDBG_BLOCKIRQ) ||
	    (c->vmx.debugger & VMX_DEBUGGER_STEP))
		return VMX_APIC_MODEL;
	if (lapic_x2apic(l))
		return VMX_APIC_X2APIC;
	return (l->base & PAGE_MASK) == LAPIC_DEFAULT_BASE ? VMX_APIC_XAPIC : VMX_APIC_MODEL;
}

void apicv_update(struct vcpu *c)
{
	enum vmx_apic_mode old = c->vmx.apic_mode, mode = choose_mode(c);

	if (mode == old)
		return;
	vmx_set_apic_mode(&c->vmx, mode);
	lapic_set_by_cpu(&c->lapic, mode != VMX_APIC_MODEL && vmx_has_apicv());
	if (old != VMX_APIC_XAPIC)
		return;
	/* It must not be there for a vCPU to which it is plain memory.  Who is about to map it
	 * has either seen the new mode or done it before. */
	spin_lock(&c->vm->lock);
	apicv_unmap_page(c->vm);
	spin_unlock(&c->vm->lock);
}

void apicv_tell_cpu(struct vcpu *c)
{
	struct lapic *l = &c->lapic;
	u8 vector;
	u32 marks = lapic_tell(l, &vector);

	c->stats.irq_injections += vector != 0;
	if (marks & LAPIC_TELL_EOI)
		vmx_set_eoi_exits(l->bus->eoi_vectors);
	if (marks & LAPIC_TELL_ALL)
		vmx_set_interrupt_status((u8)MAX(lapic_highest_isr(l), 0),
					 (u8)MAX(lapic_highest_irr(l), 0));
	else if (vector)
		vmx_request_interrupt(vector);
}

#define PRIORITY_CLASS 0xf0u /* of a vector, and of the TPR */

bool apicv_has_interrupt(struct vcpu *c)
{
	struct lapic *l = &c->lapic;
	u32 tpr = lapic_reg(l, LAPIC_TPR) & PRIORITY_CLASS, status, in_service;

	if (READ_ONCE(l->posted))
		apicv_tell_cpu(c);
	status = vmx_interrupt_status();
	in_service = status >> 8 & PRIORITY_CLASS;
	return (status & PRIORITY_CLASS) > MAX(tpr, in_service);
}

/* The highest of several: when its handler has ended it, with interrupts still off, the next would
 * be pending. */
static void inject_first(struct vcpu *c)
{
	struct lapic *l = &c->lapic;
	int vector = lapic_accept(l);

	if (vector < 0) /* its TPR or what is in service holds them back */
		return;
	vmx_queue_interrupt(&c->vmx, (u8)vector);
	vmx_set_interrupt_status((u8)vector, (u8)MAX(lapic_highest_irr(l), 0));
	vmx_want_interrupt_window(&c->vmx, true);
}

void apicv_inject(struct vcpu *c)
{
	u8 requested = (u8)vmx_interrupt_status();

	if (!requested)
		return;
	if (!vmx_can_interrupt(&c->vmx))
		vmx_want_interrupt_window(&c->vmx, true);
	else if (lapic_has_irr_below(&c->lapic, requested))
		inject_first(c);
}

/* --- the page --- */

/* Is it what all vCPUs of the VM need?  vm->lock held. */
static bool is_page_wanted(struct vm *vm)
{
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (READ_ONCE(vm->vcpus[i]->vmx.apic_mode) != VMX_APIC_XAPIC)
			return false;
	return page_room() && !memslots_find(&vm->slots, gpa(LAPIC_DEFAULT_BASE));
}

bool apicv_map_page(struct vcpu *c, gpa_t a)
{
	struct vm *vm = c->vm;
	bool mapped;

	if ((a.v & PAGE_MASK) != LAPIC_DEFAULT_BASE || !vm->apic_access_page)
		return false;
	spin_lock(&vm->lock);
	mapped = is_page_wanted(vm);
	/* -EEXIST: another vCPU was faster. */
	if (mapped)
		mapped = ept_map(&vm->ept, gpa(LAPIC_DEFAULT_BASE),
				 virt_to_phys(vm->apic_access_page), EPT_4K,
				 EPT_READ | EPT_WRITE | EPT_WB | EPT_ACCESSED | EPT_DIRTY) !=
			 -ENOMEM;
	vm->apic_page_mapped = vm->apic_page_mapped || mapped;
	spin_unlock(&vm->lock);
	return mapped;
}

void apicv_unmap_page(struct vm *vm)
{
	if (vm->apic_page_mapped)
		mmu_unmap(vm, gpa(LAPIC_DEFAULT_BASE), PAGE_SIZE);
	vm->apic_page_mapped = false;
}

/* --- exits --- */

static enum exit_action deliver(struct vcpu *c)
{
	return vm_deliver_wakes(c->vm) ? GO_AGAIN : GO_ON;
}

enum exit_action apicv_exit_write(struct vcpu *c, const struct vmx_exit *exit)
{
	lapic_written(&c->lapic, exit->apic.offset, rdtsc());
	return deliver(c);
}

enum exit_action apicv_exit_eoi(struct vcpu *c, const struct vmx_exit *exit)
{
	lapic_ended(&c->lapic, exit->apic.vector, rdtsc());
	return deliver(c);
}

enum exit_action apicv_exit_access(struct vcpu *c, const struct vmx_exit *exit)
{
	u64 data[] = {exit->reason, LAPIC_DEFAULT_BASE + exit->apic.offset};

	if (c->vmx.event)
		return run_internal_error(c, KVM_INTERNAL_ERROR_DELIVERY_EV, ARRAY_SIZE(data),
					  data);
	/* As in KVM, whatever the instruction: the value is of no meaning. */
	if (exit->apic.write && exit->apic.offset == LAPIC_EOI && !c->lapic.by_cpu) {
		lapic_eoi(&c->lapic, rdtsc());
		vmx_skip_instruction();
		return deliver(c);
	}
	return run_emulate(c, NULL, true);
}
