/* SPDX-License-Identifier: MIT */
/* The local APIC's state, interrupt priority and messages: see lapic.h. */
#include "kvm/irqchip/lapic.h"

#include <linux/errno.h>

#define VERSION_VALUE (5u << 16 | 0x14) /* six LVT entries, no EOI-broadcast suppression */
#define DFR_RESET     0xffffffffu
#define SVR_RESET     0xffu
#define LVT_MODE      0x700u
#define LVT_LEVEL     0x8000u
#define VECTOR_WORDS  8u

/* Word @i of IRR, ISR or TMR (@array); the words are 16 bytes apart. */
static u32 *vector_word(const struct lapic *l, u32 array, u32 i)
{
	return &l->regs[(array + i * 0x10) / 4];
}

static bool any_vector(const struct lapic *l, u32 array)
{
	u32 any = 0;

	for (u32 i = 0; i < VECTOR_WORDS; i++)
		any |= READ_ONCE(*vector_word(l, array, i));
	return any;
}

static int highest_vector(const struct lapic *l, u32 array)
{
	for (u32 i = VECTOR_WORDS; i-- > 0;) {
		u32 word = READ_ONCE(*vector_word(l, array, i));

		if (word)
			return (int)(i * 32) + 31 - __builtin_clz(word);
	}
	return -1;
}

static void set_vector(struct lapic *l, u32 array, u8 vector)
{
	__atomic_fetch_or(vector_word(l, array, vector / 32), 1u << vector % 32, __ATOMIC_SEQ_CST);
}

static void clear_vector(struct lapic *l, u32 array, u8 vector)
{
	__atomic_fetch_and(vector_word(l, array, vector / 32), ~(1u << vector % 32),
			   __ATOMIC_SEQ_CST);
}

static bool test_vector(const struct lapic *l, u32 array, u8 vector)
{
	return READ_ONCE(*vector_word(l, array, vector / 32)) >> vector % 32 & 1;
}

/* A sender sets its IRR bit, then the hint.  The hint cleared first and the bits read
 * after, it cannot stay 0 with a bit set; the exchange is the barrier between. */
static void refresh_irr_pending(struct lapic *l)
{
	__atomic_exchange_n(&l->irr_pending, 0, __ATOMIC_SEQ_CST);
	if (any_vector(l, LAPIC_IRR))
		WRITE_ONCE(l->irr_pending, 1);
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

void lapic_init(struct lapic *l, u32 *regs, struct apic_bus *bus, const struct irq_clock *clock,
		u32 index, u32 id, bool bsp)
{
	*l = (struct lapic){.regs = regs, .bus = bus, .clock = clock, .index = index, .id = id};
	l->base_reserved = lapic_base_reserved(52, false);
	lapic_reset(l, bsp, false);
	/* Release: senders that find it in the slot find it initialised. */
	__atomic_store_n(&bus->lapic[index], l, __ATOMIC_RELEASE);
	if (bus->count <= index)
		__atomic_store_n(&bus->count, index + 1, __ATOMIC_RELEASE);
}

void lapic_reset(struct lapic *l, bool bsp, bool init)
{
	if (!init) {
		l->base = LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE | (bsp ? LAPIC_BASE_BSP : 0);
		lapic_set_id(l);
	}
	lapic_timer_stop(l);
	lapic_set_reg(l, LAPIC_VERSION, VERSION_VALUE);
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 0x10)
		lapic_set_reg(l, lvt, LAPIC_LVT_MASKED);
	/* KVM_X86_QUIRK_LINT0_REENABLED, on by default: firmware's virtual wire mode. */
	if (bsp)
		lapic_set_reg(l, LAPIC_LVT_LINT0, APIC_EXTINT << 8);
	lapic_set_reg(l, LAPIC_DFR, DFR_RESET);
	lapic_set_reg(l, LAPIC_SVR, SVR_RESET);
	lapic_set_reg(l, LAPIC_TPR, 0);
	if (!lapic_x2apic(l))
		lapic_set_reg(l, LAPIC_LDR, 0);
	lapic_set_reg(l, LAPIC_ESR, 0);
	lapic_set_reg(l, LAPIC_ICR, 0);
	lapic_set_reg(l, LAPIC_ICR2, 0);
	lapic_set_reg(l, LAPIC_TDCR, 0);
	lapic_set_reg(l, LAPIC_TMICT, 0);
	for (u32 i = 0; i < VECTOR_WORDS; i++) {
		WRITE_ONCE(*vector_word(l, LAPIC_IRR, i), 0);
		WRITE_ONCE(*vector_word(l, LAPIC_ISR, i), 0);
		WRITE_ONCE(*vector_word(l, LAPIC_TMR, i), 0);
	}
	l->arb_prio = 0;
	lapic_sync(l);
}

void lapic_sync(struct lapic *l)
{
	refresh_irr_pending(l);
	l->highest_isr = (s16)highest_vector(l, LAPIC_ISR);
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
	WRITE_ONCE(l->base, val);
	if (enable && (changed & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC)))
		lapic_set_id(l);
	return 0;
}

/* --- priority --- */

static u8 update_ppr(struct lapic *l)
{
	u8 tpr = (u8)lapic_reg(l, LAPIC_TPR);
	u8 isr = l->highest_isr < 0 ? 0 : (u8)(l->highest_isr & 0xf0);
	u8 ppr = (tpr & 0xf0) >= isr ? tpr : isr;

	lapic_set_reg(l, LAPIC_PPR, ppr);
	return ppr;
}

