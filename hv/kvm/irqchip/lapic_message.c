/* SPDX-License-Identifier: MIT */
/* What comes to a local APIC, from other ones, I/O APICs and its own sources: see lapic.h. */
#include "kvm/irqchip/lapic_vectors.h"

#define LVT_MODE  0x700u
#define LVT_LEVEL 0x8000u

/* False: it is not enabled. */
static inline bool post_vector(struct lapic *l, u8 vector, bool level)
{
	u32 word = vector / 32, bit = 1u << vector % 32;
	u32 *tmr = lapic_vectors(l, LAPIC_TMR, word);

	if (!lapic_hw_enabled(l) || !lapic_sw_enabled(l))
		return false;
	if (lapic_test_vector(l, LAPIC_TMR, vector) != level) {
		if (level)
			__atomic_fetch_or(tmr, bit, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(tmr, ~bit, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_or(&l->pir[word], bit, __ATOMIC_RELAXED);
	/* Release: pairs with lapic_tell() and lapic_highest_irr(). */
	__atomic_fetch_or(&l->posted, 1u << word, __ATOMIC_RELEASE);
	return true;
}

static bool accept_vector(struct lapic *l, const struct apic_message *m)
{
	return (!m->level || m->assert) && post_vector(l, m->vector, m->level);
}

/* Of an ICR: the vector, and the level, which counts only for a trigger mode that is level. */
#define ICR_QUICK 0x40ffu

struct lapic *lapic_send_quickly(struct lapic *l, u64 icr)
{
	const struct apic_bus *bus = l->bus;
	u32 dest = (u32)(icr >> 32);
	struct lapic *target;

	if (((u32)icr & ~ICR_QUICK) || !lapic_x2apic(l) || READ_ONCE(bus->xapics) ||
	    dest >= READ_ONCE(bus->count))
		return NULL;
	target = READ_ONCE(bus->lapic[dest]);
	if (!target || target->id != dest || !lapic_x2apic(target) ||
	    !post_vector(target, (u8)icr, false))
		return NULL;
	return target;
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
	case APIC_REMOTE_READ:
		__atomic_store_n(&l->kicked, 1, __ATOMIC_RELEASE);
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

	if (!lapic_hw_enabled(l) || (val & LAPIC_LVT_MASKED))
		return false;
	/* The owner lets its timer expire when it is about to look at what is pending. */
	if (lvt == LAPIC_LVT_TIMER && m.delivery == APIC_FIXED)
		return accept_vector(l, &m);
	if (!lapic_accept_message(l, &m))
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
