/* SPDX-License-Identifier: MIT */
/* How a guest reads and writes its local APIC, by MMIO and by MSR: see lapic.h. */
#include "core/trace.h"
#include "kvm/irqchip/lapic.h"

#include <linux/errno.h>

#define ICR_BUSY            0x1000u
#define X2APIC_ICR_RESERVED 0xfff32000ull   /* bits 31:20, 17:16, 13 */
#define ICR2_X2APIC         (LAPIC_ICR + 4) /* where the upper half is in that mode */

/* LVT bits that can be written; delivery status and remote IRR are read-only. */
#define LVT_BITS  0x100ffu
#define LVT_MODE  0x00700u
#define LINT_BITS (LVT_BITS | LVT_MODE | 0x0a000u) /* polarity, trigger mode */

/* Bit n stands for the register at n * 16. */
#define REGS(first, last) ((BIT(((last) >> 4) - ((first) >> 4) + 1) - 1) << ((first) >> 4))
#define REG(reg)          REGS(reg, reg)

static const u64 readable = REG(LAPIC_ID) | REG(LAPIC_VERSION) | REG(LAPIC_TPR) | REG(LAPIC_PPR) |
			    REG(LAPIC_LDR) | REG(LAPIC_SVR) | REGS(LAPIC_ISR, LAPIC_ESR) |
			    REG(LAPIC_ICR) | REGS(LAPIC_LVT_TIMER, LAPIC_TMCCT) | REG(LAPIC_TDCR);
static const u64 readable_xapic = REG(LAPIC_APR) | REG(LAPIC_DFR) | REG(LAPIC_ICR2);

/* The register at @reg (16-byte aligned).  -EINVAL: not readable. */
static int read_reg(struct lapic *l, u32 reg, u32 *val, u64 now)
{
	u64 mask = readable | (lapic_x2apic(l) ? 0 : readable_xapic) |
		   (l->cmci ? REG(LAPIC_LVT_CMCI) : 0);

	if (reg > LAPIC_SELF_IPI || !(mask >> (reg >> 4) & 1))
		return -EINVAL;
	switch (reg) {
	case LAPIC_APR: /* not on any processor with x2APIC */
		*val = 0;
		break;
	case LAPIC_PPR:
		*val = lapic_ppr(l);
		break;
	case LAPIC_TMCCT:
		*val = lapic_timer_current(l, now);
		break;
	default:
		if (READ_ONCE(l->posted) & LAPIC_TELL_POSTED) /* it may be an IRR */
			lapic_highest_irr(l);
		*val = lapic_reg(l, reg);
		break;
	}
	return 0;
}

static void send_ipi(struct lapic *l, u32 icr, u32 dest)
{
	struct apic_message m = {
		.dest = dest,
		.vector = (u8)icr,
		.delivery = icr >> 8 & 7,
		.logical = icr >> 11 & 1,
		.assert = icr >> 14 & 1,
		.level = icr >> 15 & 1,
		.shorthand = icr >> 18 & 3,
	};

	trace(KVM0_TRACE_IPI, l->bus->vm, l->index, icr, dest, 0, 0, 0);
	apic_bus_send(l->bus, l, &m);
}

static void write_lvt(struct lapic *l, u32 reg, u32 val)
{
	if (!lapic_sw_enabled(l))
		val |= LAPIC_LVT_MASKED;
	switch (reg) {
	case LAPIC_LVT_TIMER:
		lapic_timer_write_lvt(l, val & (LVT_BITS | LAPIC_TIMER_MODE_MASK));
		break;
	case LAPIC_LVT_LINT0:
	case LAPIC_LVT_LINT1:
		lapic_set_reg(l, reg, val & LINT_BITS);
		break;
	case LAPIC_LVT_ERROR:
		lapic_set_reg(l, reg, val & LVT_BITS);
		break;
	default:
		lapic_set_reg(l, reg, val & (LVT_BITS | LVT_MODE));
		break;
	}
}

static void write_svr(struct lapic *l, u32 val)
{
	lapic_set_reg(l, LAPIC_SVR, val & (0x3ffu | (l->directed_eoi ? LAPIC_SVR_NO_EOI : 0)));
	if (!(val & LAPIC_SVR_ENABLE))
		lapic_mask_lvt(l);
}

/* Registers that x2APIC mode does not have or makes read-only. */
static int write_xapic_reg(struct lapic *l, u32 reg, u32 val)
{
	if (lapic_x2apic(l))
		return -EINVAL;
	switch (reg) {
	case LAPIC_ID:
	case LAPIC_LDR:
	case LAPIC_ICR2:
		lapic_set_reg(l, reg, val & 0xff000000);
		return 0;
	case LAPIC_DFR:
		lapic_set_reg(l, reg, val | 0x0fffffff);
		return 0;
	case LAPIC_ICR:
		val &= ~ICR_BUSY; /* sent at once */
		lapic_set_reg(l, reg, val);
		send_ipi(l, val, lapic_reg(l, LAPIC_ICR2) >> 24);
		return 0;
	default:
		return -EINVAL;
	}
}

