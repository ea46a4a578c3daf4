/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: hv/kvm/irqchip/lapic_state.c hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* A local APIC's state taken out and put into another, with its timer; any page is harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <string.h>

#include "kvm/irqchip/lapic.h"

static const struct irq_clock test_clock = {.tsc_khz = 1000000}; /* a tick is a nanosecond */
static struct apic_bus bus;
static struct lapic a, b;
static u32 page[2][1024] __attribute__((aligned(4096)));
static struct kvm_lapic_state state;

static int setup(void **unused)
{
	(void)unused;
	memset(page, 0, sizeof(page));
	bus = (struct apic_bus){.count = 0};
	lapic_init(&a, page[0], &bus, &test_clock, 0, 0x123, true);
	lapic_init(&b, page[1], &bus, &test_clock, 1, 0x123, false);
	a.tsc_deadline = b.tsc_deadline = true;
	a.base_reserved = b.base_reserved = lapic_base_reserved(52, true);
	bus.wake = 0;
	return 0;
}

static u32 *reg(u32 r)
{
	return (u32 *)(void *)(state.regs + r);
}

static void move(u64 now)
{
	lapic_get_state(&a, &state, now);
	assert_int_equal(lapic_set_state(&b, &state, now), 0);
}

static void write_reg(u32 r, u32 val, u64 now)
{
	lapic_mmio_write(&a, r, 4, val, now);
}

static void test_vectors(void **unused)
{
	struct apic_message m = {.vector = 0x61, .level = true, .assert = true};

	(void)unused;
	write_reg(LAPIC_SVR, 0x1ff, 0);
	assert_true(lapic_accept_message(&a, &m));
	assert_int_equal(lapic_accept(&a), 0x61);
	m.vector = 0x71;
	assert_true(lapic_accept_message(&a, &m));
	write_reg(LAPIC_TPR, 0x80, 0);
	move(0);
	assert_int_equal(bus.wake, 3);
	assert_int_equal(b.highest_isr, 0x61);
	assert_int_equal(lapic_highest_irr(&b), 0x71);
	assert_int_equal(lapic_highest_pending(&b), -1);
	assert_int_equal(lapic_reg(&b, LAPIC_PPR), 0x80);
	lapic_set_cr8(&b, 0);
	assert_int_equal(lapic_accept(&b), 0x71);
	lapic_eoi(&b, 0);
	lapic_eoi(&b, 0);
	assert_int_equal(b.highest_isr, -1);
}

static void test_x2apic(void **unused)
{
	(void)unused;
	assert_int_equal(lapic_set_base(&a, 0xfee00c00, true), 0);
	assert_int_equal(lapic_set_base(&b, 0xfee00c00, true), 0);
	lapic_get_state(&a, &state, 0);
	assert_int_equal(*reg(LAPIC_ID), 0x23000000); /* cut off: hence the other format */
	*reg(LAPIC_ICR2) = 77;
	assert_int_equal(lapic_set_state(&b, &state, 0), 0);
	assert_int_equal(lapic_reg(&b, LAPIC_ID), 0x123);
	assert_int_equal(lapic_reg(&b, LAPIC_ICR + 4), 77);
	bus.x2apic_api = KVM_X2APIC_API_USE_32BIT_IDS;
	lapic_get_state(&b, &state, 0);
	assert_int_equal(*reg(LAPIC_ID), 0x123);
	assert_int_equal(*reg(LAPIC_ICR2), 77);
	*reg(LAPIC_ID) = 0x124;
	assert_int_equal(lapic_set_state(&b, &state, 0), -EINVAL);
}

static void test_oneshot(void **unused)
{
	(void)unused;
	write_reg(LAPIC_SVR, 0x1ff, 0);
	write_reg(LAPIC_TDCR, 0xb, 0);
	write_reg(LAPIC_LVT_TIMER, 0x40, 0);
	write_reg(LAPIC_TMICT, 1000, 100);
	move(700);
	assert_int_equal(b.deadline, 1100);
	assert_int_equal(lapic_reg(&b, LAPIC_TMCCT), 0);
	assert_int_equal(lapic_timer_current(&b, 1000), 100);
	/* Expired in the old place without being seen there: in IRR, and once. */
	move(1200);
	assert_int_equal(lapic_highest_irr(&b), 0x40);
	assert_true(lapic_timer_expire(&b, 1200));
	assert_int_equal(lapic_accept(&b), 0x40);
	assert_int_equal(lapic_accept(&b), -1);
	assert_int_equal(lapic_next_deadline(&b), IRQ_NEVER);
	/* More left than there can be. */
	*reg(LAPIC_TMCCT) = 5000;
	assert_int_equal(lapic_set_state(&b, &state, 2000), 0);
	assert_int_equal(b.deadline, 3000);
}

static void test_periodic(void **unused)
{
	(void)unused;
	write_reg(LAPIC_TDCR, 0xb, 0);
	write_reg(LAPIC_LVT_TIMER, 0x20040, 0);
	write_reg(LAPIC_TMICT, 1000, 0);
	move(2300);
	assert_int_equal(b.deadline, 3000);
	assert_int_equal(b.period, 1000);
	*reg(LAPIC_TMCCT) = 0;
	assert_int_equal(lapic_set_state(&b, &state, 5000), 0);
	assert_int_equal(b.deadline, 6000);
}

static void test_deadline(void **unused)
{
	(void)unused;
	write_reg(LAPIC_LVT_TIMER, 0x40040, 0);
	lapic_set_tsc_deadline(&a, 5000, 0);
	lapic_get_state(&a, &state, 100);
	assert_int_equal(lapic_set_state(&a, &state, 100), 0); /* the MSR is not in the page */
	assert_int_equal(lapic_tsc_deadline(&a), 5000);
	assert_int_equal(a.deadline, 5000);
	*reg(LAPIC_TMICT) = 99;
	assert_int_equal(lapic_set_state(&b, &state, 100), 0); /* from one-shot to this mode */
	assert_int_equal(lapic_next_deadline(&b), IRQ_NEVER);
	assert_int_equal(lapic_reg(&b, LAPIC_TMICT), 0);
	*reg(LAPIC_LVT_TIMER) = 0x60040; /* no mode at all */
	assert_int_equal(lapic_set_state(&a, &state, 100), 0);
	assert_int_equal(lapic_next_deadline(&a), IRQ_NEVER);
}

static void test_garbage(void **unused)
{
	u32 seed = 5;
	u64 now = 0;

	(void)unused;
	for (u32 round = 0; round < 2000; round++) {
		for (u32 i = 0; i < sizeof(state.regs); i++) {
			seed = seed * 1664525 + 1013904223;
			state.regs[i] = (char)(seed >> 24);
		}
		a.tsc_deadline = seed >> 8 & 1;
		assert_int_equal(lapic_set_state(&a, &state, now), 0);
		for (u32 i = 0; i < 20; i++) {
			now += seed >> 16;
			lapic_timer_expire(&a, now);
			lapic_eoi(&a, now);
			lapic_accept(&a);
			lapic_get_state(&a, &state, now);
		}
		assert_int_equal(lapic_reg(&a, LAPIC_VERSION), 0x50014);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_vectors, setup),
		cmocka_unit_test_setup(test_x2apic, setup),
		cmocka_unit_test_setup(test_oneshot, setup),
		cmocka_unit_test_setup(test_periodic, setup),
		cmocka_unit_test_setup(test_deadline, setup),
		cmocka_unit_test_setup(test_garbage, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
