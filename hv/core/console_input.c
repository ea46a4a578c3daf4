/* SPDX-License-Identifier: MIT */
/* What is typed at the console; see core/console_input.h. */
#include "core/console_input.h"
#include "core/console.h"
#include "core/log.h"
#include "cpu/tsc.h"

#define FIFO_SIZE   4096u /* for the control guest: a third of a second */
#define RECEIVE_MAX 64u   /* at once */
#define POLL_MS     50u   /* of the monitor */

static struct {
	const struct console_monitor *monitor;
	bool escape_last; /* what was received last has opened it */
	bool is_lost;     /* a byte was, and the control guest has not heard of it */
	u32 bad, lost;    /* bytes that were received wrong, or not at all */
	u64 poll_at;      /* TSC */
	u32 head, tail;   /* count up for ever */
	u8 fifo[FIFO_SIZE];
} in;

void console_input_init(const struct console_monitor *monitor)
{
	in.monitor = monitor;
}

bool console_input_ready(void)
{
	return in.head != in.tail;
}

void console_input_clear(void)
{
	in.tail = in.head;
}

bool console_input_lost(bool forget)
{
	bool lost = in.is_lost;

	in.is_lost = lost && !forget;
	return lost;
}

void console_input_give(u8 byte)
{
	if (in.head - in.tail < FIFO_SIZE) {
		in.fifo[in.head++ % FIFO_SIZE] = byte;
		return;
	}
	in.is_lost = true;
	in.lost++;
}

u8 console_input_take(void)
{
	return in.head != in.tail ? in.fifo[in.tail++ % FIFO_SIZE] : 0;
}

static bool monitor_has_it(void)
{
	return in.monitor && in.monitor->is_open();
}

static void open_or_close(void)
{
	if (!in.monitor->is_open()) {
		console_hold(true);
		in.escape_last = true;
		in.monitor->open();
		return;
	}
	in.monitor->close();
	if (in.escape_last)
		console_input_give(CONSOLE_ESCAPE);
	in.escape_last = false;
}

static void take_byte(u8 byte)
{
	if (in.monitor && byte == CONSOLE_ESCAPE) {
		open_or_close();
	} else if (monitor_has_it()) {
		in.escape_last = false;
		in.monitor->input(byte);
	} else {
		console_input_give(byte);
	}
}

/* What was wrong on the line costs a line of the log, at most some. */
static void tell_errors(u32 bad, u32 lost)
{
	if (lost)
		log_guest(LOG_WARN, "console", "%u received bytes or more are lost", lost);
	if (bad)
		log_guest(LOG_WARN, "console",
			  "%u received bytes are dropped: breaks, or framing or parity errors",
			  bad);
}

void console_input_receive(void)
{
	u32 bad = in.bad, lost = in.lost;
	int byte;

	for (u32 n = 0; n < RECEIVE_MAX && (byte = console_read()) >= 0; n++) {
		u32 lsr = (u32)byte >> 8;

		if (lsr & UART_LSR_LOST) {
			in.is_lost = true;
			in.lost++;
		}
		if (lsr & UART_LSR_BAD)
			in.bad++;
		else
			take_byte((u8)byte);
	}
	tell_errors(in.bad - bad, in.lost - lost);
	console_hold(monitor_has_it());
}

bool console_input_poll(u64 now)
{
	if (!monitor_has_it())
		return false;
	if (now >= in.poll_at) {
		in.monitor->poll();
		in.poll_at = now + tsc_khz * POLL_MS;
	}
	return true;
}
