/* SPDX-License-Identifier: MIT */
/* The 16550 UART, polled: kvm0's one kind of device (core/console.c). */
#pragma once

#include "lib/types.h"

#define UART_COM1      0x3f8
#define UART_COM2      0x2f8
#define UART_PORTS     8u
#define UART_MAX_SPEED 115200u

/* Registers, as offsets of the first port (PC16550D data sheet, "Registers"). */
enum uart_register {
	UART_DATA = 0,
	UART_DIVISOR_LOW = 0, /* with LCR.DLAB */
	UART_IER = 1,
	UART_DIVISOR_HIGH = 1, /* with LCR.DLAB */
	UART_IIR = 2,          /* read */
	UART_FCR = 2,          /* written */
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_MSR = 6,
	UART_SCR = 7,
};

#define UART_IER_RDI  0x01u /* received data */
#define UART_IER_THRI 0x02u /* transmitter holding register empty */
#define UART_IER_RLSI 0x04u /* receiver line status */
#define UART_IER_MSI  0x08u /* modem status */

#define UART_IIR_MSI  0x00u
#define UART_IIR_NONE 0x01u
#define UART_IIR_THRI 0x02u
#define UART_IIR_RDI  0x04u
#define UART_IIR_RLSI 0x06u
#define UART_IIR_FIFO 0xc0u

#define UART_FCR_ENABLE   0x01u
#define UART_FCR_CLEAR_RX 0x02u
#define UART_FCR_CLEAR_TX 0x04u

#define UART_LCR_8N1  0x03u
#define UART_LCR_DLAB 0x80u

#define UART_MCR_DTR  0x01u
#define UART_MCR_RTS  0x02u
#define UART_MCR_OUT1 0x04u
#define UART_MCR_OUT2 0x08u /* lets the interrupt out, on a PC */
#define UART_MCR_LOOP 0x10u

#define UART_LSR_READY  0x01u
#define UART_LSR_LOST   0x02u /* overrun: a byte before this one is lost */
#define UART_LSR_BAD    0x1cu /* parity error, framing error, break */
#define UART_LSR_THRE   0x20u
#define UART_LSR_TEMT   0x40u
#define UART_LSR_ABSENT 0xffu

struct uart {
	u16 port;   /* 0: none */
	u8 depth;   /* bytes of its transmit FIFO */
	u8 room;    /* bytes that fit into it since it was last seen empty */
	bool stuck; /* did not empty it in time: wait no more */
	u8 errors;  /* LSR.LOST and LSR.BAD of the byte that is read next, which LSR says once */
};

/*
 * Set the UART at @port to @speed baud, 8N1, FIFOs on, no interrupts.
 * 0; -EINVAL if 115200 is no multiple of @speed; -ENODEV if nothing answers, and
 * then the functions below do nothing.
 */
int uart_init(struct uart *u, u16 port, u32 speed);

/* Send @n bytes, waiting a bounded time for each. */
void uart_write(struct uart *u, const char *text, size_t n);

/* LSR.THRE if the next byte would be sent without waiting, LSR.TEMT if all has been sent. */
u8 uart_transmit_status(struct uart *u);

/* Wait until all is sent, a bounded time. */
void uart_drain(struct uart *u);

/* The byte that was received next, with LSR.LOST and LSR.BAD in bits 8 to 15; -1: none. */
int uart_read(struct uart *u);

/* A register; @u has a port. */
u8 uart_in(const struct uart *u, enum uart_register r);
void uart_out(const struct uart *u, enum uart_register r, u32 v);