/* -EINVAL: not writable, or a reserved bit. */
static int write_reg(struct lapic *l, u32 reg, u32 val, u64 now)
{
	switch (reg) {
	case LAPIC_TPR:
		lapic_set_reg(l, reg, val & 0xff);
		return 0;
	case LAPIC_EOI:
		lapic_eoi(l, now);
		return 0;
	case LAPIC_SVR:
		write_svr(l, val);
		return 0;
	case LAPIC_ESR: /* reads 0: no error is ever recorded, as in KVM */
		if (lapic_x2apic(l) && val)
			return -EINVAL;
		lapic_set_reg(l, reg, 0);
		return 0;
	case LAPIC_LVT_CMCI:
		if (!l->cmci)
			return -EINVAL;
		write_lvt(l, reg, val);
		return 0;
	case LAPIC_LVT_TIMER:
	case LAPIC_LVT_THERMAL:
	case LAPIC_LVT_PERF:
	case LAPIC_LVT_LINT0:
	case LAPIC_LVT_LINT1:
	case LAPIC_LVT_ERROR:
		write_lvt(l, reg, val);
		return 0;
	case LAPIC_TMICT:
		lapic_timer_write_count(l, val, now);
		return 0;
	case LAPIC_TDCR:
		lapic_timer_write_divide(l, val, now);
		return 0;
	case LAPIC_SELF_IPI:
		if (!lapic_x2apic(l) || val > 0xff)
			return -EINVAL;
		send_ipi(l, APIC_DEST_SELF << 18 | val, 0);
		return 0;
	default:
		return write_xapic_reg(l, reg, val);
	}
}

void lapic_written(struct lapic *l, u32 offset, u64 now)
{
	u32 reg = offset & 0xff0;

	/* What cannot be written has not been. */
	(void)!write_reg(l, reg, lapic_reg(l, reg), now);
}

u64 lapic_mmio_read(struct lapic *l, u32 offset, u32 size, u64 now)
{
	u32 val, shift = (offset & 0xf) * 8;

	if (!lapic_hw_enabled(l) || lapic_x2apic(l))
		return size >= 8 ? ~0ull : BIT(size * 8) - 1;
	if ((offset & 0xf) + size > 4 || read_reg(l, offset & ~0xfu, &val, now))
		return 0;
	return (u64)val >> shift & (BIT(size * 8) - 1);
}

void lapic_mmio_write(struct lapic *l, u32 offset, u32 size, u64 val, u64 now)
{
	if (!lapic_hw_enabled(l) || lapic_x2apic(l) || size != 4 || (offset & 0xf))
		return;
	/* What cannot be written is ignored here; it is #GP only by MSR. */
	(void)!write_reg(l, offset, (u32)val, now);
}

int lapic_msr_read(struct lapic *l, u32 msr, u64 *val, u64 now)
{
	u32 reg = (msr - LAPIC_X2APIC_MSR) << 4, low;
	int err;

	if (!lapic_x2apic(l))
		return -EINVAL;
	err = read_reg(l, reg, &low, now);
	if (err)
		return err;
	*val = reg == LAPIC_ICR ? (u64)lapic_reg(l, ICR2_X2APIC) << 32 | low : low;
	return 0;
}

static void set_icr(struct lapic *l, u64 icr)
{
	lapic_set_reg(l, LAPIC_ICR, (u32)icr);
	lapic_set_reg(l, ICR2_X2APIC, (u32)(icr >> 32));
}

void lapic_sent_quickly(struct lapic *l, u64 icr)
{
	trace(KVM0_TRACE_IPI, l->bus->vm, l->index, (u32)icr, icr >> 32, 0, 0, 0);
	set_icr(l, icr);
}

int lapic_msr_write(struct lapic *l, u32 msr, u64 val, u64 now)
{
	u32 reg = (msr - LAPIC_X2APIC_MSR) << 4;

	if (!lapic_x2apic(l))
		return -EINVAL;
	if (reg != LAPIC_ICR)
		return val >> 32 ? -EINVAL : write_reg(l, reg, (u32)val, now);
	if (val & X2APIC_ICR_RESERVED)
		return -EINVAL;
	val &= ~(u64)ICR_BUSY;
	set_icr(l, val);
	send_ipi(l, (u32)val, (u32)(val >> 32));
	return 0;
}
