/* SPDX-License-Identifier: MIT */
/*
 * A VM's interrupt controllers as one: PIC, I/O APIC, PIT and the bus to the local
 * APICs of its vCPUs.  Embedded in struct vm and called by hv/kvm alone; it knows
 * nothing above it.  Who has something to do is left in bus.wake: after any of these
 * calls the caller takes that with apic_bus_take_wake() and wakes or kicks them.
 *
 * GSIs lead where the routing says (routing.h).  With KVM's default routing 0 to 15 go
 * to the PIC's line and the I/O APIC's pin of the same number, 16 to 23 to the I/O APIC
 * alone: GSI 0 is I/O APIC pin 0, and tables for the guest must not move it to pin 2.
 *
 * Split (KVM_CAP_SPLIT_IRQCHIP): the local APICs alone are here, and user space has a PIC, an
 * I/O APIC and a PIT of its own.  GSIs lead to messages only, and those of the first GSIs are
 * what its I/O APIC sends: it is told of the EOIs of such that are level-triggered.
 */
#pragma once

#include "core/spinlock.h"
#include "kvm/irqchip/apic_bus.h"
#include "kvm/irqchip/clock.h"
#include "kvm/irqchip/ioapic.h"
#include "kvm/irqchip/lapic.h"
#include "kvm/irqchip/pic.h"
#include "kvm/irqchip/pit.h"
#include "kvm/irqchip/routing.h"
#include "lib/addr.h"

/* Who drives a line, as KVM numbers them. */
#define IRQ_SOURCE_API      0u /* KVM_IRQ_LINE, KVM_IRQFD without resampling */
#define IRQ_SOURCE_RESAMPLE 1u /* all that KVM_IRQFD resamples */
#define IRQ_SOURCE_PIT      2u

struct irqchip;

/* Someone who has to hear when the guest has ended an interrupt of @gsi, before a line that
 * is still high interrupts again. */
struct irq_listener {
	struct irq_listener *next;
	u32 gsi;
	/* Called with the lock held: of this file only irqchip_line_held() may be called. */
	void (*ended)(struct irq_listener *l, struct irqchip *c);
};

struct irqchip {
	bool split;          /* constant; without pic, ioapic and pit: none of them is reached */
	u32 reserved_routes; /* split: GSIs of user space's I/O APIC; constant */
	/* Guards pic, ioapic, pit, sources, routing and listeners.  Taken with no other
	 * lock of the VM needed, and while it is held only local APICs are touched, which
	 * have none, and what listeners touch. */
	struct spinlock lock;
	struct irq_clock clock;
	struct apic_bus bus;
	struct pic pic;
	struct ioapic ioapic;
	struct pit pit;
	bool has_pit;
	bool pit_ended; /* its interrupt was, since the lock was taken */
	bool has_speaker;
	u8 sources[IRQ_PINS]; /* by pin: bit n, source n drives it high */
	struct irq_routing routing;
	struct irq_listener *listeners;
};

/* KVM_CREATE_IRQCHIP, on zeroed memory.  @tsc_khz: the host's, not 0.  @min_period_ns:
 * the parameter min_timer_period_us, as nanoseconds. */
void irqchip_init(struct irqchip *c, u32 tsc_khz, u64 min_period_ns);

/* KVM_CAP_SPLIT_IRQCHIP, instead of it.  @reserved_routes: 0 to IRQ_ROUTES_MAX; @eoi: whom an
 * EOI is for that irqchip_eoi_is_users(). */
void irqchip_init_split(struct irqchip *c, u32 tsc_khz, u64 min_period_ns, u32 reserved_routes,
			apic_bus_eoi *eoi);

/* Is the EOI of @vector, on vCPU @index, one that user space's I/O APIC waits for?  @level: it
 * was delivered as level-triggered. */
bool irqchip_eoi_is_users(struct irqchip *c, u32 index, u8 vector, bool level);

/* The VM goes: give back what irqchip_init() and later calls have taken. */
void irqchip_destroy(struct irqchip *c);

/* KVM_CREATE_PIT2; @flags: KVM_PIT_SPEAKER_DUMMY adds port 0x61, other flags
 * are ignored as in KVM.  0, or -EEXIST. */
int irqchip_create_pit(struct irqchip *c, u32 flags, u64 now) __must_check;

/*
 * Drive @gsi, any number, for @source (0 to 7): all pins that it is routed to, each of
 * which is high while any source drives it, or its message, which goes out when @level is
 * true.  Returns what KVM_IRQ_LINE_STATUS reports: > 0 delivered, 0 coalesced with one
 * still pending, < 0 ignored (masked, or @gsi has no route).  Any CPU.
 */
int irqchip_line(struct irqchip *c, u32 gsi, u32 source, bool level);
/* The same for KVM_IRQ_LINE_STATUS: the clock's interrupt (I/O APIC pin 8) is coalesced, and
 * dropped, while the guest has not ended the last one. */
int irqchip_line_status(struct irqchip *c, u32 gsi, bool level);
/* The same for a listener. */
int irqchip_line_held(struct irqchip *c, u32 gsi, u32 source, bool level);

/* KVM_SIGNAL_MSI: > 0 delivered, 0 nobody took it, -EPERM if there is no vCPU, -EINVAL if
 * the address is not one with 32-bit destinations. */
int irqchip_msi(struct irqchip *c, const struct irq_msi *msi);

/* KVM_SET_GSI_ROUTING: *@routing, made by routing_init(), takes the place of the routing
 * at once, and what that was is in *@routing, for routing_destroy(). */
void irqchip_set_routing(struct irqchip *c, struct irq_routing *routing);

/* Call @l for its GSI from now on; or not any more. */
void irqchip_listen(struct irqchip *c, struct irq_listener *l);
void irqchip_unlisten(struct irqchip *c, struct irq_listener *l);

/* KVM_GET_IRQCHIP, of @s->chip_id, and KVM_SET_IRQCHIP.  0, or -EINVAL: no such chip.  Any
 * values are taken; what they make pending is delivered. */
int irqchip_get(struct irqchip *c, struct kvm_irqchip *s) __must_check;
int irqchip_set(struct irqchip *c, const struct kvm_irqchip *s) __must_check;

/* KVM_GET_PIT2, and KVM_SET_PIT2 or, without flags, KVM_SET_PIT, which start all counts anew.
 * 0, or -ENXIO: there is no PIT. */
int irqchip_get_pit(struct irqchip *c, struct kvm_pit_state2 *s) __must_check;
int irqchip_set_pit(struct irqchip *c, const struct kvm_pit_state2 *s, bool with_flags,
		    u64 now) __must_check;
/* KVM_REINJECT_CONTROL.  0, or -ENXIO. */
int irqchip_set_reinject(struct irqchip *c, bool on) __must_check;

/* The vector that vCPU @index would be given now, or -1: of the PIC, or user space's, if its
 * LINT0 takes it, else of its local APIC.  For the vCPU itself. */
int irqchip_pending_vector(struct irqchip *c, u32 index);

/* Take that interrupt: acknowledge it at its source.  -1 if there is none (any more). */
int irqchip_take_vector(struct irqchip *c, u32 index);

/* The same for the PIC's alone, where the CPU delivers the local APIC's (lapic_set_by_cpu()). */
int irqchip_pending_extint(struct irqchip *c, u32 index);
int irqchip_take_extint(struct irqchip *c, u32 index);

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