u8 lapic_ppr(struct lapic *l)
{
	return update_ppr(l);
}

int lapic_highest_irr(const struct lapic *l)
{
	/* Acquire: pairs with the release in lapic_accept_message(). */
	if (!__atomic_load_n(&l->irr_pending, __ATOMIC_ACQUIRE))
		return -1;
	return highest_vector(l, LAPIC_IRR);
}

int lapic_highest_pending(struct lapic *l)
{
	int vector;

	if (!READ_ONCE(l->irr_pending) || !lapic_hw_enabled(l))
		return -1;
	vector = lapic_highest_irr(l);
	return vector >= 0 && (vector & 0xf0) > (update_ppr(l) & 0xf0) ? vector : -1;
}

bool lapic_vector_busy(const struct lapic *l, u8 vector)
{
	return test_vector(l, LAPIC_IRR, vector) || test_vector(l, LAPIC_ISR, vector);
}

int lapic_accept(struct lapic *l)
{
	int vector = lapic_highest_pending(l);

	if (vector < 0)
		return -1;
	clear_vector(l, LAPIC_IRR, (u8)vector);
	refresh_irr_pending(l);
	*vector_word(l, LAPIC_ISR, (u32)vector / 32) |= 1u << vector % 32;
	l->highest_isr = (s16)vector; /* or it would not have been let through */
	update_ppr(l);
	return vector;
}

void lapic_eoi(struct lapic *l, u64 now)
{
	struct apic_bus *bus = l->bus;
	bool level;
	u8 vector;

	if (l->highest_isr < 0)
		return;
	vector = (u8)l->highest_isr;
	*vector_word(l, LAPIC_ISR, vector / 32u) &= ~(1u << vector % 32);
	/* Interrupts in the middle of one another are rare. */
	l->highest_isr = any_vector(l, LAPIC_ISR) ? (s16)highest_vector(l, LAPIC_ISR) : -1;
	update_ppr(l);
	level = test_vector(l, LAPIC_TMR, vector);
	if (!level && !(READ_ONCE(bus->eoi_vectors[vector / 32]) >> vector % 32 & 1))
		return;
	if (bus->eoi)
		bus->eoi(bus, l->index, vector, level, now);
}

/* --- messages --- */

static bool accept_vector(struct lapic *l, const struct apic_message *m)
{
	if ((m->level && !m->assert) || !lapic_hw_enabled(l) || !lapic_sw_enabled(l))
		return false;
	if (test_vector(l, LAPIC_TMR, m->vector) != m->level) {
		if (m->level)
			set_vector(l, LAPIC_TMR, m->vector);
		else
			clear_vector(l, LAPIC_TMR, m->vector);
	}
	set_vector(l, LAPIC_IRR, m->vector);
	/* Release: pairs with lapic_highest_irr(). */
	__atomic_store_n(&l->irr_pending, 1, __ATOMIC_RELEASE);
	return true;
}

bool lapic_accept_message(struct lapic *l, const struct apic_message *m)
{
	bool accepted = true;

	switch (m->delivery) {
	case APIC_LOWEST:
		__atomic_fetch_add(&l->arb_prio, 1, __ATOMIC_RELAXED);
		accepted = accept_vector(l, m);
		break;
	case APIC_FIXED:
		accepted = accept_vector(l, m);
		break;
	case APIC_NMI:
		__atomic_fetch_add(&l->nmi_pending, 1, __ATOMIC_RELEASE);
		break;
	case APIC_INIT:
		accepted = !m->level || m->assert; /* the de-assertion is of no meaning */
		if (accepted)
			__atomic_store_n(&l->events, LAPIC_EVENT_INIT, __ATOMIC_RELEASE);
		break;
	case APIC_STARTUP:
		WRITE_ONCE(l->sipi_vector, m->vector);
		/* Release: the taker, who acquires, finds the vector. */
		__atomic_fetch_or(&l->events, LAPIC_EVENT_SIPI, __ATOMIC_RELEASE);
		break;
	default: /* no SMM; ExtINT comes by lapic_accepts_extint() */
		accepted = false;
		break;
	}
	if (accepted)
		apic_bus_wake(l->bus, l->index);
	return accepted;
}

bool lapic_local_interrupt(struct lapic *l, u32 lvt)
{
	u32 val = lapic_reg(l, lvt);
	struct apic_message m = {
		.vector = (u8)val,
		.delivery = (u8)((val & LVT_MODE) >> 8),
		.level = val & LVT_LEVEL,
		.assert = true,
	};

	if (!lapic_hw_enabled(l) || (val & LAPIC_LVT_MASKED) || !lapic_accept_message(l, &m))
		return false;
	if (lvt == LAPIC_LVT_PERF)
		lapic_set_reg(l, lvt, val | LAPIC_LVT_MASKED);
	return true;
}

static u32 lint0_mode(const struct lapic *l)
{
	return (lapic_reg(l, LAPIC_LVT_LINT0) & (LAPIC_LVT_MASKED | LVT_MODE)) >> 8;
}

bool lapic_accepts_extint(const struct lapic *l)
{
	return !lapic_hw_enabled(l) || lint0_mode(l) == APIC_EXTINT;
}

bool lapic_lint0_is_nmi(const struct lapic *l)
{
	return lint0_mode(l) == APIC_NMI;
}
