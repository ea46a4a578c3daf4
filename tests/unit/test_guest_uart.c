/* SPDX-License-Identifier: MIT */
/* sources: hv/core/guest_uart.c hv/core/console_input.c hv/core/console.c hv/lib/printf.c
 *	arch/x86/cpu/uart.c tests/unit/fake_uart.c tests/unit/guest_uart_fixture.c */
/* The control guest's UART: its registers and interrupts. */
#include "guest_uart_fixture.h"

#include <string.h>

#include "core/console.h"

/* As Linux's driver looks for what it is. */
static void test_registers(void **state)
{
	(void)state;
	out(IER, 0xff);
	assert_int_equal(in(IER), 0x0f);
	out(IER, 0);
	assert_int_equal(in(IER), 0);
	assert_int_equal(in(IIR), 0xc1);
	out(FCR, 0);
	assert_int_equal(in(IIR), 0x01);
	out(FCR, UART_FCR_ENABLE | 0x20); /* a 16750 has 64 bytes */
	assert_int_equal(in(IIR), 0xc1);
	out(SCR, 0xa5);
	assert_int_equal(in(SCR), 0xa5);
	out(LCR, UART_LCR_DLAB | UART_LCR_8N1);
	out(DATA, 12);
	out(DIVISOR_HIGH, 1);
	assert_int_equal(in(DIVISOR_LOW), 12);
	assert_int_equal(in(DIVISOR_HIGH), 1);
	assert_int_equal(in(LCR), 0x83);
	out(LCR, 0x1b);
	assert_int_equal(in(LCR), 0x1b);
	assert_int_equal(fake_uart_divisor(), 1); /* the real one stays as it is */
	assert_string_equal(fake_uart_sent(), "");
	assert_int_equal(in(LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

static void test_loopback(void **state)
{
	(void)state;
	out(MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(in(MSR)&0xf0, 0x90);
	out(MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
	assert_int_equal(in(MSR)&0xf0, 0x60);
	assert_int_equal(fake_uart_mcr(), UART_MCR_DTR | UART_MCR_RTS); /* no interrupt goes out */
	out(DATA, 'x');
	assert_string_equal(fake_uart_sent(), "");
	assert_string_equal(typed_to_guest(), "x");
	out(MCR, UART_MCR_OUT2);
	assert_int_equal(fake_uart_mcr(), UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
}

static void test_receive(void **state)
{
	(void)state;
	out(IER, UART_IER_RDI);
	assert_false(fake_uart_interrupts());
	fake_uart_type("ab");
	assert_true(fake_uart_interrupts());
	assert_int_equal(in(IIR), 0xc4);
	assert_true(fake_uart_interrupts());
	assert_int_equal(in(DATA), 'a');
	assert_int_equal(in(IIR), 0xc4);
	assert_int_equal(in(DATA), 'b');
	assert_int_equal(in(IIR), 0xc1);
	assert_false(fake_uart_interrupts());
	assert_int_equal(in(LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

/* What a poll has taken out of the UART interrupts the guest all the same, as soon as it can. */
static void test_poll_and_interrupt(void **state)
{
	(void)state;
	out(IER, UART_IER_RDI);
	fake_uart_type("a");
	poll_now();
	assert_true(fake_uart_interrupts());
	assert_string_equal(typed_to_guest(), "a");
	assert_false(fake_uart_interrupts());
	fake_uart_set_busy(true);
	out(DATA, 'x');
	fake_uart_type("b");
	poll_now();
	assert_false(fake_uart_interrupts());
	fake_uart_set_busy(false);
	assert_true(fake_uart_interrupts());
	out(IER, 0);
	assert_false(fake_uart_interrupts());
	assert_int_equal(in(IIR), 0xc1);
	assert_string_equal(typed_to_guest(), "b");
}

static void test_transmit(void **state)
{
	(void)state;
	out(IER, UART_IER_THRI);
	assert_true(fake_uart_interrupts());
	assert_int_equal(in(IIR), 0xc2);
	assert_int_equal(in(IIR), 0xc1);
	assert_false(fake_uart_interrupts());
	fake_uart_set_busy(true);
	for (u32 i = 0; i < 16; i++)
		out(DATA, 'x');
	assert_int_equal(in(LSR), 0);
	assert_false(fake_uart_interrupts());
	fake_uart_set_busy(false);
	assert_true(fake_uart_interrupts());
	assert_int_equal(in(IIR), 0xc2);
	assert_int_equal(in(IIR), 0xc1);
	out(IER, 0);
	out(IER, UART_IER_THRI); /* Linux's test for parts that forget it */
	assert_int_equal(in(IIR), 0xc2);
	/* What is written while the monitor has the UART is kept, and interrupts as if sent. */
	(void)fake_uart_sent();
	console_hold(true);
	fake_monitor.open = true;
	out(DATA, 'y');
	assert_true(fake_uart_interrupts());
	assert_int_equal(in(IIR), 0xc2);
	assert_int_equal(in(LSR), UART_LSR_THRE | UART_LSR_TEMT);
	assert_null(strchr(fake_uart_sent(), 'y'));
	fake_monitor.open = false;
	poll_now();
	assert_non_null(strchr(fake_uart_sent(), 'y'));
}

static void test_modem(void **state)
{
	(void)state;
	fake_uart_set_modem(0xb0);
	assert_int_equal(in(MSR), 0xb0);
	out(IER, UART_IER_MSI);
	assert_int_equal(in(IIR), 0xc1);
	fake_uart_set_modem(0xa1);
	assert_true(fake_uart_interrupts());
	assert_int_equal(in(IIR), 0xc0);
	fake_uart_set_modem(0xa0); /* kvm0 has read it */
	assert_int_equal(in(MSR), 0xa1);
	assert_int_equal(in(MSR), 0xa0);
	assert_int_equal(in(IIR), 0xc1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, guest_uart_setup),
		cmocka_unit_test_setup(test_loopback, guest_uart_setup),
		cmocka_unit_test_setup(test_receive, guest_uart_setup),
		cmocka_unit_test_setup(test_poll_and_interrupt, guest_uart_setup),
		cmocka_unit_test_setup(test_transmit, guest_uart_setup),
		cmocka_unit_test_setup(test_modem, guest_uart_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
