/* SPDX-License-Identifier: MIT */
/*
 * Who has the serial console: the prompt or a guest.  The monitor gives bytes here and gets
 * the lines that were entered.  Any CPU may call terminal_say(), the boot CPU all of it.
 */
#pragma once

#include "guest/control/line.h"

#define TERMINAL_ESCAPE 0x1d /* Ctrl-] */

/* The prompt is not shown before terminal_prompt(). */
void terminal_init(void);
/* Shows the prompt and takes what is typed as orders. */
void terminal_prompt(void);
/* Ends the editing: the console is a guest's, or an order's output is coming. */
void terminal_leave(void);
/* One byte typed at the prompt. */
enum line_event terminal_key(u8 byte);
const char *terminal_text(void);

/* A line of its own, wherever the cursor is; a prompt being edited is shown again below. */
void terminal_say(const char *format, ...) __printf(1, 2);
