/* SPDX-License-Identifier: MIT */
/* sources: hv/core/guest_uart.c hv/core/console_input.c hv/core/console.c hv/lib/printf.c
 *	arch/x86/cpu/uart.c tests/unit/fake_uart.c tests/unit/guest_uart_fixture.c */
/* What is typed at the console: who gets it, and what is wrong with it. */
#include "guest_uart_fixture.h"

#include <string.h>

#include "core/console.h"
#include "cpu/tsc.h"

static void test_escape(void **state)
{
	(void)state;
	out(IER, UART_IER_RDI);
	fake_uart_type("a\x1cline\r");
	assert_string_equal(typed_to_guest(), "a");
	assert_true(fake_monitor.open);
	assert_string_equal(fake_monitor.typed, "line\r");
	assert_false(fake_uart_interrupts());
	fake_uart_type("\x1c"
		       "b");
	poll_now();
	assert_false(fake_monitor.open);
	assert_string_equal(typed_to_guest(), "b");
	fake_uart_type("\x1c\x1c");
	assert_string_equal(typed_to_guest(), "\x1c");
	assert_false(fake_monitor.open);
	assert_string_equal(fake_monitor.typed, "line\r");
}

static void test_polls(void **state)
{
	u64 next;

	(void)state;
	fake_uart_type("\x1c");
	poll_now();
	assert_true(fake_monitor.open);
	tsc_khz = 1000;
	next = guest_uart_poll(); /* it may take its time */
	assert_true(next <= rdtsc() + 1000);
	assert_true(fake_monitor.polls > 0);
	fake_monitor.open = false;
	tsc_khz = 1ull << 30;
	while (guest_uart_poll() < rdtsc() + (1ull << 33))
		;
	next = guest_uart_poll();
	fake_uart_type("x");
	assert_int_equal(guest_uart_poll(), next); /* not yet */
	assert_string_equal(typed_to_guest(), "x");
}

static void test_bad_bytes(void **state)
{
	(void)state;
	out(IER, UART_IER_RDI | UART_IER_RLSI);
	fake_uart_receive(0, 0x10); /* break */
	fake_uart_receive(CONSOLE_ESCAPE, 0x08);
	fake_uart_receive('p', 0x04);
	fake_uart_receive('a', 0);
	console_print("x", 1); /* which looks at LSR as well */
	assert_int_equal(console_guest_status() & UART_LSR_THRE, UART_LSR_THRE);
	assert_string_equal(typed_to_guest(), "a");
	assert_false(fake_monitor.open);
	assert_string_equal(fake_log_text,
			    "console: 3 received bytes are dropped: breaks, or framing or parity "
			    "errors");
	assert_int_equal(in(IIR), 0xc1);
	fake_uart_receive('b', UART_LSR_LOST);
	assert_int_equal(in(IIR), 0xc6);
	assert_int_equal(in(LSR), UART_LSR_LOST | UART_LSR_READY | UART_LSR_THRE | UART_LSR_TEMT);
	assert_int_equal(in(IIR), 0xc4);
	assert_string_equal(typed_to_guest(), "b");
	assert_string_equal(fake_log_text, "console: 1 received bytes or more are lost");
}

static void test_too_much(void **state)
{
	(void)state;
	for (u32 i = 0; i < 5000; i++)
		fake_uart_receive((u8)(i % 7 + 'a'), 0);
	for (u32 i = 0; i < 5000; i += 64)
		poll_now();
	assert_true(in(LSR)&UART_LSR_LOST);
	assert_non_null(strstr(fake_log_text, "are lost"));
	for (u32 i = 0; i < 4096; i++) {
		assert_int_equal(in(LSR) & (UART_LSR_READY | UART_LSR_LOST), UART_LSR_READY);
		assert_int_equal(in(DATA), i % 7 + 'a');
	}
	assert_false(in(LSR)&UART_LSR_READY);
	fake_uart_type("abc");
	out(FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
	assert_string_equal(typed_to_guest(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_escape, guest_uart_setup),
		cmocka_unit_test_setup(test_bad_bytes, guest_uart_setup),
		cmocka_unit_test_setup(test_too_much, guest_uart_setup),
		/* Last: the next poll is far away. */
		cmocka_unit_test_setup(test_polls, guest_uart_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
