/* SPDX-License-Identifier: MIT */
/* The local APIC's state and interrupt priority: see lapic.h. */
#include "kvm/irqchip/lapic_vectors.h"

#include <linux/errno.h>

#define VERSION         0x14u
#define VERSION_LVTS(n) (((n)-1) << 16)
#define VERSION_NO_EOI  BIT(24) /* SVR has LAPIC_SVR_NO_EOI */
#define ICR2_X2APIC     (LAPIC_ICR + 4)
#define DFR_RESET       0xffffffffu
#define SVR_RESET       0xffu

/* What senders have left is in IRR from now on: the highest of that, -1: nothing. */
static int take_posted(struct lapic *l, u32 words)
{
	int highest = -1;

	for (; words; words &= words - 1) {
		u32 i = (u32)__builtin_ctz(words);
		u32 bits = __atomic_exchange_n(&l->pir[i], 0, __ATOMIC_RELAXED);

		*lapic_vectors(l, LAPIC_IRR, i) |= bits;
		if (bits)
			highest = (int)(i * 32) + 31 - __builtin_clz(bits);
	}
	l->highest_irr = (s16)MAX(l->highest_irr, highest);
	return highest;
}

static void tell(struct lapic *l, u32 what)
{
	__atomic_fetch_or(&l->posted, what, __ATOMIC_RELAXED);
}

u32 lapic_tell(struct lapic *l, u8 *vector)
{
	/* Acquire: pairs with accept_vector(); what it posts later sets the bit again. */
	u32 marks = __atomic_exchange_n(&l->posted, 0, __ATOMIC_ACQUIRE);
	int highest = take_posted(l, marks & LAPIC_TELL_POSTED);

	*vector = highest < 0 ? 0 : (u8)highest;
	return marks;
}

/* The words come last: a bit that is set in one of them later has its mark set later still. */
static void drop_posted(struct lapic *l)
{
	__atomic_exchange_n(&l->posted, 0, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < LAPIC_VECTOR_WORDS; i++)
		__atomic_store_n(&l->pir[i], 0, __ATOMIC_SEQ_CST);
}

u64 lapic_base_reserved(u32 maxphyaddr, bool x2apic)
{
	return ~(BIT(maxphyaddr) - 1) | 0x2ff | (x2apic ? 0 : LAPIC_BASE_X2APIC);
}

void lapic_set_id(struct lapic *l)
{
	if (!lapic_x2apic(l)) {
		lapic_set_reg(l, LAPIC_ID, l->id << 24);
		return;
	}
	lapic_set_reg(l, LAPIC_ID, l->id);
	lapic_set_reg(l, LAPIC_LDR, l->id >> 4 << 16 | 1u << (l->id & 0xf));
}

void lapic_set_version(struct lapic *l)
{
	u32 version = VERSION | VERSION_LVTS(6u + l->cmci);

	lapic_set_reg(l, LAPIC_VERSION, version | (l->directed_eoi ? VERSION_NO_EOI : 0));
}

void lapic_mask_lvt(struct lapic *l)
{
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 0x10)
		lapic_set_reg(l, lvt, lapic_reg(l, lvt) | LAPIC_LVT_MASKED);
	if (l->cmci)
		lapic_set_reg(l, LAPIC_LVT_CMCI, lapic_reg(l, LAPIC_LVT_CMCI) | LAPIC_LVT_MASKED);
}

/* All entries of the LVT as after reset. */
static void reset_lvt(struct lapic *l, bool bsp)
{
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 0x10)
		lapic_set_reg(l, lvt, 0);
	lapic_set_reg(l, LAPIC_LVT_CMCI, 0);
	lapic_mask_lvt(l);
	/* KVM_X86_QUIRK_LINT0_REENABLED, on by default: firmware's virtual wire mode. */
	if (bsp)
		lapic_set_reg(l, LAPIC_LVT_LINT0, APIC_EXTINT << 8);
}

void lapic_init(struct lapic *l, u32 *regs, struct apic_bus *bus, const struct irq_clock *clock,
		u32 index, u32 id, bool bsp)
{
	*l = (struct lapic){.regs = regs, .bus = bus, .clock = clock, .index = index, .id = id};
	l->user_vector = -1;
	l->base_reserved = lapic_base_reserved(52, false);
	lapic_reset(l, bsp, false);
	/* Release: senders that find it in the slot find it initialised. */
	__atomic_store_n(&bus->lapic[index], l, __ATOMIC_RELEASE);
	if (bus->count <= index)
		__atomic_store_n(&bus->count, index + 1, __ATOMIC_RELEASE);
}

