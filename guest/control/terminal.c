/* SPDX-License-Identifier: MIT */
/* The prompt on the serial console; see terminal.h. */
#include "guest/control/terminal.h"
#include "guest/lib/console.h"
#include "guest/lib/format.h"

/* Guarded by the console's lock. */
static struct line line;
static bool editing;

void terminal_init(void)
{
	line_init(&line, "kvm0> ", console_putc);
}

void terminal_prompt(void)
{
	console_lock();
	editing = true;
	line_reset(&line);
	console_unlock();
}

void terminal_leave(void)
{
	console_lock();
	editing = false;
	console_unlock();
}

enum line_event terminal_key(u8 byte)
{
	console_lock();
	enum line_event event = line_key(&line, byte);
	console_unlock();
	return event;
}

const char *terminal_text(void)
{
	return line.text;
}

void terminal_say(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	format_text_v(text, sizeof(text), format, args);
	va_end(args);
	console_lock();
	if (editing)
		line_hide(&line);
	console_printf("%s\n", text);
	if (editing)
		line_redraw(&line);
	console_unlock();
}
