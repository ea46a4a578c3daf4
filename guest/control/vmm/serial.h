/* SPDX-License-Identifier: MIT */
/* A 16550A UART for a guest.  Pure: output and the interrupt line leave by functions. */
#pragma once

#include "guest/lib/types.h"

#define SERIAL_PORT 0x3f8
#define SERIAL_IRQ  4
#define SERIAL_FIFO 16

struct serial {
	void *owner;
	void (*output)(void *owner, u8 byte);
	void (*set_irq)(void *owner, bool level);
	u8 ier, fcr, lcr, mcr, scratch;
	u8 divisor[2];
	u8 lsr_errors;      /* overrun, until LSR is read */
	bool thr_interrupt; /* "holding register empty" has not been told yet */
	bool line;          /* level of the interrupt line */
	u8 fifo[SERIAL_FIFO];
	u32 head, count;
};

/* State after reset.  `output` gets each byte sent, `set_irq` each change of the line. */
void serial_init(struct serial *s, void *owner, void (*output)(void *owner, u8 byte),
		 void (*set_irq)(void *owner, bool level));
/* The state of another one, but for where it leads to; the line's level is in the irqchip's state.
 */
void serial_restore(struct serial *s, const struct serial *from);
/* Register access, offset 0..7. */
u8 serial_read(struct serial *s, u32 offset);
void serial_write(struct serial *s, u32 offset, u8 value);
/* How many bytes serial_receive() takes without loss, and the taking of one. */
u32 serial_room(const struct serial *s);
void serial_receive(struct serial *s, u8 byte);
