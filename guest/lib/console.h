/* SPDX-License-Identifier: MIT */
/*
 * The serial console: COM1 (0x3f8), 115200 8N1.  If kvm0's console is there as well, this is a UART
 * that kvm0 answers: it gives this guest what is received but for what is typed to kvm0's monitor,
 * keeps its own lines apart from this guest's, and keeps what is written while the monitor is open.
 * Output is polled; input comes by IRQ4 into a ring, and by polling where the interrupt does not
 * arrive. Output may be used from the first line of guest_main() on, on every CPU; what one
 * function writes stays together.
 */
#pragma once

#include "guest/lib/types.h"

/* Sets the UART up.  Called by the start code before guest_main(). */
void console_init(void);
/* Turns the receive interrupt on; the PIC must be set up.  Called by the start code. */
void console_enable_irq(void);

/*
 * What this CPU writes between the two stays together.  They may be nested.  A holder that has
 * died is not waited for for ever.
 */
void console_lock(void);
void console_unlock(void);
/* Writes one byte as it is. */
void console_put_raw(char c);
/* Writes one byte; a newline becomes carriage return and newline. */
void console_putc(char c);
/* Waits until the UART has sent all that was written: what ends the machine would cut it off. */
void console_flush(void);
/* Writes formatted text (format.h) of at most 512 bytes, newlines as console_putc() does. */
void console_printf(const char *format, ...) __printf(1, 2);
/* The next byte typed, 0..255, or -1 if there is none.  Never waits.  Boot CPU only. */
int console_getc(void);
/* Whether console_getc() would give a byte. */
bool console_has_input(void);

/* The usual short name, for tests: printf() of format.h's conversions. */
#define printf console_printf
