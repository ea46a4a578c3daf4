/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* What hypercalls ask of the bus: messages to sets of local APICs, kicks, who has an id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kvm/irqchip/lapic.h"

#define CPUS   4u
#define VECTOR 0x61u

static const struct irq_clock test_clock = {.tsc_khz = 1000000};
static const u32 ids[CPUS] = {0, 1, 31, 63};
static struct apic_bus bus;
static struct lapic lapic[CPUS];
static u32 page[CPUS][1024] __attribute__((aligned(4096)));

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	bus = (struct apic_bus){0};
	for (u32 i = 0; i < CPUS; i++) {
		lapic_init(&lapic[i], page[i], &bus, &test_clock, i, ids[i], i == 0);
		lapic[i].base_reserved = lapic_base_reserved(40, true);
		lapic_mmio_write(&lapic[i], LAPIC_SVR, 4, 0x1ff, 0);
	}
	return 0;
}

/* How many take the message, and which get it: one bit each. */
static u32 send(u64 low, u64 high, u32 first, u32 width, u64 *got)
{
	const struct apic_message m = {.vector = VECTOR, .assert = true};
	int taken;

	(void)apic_bus_take_wake(&bus);
	taken = apic_bus_send_set(&bus, low, high, first, width, &m);
	*got = apic_bus_take_wake(&bus);
	return (u32)taken;
}

static void expect(u64 low, u64 high, u32 first, u32 width, u64 want)
{
	u64 got;
	u32 taken = send(low, high, first, width, &got);

	assert_int_equal(got, want);
	assert_int_equal(taken, __builtin_popcountll(want));
}

static void test_sets(void **state)
{
	(void)state;
	expect(0, 0, 0, 64, 0);
	expect(1, 0, 0, 64, 1);
	expect(~0ull, 0, 0, 64, 0xf);
	expect(1ull << 63, 0, 0, 64, 8);
	expect(1ull << 32, 0, 31, 64, 8);
	expect(1, 0, 31, 64, 4);
	expect(0, ~0ull, 0, 64, 0);
	expect(0x80000002, 0x80000000, 0, 32, 0xe);
	expect(1, 1, 63, 32, 8);
}

/* Ids wrap at 2^32 between the halves, and nowhere else. */
static void test_far(void **state)
{
	(void)state;
	expect(~0ull, ~0ull, 64, 64, 0);
	expect(~0ull, 0, 0xffffffff, 64, 0);
	expect(~0ull, 1, 0xffffffc0, 64, 1);
	expect(~0ull, 3, 0xffffffe0, 32, 3);
	expect(~0ull, ~0ull, 0xfffffff0, 64, 8); /* from 48 on */
}

/* The id is that of the mode; who is off is not there. */
static void test_modes(void **state)
{
	(void)state;
	lapic_mmio_write(&lapic[1], LAPIC_ID, 4, 9u << 24, 0);
	expect(1u << 1, 0, 0, 64, 0);
	expect(1u << 9, 0, 0, 64, 2);
	assert_ptr_equal(apic_bus_find(&bus, 9), &lapic[1]);
	assert_null(apic_bus_find(&bus, 1));
	assert_int_equal(lapic_set_base(&lapic[1], lapic[1].base | LAPIC_BASE_X2APIC, false), 0);
	expect(1u << 1, 0, 0, 64, 2);
	assert_ptr_equal(apic_bus_find(&bus, 1), &lapic[1]);
	assert_int_equal(lapic_set_base(&lapic[1], LAPIC_DEFAULT_BASE, false), 0);
	expect(~0ull, 0, 0, 64, 0xd);
	assert_null(apic_bus_find(&bus, 1));
	assert_null(apic_bus_find(&bus, 0xffffffff));
	/* One that software has switched off is meant, and takes nothing. */
	lapic_mmio_write(&lapic[0], LAPIC_SVR, 4, 0xff, 0);
	expect(1, 0, 0, 64, 0);
}

static void test_kick(void **state)
{
	struct apic_message m = {.dest = 31, .delivery = APIC_REMOTE_READ};

	(void)state;
	(void)apic_bus_take_wake(&bus);
	assert_int_equal(apic_bus_send(&bus, NULL, &m), 1);
	assert_int_equal(apic_bus_take_wake(&bus), 4);
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(lapic[i].kicked, i == 2);
	assert_int_equal(lapic_highest_irr(&lapic[2]), -1);
	m.dest = 30;
	assert_int_equal(apic_bus_send(&bus, NULL, &m), 0);
	assert_int_equal(apic_bus_take_wake(&bus), 0);
}

/* As many as there can be, in x2APIC mode: sixteen in each cluster of a logical destination. */
static void test_clusters(void **state)
{
	static u32 pages[APIC_BUS_MAX][1024] __attribute__((aligned(4096)));
	static struct lapic all[APIC_BUS_MAX];
	struct apic_message m = {.vector = VECTOR, .logical = true, .assert = true};

	(void)state;
	bus = (struct apic_bus){0};
	for (u32 i = 0; i < APIC_BUS_MAX; i++) {
		lapic_init(&all[i], pages[i], &bus, &test_clock, i, i, i == 0);
		all[i].base_reserved = lapic_base_reserved(40, true);
		assert_int_equal(lapic_set_base(&all[i], all[i].base | LAPIC_BASE_X2APIC, false),
				 0);
		assert_int_equal(lapic_msr_write(&all[i], 0x80f, 0x1ff, 0), 0);
		assert_int_equal(lapic_reg(&all[i], LAPIC_LDR), i / 16 << 16 | 1u << i % 16);
	}
	for (u32 cluster = 0; cluster < 5; cluster++) {
		m.dest = cluster << 16 | 0x8421;
		assert_int_equal(apic_bus_send(&bus, &all[0], &m), cluster < 4 ? 4 : 0);
		assert_int_equal(apic_bus_take_wake(&bus),
				 cluster < 4 ? 0x8421ull << cluster * 16 : 0);
	}
	m.dest = 0xffffffff;
	assert_int_equal(apic_bus_send(&bus, &all[0], &m), APIC_BUS_MAX);
	m.delivery = APIC_LOWEST;
	m.dest = 3u << 16 | 0xffff;
	(void)apic_bus_take_wake(&bus);
	assert_int_equal(apic_bus_send(&bus, &all[0], &m), 1);
	assert_int_equal(__builtin_popcountll(apic_bus_take_wake(&bus) >> 48), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sets, setup),  cmocka_unit_test_setup(test_far, setup),
		cmocka_unit_test_setup(test_modes, setup), cmocka_unit_test_setup(test_kick, setup),
		cmocka_unit_test(test_clusters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
