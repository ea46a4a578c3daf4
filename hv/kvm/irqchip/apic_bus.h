/* SPDX-License-Identifier: MIT */
/*
 * What connects the APICs of one VM: an interrupt message goes to every local APIC
 * that its destination names.  Messages come from the I/O APIC, from MSIs and from
 * other local APICs (IPIs).  Any CPU may send at any time: local APICs are only
 * changed through lapic_accept_message(), which is atomic.
 */
#pragma once

#include <linux/kvm.h>

#include "lib/types.h"

struct lapic;

#define APIC_BUS_MAX 64u /* vCPUs: one bit each in a u64 */

enum apic_delivery { /* SDM vol. 3, Interrupt Command Register, delivery mode */
		     APIC_FIXED = 0,
		     APIC_LOWEST = 1,
		     APIC_SMI = 2,
		     APIC_REMOTE_READ = 3, /* reserved there; KVM's kick of a halted vCPU */
		     APIC_NMI = 4,
		     APIC_INIT = 5,
		     APIC_STARTUP = 6,
		     APIC_EXTINT = 7,
};

enum apic_shorthand {
	APIC_DEST_NONE = 0,
	APIC_DEST_SELF = 1,
	APIC_DEST_ALL = 2,
	APIC_DEST_OTHERS = 3,
};

struct apic_message {
	u32 dest; /* 8 bits, or 32 from a local APIC in x2APIC mode */
	u8 vector;
	u8 delivery;  /* enum apic_delivery */
	u8 shorthand; /* enum apic_shorthand; APIC_DEST_NONE without a source */
	bool logical; /* destination mode */
	bool lowest;  /* to one of several, as APIC_LOWEST: the redirection hint of an MSI */
	bool level;   /* trigger mode */
	bool assert;  /* level: high */
};

struct apic_bus;
/* The broadcast of an EOI on vCPU @index, of an interrupt that was level-triggered or not. */
typedef void apic_bus_eoi(struct apic_bus *bus, u32 index, u8 vector, bool level, u64 now);

struct apic_bus {
	struct lapic *lapic[APIC_BUS_MAX]; /* by vCPU index; NULL: none (yet) */
	u32 count;           /* slots in use; grows in lapic_init(), one vCPU at a time */
	u32 xapics;          /* of these, enabled and not in x2APIC mode; atomic */
	u32 vm;              /* its number, for the trace */
	bool vector_hashing; /* lowest priority: by vector, else by turns */
	u64 x2apic_api;      /* KVM_X2APIC_API_*, as KVM_ENABLE_CAP has set them */
	/*
	 * Bit i: vCPU i got something to do.  Set with release after the local
	 * APIC's state; the owner takes it with apic_bus_take_wake() (acquire).
	 */
	u64 wake;
	/*
	 * Vectors whose EOI the I/O APIC wants to see even if they are edge-
	 * triggered.  Written under the irqchip's lock, read without: a write that
	 * races an EOI may take effect before or after it, as on real hardware.
	 */
	u32 eoi_vectors[8];
	apic_bus_eoi *eoi; /* set by irqchip_init(), may be NULL */
};

/*
 * Deliver @m to all local APICs that it names; for lowest priority, to one of them.
 * @source: the local APIC that sends it, or NULL.  Returns how many took it.
 */
int apic_bus_send(struct apic_bus *bus, struct lapic *source, const struct apic_message *m);

/*
 * Deliver @m, whose destination is of no meaning, to the local APICs whose ids (those that they
 * have in their mode) are in a set: bit n of @low is @first + n, of @high @first + @width + n, in
 * 32 bits; bits that lead beyond name nobody.  Returns how many took it.
 */
int apic_bus_send_set(struct apic_bus *bus, u64 low, u64 high, u32 first, u32 width,
		      const struct apic_message *m);

/* The local APIC that has the id @id in its mode, or NULL. */
struct lapic *apic_bus_find(struct apic_bus *bus, u32 id);

/* Is @m, of no local APIC, for @l among others? */
bool apic_bus_names(const struct apic_bus *bus, const struct lapic *l,
		    const struct apic_message *m);

/* Change eoi_vectors.  The irqchip's lock is held. */
void apic_bus_set_eoi_vectors(struct apic_bus *bus, const u32 vectors[8]);

/* Mark vCPU @index in @wake. */
static inline void apic_bus_wake(struct apic_bus *bus, u32 index)
{
	/* Release: pairs with apic_bus_take_wake(). */
	__atomic_fetch_or(&bus->wake, BIT(index), __ATOMIC_RELEASE);
}

/* The vCPUs marked since the last call, one bit each. */
static inline u64 apic_bus_take_wake(struct apic_bus *bus)
{
	/* The plain look keeps the common case, nothing, free of a locked access. */
	return READ_ONCE(bus->wake) ? __atomic_exchange_n(&bus->wake, 0, __ATOMIC_ACQUIRE) : 0;
}
