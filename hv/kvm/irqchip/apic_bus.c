/* SPDX-License-Identifier: MIT */
/* Delivery of interrupt messages to local APICs: see apic_bus.h. */
#include "kvm/irqchip/apic_bus.h"

#include "kvm/irqchip/lapic.h"

#define BROADCAST        0xffu
#define BROADCAST_X2APIC 0xffffffffu
#define DFR_FLAT         0xffffffffu
#define DFR_CLUSTER      0x0fffffffu

/* The id that it has in its mode. */
static u32 own_id(const struct lapic *l)
{
	return lapic_x2apic(l) ? l->id : lapic_reg(l, LAPIC_ID) >> 24;
}

static bool match_physical(const struct lapic *l, u32 dest)
{
	/* A vCPU whose id does not fit in an xAPIC one can be named by it all the same. */
	return dest == (dest > 0xff ? l->id : own_id(l));
}

static bool match_logical(const struct lapic *l, u32 dest)
{
	u32 ldr = lapic_reg(l, LAPIC_LDR);

	if (lapic_x2apic(l))
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	ldr >>= 24;
	switch (lapic_reg(l, LAPIC_DFR)) {
	case DFR_FLAT:
		return ldr & dest;
	case DFR_CLUSTER:
		return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
	default:
		return false;
	}
}

static bool match(const struct apic_bus *bus, const struct lapic *l, const struct lapic *source,
		  const struct apic_message *m)
{
	u32 dest = m->dest;

	switch (m->shorthand) {
	case APIC_DEST_ALL:
		return true;
	case APIC_DEST_OTHERS:
		return l != source;
	default:
		break;
	}
	/* The I/O APIC has 8 bits of destination even for x2APIC targets: KVM's quirk. */
	if (!source && dest == BROADCAST && lapic_x2apic(l) &&
	    !(READ_ONCE(bus->x2apic_api) & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		dest = BROADCAST_X2APIC;
	if (dest == (lapic_x2apic(l) ? BROADCAST_X2APIC : BROADCAST))
		return true;
	return m->logical ? match_logical(l, dest) : match_physical(l, dest);
}

bool apic_bus_names(const struct apic_bus *bus, const struct lapic *l, const struct apic_message *m)
{
	return match(bus, l, NULL, m);
}

/* The local APIC of @candidates (@count bits) that gets a lowest-priority message. */
static struct lapic *choose(struct apic_bus *bus, u64 candidates, u32 count, u8 vector)
{
	struct lapic *lowest = NULL;

	if (!count)
		return NULL;
	if (bus->vector_hashing) {
		for (u32 skip = vector % count; skip; skip--)
			candidates &= candidates - 1;
		return bus->lapic[__builtin_ctzll(candidates)];
	}
	for (; candidates; candidates &= candidates - 1) {
		struct lapic *l = bus->lapic[__builtin_ctzll(candidates)];

		if (!lowest || READ_ONCE(l->arb_prio) < READ_ONCE(lowest->arb_prio))
			lowest = l;
	}
	return lowest;
}

int apic_bus_send(struct apic_bus *bus, struct lapic *source, const struct apic_message *m)
{
	/* All are meant by a broadcast, whatever their priority. */
	bool everyone = !m->logical && m->dest == BROADCAST && m->shorthand == APIC_DEST_NONE;
	bool lowest = (m->delivery == APIC_LOWEST || m->lowest) && !everyone;
	u64 candidates = 0;
	u32 count = 0;
	struct lapic *l;
	int taken = 0;

	if (m->shorthand == APIC_DEST_SELF)
		return source && lapic_hw_enabled(source) && lapic_accept_message(source, m);
	for (u32 i = 0; i < READ_ONCE(bus->count); i++) {
		l = READ_ONCE(bus->lapic[i]);
		if (!l || !lapic_hw_enabled(l) || !match(bus, l, source, m))
			continue;
		if (!lowest) {
			taken += lapic_accept_message(l, m);
		} else if (lapic_sw_enabled(l)) {
			candidates |= BIT(i);
			count++;
		}
	}
	l = choose(bus, candidates, count, m->vector);
	return l ? lapic_accept_message(l, m) : taken;
}

static bool in_set(u32 id, u64 set, u32 first)
{
	return id >= first && id - first < 64 && set >> (id - first) & 1;
}

int apic_bus_send_set(struct apic_bus *bus, u64 low, u64 high, u32 first, u32 width,
		      const struct apic_message *m)
{
	int taken = 0;

	for (u32 i = 0; i < READ_ONCE(bus->count); i++) {
		struct lapic *l = READ_ONCE(bus->lapic[i]);
		u32 id;

		if (!l || !lapic_hw_enabled(l))
			continue;
		id = own_id(l);
		if (in_set(id, low, first) || in_set(id, high, first + width))
			taken += lapic_accept_message(l, m);
	}
	return taken;
}

struct lapic *apic_bus_find(struct apic_bus *bus, u32 id)
{
	for (u32 i = 0; i < READ_ONCE(bus->count); i++) {
		struct lapic *l = READ_ONCE(bus->lapic[i]);

		if (l && lapic_hw_enabled(l) && own_id(l) == id)
			return l;
	}
	return NULL;
}

void apic_bus_set_eoi_vectors(struct apic_bus *bus, const u32 vectors[8])
{
	u32 changed = 0;

	for (u32 i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		changed |= bus->eoi_vectors[i] ^ vectors[i];
		WRITE_ONCE(bus->eoi_vectors[i], vectors[i]);
	}
	for (u32 i = 0; changed && i < READ_ONCE(bus->count); i++) {
		struct lapic *l = READ_ONCE(bus->lapic[i]);

		if (!l)
			continue;
		/* Release: before a vector that is posted from now on; pairs with lapic_tell(). */
		__atomic_fetch_or(&l->posted, LAPIC_TELL_EOI, __ATOMIC_RELEASE);
		if (READ_ONCE(l->by_cpu)) /* what it has in service may be meant */
			apic_bus_wake(bus, i);
	}
}
