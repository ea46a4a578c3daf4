/* SPDX-License-Identifier: MIT */
/* The 16550 UART; see cpu/uart.h. */
#include <linux/errno.h>

#include "cpu/io.h"
#include "cpu/uart.h"

#define FIFO_DEPTH 16u

/* A FIFO of bytes at 9600 baud takes 17 ms; a port read takes a microsecond or so on real
 * hardware and no less than an instruction anywhere. */
#define WAIT_READS 200000u

u8 uart_in(const struct uart *u, enum uart_register r)
{
	return io_in8((u16)(u->port + r));
}

void uart_out(const struct uart *u, enum uart_register r, u32 v)
{
	io_out8((u16)(u->port + r), (u8)v);
}

int uart_init(struct uart *u, u16 port, u32 speed)
{
	u32 divisor;

	*u = (struct uart){0};
	if (!speed || speed > UART_MAX_SPEED || UART_MAX_SPEED % speed)
		return -EINVAL;
	divisor = UART_MAX_SPEED / speed;
	if (divisor > 0xffff)
		return -EINVAL;
	u->port = port;
	uart_out(u, UART_LCR, UART_LCR_DLAB | UART_LCR_8N1);
	uart_out(u, UART_DIVISOR_LOW, divisor & 0xff);
	uart_out(u, UART_DIVISOR_HIGH, divisor >> 8);
	/* An empty port reads as all ones: the divisor latch tells it from a UART. */
	if (uart_in(u, UART_DIVISOR_LOW) != (divisor & 0xff) ||
	    uart_in(u, UART_DIVISOR_HIGH) != divisor >> 8) {
		u->port = 0;
		return -ENODEV;
	}
	uart_out(u, UART_LCR, UART_LCR_8N1);
	uart_out(u, UART_IER, 0);
	uart_out(u, UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX);
	uart_out(u, UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	u->depth = (uart_in(u, UART_IIR) & UART_IIR_FIFO) == UART_IIR_FIFO ? FIFO_DEPTH : 1;
	return 0;
}

static u8 read_lsr(struct uart *u)
{
	u8 lsr = uart_in(u, UART_LSR);

	if (lsr != UART_LSR_ABSENT)
		u->errors |= lsr & (UART_LSR_LOST | UART_LSR_BAD);
	return lsr;
}

u8 uart_transmit_status(struct uart *u)
{
	u8 lsr;

	if (!u->port)
		return UART_LSR_THRE | UART_LSR_TEMT;
	lsr = read_lsr(u) & (UART_LSR_THRE | UART_LSR_TEMT);
	if (lsr & UART_LSR_THRE)
		u->room = u->depth;
	return u->room ? lsr | UART_LSR_THRE : lsr;
}

/* Wait for a status.  False: it did not come in time. */
static bool wait_for(struct uart *u, u8 status)
{
	u32 reads = u->stuck ? 1 : WAIT_READS;

	while (!(uart_transmit_status(u) & status)) {
		if (--reads == 0) {
			u->stuck = true;
			return false;
		}
		__builtin_ia32_pause();
	}
	u->stuck = false;
	return true;
}

void uart_write(struct uart *u, const char *text, size_t n)
{
	if (!u->port)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!u->room && !wait_for(u, UART_LSR_THRE))
			continue;
		u->room--;
		uart_out(u, UART_DATA, (u8)text[i]);
	}
}

void uart_drain(struct uart *u)
{
	(void)wait_for(u, UART_LSR_TEMT);
}

int uart_read(struct uart *u)
{
	u8 lsr, errors;

	if (!u->port)
		return -1;
	lsr = read_lsr(u);
	if (lsr == UART_LSR_ABSENT || !(lsr & UART_LSR_READY))
		return -1;
	errors = u->errors;
	u->errors = 0;
	return uart_in(u, UART_DATA) | errors << 8;
}
