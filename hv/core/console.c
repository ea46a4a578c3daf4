/* SPDX-License-Identifier: MIT */
/* kvm0's console; see core/console.h. */
#include "core/console.h"
#include "core/log.h"
#include "core/seizable.h"
#include "cpu/tsc.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LINE_KEPT   256u         /* of an unfinished line, to write it anew */
#define PATIENCE_MS 200u         /* so long may one keep the log waiting */
#define HELD_SIZE   (16u * 1024) /* of the control guest's output */
#define CHUNK       128u

struct unfinished {
	u32 n;
	char text[LINE_KEPT];
};

/* Guards all of this, unless it is seized.  Rank: above the log's. */
static struct seizable console_lock;
static struct uart uart;
static struct {
	bool held;                 /* the monitor has it */
	struct unfinished line[2]; /* the control guest's, the monitor's */
	u64 touched;               /* when something was last written there (TSC) */
	u64 shown;                 /* position in the log */
	u32 first, count, lost;    /* of what is kept in bytes; lost: older, which was not kept */
	char bytes[HELD_SIZE];
} console;

int console_init(u16 port, u32 speed)
{
	if (!port) {
		uart = (struct uart){0};
		return 0;
	}
	return uart_init(&uart, port, speed);
}

const struct uart *console_uart(void)
{
	return uart.port ? &uart : NULL;
}

/* --- what follows is called with console_lock entered --- */

static void put_text(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			uart_write(&uart, "\r", 1);
		uart_write(&uart, &text[i], 1);
	}
}

/* Remember the line that is on the screen.  What follows a carriage return is written over it. */
static void note(struct unfinished *l, char c)
{
	if (l->n && (c == '\n' || l->text[l->n - 1] == '\r'))
		l->n = 0;
	if (c != '\n' && !(c == '\r' && !l->n) && l->n < LINE_KEPT)
		l->text[l->n++] = c;
}

static struct unfinished *current_line(void)
{
	return &console.line[console.held];
}

static bool must_wait(const struct unfinished *l)
{
	return l->n && l->n < LINE_KEPT && rdtsc() - console.touched < tsc_khz * PATIENCE_MS;
}

static void show_log(bool now)
{
	struct unfinished *l = current_line();
	u64 end = log_end();
	char text[CHUNK];

	if (console.shown >= end || (!now && must_wait(l)))
		return;
	if (l->n)
		uart_write(&uart, "\r\n", 2);
	while (console.shown < end) {
		size_t n = log_read(text, MIN(sizeof(text), end - console.shown), &console.shown);

		if (!n)
			break;
		put_text(text, n);
	}
	uart_write(&uart, l->text, l->n);
}

static void keep(char c)
{
	console.bytes[(console.first + console.count) % HELD_SIZE] = c;
	if (console.count < HELD_SIZE) {
		console.count++;
	} else {
		console.first = (console.first + 1) % HELD_SIZE;
		console.lost++;
	}
}

static void write_for_guest(char c)
{
	uart_write(&uart, &c, 1);
	note(&console.line[0], c);
	console.touched = rdtsc();
	if (!console.line[0].n)
		show_log(false);
}

static void write_one_kept(void)
{
	char c = console.bytes[console.first];

	console.first = (console.first + 1) % HELD_SIZE;
	console.count--;
	write_for_guest(c);
}

/* Write what is kept, as far as the UART takes it at once. */
static u8 write_kept(void)
{
	u8 status = uart_transmit_status(&uart);

	while (!console.held && console.count && (status & UART_LSR_THRE)) {
		write_one_kept();
		status = uart_transmit_status(&uart);
	}
	return status;
}

static void tell_lost(void)
{
	char text[80];
	size_t n = printf_format(text, sizeof(text),
				 "kvm0: console: %u bytes of output before this are lost\n",
				 console.lost);

	put_text(text, n);
	console.line[0].n = 0; /* it went on in what is lost */
	console.lost = 0;
}

/* The control guest has the console again. */
static void release(void)
{
	if (current_line()->n)
		uart_write(&uart, "\r\n", 2);
	console.held = false;
	if (console.lost)
		tell_lost();
	uart_write(&uart, console.line[0].text, console.line[0].n);
}

/* The monitor has it. */
static void hold_back(void)
{
	if (current_line()->n)
		uart_write(&uart, "\r\n", 2);
	console.held = true;
	console.line[1].n = 0;
}

/* --- the interface --- */

void console_show_log(bool now)
{
	if (!seizable_enter(&console_lock))
		return;
	show_log(now);
	seizable_leave(&console_lock);
}

void console_print(const char *text, size_t n)
{
	if (!seizable_enter(&console_lock))
		return;
	put_text(text, n);
	for (size_t i = 0; i < n; i++)
		note(current_line(), text[i]);
	console.touched = rdtsc();
	if (!current_line()->n)
		show_log(false);
	seizable_leave(&console_lock);
}

void console_hold(bool hold)
{
	if (READ_ONCE(console.held) == hold || !seizable_enter(&console_lock))
		return;
	if (hold)
		hold_back();
	else
		release();
	(void)write_kept();
	seizable_leave(&console_lock);
}

void console_guest_write(u8 byte)
{
	if (!seizable_enter(&console_lock))
		return;
	if (console.held || console.count)
		keep((char)byte);
	else
		write_for_guest((char)byte);
	seizable_leave(&console_lock);
}

u8 console_guest_status(void)
{
	u8 status = UART_LSR_THRE | UART_LSR_TEMT;

	if (!seizable_enter(&console_lock))
		return status;
	if (!console.held) {
		status = write_kept();
		if (console.count)
			status = 0;
	}
	seizable_leave(&console_lock);
	return status;
}

bool console_keeps_output(void)
{
	return READ_ONCE(console.count) && !READ_ONCE(console.held);
}

int console_read(void)
{
	int byte;

	if (!seizable_enter(&console_lock))
		return -1;
	byte = uart_read(&uart);
	seizable_leave(&console_lock);
	return byte;
}

void console_flush(void)
{
	if (!seizable_enter(&console_lock))
		return;
	if (console.held)
		release();
	while (console.count)
		write_one_kept();
	show_log(true);
	uart_drain(&uart);
	seizable_leave(&console_lock);
}

void console_seize(void)
{
	bool whole;

	if (seizable_is_seized(&console_lock))
		return;
	whole = seizable_seize(&console_lock);
	if (whole)
		show_log(true);
	if (!whole || current_line()->n)
		put_text("\n", 1);
	current_line()->n = 0;
}

void console_emergency(const char *text, size_t n)
{
	put_text(text, n);
	console.shown = log_end();
}
