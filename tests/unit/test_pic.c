/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/irqchip/pic.c */
/* The two 8259As: initialisation, priorities, every end of interrupt, spurious ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kvm/irqchip/pic.h"

#define M_CMD  0x20
#define M_DATA 0x21
#define S_CMD  0xa0
#define S_DATA 0xa1

/* As a BIOS does: vectors 0x08 and 0x70, @icw4, nothing masked. */
static void start_icw4(struct pic *p, u8 icw4)
{
	pic_init(p);
	pic_write(p, M_CMD, 0x11);
	pic_write(p, M_DATA, 0x0f); /* low three bits are not the program's */
	pic_write(p, M_DATA, 0x04);
	pic_write(p, M_DATA, icw4);
	pic_write(p, S_CMD, 0x11);
	pic_write(p, S_DATA, 0x70);
	pic_write(p, S_DATA, 0x02);
	pic_write(p, S_DATA, icw4);
	p->acked = p->unmasked = 0;
}

static void start(struct pic *p)
{
	start_icw4(p, 0x01);
}

static void pulse(struct pic *p, u32 line)
{
	pic_set_line(p, line, true);
	pic_set_line(p, line, false);
}

static u8 read_isr(struct pic *p, u16 port)
{
	pic_write(p, port, 0x0b);
	return pic_read(p, port);
}

static u8 read_irr(struct pic *p, u16 port)
{
	pic_write(p, port, 0x0a);
	return pic_read(p, port);
}

static void test_power_on(void **state)
{
	struct pic p;

	(void)state;
	pic_init(&p);
	assert_false(p.output);
	assert_int_equal(pic_peek(&p), -1);
	assert_int_equal(pic_read(&p, M_DATA), 0);
	assert_int_equal(pic_read(&p, M_CMD), 0);
	assert_int_equal(pic_read(&p, 0x4d0), 0);
}

static void test_init_words(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	assert_int_equal(p.chip[0].irq_base, 0x08);
	assert_int_equal(p.chip[1].irq_base, 0x70);
	/* After the last word the data port is the mask again. */
	pic_write(&p, M_DATA, 0xfe);
	assert_int_equal(pic_read(&p, M_DATA), 0xfe);
	/* Without ICW4 there are three words, and the modes of ICW4 are cleared. */
	start_icw4(&p, 0x13);
	assert_true(p.chip[0].auto_eoi && p.chip[0].special_fully_nested_mode);
	pic_write(&p, M_CMD, 0x10);
	assert_false(p.chip[0].auto_eoi || p.chip[0].special_fully_nested_mode);
	pic_write(&p, M_DATA, 0x20);
	pic_write(&p, M_DATA, 0x04);
	pic_write(&p, M_DATA, 0xaa);
	assert_int_equal(pic_read(&p, M_DATA), 0xaa);
}

static void test_init_forgets_edges_and_masks(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pic_write(&p, 0x4d0, 0x20);
	pic_write(&p, M_DATA, 0xff);
	pic_set_line(&p, 3, true);
	pic_set_line(&p, 5, true);
	p.acked = p.unmasked = 0;
	pic_write(&p, M_CMD, 0x11);
	assert_int_equal(pic_read(&p, M_DATA), 0);
	assert_int_equal(p.chip[0].irr, 0x20); /* the level is still there */
	assert_int_equal(p.acked, 0x08);
	assert_int_equal(p.unmasked, 0xff);
	/* A line that stayed high is a new edge only after it was low. */
	assert_int_equal(p.chip[0].last_irr, 0);
}

static void test_init_resets_modes(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pulse(&p, 6);
	pic_acknowledge(&p);
	pic_write(&p, M_CMD, 0xc3); /* rotate */
	pic_write(&p, M_CMD, 0x6b); /* special mask, read ISR */
	pic_write(&p, M_CMD, 0x0c); /* poll */
	p.acked = 0;
	pic_write(&p, M_CMD, 0x11);
	assert_int_equal(pic_read(&p, M_CMD), 0); /* IRR, and no poll */
	assert_int_equal(p.chip[0].isr, 0);
	assert_int_equal(p.acked, 0x40);
	assert_int_equal(p.chip[0].priority_add, 0);
	assert_int_equal(p.chip[0].special_mask, 0);
	assert_int_equal(p.chip[0].read_reg_select, 0);
}

