/* SPDX-License-Identifier: MIT */
/* The 16550 UART, output only and polled: kvm0's one device (core/console.c). */
#pragma once

#include "lib/types.h"

#define UART_COM1      0x3f8
#define UART_COM2      0x2f8
#define UART_MAX_SPEED 115200u

struct uart {
	u16 port;   /* 0: none */
	bool stuck; /* did not empty its holding register in time: wait no more */
};

/*
 * Set the UART at @port to @speed baud, 8N1, FIFOs on, no interrupts.
 * 0; -EINVAL if 115200 is no multiple of @speed; -ENODEV if nothing answers, and
 * then uart_write() does nothing.
 */
int uart_init(struct uart *u, u16 port, u32 speed);

/* Send @n bytes, waiting a bounded time for each. */
void uart_write(struct uart *u, const char *text, size_t n);
