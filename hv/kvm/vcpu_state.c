/* SPDX-License-Identifier: MIT */
/* A vCPU's registers for the requests that get and set them, with the checks that KVM makes of
 * them. */
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/mmu.h"
#include "kvm/msr.h"
#include "kvm/vcpu_events.h"
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
	static const u8 place[] = {
		[SEG_ES] = offsetof(struct kvm_sregs, es),
		[SEG_CS] = offsetof(struct kvm_sregs, cs),
		[SEG_SS] = offsetof(struct kvm_sregs, ss),
		[SEG_DS] = offsetof(struct kvm_sregs, ds),
		[SEG_FS] = offsetof(struct kvm_sregs, fs),
		[SEG_GS] = offsetof(struct kvm_sregs, gs),
		[SEG_LDTR] = offsetof(struct kvm_sregs, ldt),
		[SEG_TR] = offsetof(struct kvm_sregs, tr),
	};

	return (struct kvm_segment *)(void *)((u8 *)s + place[n]);
}

void vcpu_set_regs(struct vcpu *c, const struct kvm_regs *r)
{
	/* As in KVM: what waits is that instruction's; there may have been a reset since. */
	if (r->rip != vmx_rip())
		vcpu_drop_port_access(c);
	c->exception.pending = false;
	vmx_set_regs(&c->vmx, r);
	c->emu_stale = true;
}

/* What both kinds of the structure begin with; all but the last members. */
static void get_common(struct vcpu *c, struct kvm_sregs *s)
{
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
}

void vcpu_get_sregs(struct vcpu *c, struct kvm_sregs *s)
{
	int vector = c->interrupt >= 0 ? c->interrupt : vmx_injected_interrupt(&c->vmx);

	get_common(c, s);
	memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap));
	if (vector >= 0)
		s->interrupt_bitmap[vector / 64] |= BIT(vector % 64);
}

static bool uses_pdptes(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LMA);
}

/* As KVM's KVM_SET_SREGS refuses them: paging and long mode have to agree.  A wrong EFER is
 * only found by the VM entry. */
static bool sregs_valid(const struct vcpu *c, const struct kvm_sregs *s)
{
	if (s->cr0 >> 32 || ((s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE)) ||
	    ((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD)))
		return false;
	if (s->cr4 & ~c->vmx.cr4_allowed)
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

static int set_common(struct vcpu *c, struct kvm_sregs *s)
{
	if (!sregs_valid(c, s) || msr_write(c, MSR_APIC_BASE, s->apic_base, true))
		return -EINVAL;
	c->emu_stale = true;
	if (s->cs.base != vmx_segment_base(SEG_CS)) /* another linear RIP: as KVM_SET_REGS */
		vcpu_drop_port_access(c);
	for (enum vmx_segment n = SEG_ES; n <= SEG_TR; n++)
		vmx_set_segment(n, segment_of(s, n));
	vmx_set_tables(&s->gdt, &s->idt);
	c->vmx.cr2 = s->cr2;
	/* As in KVM: one that is too large is passed over. */
	if (vcpu_set_cr8(c, s->cr8 > 15 ? vcpu_get_cr8(c) : s->cr8))
		return -EINVAL;
	vmx_set_efer(s->efer);
	vmx_set_cr0(&c->vmx, s->cr0);
	vmx_set_cr3(s->cr3);
	vmx_set_cr4(&c->vmx, s->cr4);
	vmx_flush_tlb(&c->vmx);
	wake_at_reset_vector(c, s);
	return 0;
}

/* The lowest vector of the bitmap, if there is one, is an interrupt that was acknowledged. */
static void take_injected_interrupt(struct vcpu *c, const u64 bitmap[4])
{
	int vector = -1;

	for (int i = 0; i < 4 && vector < 0; i++)
		if (bitmap[i])
			vector = i * 64 + __builtin_ctzll(bitmap[i]);
	if (vector < 0)
		return;
	if (c->vm->chip && (!c->vmx.event || vmx_injected_interrupt(&c->vmx) >= 0))
		vmx_queue_interrupt(&c->vmx, (u8)vector);
	else
		vcpu_keep_interrupt(c, (u8)vector);
}

int vcpu_set_sregs(struct vcpu *c, struct kvm_sregs *s)
{
	int err = set_common(c, s);

	if (err)
		return err;
	if (uses_pdptes(s->cr0, s->cr4, s->efer))
		(void)vcpu_load_pdptes(c); /* memory may come later; the entry tells */
	take_injected_interrupt(c, (const u64 *)s->interrupt_bitmap);
	return 0;
}

/* The two structures are the same up to the interrupt bitmap. */
#define SREGS_COMMON offsetof(struct kvm_sregs, interrupt_bitmap)
_Static_assert(offsetof(struct kvm_sregs2, flags) == SREGS_COMMON, "kvm_sregs2");

void vcpu_get_sregs2(struct vcpu *c, struct kvm_sregs2 *s)
{
	struct kvm_sregs common;

	get_common(c, &common);
	memset(s, 0, sizeof(*s));
	memcpy(s, &common, SREGS_COMMON);
	if (!uses_pdptes(common.cr0, common.cr4, common.efer))
		return;
	vmx_get_pdptes((u64 *)s->pdptrs);
	s->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
}

int vcpu_set_sregs2(struct vcpu *c, const struct kvm_sregs2 *s)
{
	bool given = s->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	bool used = uses_pdptes(s->cr0, s->cr4, s->efer);
	struct kvm_sregs common;
	int err;

	if ((s->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID) || (given && !used))
		return -EINVAL;
	memcpy(&common, s, SREGS_COMMON);
	err = set_common(c, &common);
	if (err)
		return err;
	if (given)
		vmx_set_pdptes((const u64 *)s->pdptrs);
	else if (used)
		(void)vcpu_load_pdptes(c);
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

bool vcpu_translate(struct vcpu *c, u64 linear, gpa_t *a)
{
	struct gva_paging pg = {.cr0 = vmx_cr0(),
				.cr3 = vmx_cr3(),
				.cr4 = vmx_cr4(),
				.efer = vmx_efer(),
				.rflags = vmx_rflags(),
				.maxphyaddr = c->maxphyaddr};
	struct guest_mem mem;
	u64 pdpte[4];
	bool found;

	if (uses_pdptes(pg.cr0, pg.cr4, pg.efer)) {
		vmx_get_pdptes(pdpte);
		pg.pdpte = pdpte;
	}
	spin_lock(&c->vm->lock);
	mem = mmu_guest_mem(c);
	found = gva_to_gpa(&pg, &mem, gva(linear), a);
	spin_unlock(&c->vm->lock);
	return found;
}
