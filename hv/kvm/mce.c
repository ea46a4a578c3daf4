/* SPDX-License-Identifier: MIT */
/* See kvm/mce.h. */
#include "kvm/mce.h"
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/vcpu.h"
#include "kvm/vcpu_events.h"

/* IA32_MCi_STATUS */
#define MCI_VALID     BIT(63)
#define MCI_OVERFLOW  BIT(62)
#define MCI_UC        BIT(61) /* not corrected */
#define MCI_PCC       BIT(57)
#define MCI_SIGNALLED BIT(56)
#define MCI_ACTION    BIT(55)
#define MCI_CTL2_CMCI BIT(30) /* IA32_MCi_CTL2: an interrupt for corrected errors */
#define MCI_CTL2_MASK (MCI_CTL2_CMCI | 0x7fff)

#define MCG_STATUS_IN_PROGRESS BIT(2)
#define MCG_EXT_CTL_ENABLE     BIT(0)

#define ALL_ONES (~0ull)

void mce_init(struct mce *m)
{
	m->cap = MCE_MAX_BANKS;
}

static u32 bank_count(const struct mce *m)
{
	return (u32)(m->cap & MCG_CAP_BANKS);
}

static bool is_bank(u32 index)
{
	return index - MSR_MC0_CTL < 4 * MCE_MAX_BANKS;
}

static bool is_ctl2(u32 index)
{
	return index - MSR_MC0_CTL2 < MCE_MAX_BANKS;
}

bool mce_is_msr(u32 index)
{
	return (index >= MSR_MCG_CAP && index <= MSR_MCG_CTL) || index == MSR_MCG_EXT_CTL ||
	       is_bank(index) || is_ctl2(index);
}

/* Does the guest have MCG_EXT_CTL?  Its firmware turns it on in IA32_FEATURE_CONTROL. */
static bool has_ext_ctl(const struct vcpu *c)
{
	return c->msr.feature_control & FEATURE_CONTROL_LMCE;
}

/* The register of a bank in @m, or NULL: there is no such bank. */
static u64 *bank_register(struct mce *m, u32 index)
{
	u32 n = index - MSR_MC0_CTL;

	if (is_ctl2(index))
		return index - MSR_MC0_CTL2 < bank_count(m) ? &m->bank[index - MSR_MC0_CTL2].ctl2
							    : NULL;
	struct mce_bank *b = &m->bank[n / 4];
	u64 *const all[] = {&b->ctl, &b->status, &b->addr, &b->misc};

	return n / 4 < bank_count(m) ? all[n % 4] : NULL;
}

int mce_read(const struct vcpu *c, u32 index, u64 *value, bool host)
{
	/* bank_register() only finds the place; nothing is written through it here. */
	struct mce *m = (struct mce *)(uintptr_t)&c->mce;
	const u64 *place = NULL;

	switch (index) {
	case MSR_MCG_CAP:
		place = &m->cap;
		break;
	case MSR_MCG_STATUS:
		place = &m->status;
		break;
	case MSR_MCG_CTL:
		place = host || m->cap & MCG_CAP_CTL ? &m->ctl : NULL;
		break;
	case MSR_MCG_EXT_CTL:
		place = host || has_ext_ctl(c) ? &m->ext_ctl : NULL;
		break;
	default:
		/* The host has the CTL2s also where the guest has none. */
		if (host || is_bank(index) || m->cap & MCG_CAP_CMCI)
			place = bank_register(m, index);
	}
	if (!place)
		return -EINVAL;
	*value = *place;
	return 0;
}

/*
 * A bank's CTL is all on or off; Linux as a guest clears bit 10 of bank 4's and bit 0, for the
 * sake of some AMD CPUs, and KVM lets it.  The guest clears its STATUS; only the host sets it.
 */
static int write_bank(struct mce *m, u32 index, u64 value, bool host)
{
	u64 *place = bank_register(m, index);
	u32 which = (index - MSR_MC0_CTL) % 4;

	if (!place)
		return -EINVAL;
	if (which == 0 && value && (value | BIT(10) | BIT(0)) != ALL_ONES)
		return -EINVAL;
	if (which == 1 && value && !host)
		return -EINVAL;
	*place = value;
	return 0;
}

static int write_ctl2(struct mce *m, u32 index, u64 value, bool host)
{
	u64 *place = bank_register(m, index);

	if (!place || value & ~(m->cap & MCG_CAP_CMCI ? MCI_CTL2_MASK : 0) ||
	    (!host && !(m->cap & MCG_CAP_CMCI)))
		return -EINVAL;
	*place = value;
	return 0;
}

