/* SPDX-License-Identifier: MIT */
/* kvm0's debug console: one UART or none.  Written by core/log.c and core/panic.c. */
#pragma once

#include "lib/types.h"

#define CONSOLE_DEFAULT_PORT  0x3f8 /* COM1 */
#define CONSOLE_DEFAULT_SPEED 115200u

/* Use the UART at @port (0: none) at @speed baud.  0, -EINVAL, -ENODEV: uart.h. */
int console_init(u16 port, u32 speed);

/* Write @n bytes; each newline becomes CR LF.  The caller keeps others out. */
void console_write(const char *text, size_t n);

/* The parameter console=com1|com2|none[,speed].  0, -EINVAL; a UART that is not there
 * is no error. */
int console_param(const char *value);
void console_show_param(char *text, size_t size);
