/* SPDX-License-Identifier: MIT */
/* A control guest and a monitor for the tests of the UART; see guest_uart_fixture.h. */
#include "guest_uart_fixture.h"

#include <string.h>

#include "core/console.h"
#include "core/log.h"
#include "cpu/tsc.h"

u64 log_end(void)
{
	return 0;
}

size_t log_read(char *buf, size_t size, u64 *pos)
{
	(void)buf;
	(void)size;
	(void)pos;
	return 0;
}

/* --- a monitor --- */

struct fake_monitor fake_monitor;

static bool is_open(void)
{
	return fake_monitor.open;
}

static void open_it(void)
{
	fake_monitor.open = true;
	console_print("monitor> ", 9);
}

static void close_it(void)
{
	fake_monitor.open = false;
}

static void input(u8 byte)
{
	fake_monitor.typed[fake_monitor.count++] = (char)byte;
}

static void poll(void)
{
	fake_monitor.polls++;
}

/* --- the guest --- */

const char *typed_to_guest(void)
{
	static char text[64];
	u32 n = 0;

	while (in(LSR)&UART_LSR_READY)
		text[n++] = (char)in(DATA);
	text[n] = 0;
	return text;
}

void poll_now(void)
{
	tsc_khz = 0; /* the last one is long ago */
	(void)guest_uart_poll();
}

int guest_uart_setup(void **state)
{
	static const struct console_monitor monitor = {is_open, open_it, close_it, input, poll};

	memset(&fake_monitor, 0, sizeof(fake_monitor));
	fake_reset(state);
	fake_uart_setup(state);
	assert_int_equal(guest_uart_init(&monitor), UART_COM1);
	out(LCR, UART_LCR_8N1);
	out(IER, 0);
	out(FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
	out(MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	(void)in(LSR);
	(void)in(IIR);
	return 0;
}
