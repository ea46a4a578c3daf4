/* SPDX-License-Identifier: MIT */
/* A vCPU's special registers and CPUID, with the checks that KVM makes of them. */
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/mmu.h"
#include "kvm/msr.h"
#include "lib/string.h"

u64 vcpu_get_cr8(const struct vcpu *c)
{
	return c->vm->chip ? lapic_cr8(&c->lapic) : c->cr8;
}

int vcpu_set_cr8(struct vcpu *c, u64 value)
{
	if (value > 15)
		return -EINVAL;
	if (c->vm->chip)
		lapic_set_cr8(&c->lapic, (u8)value);
	else
		c->cr8 = (u8)value;
	return 0;
}

static struct kvm_segment *segment_of(struct kvm_sregs *s, enum vmx_segment n)
{
	struct kvm_segment *const all[] = {&s->es, &s->cs, &s->ss,  &s->ds,
					   &s->fs, &s->gs, &s->ldt, &s->tr};

	return all[n];
}

void vcpu_get_sregs(struct vcpu *c, struct kvm_sregs *s)
{
	memset(s, 0, sizeof(*s));
	for (enum vmx_segment n = SEG_ES; n <= SEG_TR; n++)
		vmx_get_segment(n, segment_of(s, n));
	vmx_get_tables(&s->gdt, &s->idt);
	s->cr0 = vmx_cr0();
	s->cr2 = c->vmx.cr2;
	s->cr3 = vmx_cr3();
	s->cr4 = vmx_cr4();
	s->cr8 = vcpu_get_cr8(c);
	s->efer = vmx_efer();
	s->apic_base = c->vm->chip ? c->lapic.base : c->apic_base;
	if (c->interrupt >= 0)
		s->interrupt_bitmap[c->interrupt / 64] |= BIT(c->interrupt % 64);
}

/* As KVM's KVM_SET_SREGS refuses them: paging and long mode have to agree. */
static bool sregs_valid(const struct vcpu *c, const struct kvm_sregs *s)
{
	const u64 efer_known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	if (s->cr0 >> 32 || ((s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE)) ||
	    ((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD)))
		return false;
	if ((s->cr4 & ~c->vmx.cr4_allowed) || (s->efer & ~efer_known))
		return false;
	if ((s->efer & EFER_LME) && (s->cr0 & CR0_PG))
		return (s->cr4 & CR4_PAE) && (s->efer & EFER_LMA) && !(s->cr3 >> c->maxphyaddr);
	return !(s->efer & EFER_LMA) && !s->cs.l;
}

/* KVM wakes a boot CPU that is put to the reset vector in real mode. */
static void wake_at_reset_vector(struct vcpu *c, const struct kvm_sregs *s)
{
	if (vcpu_is_boot_cpu(c) && vmx_rip() == 0xfff0 && s->cs.selector == 0xf000 &&
	    !(s->cr0 & CR0_PE))
		c->mp_state = KVM_MP_STATE_RUNNABLE;
}

static void take_pending_interrupt(struct vcpu *c, const struct kvm_sregs *s)
{
	c->interrupt = -1;
	if (c->vm->chip)
		return;
	for (s32 i = 0; i < 4 && c->interrupt < 0; i++)
		if (s->interrupt_bitmap[i])
			c->interrupt = i * 64 + __builtin_ctzll(s->interrupt_bitmap[i]);
}

int vcpu_set_sregs(struct vcpu *c, const struct kvm_sregs *in)
{
	struct kvm_sregs s = *in;

	if (!sregs_valid(c, &s) || s.cr8 > 15 || msr_write(c, MSR_APIC_BASE, s.apic_base, true))
		return -EINVAL;
	c->emu_stale = true;
	if (s.cs.base != vmx_segment_base(SEG_CS)) /* another linear RIP: as KVM_SET_REGS */
		vcpu_drop_port_access(c);
	for (enum vmx_segment n = SEG_ES; n <= SEG_TR; n++)
		vmx_set_segment(n, segment_of(&s, n));
	vmx_set_tables(&s.gdt, &s.idt);
	c->vmx.cr2 = s.cr2;
	if (vcpu_set_cr8(c, s.cr8))
		return -EINVAL;
	vmx_set_efer(s.efer);
	vmx_set_cr0(&c->vmx, s.cr0);
	vmx_set_cr3(s.cr3);
	vmx_set_cr4(&c->vmx, s.cr4);
	vmx_flush_tlb(&c->vmx);
	if ((s.cr0 & CR0_PG) && (s.cr4 & CR4_PAE) && !(s.efer & EFER_LMA))
		(void)vcpu_load_pdptes(c); /* memory may come later; the entry tells */
	take_pending_interrupt(c, &s);
	wake_at_reset_vector(c, &s);
	return 0;
}

