/* SPDX-License-Identifier: MIT */
/* The 16550 UART; see cpu/uart.h. */
#include <linux/errno.h>

#include "cpu/io.h"
#include "cpu/uart.h"

enum uart_register {
	UART_DATA = 0,
	UART_DIVISOR_LOW = 0, /* with LCR.DLAB */
	UART_IER = 1,
	UART_DIVISOR_HIGH = 1, /* with LCR.DLAB */
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
};

#define LCR_8N1          0x03u
#define LCR_DLAB         0x80u
#define FCR_ON_AND_CLEAR 0x07u
#define MCR_DTR_RTS      0x03u
#define LSR_THR_EMPTY    0x20u

/* A byte at 1200 baud takes 8 ms; a port read takes a microsecond or so on real
 * hardware and no less than an instruction anywhere. */
#define WAIT_READS 200000u

static u8 uart_in(const struct uart *u, enum uart_register r)
{
	return io_in8((u16)(u->port + r));
}

static void uart_out(const struct uart *u, enum uart_register r, u32 v)
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
	uart_out(u, UART_LCR, LCR_DLAB | LCR_8N1);
	uart_out(u, UART_DIVISOR_LOW, divisor & 0xff);
	uart_out(u, UART_DIVISOR_HIGH, divisor >> 8);
	/* An empty port reads as all ones: the divisor latch tells it from a UART. */
	if (uart_in(u, UART_DIVISOR_LOW) != (divisor & 0xff) ||
	    uart_in(u, UART_DIVISOR_HIGH) != divisor >> 8) {
		u->port = 0;
		return -ENODEV;
	}
	uart_out(u, UART_LCR, LCR_8N1);
	uart_out(u, UART_IER, 0);
	uart_out(u, UART_FCR, FCR_ON_AND_CLEAR);
	uart_out(u, UART_MCR, MCR_DTR_RTS);
	return 0;
}

static void uart_putc(struct uart *u, char c)
{
	u32 reads = u->stuck ? 1 : WAIT_READS;

	while (!(uart_in(u, UART_LSR) & LSR_THR_EMPTY)) {
		if (--reads == 0) {
			u->stuck = true;
			return;
		}
		__builtin_ia32_pause();
	}
	u->stuck = false;
	uart_out(u, UART_DATA, (u8)c);
}

void uart_write(struct uart *u, const char *text, size_t n)
{
	if (!u->port)
		return;
	for (size_t i = 0; i < n; i++)
		uart_putc(u, text[i]);
}
