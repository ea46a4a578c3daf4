/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* The local APIC's timer: one-shot, periodic, TSC-deadline, divider, masks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <string.h>

#include "kvm/irqchip/lapic.h"

/* Two ticks of the TSC a nanosecond. */
static const struct irq_clock test_clock = {.tsc_khz = 2000000, .min_period = 400000};
static struct apic_bus bus;
static struct lapic lapic;
static u32 page[1024] __attribute__((aligned(4096)));

#define VECTOR 0xef

static void wr(u32 reg, u32 val, u64 now)
{
	lapic_mmio_write(&lapic, reg, 4, val, now);
}

static u32 rd(u32 reg, u64 now)
{
	return (u32)lapic_mmio_read(&lapic, reg, 4, now);
}

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	bus = (struct apic_bus){0};
	lapic_init(&lapic, page, &bus, &test_clock, 0, 0, true);
	lapic.tsc_deadline = true;
	wr(LAPIC_SVR, 0x1ff, 0);
	return 0;
}

/* Take the timer's interrupt, if it is pending, as a guest does. */
static bool take(void)
{
	int vector = lapic_accept(&lapic);

	if (vector < 0)
		return false;
	assert_int_equal(vector, VECTOR);
	lapic_eoi(&lapic, 0);
	return true;
}

static void test_divider(void **state)
{
	/* TDCR value to divisor, SDM vol. 3, Divide Configuration Register. */
	static const struct {
		u32 tdcr, divide;
	} table[] = {{0x0, 2},  {0x1, 4},  {0x2, 8},   {0x3, 16},
		     {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};

	(void)state;
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		wr(LAPIC_TDCR, table[i].tdcr, 0);
		wr(LAPIC_TMICT, 1000, 50);
		assert_true(lapic_next_deadline(&lapic) == 50 + 1000ull * table[i].divide * 2);
		assert_int_equal(rd(LAPIC_TMCCT, 50), 1000);
		assert_int_equal(rd(LAPIC_TMCCT, 50 + 400ull * table[i].divide * 2), 600);
	}
	/* The longest run of all. */
	wr(LAPIC_TDCR, 0xa, 0);
	wr(LAPIC_TMICT, 0xffffffff, 0);
	assert_true(lapic_next_deadline(&lapic) == 0xffffffffull * 256);
}

static void test_one_shot(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	wr(LAPIC_TMICT, 10, 100); /* short ones are not stretched */
	assert_true(lapic_next_deadline(&lapic) == 120);
	assert_false(lapic_timer_expire(&lapic, 119));
	assert_false(take());
	assert_true(lapic_timer_expire(&lapic, 120));
	assert_true(apic_bus_take_wake(&bus) == 0); /* the owner knows */
	assert_true(take());
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
	assert_int_equal(rd(LAPIC_TMICT, 130), 10);
	assert_int_equal(rd(LAPIC_TMCCT, 130), 0);
	assert_false(lapic_timer_expire(&lapic, ~0ull));
	/* Read between the deadline and lapic_timer_expire(). */
	wr(LAPIC_TMICT, 10, 200);
	assert_int_equal(rd(LAPIC_TMCCT, 1000), 0);
	/* A count of 0 stops it. */
	wr(LAPIC_TMICT, 0, 210);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
}

static void test_periodic(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | VECTOR, 0);
	wr(LAPIC_TMICT, 500000, 0);
	for (u64 i = 1; i < 5; i++) {
		assert_true(lapic_next_deadline(&lapic) == i * 1000000);
		assert_true(lapic_timer_expire(&lapic, i * 1000000 + 300)); /* a little late */
		assert_true(take());
		assert_int_equal(rd(LAPIC_TMCCT, i * 1000000 + 400000), 300000);
	}
	/* Very late: one interrupt, and the phase is kept. */
	assert_true(lapic_timer_expire(&lapic, 77 * 1000000 + 5));
	assert_true(take());
	assert_false(take());
	assert_true(lapic_next_deadline(&lapic) == 78 * 1000000);
	/* Exactly a whole number of periods late is due in a whole one. */
	assert_true(lapic_timer_expire(&lapic, 80 * 1000000));
	assert_true(lapic_next_deadline(&lapic) == 81 * 1000000);
}

