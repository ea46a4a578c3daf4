/* SPDX-License-Identifier: MIT */
/* A 16550A at COM1 for unit tests: what is behind io_in8() and io_out8(). */
#pragma once

#include "fake.h"

#include "cpu/percpu.h"

/* All that was sent since the last fake_uart_sent(), ended by a NUL. */
const char *fake_uart_sent(void);
/* @byte is received with these bits of LSR. */
void fake_uart_receive(u8 byte, u8 lsr);
void fake_uart_type(const char *text);
/* What is sent stays in its FIFO until this is false again. */
void fake_uart_set_busy(bool busy);
/* Does it raise its interrupt? */
bool fake_uart_interrupts(void);
/* Its MSR, and how it was set up. */
void fake_uart_set_modem(u8 msr);
u8 fake_uart_mcr(void);
u32 fake_uart_divisor(void);

/* A cmocka setup function: CPU 0 runs, and the console is the UART, new. */
int fake_uart_setup(void **state);
