/* SPDX-License-Identifier: MIT */
/*
 * What the CPU does of a guest's local APIC by itself: its TPR, and where it can the other
 * registers and the delivery of interrupts.
 * Source: SDM vol. 3, chapter APIC Virtualization and Virtual Interrupts.
 */
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "cpu/msr_index.h"

#define CPU2_APIC_ALL                                                                              \
	((u32)(CPU2_APIC_ACCESSES | CPU2_X2APIC | CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS))

/* x2APIC MSRs, as bits of 0x800 to 0x83f: those that read what is in the page, and those whose
 * writes the CPU virtualizes. */
#define MSR_BITS(first, last) ((BIT((last) - (first) + 1) - 1) << (first))
#define TPR_MSR               BIT(0x08)
#define READ_MSRS                                                                                  \
	(MSR_BITS(0x02, 0x03) | TPR_MSR | BIT(0x0a) | BIT(0x0d) | BIT(0x0f) |                      \
	 MSR_BITS(0x10, 0x28) | BIT(0x30) | MSR_BITS(0x32, 0x38) | BIT(0x3e))
#define WRITE_MSRS (TPR_MSR | BIT(0x0b) | BIT(0x3f)) /* TPR, EOI, SELF IPI */

bool vmx_has_apicv(void)
{
	return vmx_config.apicv;
}

bool vmx_has_apic_accesses(void)
{
	return vmx_config.apic_accesses;
}

void vmx_use_tpr_shadow(struct vmx_vcpu *v, hpa_t page)
{
	if (!vmx_config.tpr_shadow)
		return;
	vmcs_write64(VMCS_VIRTUAL_APIC_PAGE, page.v);
	vmcs_write32(VMCS_TPR_THRESHOLD, 0);
	vmx_set_cpu_controls(v, (v->cpu_controls | (u32)CPU_TPR_SHADOW) &
					~(u32)(CPU_CR8_LOAD | CPU_CR8_STORE));
}

void vmx_set_tpr_threshold(struct vmx_vcpu *v, u32 threshold)
{
	if (v->tpr_threshold == threshold || !(v->cpu_controls & CPU_TPR_SHADOW))
		return;
	v->tpr_threshold = threshold;
	vmcs_write32(VMCS_TPR_THRESHOLD, threshold);
}

/* Which of the controls @mode needs and there are. */
static u32 mode_controls(enum vmx_apic_mode mode)
{
	u32 by_cpu = vmx_config.apicv ? (u32)(CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS) : 0;

	switch (mode) {
	case VMX_APIC_XAPIC:
		return by_cpu | (vmx_config.apic_accesses ? (u32)CPU2_APIC_ACCESSES : 0);
	case VMX_APIC_X2APIC:
		return by_cpu | (vmx_config.x2apic ? (u32)CPU2_X2APIC : 0);
	case VMX_APIC_MODEL:
		break;
	}
	return 0;
}

void vmx_set_apic_mode(struct vmx_vcpu *v, enum vmx_apic_mode mode)
{
	u32 controls = mode_controls(mode);
	u64 reads = controls & CPU2_X2APIC ? TPR_MSR : 0, writes = reads;

	if (reads && (controls & CPU2_APIC_REGISTERS)) {
		reads = READ_MSRS;
		writes = WRITE_MSRS;
	}
	for (u32 i = 0; i < 64; i++)
		msr_exits(v->msr_bitmap, MSR_X2APIC_FIRST + i, !(reads >> i & 1),
			  !(writes >> i & 1));
	vmcs_write32(VMCS_CPU2_CONTROLS,
		     (vmcs_read32(VMCS_CPU2_CONTROLS) & ~CPU2_APIC_ALL) | controls);
	vmx_set_tpr_threshold(v, 0);
	WRITE_ONCE(v->apic_mode, mode);
}

void vmx_set_apic_access_page(hpa_t page)
{
	vmcs_write64(VMCS_APIC_ACCESS_PAGE, page.v);
}

bool vmx_delivers_hastily(void)
{
	return vmx_config.vague_vectoring;
}

void vmx_set_interrupt_status(u8 in_service, u8 requested)
{
	vmcs_write16(VMCS_GUEST_INTERRUPT_STATUS, (u16)(in_service << 8 | requested));
}

u16 vmx_interrupt_status(void)
{
	return vmcs_read16(VMCS_GUEST_INTERRUPT_STATUS);
}

void vmx_request_interrupt(u8 vector)
{
	u16 status = vmcs_read16(VMCS_GUEST_INTERRUPT_STATUS);

	if ((u8)status < vector)
		vmcs_write16(VMCS_GUEST_INTERRUPT_STATUS, (u16)((status & 0xff00) | vector));
}

void vmx_set_eoi_exits(const u32 vectors[8])
{
	for (u32 i = 0; i < 4; i++)
		vmcs_write_any(VMCS_EOI_EXIT_BITMAP + 2ull * i,
			       READ_ONCE(vectors[2 * i]) | (u64)READ_ONCE(vectors[2 * i + 1])
								   << 32);
}

/*
 * When an exit breaks off the delivery of a virtual interrupt, Bochs 2.7 names the event that was
 * delivered last before it.  No hardware does that; what has virtual-interrupt delivery and no
 * posted interrupts is no hardware.  There it is taken for the interrupt that is in service, if it
 * could have come now.  A fault whose delivery was broken off instead comes again by itself.
 */
u32 vmx_vectoring(const struct vmx_vcpu *v, u32 info)
{
	const u32 which = INTR_VECTOR | INTR_TYPE;
	u8 in_service;

	if (!vmx_config.vague_vectoring || v->apic_mode == VMX_APIC_MODEL)
		return info;
	if (v->event && !((v->event ^ info) & which) &&
	    vmcs_read_nat(VMCS_GUEST_RIP) == v->event_rip)
		return info;
	in_service = (u8)(vmcs_read16(VMCS_GUEST_INTERRUPT_STATUS) >> 8);
	if (!in_service || !(vmcs_read_nat(VMCS_GUEST_RFLAGS) & RFLAGS_IF) ||
	    (vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS)))
		return info;
	return INTR_VALID | INTR_TYPE_EXTERNAL | in_service;
}

#define APIC_ACCESS_TYPE  0xf000u
#define APIC_ACCESS_WRITE 0x1000u /* a linear one of an instruction */

enum vmx_exit_kind vmx_exit_apic(u32 reason, struct vmx_exit *exit)
{
	u32 q = (u32)vmcs_read_nat(VMCS_EXIT_QUALIFICATION);

	if ((u16)reason == EXIT_VIRTUALIZED_EOI) {
		exit->apic.vector = (u8)q;
		return VMX_EOI;
	}
	exit->apic.offset = (u16)(q & 0xfff);
	exit->apic.write = (q & APIC_ACCESS_TYPE) == APIC_ACCESS_WRITE;
	return (u16)reason == EXIT_APIC_WRITE ? VMX_APIC_WRITE : VMX_APIC_ACCESS;
}
