/* SPDX-License-Identifier: MIT */
/*
 * The register state of a virtual CPU as KVM's structures have it, kept in the
 * current VMCS.  CR0 and CR4 are seen through mask and shadow: the guest owns what
 * the mask leaves it.
 */
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "cpu/msr_index.h"

u64 vmx_rip(void)
{
	return vmcs_read_nat(VMCS_GUEST_RIP);
}

u64 vmx_linear_rip(void)
{
	u64 rip = vmx_rip();

	return vmx_cs_is_long() ? rip : (u32)(vmx_segment_base(SEG_CS) + rip);
}

u64 vmx_rsp(void)
{
	return vmcs_read_nat(VMCS_GUEST_RSP);
}

u64 vmx_rflags(void)
{
	return vmcs_read_nat(VMCS_GUEST_RFLAGS);
}

u64 vmx_cr0(void)
{
	u64 mask = vmcs_read_nat(VMCS_CR0_MASK);

	return (vmcs_read_nat(VMCS_CR0_SHADOW) & mask) | (vmcs_read_nat(VMCS_GUEST_CR0) & ~mask);
}

u64 vmx_cr3(void)
{
	return vmcs_read_nat(VMCS_GUEST_CR3);
}

u64 vmx_cr4(void)
{
	u64 mask = vmcs_read_nat(VMCS_CR4_MASK);

	return (vmcs_read_nat(VMCS_CR4_SHADOW) & mask) | (vmcs_read_nat(VMCS_GUEST_CR4) & ~mask);
}

u64 vmx_efer(void)
{
	return vmcs_read64(VMCS_GUEST_EFER);
}

u64 vmx_ept_pointer(void)
{
	return vmcs_read64(VMCS_EPT_POINTER);
}

u32 vmx_cpl(void)
{
	return vmcs_read32(VMCS_GUEST_SS_RIGHTS) >> 5 & 3;
}

bool vmx_cs_is_long(void)
{
	return vmcs_read32(VMCS_GUEST_CS_RIGHTS) & BIT(13);
}

void vmx_set_rip(u64 v)
{
	vmcs_write_nat(VMCS_GUEST_RIP, v);
}

void vmx_set_rsp(u64 v)
{
	vmcs_write_nat(VMCS_GUEST_RSP, v);
}

void vmx_set_rflags(u64 v)
{
	vmcs_write_nat(VMCS_GUEST_RFLAGS, v | RFLAGS_FIXED);
}

void vmx_get_regs(const struct vmx_vcpu *v, struct kvm_regs *r)
{
	const u64 *g = v->gpr;

	*r = (struct kvm_regs){
		.rax = g[GPR_RAX],
		.rbx = g[GPR_RBX],
		.rcx = g[GPR_RCX],
		.rdx = g[GPR_RDX],
		.rsi = g[GPR_RSI],
		.rdi = g[GPR_RDI],
		.rbp = g[GPR_RBP],
		.rsp = vmx_rsp(),
		.r8 = g[8],
		.r9 = g[9],
		.r10 = g[10],
		.r11 = g[11],
		.r12 = g[12],
		.r13 = g[13],
		.r14 = g[14],
		.r15 = g[15],
		.rip = vmx_rip(),
		.rflags = vmx_rflags() & ~v->hidden_flags,
	};
}

/* As in KVM, user space's single-step goes on only if RIP is where it was asked for. */
static void set_flags(const struct vmx_vcpu *v, u64 flags)
{
	if (v->hidden_flags && vmx_linear_rip() == v->step_rip)
		flags |= v->hidden_flags;
	vmx_set_rflags(flags);
	if (flags & RFLAGS_TF) /* see match_pending_step() */
		vmx_set_shadow(vmx_shadow());
}

void vmx_set_regs(struct vmx_vcpu *v, const struct kvm_regs *r)
{
	u64 *g = v->gpr;

	g[GPR_RAX] = r->rax;
	g[GPR_RBX] = r->rbx;
	g[GPR_RCX] = r->rcx;
	g[GPR_RDX] = r->rdx;
	g[GPR_RSI] = r->rsi;
	g[GPR_RDI] = r->rdi;
	g[GPR_RBP] = r->rbp;
	g[8] = r->r8;
	g[9] = r->r9;
	g[10] = r->r10;
	g[11] = r->r11;
	g[12] = r->r12;
	g[13] = r->r13;
	g[14] = r->r14;
	g[15] = r->r15;
	vmx_set_rip(r->rip);
	vmx_set_rsp(r->rsp);
	set_flags(v, r->rflags);
}

/* The fields of a segment lie in steps of 2 from those of ES. */
#define SEGMENT_FIELD(field, n) ((u64)(field) + 2u * (u64)(n))

u64 vmx_segment_base(enum vmx_segment n)
{
	return vmcs_read_any(SEGMENT_FIELD(VMCS_GUEST_ES_BASE, n));
}

u32 vmx_cs_rights(void)
{
	return vmcs_read32(VMCS_GUEST_CS_RIGHTS);
}

void vmx_get_segment_raw(enum vmx_segment n, u64 *base, u32 *limit, u32 *rights)
{
	*base = vmx_segment_base(n);
	*limit = (u32)vmcs_read_any(SEGMENT_FIELD(VMCS_GUEST_ES_LIMIT, n));
	*rights = (u32)vmcs_read_any(SEGMENT_FIELD(VMCS_GUEST_ES_RIGHTS, n));
}

