/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC: 24 pins, version 0x11 (82093AA), as KVM's in-kernel one.  A pure
 * model, called by irqchip.c alone; all functions need the lock of the struct
 * irqchip that embeds it.  Messages go out through the struct apic_bus.
 */
#pragma once

#include <linux/kvm.h>

#include "kvm/irqchip/apic_bus.h"
#include "kvm/irqchip/clock.h"
#include "lib/types.h"

#define IOAPIC_PINS         ((u32)KVM_IOAPIC_NUM_PINS)
#define IOAPIC_DEFAULT_BASE 0xfec00000ull
#define IOAPIC_SIZE         0x100u

struct ioapic {
	struct kvm_ioapic_state state; /* irr: the level of each line */
	struct apic_bus *bus;
	const struct irq_clock *clock;
	u32 irr_delivered;                  /* lines still high whose edge was delivered */
	u32 eoi_notify;                     /* pins whose EOI is wanted even if edge-triggered */
	u32 listened;                       /* those where somebody knows if the line is high */
	u32 eoi_count[KVM_IOAPIC_NUM_PINS]; /* EOIs in a row that found the line still high */
	u64 deadline;                       /* when lines held back by the storm guard go on */
	u32 unmasked;                       /* since the owner last cleared it: bit n is pin n */
	u32 asked;                          /* the same: whether it is high is to be asked */
};

/* All pins masked. */
void ioapic_init(struct ioapic *io, struct apic_bus *bus, const struct irq_clock *clock);

/* @pins are those whose EOI the bus is to forward even while they are edge-triggered; @listened,
 * of them, those that are asked first when they could interrupt by being opened. */
void ioapic_set_eoi_notify(struct ioapic *io, u32 pins, u32 listened);

/* The pins whose interrupt @vector stands for: bit n is pin n. */
u32 ioapic_vector_pins(const struct ioapic *io, u8 vector);

/* Is the vector of the clock's pin, 8, pending or in service somewhere?  KVM_IRQ_LINE_STATUS
 * then takes a further interrupt of the clock for coalesced, and drops it. */
bool ioapic_clock_busy(const struct ioapic *io);
#define IOAPIC_CLOCK_PIN 8u

/* Drive @pin (0 to 23).  As KVM_IRQ_LINE_STATUS has it: > 0 vCPUs reached (or line
 * lowered), 0 coalesced or nobody took it, -1 masked. */
int ioapic_set_line(struct ioapic *io, u32 pin, bool level);

/* An access at @offset 0 to 255.  As KVM: any of 1, 2, 4, 8 bytes at IOREGSEL (0x00)
 * and IOWIN (0x10), cut or filled with zeros; elsewhere reads give 0. */
u32 ioapic_read(const struct ioapic *io, u32 offset, u32 size);
void ioapic_write(struct ioapic *io, u32 offset, u32 size, u32 val);

/* A local APIC ended @vector, which was level-triggered or not: lines still high are
 * delivered again, at once, or after 10 ms if that happened 10,000 times in a row. */
void ioapic_eoi(struct ioapic *io, u8 vector, bool level, u64 now);

/* If the deadline is reached, deliver what the storm guard held back. */
void ioapic_expire(struct ioapic *io, u64 now);

/* The state as KVM_GET_IRQCHIP has it: irr without the edges that were delivered. */
void ioapic_get(const struct ioapic *io, struct kvm_ioapic_state *state);
/* KVM_SET_IRQCHIP: lines that are high in @state interrupt anew, as far as they may. */
void ioapic_set(struct ioapic *io, const struct kvm_ioapic_state *state);