void lapic_set_cmci(struct lapic *l, bool on)
{
	if (on == l->cmci)
		return;
	l->cmci = on;
	lapic_set_version(l);
	if (on)
		lapic_set_reg(l, LAPIC_LVT_CMCI, LAPIC_LVT_MASKED);
}

static bool is_xapic(u64 base)
{
	return (base & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC)) == LAPIC_BASE_ENABLE;
}

/* IA32_APIC_BASE becomes @val.  bus->xapics is never too small: see lapic_send_quickly(). */
static void change_base(struct lapic *l, u64 val)
{
	bool was_xapic = is_xapic(l->base);

	if (is_xapic(val))
		__atomic_fetch_add(&l->bus->xapics, 1, __ATOMIC_SEQ_CST);
	WRITE_ONCE(l->base, val);
	if (was_xapic)
		__atomic_fetch_sub(&l->bus->xapics, 1, __ATOMIC_SEQ_CST);
}

void lapic_reset(struct lapic *l, bool bsp, bool init)
{
	if (!init) {
		change_base(l, LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE | (bsp ? LAPIC_BASE_BSP : 0));
		lapic_set_id(l);
	}
	lapic_timer_stop(l);
	lapic_set_version(l);
	reset_lvt(l, bsp);
	lapic_set_reg(l, LAPIC_DFR, DFR_RESET);
	lapic_set_reg(l, LAPIC_SVR, SVR_RESET);
	lapic_set_reg(l, LAPIC_TPR, 0);
	if (!lapic_x2apic(l))
		lapic_set_reg(l, LAPIC_LDR, 0);
	lapic_set_reg(l, LAPIC_ESR, 0);
	lapic_set_reg(l, LAPIC_ICR, 0);
	lapic_set_reg(l, LAPIC_ICR2, 0);
	lapic_set_reg(l, ICR2_X2APIC, 0);
	lapic_set_reg(l, LAPIC_TDCR, 0);
	lapic_set_reg(l, LAPIC_TMICT, 0);
	for (u32 i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		WRITE_ONCE(*lapic_vectors(l, LAPIC_IRR, i), 0);
		WRITE_ONCE(*lapic_vectors(l, LAPIC_ISR, i), 0);
		WRITE_ONCE(*lapic_vectors(l, LAPIC_TMR, i), 0);
	}
	l->arb_prio = 0;
	lapic_sync(l);
}

static void find_highest(struct lapic *l)
{
	l->highest_irr = (s16)lapic_highest_in(l, LAPIC_IRR, LAPIC_VECTOR_WORDS);
	l->highest_isr = (s16)lapic_highest_in(l, LAPIC_ISR, LAPIC_VECTOR_WORDS);
}

void lapic_sync(struct lapic *l)
{
	drop_posted(l);
	find_highest(l);
	l->timer_lvt = lapic_reg(l, LAPIC_LVT_TIMER);
	l->timer_divide = lapic_reg(l, LAPIC_TDCR);
	if (l->by_cpu)
		tell(l, LAPIC_TELL_ALL | LAPIC_TELL_EOI);
}

void lapic_set_by_cpu(struct lapic *l, bool by_cpu)
{
	l->by_cpu = by_cpu;
	find_highest(l);
	if (by_cpu)
		tell(l, LAPIC_TELL_ALL | LAPIC_TELL_EOI);
}

int lapic_set_base(struct lapic *l, u64 val, bool host)
{
	u64 changed = l->base ^ val;
	bool enable = val & LAPIC_BASE_ENABLE, x2apic = val & LAPIC_BASE_X2APIC;

	if ((val & l->base_reserved) || (x2apic && !enable))
		return -EINVAL;
	/* From x2APIC mode only to disabled, and from there only to xAPIC mode. */
	if (!host && lapic_x2apic(l) && enable && !x2apic)
		return -EINVAL;
	if (!host && !lapic_hw_enabled(l) && x2apic)
		return -EINVAL;
	change_base(l, val);
	if (enable && (changed & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC)))
		lapic_set_id(l);
	return 0;
}

/* --- priority --- */

int lapic_highest_isr(const struct lapic *l)
{
	return __builtin_expect(l->by_cpu, 0) ? lapic_highest_in(l, LAPIC_ISR, LAPIC_VECTOR_WORDS)
					      : l->highest_isr;
}

