/* SPDX-License-Identifier: MIT */
/* What a vCPU's CPUID means for the vCPU, and what the vCPU's state means for its CPUID. */
#include <linux/errno.h>
#include "kvm/vcpu.h"

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

/* Leaf 0x80000008, where leaf 0x80000000 says that there is one; else what a CPU without it
 * has.  Nonsense is taken for that too. */
static u8 maxphyaddr(const struct cpuid_table *t)
{
	const struct kvm_cpuid_entry2 *last = cpuid_find(t, 0x80000000, 0);
	const struct kvm_cpuid_entry2 *e = cpuid_find(t, 0x80000008, 0);
	u32 bits = e && last && last->eax >= 0x80000008 ? e->eax & 0xff : 0;

	return bits >= 32 && bits <= 52 ? (u8)bits : 36;
}

#define XCR0_DYNAMIC BIT(18) /* AMX's tile data, which needs a permission on Linux */

/* As KVM's KVM_SET_CPUID2 refuses them; the first entry of a leaf counts. */
static int check(const struct kvm_cpuid_entry2 *entries, u32 count)
{
	bool linear_seen = false, xsave_seen = false;
	int err = 0;

	for (u32 i = 0; i < count && !(linear_seen && xsave_seen); i++) {
		const struct kvm_cpuid_entry2 *e = &entries[i];
		u32 linear = e->eax >> 8 & 0xff;

		if ((e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) && e->index)
			continue;
		if (e->function == 0x80000008 && !linear_seen) {
			linear_seen = true;
			if (linear != 0 && linear != 48 && linear != 57)
				return -EINVAL;
		} else if (e->function == 0xd && !xsave_seen) {
			xsave_seen = true;
			if (e->eax & XCR0_DYNAMIC)
				err = -EPERM;
		}
	}
	return err;
}

static void put_bit(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | (u32)BIT(bit) : *reg & ~(u32)BIT(bit);
}

void vcpu_cpuid_dynamic(struct vcpu *c, struct kvm_cpuid_entry2 *e)
{
	u64 base;

	if (e->function == 1) {
		base = c->vm->chip ? c->lapic.base : c->apic_base;
		put_bit(&e->ecx, 27, vmx_cr4() & CR4_OSXSAVE);
		put_bit(&e->edx, 9, base & LAPIC_BASE_ENABLE);
	} else if (e->function == 7 && e->index == 0) {
		put_bit(&e->ecx, 4, vmx_cr4() & CR4_PKE);
	} else if (e->function == 0xd && e->index <= 1) {
		if (e->index == 0 || e->eax & 2)
			e->ebx = cpuid_xsave_size(c->vmx.xcr0);
	}
}

void vcpu_refresh_cpuid(struct vcpu *c)
{
	for (u32 i = 0; i < c->cpuid.count; i++)
		vcpu_cpuid_dynamic(c, &c->cpuid.entries[i]);
}

int vcpu_set_cpuid(struct vcpu *c, struct kvm_cpuid_entry2 *entries, u32 count)
{
	const struct kvm_cpuid_entry2 *e;
	u64 xcr0;
	int err;

	pv_adjust_cpuid(c, entries, count);
	/* Once the guest has looked at it, it stays (KVM API, KVM_SET_CPUID2). */
	if (vmx_entries(&c->vmx)) {
		for (u32 i = 0; i < count; i++)
			vcpu_cpuid_dynamic(c, &entries[i]);
		vcpu_refresh_cpuid(c);
		return cpuid_equal(&c->cpuid, entries, count) ? 0 : -EINVAL;
	}
	err = check(entries, count);
	if (!err)
		err = cpuid_set(&c->cpuid, entries, count);
	if (err)
		return err;
	pv_set_cpuid(c);
	e = cpuid_find(&c->cpuid, 0xd, 0);
	xcr0 = e ? e->eax | (u64)e->edx << 32 : 0;
	vmx_allow(&c->vmx, cr4_allowed(&c->cpuid), xcr0 | XCR0_X87);
	c->maxphyaddr = maxphyaddr(&c->cpuid);
	e = cpuid_find(&c->cpuid, 1, 0);
	c->lapic.tsc_deadline = e && e->ecx & BIT(24);
	c->lapic.base_reserved = lapic_base_reserved(c->maxphyaddr, e && e->ecx & BIT(21));
	if (c->vm->chip) {
		/* The I/O APIC here has no register for EOIs. */
		c->lapic.directed_eoi = c->vm->chip->split && e && e->ecx & BIT(21);
		lapic_set_version(&c->lapic);
	}
	return 0;
}
