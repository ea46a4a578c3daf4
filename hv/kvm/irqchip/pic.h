/* SPDX-License-Identifier: MIT */
/*
 * The two cascaded 8259A interrupt controllers of a PC, as KVM's in-kernel PIC.
 * A pure model, called by irqchip.c alone; all functions need the lock of the
 * struct irqchip that embeds it, except for reading @output.
 * Source: Intel 8259A data sheet; the ELCR of the PIIX.
 */
#pragma once

#include <linux/kvm.h>

#include "lib/types.h"

#define PIC_LINES 16u

struct pic {
	struct kvm_pic_state chip[2]; /* master, slave: as KVM_GET_IRQCHIP has them */
	bool output;                  /* INTR of the master; may be read without the lock */
	/* What happened since the owner last cleared it: bit n is line n. */
	u16 acked;    /* ended: by EOI, by automatic EOI, by poll */
	u16 unmasked; /* IMR bit went from 1 to 0 */
};

/* The state after power-on: no line masked, no vectors, edge-triggered. */
void pic_init(struct pic *p);

/* Drive @line (0 to 15).  As KVM_IRQ_LINE_STATUS has it: 1 taken, 0 coalesced with
 * one that is still pending, -1 masked. */
int pic_set_line(struct pic *p, u32 line, bool level);

/* The vector that pic_acknowledge() would give now, or -1 if INTR is low. */
int pic_peek(const struct pic *p);

/* The processor's INTA: put the highest request in service and return its vector;
 * the vector of IRQ 7 (or 15) if the request is gone. */
u8 pic_acknowledge(struct pic *p);

/* One byte from or to port 0x20, 0x21, 0xa0, 0xa1, 0x4d0 or 0x4d1.
 * Reading in poll mode acknowledges. */
u8 pic_read(struct pic *p, u16 port);
void pic_write(struct pic *p, u16 port, u8 val);

/* Recompute @output; to be called after chip[] was filled from outside. */
void pic_update(struct pic *p);
