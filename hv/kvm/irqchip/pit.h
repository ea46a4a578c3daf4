/* SPDX-License-Identifier: MIT */
/*
 * The 8254 interval timer and the speaker port 0x61, as KVM's in-kernel PIT.  A pure
 * model, called by irqchip.c alone; all functions need the lock of the struct
 * irqchip that embeds it, except for reading @deadline.
 * Like KVM's: the count is binary even if BCD is asked for, channels 0 and 1 have
 * no gate, and only channel 0 interrupts.
 */
#pragma once

#include <linux/kvm.h>

#include "kvm/irqchip/clock.h"
#include "lib/types.h"

struct pit {
	/* As KVM_GET_PIT2 has them, but count_load_time is host TSC. */
	struct kvm_pit_channel_state channel[3];
	const struct irq_clock *clock;
	u32 flags;      /* KVM_PIT_FLAGS_* */
	bool reinject;  /* deliver ticks that were missed, once the last is acknowledged */
	bool periodic;  /* channel 0 */
	bool irq_acked; /* reinject: the last tick was, so the next may be delivered */
	u32 pending;    /* reinject: ticks that came and are not acknowledged */
	u64 period;     /* TSC ticks of one run of channel 0 */
	u64 deadline;   /* host TSC of channel 0's next tick; IRQ_NEVER: none */
};

void pit_init(struct pit *p, const struct irq_clock *clock, u64 now);

/* Ports 0x40 to 0x43, as @reg 0 to 3. */
u8 pit_read(struct pit *p, u32 reg, u64 now);
void pit_write(struct pit *p, u32 reg, u8 val, u64 now);

/* Port 0x61: bit 0 gate of channel 2, 1 speaker data, 4 refresh clock, 5 output of
 * channel 2. */
u8 pit_speaker_read(const struct pit *p, u64 now);
void pit_speaker_write(struct pit *p, u8 val, u64 now);

/* Count what ticks have come until @now.  True: pulse GSI 0 (once). */
bool pit_expire(struct pit *p, u64 now);

/* The guest ended the interrupt of GSI 0.  True: pulse GSI 0 again, for a missed tick. */
bool pit_ack(struct pit *p);

/* GSI 0 was unmasked: forget what was missed. */
void pit_reset_reinject(struct pit *p);

/* KVM_REINJECT_CONTROL. */
void pit_set_reinject(struct pit *p, bool on);

/* The state as KVM_GET_PIT2 has it; count_load_time is in nanoseconds. */
void pit_get(const struct pit *p, struct kvm_pit_state2 *s);
/* Any channels of @s, with @flags; their counts start anew. */
void pit_set(struct pit *p, const struct kvm_pit_state2 *s, u32 flags, u64 now);

/* Start @channel (0 to 2) anew with @count (0 stands for 65536, and more than
 * that is taken as it is), as after a write. */
void pit_load_count(struct pit *p, u32 channel, u32 count, u64 now);