static void test_edge(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	assert_int_equal(pic_set_line(&p, 4, true), 1);
	assert_true(p.output);
	assert_int_equal(pic_peek(&p), 0x0c);
	assert_int_equal(pic_set_line(&p, 4, true), 1 /* not an edge: nothing lost */);
	pic_set_line(&p, 4, false);
	assert_true(p.output); /* latched */
	assert_int_equal(pic_set_line(&p, 4, true), 0 /* coalesced */);
	assert_int_equal(pic_acknowledge(&p), 0x0c);
	assert_false(p.output);
	assert_int_equal(read_isr(&p, M_CMD), 0x10);
	assert_int_equal(read_irr(&p, M_CMD), 0);
	/* The line is still high: no second interrupt before the next edge. */
	pic_write(&p, M_CMD, 0x20);
	assert_false(p.output);
	pulse(&p, 4);
	assert_false(p.output); /* high all along, then low */
	pulse(&p, 4);
	assert_true(p.output);
}

static void test_level(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pic_write(&p, 0x4d0, 0xff);
	pic_write(&p, 0x4d1, 0xff);
	assert_int_equal(pic_read(&p, 0x4d0), 0xf8);
	assert_int_equal(pic_read(&p, 0x4d1), 0xde);
	assert_int_equal(pic_set_line(&p, 10, true), 1);
	assert_int_equal(pic_set_line(&p, 10, true), 0);
	assert_int_equal(pic_acknowledge(&p), 0x72);
	assert_false(p.output);
	pic_write(&p, S_CMD, 0x20);
	pic_write(&p, M_CMD, 0x20);
	assert_true(p.output); /* still high: again */
	pic_acknowledge(&p);
	pic_set_line(&p, 10, false);
	pic_write(&p, S_CMD, 0x20);
	pic_write(&p, M_CMD, 0x20);
	assert_false(p.output);
}

static void test_mask(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pic_write(&p, M_DATA, 0x02);
	assert_int_equal(pic_set_line(&p, 1, true), -1);
	assert_false(p.output);
	assert_int_equal(read_irr(&p, M_CMD), 0x02);
	assert_int_equal(p.unmasked, 0);
	pic_write(&p, M_DATA, 0x00);
	assert_int_equal(p.unmasked, 0x02);
	assert_true(p.output);
	assert_int_equal(pic_acknowledge(&p), 0x09);
	/* Masked cascade: the slave's request does not get through. */
	start(&p);
	pic_write(&p, M_DATA, 0x04);
	pulse(&p, 9);
	assert_false(p.output);
	pic_write(&p, M_DATA, 0x00);
	assert_int_equal(pic_acknowledge(&p), 0x71);
}

static void test_fixed_priority(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pulse(&p, 7);
	pulse(&p, 3);
	pulse(&p, 12);
	/* 0 1 (8..15) 3 4 5 6 7 */
	assert_int_equal(pic_acknowledge(&p), 0x74);
	assert_false(p.output); /* 3 and 7 wait */
	pulse(&p, 0);
	assert_true(p.output); /* nested */
	assert_int_equal(pic_acknowledge(&p), 0x08);
	pic_write(&p, M_CMD, 0x20); /* ends 0, the highest */
	assert_int_equal(read_isr(&p, M_CMD), 0x04);
	assert_false(p.output);
	pic_write(&p, S_CMD, 0x20);
	pic_write(&p, M_CMD, 0x20);
	assert_int_equal(pic_acknowledge(&p), 0x0b);
	pic_write(&p, M_CMD, 0x63); /* specific */
	assert_int_equal(pic_acknowledge(&p), 0x0f);
	assert_int_equal(p.acked & 0xff, 1 << 0 | 1 << 2 | 1 << 3);
	assert_int_equal(p.acked >> 8, 1 << 4);
}

static void test_eoi_of_nothing(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pic_write(&p, M_CMD, 0x20);
	pic_write(&p, M_CMD, 0xa0);
	assert_int_equal(p.acked, 0);
	assert_int_equal(p.chip[0].priority_add, 0);
	pic_write(&p, M_CMD, 0x40); /* no operation */
	assert_int_equal(p.chip[0].priority_add, 0);
}

static void test_rotation(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pic_write(&p, M_CMD, 0xc4); /* 4 is lowest, so 5 is highest */
	pulse(&p, 3);
	pulse(&p, 4);
	pulse(&p, 5);
	assert_int_equal(pic_acknowledge(&p), 0x0d);
	pic_write(&p, M_CMD, 0xa0); /* end it, and make it the lowest */
	assert_int_equal(p.chip[0].priority_add, 6);
	assert_int_equal(pic_acknowledge(&p), 0x0b);
	pic_write(&p, M_CMD, 0xe3); /* specific, rotating */
	assert_int_equal(p.chip[0].priority_add, 4);
	assert_int_equal(pic_acknowledge(&p), 0x0c);
}

