/* SPDX-License-Identifier: MIT */
/*
 * What is typed at the console, and who gets it: the control guest, or the monitor while that is
 * open.  Called by core/guest_uart.c alone, with its lock held.
 */
#pragma once

#include "lib/types.h"

/* Ctrl-Backslash opens and closes the monitor; twice, one behind the other: the guest gets it. */
#define CONSOLE_ESCAPE 0x1cu

/* The monitor, as the console sees it. */
struct console_monitor {
	bool (*is_open)(void);
	void (*open)(void);
	void (*close)(void);
	void (*input)(u8 byte); /* while it is open */
	void (*poll)(void);     /* some 20 times a second, while it is open */
};

/* With @monitor NULL there is no escape key. */
void console_input_init(const struct console_monitor *monitor);

/* Read what the UART has received, and give it to whom it is for. */
void console_input_receive(void);

/* The time is @now (TSC).  True: somebody types to the monitor. */
bool console_input_poll(u64 now);

/* --- what is for the control guest --- */

bool console_input_ready(void);
u8 console_input_take(void);
void console_input_clear(void);
/* As if @byte had been received. */
void console_input_give(u8 byte);
/* Is something lost that was received?  @forget: say it once. */
bool console_input_lost(bool forget);