static void test_short_period(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | VECTOR, 0);
	wr(LAPIC_TMICT, 1, 0);
	assert_true(lapic_next_deadline(&lapic) == test_clock.min_period);
	assert_true(rd(LAPIC_TMCCT, 0) <= 1); /* never above the initial count */
	/* One-shot, made periodic while it runs. */
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	wr(LAPIC_TMICT, 1, 0);
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | VECTOR, 0);
	assert_true(lapic_timer_expire(&lapic, 2));
	assert_true(lapic_next_deadline(&lapic) == 2 + test_clock.min_period);
}

static void test_masked(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | VECTOR, 0);
	wr(LAPIC_TMICT, 10, 0);
	assert_true(lapic_timer_expire(&lapic, 20)); /* counts, and interrupts nobody */
	assert_true(apic_bus_take_wake(&bus) == 0);
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	assert_false(take());
	/* Disabling the APIC in software masks. */
	wr(LAPIC_TMICT, 10, 100);
	wr(LAPIC_SVR, 0xff, 100);
	lapic_timer_expire(&lapic, 120);
	assert_false(take());
	/* Reset stops. */
	wr(LAPIC_SVR, 0x1ff, 100);
	wr(LAPIC_TMICT, 10, 100);
	lapic_reset(&lapic, true, true);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
}

static void test_divide_while_running(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	wr(LAPIC_TMICT, 1000, 0);
	wr(LAPIC_TDCR, 0x1, 500); /* 750 counts are left */
	assert_int_equal(rd(LAPIC_TMCCT, 500), 750);
	assert_true(lapic_next_deadline(&lapic) == 500 + 750 * 4 * 2);
	wr(LAPIC_TDCR, 0xb, 500);
	assert_true(lapic_next_deadline(&lapic) == 2000);
	wr(LAPIC_TDCR, 0xb, 600); /* no change */
	assert_true(lapic_next_deadline(&lapic) == 2000);
	lapic_timer_expire(&lapic, 2000);
	wr(LAPIC_TDCR, 0x0, 2000);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER); /* does not start it again */
}

static void test_divide_while_periodic(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | VECTOR, 0);
	wr(LAPIC_TMICT, 500000, 0);
	wr(LAPIC_TDCR, 0x0, 500000); /* half is left, and takes twice as long */
	assert_true(lapic_timer_expire(&lapic, 1500000));
	assert_true(lapic_next_deadline(&lapic) == 1500000 + 2000000);
	/* A shorter period is stretched in the same way as a written one. */
	wr(LAPIC_TMICT, 150000, 0);
	wr(LAPIC_TDCR, 0xb, 0);
	assert_true(lapic_timer_expire(&lapic, 300000));
	assert_true(lapic_next_deadline(&lapic) == 300000 + test_clock.min_period);
}

static void test_tsc_deadline(void **state)
{
	(void)state;
	lapic_set_tsc_deadline(&lapic, 1000, 0); /* not in that mode */
	assert_true(lapic_tsc_deadline(&lapic) == 0);
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	lapic_set_tsc(&lapic, &(struct irq_guest_tsc){.offset = 500}, 0); /* guest = host + 500 */
	lapic_set_tsc_deadline(&lapic, 1000, 100);
	assert_true(lapic_next_deadline(&lapic) == 500);
	assert_true(lapic_tsc_deadline(&lapic) == 1000);
	assert_false(lapic_timer_expire(&lapic, 499));
	assert_true(lapic_timer_expire(&lapic, 500));
	assert_true(take());
	assert_true(lapic_tsc_deadline(&lapic) == 0);
	/* In the past: at once. */
	lapic_set_tsc_deadline(&lapic, 1, 800);
	assert_true(lapic_timer_expire(&lapic, 800));
	assert_true(take());
	/* Rewritten and disarmed. */
	lapic_set_tsc_deadline(&lapic, 5000, 800);
	lapic_set_tsc_deadline(&lapic, 6000, 800);
	assert_true(lapic_next_deadline(&lapic) == 5500);
	lapic_set_tsc_deadline(&lapic, 0, 800);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
	/* The counter registers are dead. */
	wr(LAPIC_TMICT, 10, 800);
	assert_int_equal(rd(LAPIC_TMICT, 800), 0);
	assert_int_equal(rd(LAPIC_TMCCT, 800), 0);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
}