void vmx_get_segment(enum vmx_segment n, struct kvm_segment *s)
{
	u32 limit, rights;
	u64 base;

	vmx_get_segment_raw(n, &base, &limit, &rights);
	*s = (struct kvm_segment){
		.base = base,
		.limit = limit,
		.selector = (u16)vmcs_read_any(SEGMENT_FIELD(VMCS_GUEST_ES_SELECTOR, n)),
		.type = rights & 15,
		.s = rights >> 4 & 1,
		.dpl = rights >> 5 & 3,
		/* KVM shows an unusable segment as not present. */
		.present = rights >> 7 & ~(rights >> 16) & 1,
		.avl = rights >> 12 & 1,
		.l = rights >> 13 & 1,
		.db = rights >> 14 & 1,
		.g = rights >> 15 & 1,
		.unusable = rights >> 16 & 1,
	};
}

void vmx_set_segment(enum vmx_segment n, const struct kvm_segment *s)
{
	u32 rights = (s->type & 15u) | (s->s & 1u) << 4 | (s->dpl & 3u) << 5 |
		     (s->present & 1u) << 7 | (s->avl & 1u) << 12 | (s->l & 1u) << 13 |
		     (s->db & 1u) << 14 | (s->g & 1u) << 15;

	if (s->unusable || !s->present)
		rights = (u32)RIGHTS_UNUSABLE;
	/* The SDM wants "accessed" in data and code segments; a VMM may leave it out. */
	else if (n <= SEG_GS)
		rights |= 1;
	vmcs_write_any(SEGMENT_FIELD(VMCS_GUEST_ES_BASE, n), s->base);
	vmcs_write_any(SEGMENT_FIELD(VMCS_GUEST_ES_LIMIT, n), s->limit);
	vmcs_write_any(SEGMENT_FIELD(VMCS_GUEST_ES_SELECTOR, n), s->selector);
	vmcs_write_any(SEGMENT_FIELD(VMCS_GUEST_ES_RIGHTS, n), rights);
}

void vmx_get_tables(struct kvm_dtable *gdt, struct kvm_dtable *idt)
{
	*gdt = (struct kvm_dtable){.base = vmcs_read_nat(VMCS_GUEST_GDTR_BASE),
				   .limit = (u16)vmcs_read32(VMCS_GUEST_GDTR_LIMIT)};
	*idt = (struct kvm_dtable){.base = vmcs_read_nat(VMCS_GUEST_IDTR_BASE),
				   .limit = (u16)vmcs_read32(VMCS_GUEST_IDTR_LIMIT)};
}

void vmx_set_tables(const struct kvm_dtable *gdt, const struct kvm_dtable *idt)
{
	vmcs_write_nat(VMCS_GUEST_GDTR_BASE, gdt->base);
	vmcs_write32(VMCS_GUEST_GDTR_LIMIT, gdt->limit);
	vmcs_write_nat(VMCS_GUEST_IDTR_BASE, idt->base);
	vmcs_write32(VMCS_GUEST_IDTR_LIMIT, idt->limit);
}

void vmx_set_cr0(struct vmx_vcpu *v, u64 value)
{
	/* NE is fixed in VMX operation.  A guest's CD and NW would slow down the whole
	 * machine, so they only show; the control guest's are real. */
	u64 owned = v->control ? CR0_NE : CR0_NE | CR0_CD | CR0_NW;
	u64 real = v->control ? value : value & ~(CR0_CD | CR0_NW);

	vmcs_write_nat(VMCS_CR0_MASK, owned);
	vmcs_write_nat(VMCS_CR0_SHADOW, value);
	vmcs_write_nat(VMCS_GUEST_CR0, real | CR0_NE | CR0_ET);
}

void vmx_set_cr3(u64 value)
{
	vmcs_write_nat(VMCS_GUEST_CR3, value);
}

void vmx_set_cr4(struct vmx_vcpu *v, u64 value)
{
	vmcs_write_nat(VMCS_CR4_MASK, ~v->cr4_allowed);
	vmcs_write_nat(VMCS_CR4_SHADOW, value);
	vmcs_write_nat(VMCS_GUEST_CR4, value | CR4_VMXE);
}

void vmx_set_efer(u64 value)
{
	u32 entry = vmcs_read32(VMCS_ENTRY_CONTROLS) & ~(u32)ENTRY_IA32E;

	if (value & EFER_LMA)
		entry |= (u32)ENTRY_IA32E;
	vmcs_write32(VMCS_ENTRY_CONTROLS, entry);
	vmcs_write64(VMCS_GUEST_EFER, value);
}

void vmx_get_pdptes(u64 pdpte[4])
{
	for (u64 i = 0; i < 4; i++)
		pdpte[i] = vmcs_read_any(VMCS_GUEST_PDPTE0 + 2 * i);
}

void vmx_set_pdptes(const u64 pdpte[4])
{
	for (u64 i = 0; i < 4; i++)
		vmcs_write_any(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
}

void vmx_allow(struct vmx_vcpu *v, u64 cr4, u64 xcr0)
{
	v->cr4_allowed = cr4 & ~CR4_VMXE & vmx_config.cr4_fixed1;
	v->xcr0_allowed = xcr0 & vmx_host_xcr0();
	vmx_set_cr4(v, vmx_cr4());
}

void vmx_set_tsc_offset(u64 offset)
{
	vmcs_write64(VMCS_TSC_OFFSET, offset);
}

bool vmx_has_tsc_scaling(void)
{
	return vmx_config.guest.cpu2 & CPU2_TSC_SCALING;
}

void vmx_set_tsc_ratio(u64 ratio)
{
	vmcs_write64(VMCS_TSC_MULTIPLIER, ratio);
}