static u8 update_ppr(struct lapic *l)
{
	u8 tpr = (u8)lapic_reg(l, LAPIC_TPR);
	int vector = lapic_highest_isr(l);
	u8 isr = vector < 0 ? 0 : (u8)(vector & 0xf0);
	u8 ppr = (tpr & 0xf0) >= isr ? tpr : isr;

	lapic_set_reg(l, LAPIC_PPR, ppr);
	return ppr;
}

u8 lapic_ppr(struct lapic *l)
{
	return update_ppr(l);
}

int lapic_highest_irr(struct lapic *l)
{
	if (READ_ONCE(l->posted) & LAPIC_TELL_POSTED) {
		/* Acquire: as in lapic_tell(). */
		take_posted(l,
			    __atomic_fetch_and(&l->posted, ~LAPIC_TELL_POSTED, __ATOMIC_ACQUIRE) &
				    LAPIC_TELL_POSTED);
		if (l->by_cpu)
			tell(l, LAPIC_TELL_ALL);
	}
	return __builtin_expect(l->by_cpu, 0) ? lapic_highest_in(l, LAPIC_IRR, LAPIC_VECTOR_WORDS)
					      : l->highest_irr;
}

bool lapic_has_irr_below(const struct lapic *l, u8 vector)
{
	const u32 *last = lapic_vectors(l, LAPIC_IRR, vector / 32);
	u32 found = READ_ONCE(*last) & ((1u << vector % 32) - 1);

	for (const u32 *word = lapic_vectors(l, LAPIC_IRR, 0); word < last; word += 4)
		found |= READ_ONCE(*word);
	return found;
}

int lapic_highest_pending(struct lapic *l)
{
	int vector = lapic_highest_irr(l);

	if (vector < 0 || !lapic_hw_enabled(l))
		return -1;
	return (vector & 0xf0) > (update_ppr(l) & 0xf0) ? vector : -1;
}

bool lapic_vector_busy(const struct lapic *l, u8 vector)
{
	return READ_ONCE(l->pir[vector / 32]) >> vector % 32 & 1 ||
	       lapic_test_vector(l, LAPIC_IRR, vector) || lapic_test_vector(l, LAPIC_ISR, vector);
}

/* No longer in @array, of which it was the highest: the highest now. */
static s16 remove_highest(struct lapic *l, u32 array, u32 vector)
{
	*lapic_vectors(l, array, vector / 32) &= ~(1u << vector % 32);
	return (s16)lapic_highest_in(l, array, vector / 32 + 1);
}

int lapic_accept(struct lapic *l)
{
	int vector = lapic_highest_pending(l);

	if (vector < 0)
		return -1;
	l->highest_irr = remove_highest(l, LAPIC_IRR, (u32)vector);
	*lapic_vectors(l, LAPIC_ISR, (u32)vector / 32) |= 1u << vector % 32;
	l->highest_isr = (s16)vector; /* or it would not have been let through */
	update_ppr(l);
	return vector;
}

/* Does the I/O APIC hear of the end of @vector? */
static bool is_broadcast(const struct lapic *l, u8 vector)
{
	return lapic_test_vector(l, LAPIC_TMR, vector) ||
	       READ_ONCE(l->bus->eoi_vectors[vector / 32]) >> vector % 32 & 1;
}

bool lapic_eoi_can_wait(struct lapic *l)
{
	int vector = lapic_highest_isr(l);

	return vector >= 0 && lapic_highest_irr(l) < 0 && !is_broadcast(l, (u8)vector);
}

void lapic_ended(struct lapic *l, u8 vector, u64 now)
{
	struct apic_bus *bus = l->bus;
	bool level = lapic_test_vector(l, LAPIC_TMR, vector);

	if (!level && !(READ_ONCE(bus->eoi_vectors[vector / 32]) >> vector % 32 & 1))
		return;
	if (bus->eoi)
		bus->eoi(bus, l->index, vector, level, now);
}

void lapic_eoi(struct lapic *l, u64 now)
{
	int vector = lapic_highest_isr(l);

	if (vector < 0)
		return;
	l->highest_isr = remove_highest(l, LAPIC_ISR, (u32)vector);
	update_ppr(l);
	if (l->by_cpu)
		tell(l, LAPIC_TELL_ALL);
	lapic_ended(l, (u8)vector, now);
}