#define PDPTE_PRESENT  BIT(0)
#define PDPTE_RESERVED 0x1e6ull /* below the address bits */

int vcpu_load_pdptes(struct vcpu *c)
{
	u64 pdpte[4] = {0};
	u64 table = vmx_cr3() & 0xffffffe0;
	/* The four lie in one page: CR3 is aligned to their 32 bytes. */
	int r = mmu_read(c, gpa(table), pdpte, sizeof(pdpte));

	if (r)
		return r == GUEST_MEM_ABSENT ? -EAGAIN : -EINVAL;
	for (u32 i = 0; i < 4; i++)
		if ((pdpte[i] & PDPTE_PRESENT) &&
		    ((pdpte[i] & PDPTE_RESERVED) || pdpte[i] >> c->maxphyaddr))
			return -EINVAL;
	vmx_set_pdptes(pdpte);
	return 0;
}

/* Bits of CR4 that any guest may set, and those that a CPUID bit allows. */
#define CR4_ALWAYS                                                                                 \
	(CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE |  \
	 CR4_OSFXSR | CR4_OSXMMEXCPT)

static u64 cr4_allowed(const struct cpuid_table *t)
{
	const struct kvm_cpuid_entry2 *e1 = cpuid_find(t, 1, 0), *e7 = cpuid_find(t, 7, 0);
	u32 ecx1 = e1 ? e1->ecx : 0, ebx7 = e7 ? e7->ebx : 0, ecx7 = e7 ? e7->ecx : 0;

	return CR4_ALWAYS | (ecx1 & BIT(26) ? CR4_OSXSAVE : 0) | (ecx1 & BIT(17) ? CR4_PCIDE : 0) |
	       (ebx7 & BIT(0) ? CR4_FSGSBASE : 0) | (ebx7 & BIT(7) ? CR4_SMEP : 0) |
	       (ebx7 & BIT(20) ? CR4_SMAP : 0) | (ecx7 & BIT(2) ? CR4_UMIP : 0) |
	       (ecx7 & BIT(3) ? CR4_PKE : 0);
}

int vcpu_set_cpuid(struct vcpu *c, const struct kvm_cpuid_entry2 *entries, u32 count)
{
	const struct kvm_cpuid_entry2 *e;
	u64 xcr0;
	int err;

	/* Once the guest has looked at it, it stays (KVM API, KVM_SET_CPUID2). */
	if (c->vmx.entries)
		return cpuid_equal(&c->cpuid, entries, count) ? 0 : -EINVAL;
	err = cpuid_set(&c->cpuid, entries, count);
	if (err)
		return err;
	e = cpuid_find(&c->cpuid, 0xd, 0);
	xcr0 = e ? e->eax | (u64)e->edx << 32 : 0;
	vmx_allow(&c->vmx, cr4_allowed(&c->cpuid), xcr0 | XCR0_X87);
	e = cpuid_find(&c->cpuid, 0x80000008, 0);
	c->maxphyaddr = e && (e->eax & 0xff) >= 32 && (e->eax & 0xff) <= 52 ? (u8)e->eax : 36;
	e = cpuid_find(&c->cpuid, 1, 0);
	c->lapic.tsc_deadline = e && e->ecx & BIT(24);
	c->lapic.base_reserved = lapic_base_reserved(c->maxphyaddr, e && e->ecx & BIT(21));
	return 0;
}

static void put_bit(u64 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | BIT(bit) : *reg & ~BIT(bit);
}

void vcpu_cpuid_dynamic(struct vcpu *c, u32 leaf, u32 subleaf)
{
	u64 *g = c->vmx.gpr;
	u64 base;

	if (leaf == 1) {
		base = c->vm->chip ? c->lapic.base : c->apic_base;
		put_bit(&g[GPR_RCX], 27, vmx_cr4() & CR4_OSXSAVE);
		if (!(base & LAPIC_BASE_ENABLE))
			put_bit(&g[GPR_RDX], 9, false);
	} else if (leaf == 7 && subleaf == 0) {
		put_bit(&g[GPR_RCX], 4, vmx_cr4() & CR4_PKE);
	} else if (leaf == 0xd && subleaf <= 1) {
		if (subleaf == 0 || g[GPR_RAX] & 2)
			g[GPR_RBX] = cpuid_xsave_size(c->vmx.xcr0);
	}
}
