/* SPDX-License-Identifier: MIT */
/*
 * A VM's interrupt controllers as one: PIC, I/O APIC, PIT and the bus to the local
 * APICs of its vCPUs.  Embedded in struct vm and called by hv/kvm alone; it knows
 * nothing above it.  Who has something to do is left in bus.wake: after any of these
 * calls the caller takes that with apic_bus_take_wake() and wakes or kicks them.
 *
 * GSIs are those of KVM's default routing: 0 to 15 go to the PIC's line and the I/O
 * APIC's pin of the same number, 16 to 23 to the I/O APIC alone.  GSI 0 is thus I/O
 * APIC pin 0, and tables for the guest must not move ISA IRQ 0 to pin 2.
 */
#pragma once

#include "core/spinlock.h"
#include "kvm/irqchip/apic_bus.h"
#include "kvm/irqchip/clock.h"
#include "kvm/irqchip/ioapic.h"
#include "kvm/irqchip/lapic.h"
#include "kvm/irqchip/pic.h"
#include "kvm/irqchip/pit.h"
#include "lib/addr.h"

#define IRQCHIP_GSIS   IOAPIC_PINS
#define IRQ_SOURCE_API 0u /* KVM_IRQ_LINE and the like */
#define IRQ_SOURCE_PIT 1u

struct irqchip {
	/* Guards pic, ioapic, pit and sources.  Taken with no other lock of the VM
	 * needed, and while it is held only local APICs are touched, which have none. */
	struct spinlock lock;
	struct irq_clock clock;
	struct apic_bus bus;
	struct pic pic;
	struct ioapic ioapic;
	struct pit pit;
	bool has_pit;
	bool has_speaker;
	u8 sources[KVM_IOAPIC_NUM_PINS]; /* by GSI: bit n, source n drives it high */
};

/* KVM_CREATE_IRQCHIP, on zeroed memory.  @tsc_khz: the host's, not 0.  @min_period_ns:
 * the parameter min_timer_period_us, as nanoseconds. */
void irqchip_init(struct irqchip *c, u32 tsc_khz, u64 min_period_ns);

/* KVM_CREATE_PIT2; @flags: KVM_PIT_SPEAKER_DUMMY adds port 0x61, other flags
 * are ignored as in KVM.  0, or -EEXIST. */
int irqchip_create_pit(struct irqchip *c, u32 flags, u64 now) __must_check;

/*
 * Drive @gsi for @source (0 to 7); the line is high while any source drives it.
 * Returns what KVM_IRQ_LINE_STATUS reports: > 0 delivered, 0 coalesced with one still
 * pending, < 0 ignored (masked, or @gsi has no route).
 */
int irqchip_line(struct irqchip *c, u32 gsi, u32 source, bool level);

/* The vector that vCPU @index would be given now, or -1: of the PIC if its LINT0 takes
 * it, else of its local APIC.  For the vCPU itself. */
int irqchip_pending_vector(struct irqchip *c, u32 index);

/* Take that interrupt: acknowledge it at its source.  -1 if there is none (any more). */
int irqchip_take_vector(struct irqchip *c, u32 index);

/*
 * A guest's access of @size bytes (1, 2, 4) to @port: ports of the PIC, and with a PIT
 * its ports.  True if it was one of these, with what was read in *@val.  As KVM: the
 * PIC ignores accesses of more than one byte and gives 0, the PIT uses the low byte.
 * An access that reaches beyond a device's ports is not its.
 */
bool irqchip_pio(struct irqchip *c, u16 port, u32 size, bool is_write, u32 *val, u64 now);

/* An access of @size bytes (1, 2, 4, 8) by vCPU @index to guest-physical @addr: its local
 * APIC, then the I/O APIC.  True if it was one of these, with what was read in *@val. */
bool irqchip_mmio(struct irqchip *c, u32 index, gpa_t addr, u32 size, bool is_write, u64 *val,
		  u64 now);

/* When irqchip_expire() has to be called, by vCPU 0, which is marked in bus.wake when it
 * becomes earlier; IRQ_NEVER: not.  The local APICs' timers are not in it. */
static inline u64 irqchip_next_deadline(const struct irqchip *c)
{
	u64 pit = c->has_pit ? READ_ONCE(c->pit.deadline) : IRQ_NEVER;
	u64 guard = READ_ONCE(c->ioapic.deadline);

	return MIN(pit, guard);
}

/* Do what is due at @now. */
void irqchip_expire(struct irqchip *c, u64 now);
