/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a person's prompt at kvm0's console.  The console gives it what is typed while it is
 * open (any CPU, one at a time); guests run meanwhile.  When Enter completes a line, the CPU that
 * took it carries it out in monitor_work(), with the world parked.
 */
#pragma once

#include "lib/types.h"

/* --- for the console --- */

bool monitor_is_open(void);
/* The escape key. */
void monitor_open(void);
/* `exit`, or the escape key again. */
void monitor_close(void);
/* A byte was received while it is open. */
void monitor_input(u8 byte);
/* To be called now and then, at best some 20 times a second: refreshes what monitor_live() shows.
 */
void monitor_poll(void);

/* --- for control_run() --- */

/* This CPU was asked for CPU_ATTEND: stand while another one works, then do what there is to do.
 * Nothing held. */
void monitor_work(void);

/* --- for commands --- */

/* Output of a command, of at most 255 bytes a call. */
void monitor_print(const char *fmt, ...) __printf(1, 2);
void monitor_write(const char *text, size_t n);

/* Where it goes: to the console, or to @sink until the next call.  NULL: the console.  Returns what
 * it was before. */
typedef void (*monitor_sink)(const char *text, size_t n);
monitor_sink monitor_set_sink(monitor_sink sink);

/* Call @refresh with the world parked every @period_ms milliseconds, until a key is pressed.  Only
 * from a command. */
void monitor_live(void (*refresh)(void), u32 period_ms);

/* --- for a panic --- */

/* Take what is typed from @read, which waits for a byte, until `exit`: on this CPU alone, the
 * others being stopped. */
void monitor_serve(u8 (*read)(void));