static void test_tsc_deadline_extremes(void **state)
{
	(void)state;
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	lapic_set_tsc_deadline(&lapic, ~0ull, 1000);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER); /* five hundred years */
	lapic_set_tsc(&lapic, &(struct irq_guest_tsc){.offset = (u64)-5000}, 1000);
	lapic_set_tsc_deadline(&lapic, 100, 5000); /* guest TSC is 0 now */
	assert_true(lapic_next_deadline(&lapic) == 5100);
	/* Beyond the host's range: never, not at once. */
	lapic_set_tsc_deadline(&lapic, ~0ull - 1000, 5000);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
	assert_true(lapic_tsc_deadline(&lapic) == ~0ull - 1000);
	/* The offset moves an armed deadline. */
	lapic_set_tsc_deadline(&lapic, 100, 5000);
	lapic_set_tsc(&lapic, &(struct irq_guest_tsc){.offset = (u64)-6000}, 5000);
	assert_true(lapic_next_deadline(&lapic) == 5000); /* guest is at 2^64 - 1000 */
	lapic_set_tsc(&lapic, &(struct irq_guest_tsc){.offset = (u64)-4950}, 5000);
	assert_true(lapic_next_deadline(&lapic) == 5050);
}

/* A guest's TSC that runs at another rate: its deadline comes when it has got there. */
static void test_tsc_deadline_scaled(void **state)
{
	const struct irq_guest_tsc fast = {.offset = 100, .ratio = 3ull << 48, .khz = 6000000};
	const struct irq_guest_tsc slow = {.ratio = 1ull << 47, .khz = 1000000};

	(void)state;
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	lapic_set_tsc(&lapic, &fast, 0);
	assert_true(irq_clock_scale(1000, fast.ratio) == 3000);
	assert_true(irq_clock_scale(~0ull, slow.ratio) == ~0ull >> 1);
	assert_true(irq_clock_scale(~0ull, 0) == ~0ull);
	lapic_set_tsc_deadline(&lapic, 6100, 1000); /* it is 3100 now */
	assert_true(lapic_next_deadline(&lapic) == 2001);
	lapic_set_tsc(&lapic, &slow, 1000); /* and 500 */
	assert_true(lapic_next_deadline(&lapic) == 1000 + 2 * 5600 + 1);
	/* So far away that the machine's TSC does not get there. */
	lapic_set_tsc_deadline(&lapic, ~0ull, 1000);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
}

static void test_mode_changes(void **state)
{
	(void)state;
	wr(LAPIC_TDCR, 0xb, 0);
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	wr(LAPIC_TMICT, 1000, 0);
	wr(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | VECTOR, 0);
	assert_true(lapic_next_deadline(&lapic) == 2000); /* masking does not stop */
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
	assert_int_equal(rd(LAPIC_TMICT, 0), 0);
	lapic_set_tsc_deadline(&lapic, 5000, 0);
	wr(LAPIC_LVT_TIMER, VECTOR, 0);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	assert_true(lapic_tsc_deadline(&lapic) == 0);
	/* The reserved mode does nothing. */
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_MODE_MASK | VECTOR, 0);
	wr(LAPIC_TMICT, 10, 0);
	lapic_set_tsc_deadline(&lapic, 10, 0);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
	/* Not offered by CPUID: the bit cannot be set. */
	lapic.tsc_deadline = false;
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	assert_int_equal(rd(LAPIC_LVT_TIMER, 0), VECTOR);
}

static void test_hardware_disabled(void **state)
{
	(void)state;
	wr(LAPIC_LVT_TIMER, LAPIC_TIMER_DEADLINE | VECTOR, 0);
	lapic_set_tsc_deadline(&lapic, 100, 0);
	assert_int_equal(lapic_set_base(&lapic, LAPIC_DEFAULT_BASE, false), 0);
	assert_true(lapic_tsc_deadline(&lapic) == 0);
	lapic_timer_expire(&lapic, 100);
	assert_true(apic_bus_take_wake(&bus) == 0);
	lapic_set_tsc_deadline(&lapic, 200, 0);
	assert_true(lapic_next_deadline(&lapic) == IRQ_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_divider, setup),
		cmocka_unit_test_setup(test_one_shot, setup),
		cmocka_unit_test_setup(test_periodic, setup),
		cmocka_unit_test_setup(test_short_period, setup),
		cmocka_unit_test_setup(test_masked, setup),
		cmocka_unit_test_setup(test_divide_while_running, setup),
		cmocka_unit_test_setup(test_divide_while_periodic, setup),
		cmocka_unit_test_setup(test_tsc_deadline, setup),
		cmocka_unit_test_setup(test_tsc_deadline_extremes, setup),
		cmocka_unit_test_setup(test_tsc_deadline_scaled, setup),
		cmocka_unit_test_setup(test_mode_changes, setup),
		cmocka_unit_test_setup(test_hardware_disabled, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