static void test_auto_eoi(void **state)
{
	struct pic p;

	(void)state;
	start_icw4(&p, 0x03);
	pulse(&p, 1);
	assert_int_equal(pic_acknowledge(&p), 0x09);
	assert_int_equal(read_isr(&p, M_CMD), 0);
	assert_int_equal(p.acked, 0x02);
	pic_write(&p, M_CMD, 0x80); /* rotate on automatic EOI */
	pulse(&p, 1);
	pic_acknowledge(&p);
	assert_int_equal(p.chip[0].priority_add, 2);
	pic_write(&p, M_CMD, 0x00); /* no more */
	pulse(&p, 6);
	pic_acknowledge(&p);
	assert_int_equal(p.chip[0].priority_add, 2);
}

static void test_special_fully_nested(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pulse(&p, 12);
	pic_acknowledge(&p);
	pulse(&p, 8);
	assert_false(p.output); /* the master has its line 2 in service */
	start_icw4(&p, 0x11);
	pulse(&p, 12);
	pic_acknowledge(&p);
	pulse(&p, 8);
	assert_true(p.output);
	assert_int_equal(pic_acknowledge(&p), 0x70);
}

static void test_special_mask(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pulse(&p, 2); /* in service, not through the slave */
	pulse(&p, 0);
	assert_int_equal(pic_acknowledge(&p), 0x08);
	pulse(&p, 6);
	assert_false(p.output);
	pic_write(&p, M_DATA, 0x01);
	pic_write(&p, M_CMD, 0x68);
	assert_true(p.output); /* 0 is masked, so it holds nothing back */
	pic_write(&p, M_CMD, 0x48);
	assert_false(p.output);
}

static void test_spurious(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	assert_int_equal(pic_acknowledge(&p), 0x0f);
	assert_int_equal(read_isr(&p, M_CMD), 0); /* a spurious 7 is not in service */
	/* The slave's request goes away between INTR and INTA. */
	pic_write(&p, 0x4d1, 0x02);
	pic_set_line(&p, 9, true);
	pic_set_line(&p, 9, false);
	assert_true(p.output);
	assert_int_equal(pic_peek(&p), 0x77);
	assert_int_equal(pic_acknowledge(&p), 0x77);
	assert_int_equal(read_isr(&p, M_CMD), 0x04);
	assert_int_equal(read_isr(&p, S_CMD), 0);
}

static void test_poll(void **state)
{
	struct pic p;

	(void)state;
	start(&p);
	pic_write(&p, M_CMD, 0x0c);
	assert_int_equal(pic_read(&p, M_CMD), 7); /* none: bit 7 is clear */
	assert_int_equal(pic_read(&p, M_CMD), 0); /* for one read only */
	pulse(&p, 5);
	pic_write(&p, M_CMD, 0x0c);
	assert_int_equal(pic_read(&p, M_DATA), 0x85);
	assert_false(p.output);
	assert_int_equal(p.acked, 0x20);
	pulse(&p, 11);
	pic_write(&p, S_CMD, 0x0c);
	assert_int_equal(pic_read(&p, S_CMD), 0x83);
	assert_false(p.output);
	assert_int_equal(p.chip[0].irr, 0);
}

static void test_random(void **state)
{
	static const u16 ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
	struct pic p;
	u32 seed = 1;

	(void)state;
	pic_init(&p);
	for (int i = 0; i < 300000; i++) {
		u16 port;

		seed = seed * 1664525 + 1013904223;
		port = ports[(seed >> 8) % ARRAY_SIZE(ports)];
		switch (seed >> 28 & 3) {
		case 0:
			pic_write(&p, port, (u8)(seed >> 16));
			break;
		case 1:
			pic_read(&p, port);
			break;
		case 2:
			pic_set_line(&p, seed >> 16 & 15, seed >> 20 & 1);
			break;
		default:
			if (p.output) {
				int peek = pic_peek(&p);

				assert_true(peek >= 0);
				assert_int_equal(pic_acknowledge(&p), peek);
			}
			break;
		}
		assert_int_equal(p.output, pic_peek(&p) >= 0);
		assert_int_equal(p.chip[0].elcr & 0x07, 0);
		assert_true(p.chip[0].priority_add < 8 && p.chip[1].priority_add < 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_on),
		cmocka_unit_test(test_init_words),
		cmocka_unit_test(test_init_forgets_edges_and_masks),
		cmocka_unit_test(test_init_resets_modes),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_fixed_priority),
		cmocka_unit_test(test_eoi_of_nothing),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_auto_eoi),
		cmocka_unit_test(test_special_fully_nested),
		cmocka_unit_test(test_special_mask),
		cmocka_unit_test(test_spurious),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
