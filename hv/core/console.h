/* SPDX-License-Identifier: MIT */
/*
 * kvm0's console: one UART or none, which the log, the control guest (core/guest_uart.c) and the
 * monitor share.  Who writes a line keeps it: what the log has to say comes between lines, or, when
 * a line has stood unfinished for a while, before it, and the line is written anew.  Any CPU.
 */
#pragma once

#include "cpu/uart.h"

#define CONSOLE_DEFAULT_PORT  UART_COM1
#define CONSOLE_DEFAULT_SPEED 115200u

/* Use the UART at @port (0: none) at @speed baud.  0, -EINVAL, -ENODEV: uart.h. */
int console_init(u16 port, u32 speed);

/* The parameter console=com1|com2|none[,speed].  0, -EINVAL; a UART that is not there
 * is no error. */
int console_param(const char *value);
void console_show_param(char *text, size_t size);

/* The UART, whose IER, MCR and MSR are for core/guest_uart.c; NULL: none. */
const struct uart *console_uart(void);

/* Show what is new in the log: @now, or when the line that is being written lets it. */
void console_show_log(bool now);

/* Text for people, of the monitor; each newline becomes CR LF. */
void console_print(const char *text, size_t n);

/* The monitor has the console, or no longer: what the control guest writes meanwhile is kept, the
 * last of it, and shown then. */
void console_hold(bool hold);

/* A byte of the control guest's; waits a bounded time where console_guest_status() has no
 * LSR.THRE. */
void console_guest_write(u8 byte);
/* LSR.THRE and LSR.TEMT of its transmitter. */
u8 console_guest_status(void);
/* Is there something of its that is kept? */
bool console_keeps_output(void);

/* uart_read() */
int console_read(void);

/* All that was written, or kept, leaves the UART, a bounded time permitting: what ends the machine
 * would cut it off. */
void console_flush(void);

/* For log_seize(): from now on the console is this CPU's alone, and what others write is dropped.
 * Takes the lock by force if it does not come free in a bounded time. */
void console_seize(void);
/* A line of the log after that. */
void console_emergency(const char *text, size_t n);