int mce_write(struct vcpu *c, u32 index, u64 value, bool host)
{
	struct mce *m = &c->mce;

	switch (index) {
	case MSR_MCG_CAP:
		return -EINVAL;
	case MSR_MCG_STATUS:
		m->status = value;
		return 0;
	case MSR_MCG_CTL:
		if (!(m->cap & MCG_CAP_CTL) && (value || !host))
			return -EINVAL;
		if (value && value != ALL_ONES)
			return -EINVAL;
		m->ctl = value;
		return 0;
	case MSR_MCG_EXT_CTL:
		if ((!host && !has_ext_ctl(c)) || value & ~MCG_EXT_CTL_ENABLE)
			return -EINVAL;
		m->ext_ctl = value;
		return 0;
	default:
		return is_bank(index) ? write_bank(m, index, value, host)
				      : write_ctl2(m, index, value, host);
	}
}

int mce_setup(struct vcpu *c, u64 cap)
{
	struct mce *m = &c->mce;
	u32 count = (u32)(cap & MCG_CAP_BANKS);

	/* Bits 16 to 23, the number of extended registers, are taken as they come. */
	if (!count || count > MCE_MAX_BANKS ||
	    cap & ~(MCE_CAP_SUPPORTED | MCG_CAP_BANKS | 0xff0000ull))
		return -EINVAL;
	m->cap = cap;
	if (cap & MCG_CAP_CTL)
		m->ctl = ALL_ONES;
	for (u32 i = 0; i < count; i++) {
		m->bank[i].ctl = ALL_ONES;
		if (cap & MCG_CAP_CMCI)
			m->bank[i].ctl2 = 0;
	}
	if (c->vm->chip)
		lapic_set_cmci(&c->lapic, cap & MCG_CAP_CMCI);
	return 0;
}

static void fill_bank(struct mce_bank *b, const struct kvm_x86_mce *e)
{
	b->status = e->status | (b->status & MCI_VALID ? MCI_OVERFLOW : 0);
	b->addr = e->addr;
	b->misc = e->misc;
}

/* Not corrected, but nothing has to be done: it is only noted, with the interrupt that corrected
 * errors have. */
static bool needs_no_action(const struct kvm_x86_mce *e)
{
	return !e->mcg_status && !(e->status & (MCI_PCC | MCI_SIGNALLED | MCI_ACTION)) &&
	       (e->status & MCI_UC);
}

static void report_uncorrected(struct vcpu *c, struct mce_bank *b, const struct kvm_x86_mce *e)
{
	struct mce *m = &c->mce;

	/* Turned off by the guest: for all banks, or for this one. */
	if (((m->cap & MCG_CAP_CTL) && m->ctl != ALL_ONES) || b->ctl != ALL_ONES)
		return;
	if ((m->status & MCG_STATUS_IN_PROGRESS) || !(vmx_cr4() & CR4_MCE)) {
		vcpu_ask(c, VCPU_TRIPLE_FAULT);
		return;
	}
	fill_bank(b, e);
	m->status = e->mcg_status;
	vcpu_set_pending_exception(
		c, &(struct pending_exception){.pending = true, .vector = VECTOR_MC});
}

int mce_report(struct vcpu *c, const struct kvm_x86_mce *e)
{
	struct mce_bank *b;

	if (e->bank >= bank_count(&c->mce) || !(e->status & MCI_VALID))
		return -EINVAL;
	b = &c->mce.bank[e->bank];
	if (needs_no_action(e)) {
		b->status = 0; /* it takes the place of what was there */
		fill_bank(b, e);
		c->mce.status = e->mcg_status;
		if ((c->mce.cap & MCG_CAP_CMCI) && (b->ctl2 & MCI_CTL2_CMCI) && c->vm->chip) {
			lapic_local_interrupt(&c->lapic, LAPIC_LVT_CMCI);
			vm_deliver_wakes(c->vm);
		}
	} else if (e->status & MCI_UC) {
		report_uncorrected(c, b, e);
	} else if ((b->status & (MCI_VALID | MCI_UC)) == (MCI_VALID | MCI_UC)) {
		b->status |= MCI_OVERFLOW; /* the graver one stays */
	} else {
		fill_bank(b, e);
	}
	return 0;
}
