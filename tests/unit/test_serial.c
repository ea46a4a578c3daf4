/* SPDX-License-Identifier: MIT */
/* The 16550 that a guest has. */
/* sources: guest/control/vmm/serial.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "guest/control/vmm/serial.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH };
#define FCR IIR

static struct serial s;
static char sent[64];
static unsigned sent_count, edges;
static bool level;

static void output(void *owner, u8 byte)
{
	assert_ptr_equal(owner, sent);
	sent[sent_count++] = (char)byte;
}

static void set_irq(void *owner, bool l)
{
	assert_ptr_equal(owner, sent);
	assert_true(l != level);
	level = l;
	edges += l;
}

static int setup(void **state)
{
	(void)state;
	memset(sent, 0, sizeof(sent));
	sent_count = edges = 0;
	level = false;
	serial_init(&s, sent, output, set_irq);
	return 0;
}

static void put(u32 reg, u8 v)
{
	serial_write(&s, reg, v);
}
static u8 get(u32 reg)
{
	return serial_read(&s, reg);
}

static void test_is_found_by_a_driver(void **state)
{
	(void)state;
	put(SCRATCH, 0xae);
	assert_int_equal(get(SCRATCH), 0xae);
	put(IER, 0xff);
	assert_int_equal(get(IER), 0x0f);
	put(IER, 0);
	put(FCR, 0x01);
	assert_int_equal(get(IIR) & 0xc0, 0xc0); /* a 16550A */
	put(FCR, 0);
	assert_int_equal(get(IIR) & 0xc0, 0);
	put(MCR, 0x1a); /* loop-back, RTS, OUT2 */
	assert_int_equal(get(MSR) & 0xf0, 0x90);
	put(MCR, 0x15); /* loop-back, DTR, OUT1 */
	assert_int_equal(get(MSR) & 0xf0, 0x60);
	put(MCR, 0x08);
	assert_int_equal(get(MSR), 0xb0);
}

static void test_divisor(void **state)
{
	(void)state;
	put(LCR, 0x83);
	put(DATA, 0x0c);
	put(IER, 0x01);
	assert_int_equal(get(DATA), 0x0c);
	assert_int_equal(get(IER), 0x01);
	assert_int_equal(sent_count, 0);
	put(LCR, 0x03);
	assert_int_equal(get(IER), 0);
	assert_false(level);
}

static void test_sends(void **state)
{
	(void)state;
	put(DATA, 'h');
	put(DATA, 'i');
	assert_string_equal(sent, "hi");
	assert_int_equal(get(LSR), 0x60);
	assert_false(level);
}

static void test_transmit_interrupt(void **state)
{
	(void)state;
	put(MCR, 0x08);
	put(IER, 0x02); /* tells at once that the register is empty */
	assert_true(level);
	assert_int_equal(get(IIR) & 0x0f, 0x02);
	assert_false(level);
	assert_int_equal(get(IIR) & 0x0f, 0x01);
	put(DATA, 'x');
	assert_true(level);
	assert_int_equal(edges, 2);
	put(IER, 0);
	assert_false(level);
	put(IER, 0x02);
	assert_true(level);
}

static void test_no_interrupt_without_out2(void **state)
{
	(void)state;
	put(IER, 0x03);
	serial_receive(&s, 'a');
	assert_false(level);
	put(MCR, 0x08);
	assert_true(level);
	put(MCR, 0);
	assert_false(level);
}

static void test_receives(void **state)
{
	(void)state;
	put(MCR, 0x08);
	put(FCR, 0x01);
	put(IER, 0x01);
	assert_int_equal(serial_room(&s), 16);
	serial_receive(&s, 'a');
	serial_receive(&s, 'b');
	assert_true(level);
	assert_int_equal(serial_room(&s), 14);
	assert_int_equal(get(IIR) & 0x0f, 0x04);
	assert_int_equal(get(LSR) & 0x01, 1);
	assert_int_equal(get(DATA), 'a');
	assert_true(level);
	assert_int_equal(get(DATA), 'b');
	assert_false(level);
	assert_int_equal(get(LSR) & 0x01, 0);
	assert_int_equal(get(DATA), 0);
}

static void test_trigger_level(void **state)
{
	(void)state;
	put(MCR, 0x08);
	put(FCR, 0x81); /* 8 bytes */
	put(IER, 0x01);
	serial_receive(&s, 'a');
	assert_true(level); /* the time-out comes at once */
	assert_int_equal(get(IIR) & 0x0f, 0x0c);
	for (unsigned i = 1; i < 8; i++)
		serial_receive(&s, 'a');
	assert_int_equal(get(IIR) & 0x0f, 0x04);
}

static void test_overrun(void **state)
{
	(void)state;
	put(MCR, 0x08);
	put(FCR, 0x01);
	put(IER, 0x04);
	for (unsigned i = 0; i < 16; i++)
		serial_receive(&s, (u8)('a' + i));
	assert_int_equal(serial_room(&s), 0);
	assert_false(level);
	serial_receive(&s, 'X');
	assert_true(level);
	assert_int_equal(get(IIR) & 0x0f, 0x06);
	assert_int_equal(get(LSR) & 0x02, 0x02);
	assert_int_equal(get(LSR) & 0x02, 0);
	assert_false(level);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(get(DATA), 'a' + i);
}

static void test_without_fifo_one_byte_fits(void **state)
{
	(void)state;
	assert_int_equal(serial_room(&s), 1);
	serial_receive(&s, 'a');
	assert_int_equal(serial_room(&s), 0);
}

static void test_clearing_the_fifo(void **state)
{
	(void)state;
	put(MCR, 0x08);
	put(FCR, 0x01);
	put(IER, 0x01);
	serial_receive(&s, 'a');
	put(FCR, 0x03);
	assert_false(level);
	assert_int_equal(get(LSR) & 0x01, 0);
}

static void test_loop_back(void **state)
{
	(void)state;
	put(FCR, 0x01);
	put(MCR, 0x18);
	assert_int_equal(serial_room(&s), 0); /* the line is cut off */
	put(DATA, 'q');
	assert_int_equal(sent_count, 0);
	assert_int_equal(get(LSR) & 0x01, 1);
	assert_int_equal(get(DATA), 'q');
}

static void test_read_only_registers(void **state)
{
	(void)state;
	put(LSR, 0xff);
	put(MSR, 0xff);
	assert_int_equal(get(LSR), 0x60);
	assert_int_equal(get(MSR), 0xb0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_is_found_by_a_driver, setup),
		cmocka_unit_test_setup(test_divisor, setup),
		cmocka_unit_test_setup(test_sends, setup),
		cmocka_unit_test_setup(test_transmit_interrupt, setup),
		cmocka_unit_test_setup(test_no_interrupt_without_out2, setup),
		cmocka_unit_test_setup(test_receives, setup),
		cmocka_unit_test_setup(test_trigger_level, setup),
		cmocka_unit_test_setup(test_overrun, setup),
		cmocka_unit_test_setup(test_without_fifo_one_byte_fits, setup),
		cmocka_unit_test_setup(test_clearing_the_fifo, setup),
		cmocka_unit_test_setup(test_loop_back, setup),
		cmocka_unit_test_setup(test_read_only_registers, setup),
	};
	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
