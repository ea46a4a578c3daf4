/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: hv/kvm/irqchip/ioapic.c hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* The I/O APIC: registers, edges and levels, remote IRR, EOI, the storm guard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kvm/irqchip/ioapic.h"
#include "kvm/irqchip/lapic.h"

#define CPUS 2u

static const struct irq_clock test_clock = {.tsc_khz = 1000000};
static struct apic_bus bus;
static struct ioapic io;
static struct lapic lapic[CPUS];
static u32 page[CPUS][1024] __attribute__((aligned(4096)));

#define LEVEL  0x8000u
#define MASKED 0x10000u

static void bus_eoi(struct apic_bus *b, u32 index, u8 vector, bool level, u64 now)
{
	(void)b;
	(void)index;
	ioapic_eoi(&io, vector, level, now);
}

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	bus = (struct apic_bus){.eoi = bus_eoi};
	ioapic_init(&io, &bus, &test_clock);
	ioapic_set_eoi_notify(&io, 1, 0);
	for (u32 i = 0; i < CPUS; i++) {
		lapic_init(&lapic[i], page[i], &bus, &test_clock, i, i, i == 0);
		lapic_mmio_write(&lapic[i], LAPIC_SVR, 4, 0x1ff, 0);
	}
	return 0;
}

static u32 rd(u32 index)
{
	ioapic_write(&io, 0x00, 4, index);
	return ioapic_read(&io, 0x10, 4);
}

static void wr(u32 index, u32 val)
{
	ioapic_write(&io, 0x00, 4, index);
	ioapic_write(&io, 0x10, 4, val);
}

static void route(u32 pin, u32 low, u32 dest)
{
	wr(0x11 + pin * 2, dest << 24);
	wr(0x10 + pin * 2, low);
}

static bool remote_irr(u32 pin)
{
	return rd(0x10 + pin * 2) >> 14 & 1;
}

static void serve(u32 cpu, int vector)
{
	assert_int_equal(lapic_accept(&lapic[cpu]), vector);
	lapic_eoi(&lapic[cpu], 0);
}

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(rd(1), 0x00170011);
	wr(1, 0);
	assert_int_equal(rd(1), 0x00170011);
	wr(0, 0xffffffff);
	assert_int_equal(rd(0), 0x0f000000);
	assert_int_equal(rd(2), 0x0f000000);
	wr(0, 0x05ffffff);
	assert_int_equal(rd(0), 0x05000000);
	wr(0, 0x0f000000);
	wr(2, 0);
	assert_int_equal(rd(2), 0x0f000000);
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		assert_int_equal(rd(0x10 + pin * 2), MASKED);
		assert_int_equal(rd(0x11 + pin * 2), 0);
		wr(0x11 + pin * 2, 0xab000000 | pin);
		wr(0x10 + pin * 2, 0xffffffff); /* delivery status and remote IRR stay */
		assert_int_equal(rd(0x10 + pin * 2), 0xffffafff);
		assert_int_equal(rd(0x11 + pin * 2), 0xab000000 | pin);
	}
	assert_int_equal(rd(0x40), 0xffffffff);
	wr(0x40, 0);
	assert_int_equal(rd(0xff), 0xffffffff);
	assert_int_equal(rd(3), 0xffffffff);
	assert_int_equal(rd(0x0f), 0xffffffff);
	wr(0x0f, 0x12345678); /* is no pin */
	assert_true(io.state.base_address == 0xfec00000);
}

static void test_access_sizes(void **state)
{
	(void)state;
	ioapic_write(&io, 0x00, 4, 0xffffff01);
	assert_int_equal(ioapic_read(&io, 0x00, 4), 0x01);
	assert_int_equal(ioapic_read(&io, 0x10, 1), 0x11);
	assert_int_equal(ioapic_read(&io, 0x10, 2), 0x0011);
	assert_int_equal(ioapic_read(&io, 0x10, 8), 0x00170011);
	ioapic_write(&io, 0x00, 1, 0x10);
	ioapic_write(&io, 0x10, 1, 0xffffff31);
	assert_int_equal(rd(0x10), 0x31);
	ioapic_write(&io, 0x10, 8, MASKED);
	assert_int_equal(rd(0x10), MASKED);
	assert_int_equal(ioapic_read(&io, 0x40, 4), 0); /* no EOI register in version 0x11 */
	ioapic_write(&io, 0x40, 4, 0x31);
	assert_int_equal(ioapic_read(&io, 0x04, 4), 0);
	ioapic_write(&io, 0x11, 4, 0x31);
	assert_int_equal(rd(0x10), MASKED);
}

static void test_edge(void **state)
{
	(void)state;
	assert_int_equal(ioapic_set_line(&io, 4, true), -1); /* masked: and the edge is lost */
	route(4, 0x41, 1);
	assert_int_equal(lapic_highest_irr(&lapic[1]), -1);
	assert_int_equal(ioapic_set_line(&io, 4, true), 0); /* no edge */
	assert_int_equal(ioapic_set_line(&io, 4, false), 1);
	assert_int_equal(ioapic_set_line(&io, 4, true), 1);
	assert_int_equal(io.irr_delivered, 1 << 4);
	assert_false(remote_irr(4));
	serve(1, 0x41);
	assert_int_equal(lapic_accept(&lapic[1]), -1);
	ioapic_set_line(&io, 4, false);
	ioapic_set_line(&io, 4, true);
	serve(1, 0x41);
	assert_int_equal(ioapic_set_line(&io, 4, true), 0);
	/* Nobody at that address. */
	route(5, 0x42, 7);
	assert_int_equal(ioapic_set_line(&io, 5, true), 0);
	/* All of them. */
	route(6, 0x43, 0xff);
	assert_int_equal(ioapic_set_line(&io, 6, true), CPUS);
}

static void test_level(void **state)
{
	(void)state;
	route(10, LEVEL | 0x51, 0);
	assert_int_equal(ioapic_set_line(&io, 10, true), 1);
	assert_true(remote_irr(10));
	assert_int_equal(ioapic_set_line(&io, 10, true), -1); /* waits for the EOI */
	serve(0, 0x51);
	assert_true(remote_irr(10)); /* still high: delivered again */
	assert_int_equal(lapic_accept(&lapic[0]), 0x51);
	ioapic_set_line(&io, 10, false);
	lapic_eoi(&lapic[0], 0);
	assert_false(remote_irr(10));
	assert_int_equal(lapic_accept(&lapic[0]), -1);
	/* A level that rises while masked is seen when unmasked. */
	route(10, LEVEL | MASKED | 0x51, 0);
	assert_int_equal(ioapic_set_line(&io, 10, true), -1);
	route(10, LEVEL | 0x51, 0);
	assert_int_equal(lapic_accept(&lapic[0]), 0x51);
	/* Masked at the EOI: not delivered, but when unmasked. */
	route(10, LEVEL | MASKED | 0x51, 0);
	lapic_eoi(&lapic[0], 0);
	assert_int_equal(lapic_accept(&lapic[0]), -1);
	assert_false(remote_irr(10));
	route(10, LEVEL | 0x51, 0);
	serve(0, 0x51);
}

static void test_eoi_by_edge(void **state)
{
	(void)state;
	route(10, LEVEL | 0x51, 0);
	ioapic_set_line(&io, 10, true);
	assert_true(remote_irr(10));
	wr(0x10 + 20, MASKED | 0x51); /* as Linux does without an EOI register */
	assert_false(remote_irr(10));
	wr(0x10 + 20, LEVEL | 0x51);
	assert_true(remote_irr(10)); /* still high */
}

static void test_shared_vector(void **state)
{
	(void)state;
	route(10, LEVEL | 0x51, 0);
	route(11, LEVEL | 0x51, 0);
	ioapic_set_line(&io, 10, true);
	ioapic_set_line(&io, 11, true);
	assert_int_equal(lapic_accept(&lapic[0]), 0x51);
	ioapic_set_line(&io, 10, false);
	lapic_eoi(&lapic[0], 0);
	assert_false(remote_irr(10));
	assert_true(remote_irr(11));
	serve(0, 0x51);
}

static void test_delivery_modes(void **state)
{
	(void)state;
	route(1, 0x400, 1); /* NMI */
	assert_int_equal(ioapic_set_line(&io, 1, true), 1);
	assert_int_equal(lapic[1].nmi_pending, 1);
	route(2, 0x500, 1); /* INIT */
	assert_int_equal(ioapic_set_line(&io, 2, true), 1);
	assert_int_equal(lapic[1].events, LAPIC_EVENT_INIT);
	route(3, 0x700, 1); /* ExtINT is LINT0's alone */
	assert_int_equal(ioapic_set_line(&io, 3, true), 0);
	lapic_mmio_write(&lapic[0], LAPIC_LDR, 4, 1u << 24, 0);
	lapic_mmio_write(&lapic[1], LAPIC_LDR, 4, 2u << 24, 0);
	route(4, 0x861, 3); /* logical, fixed */
	assert_int_equal(ioapic_set_line(&io, 4, true), 2);
	route(5, 0x962, 3); /* logical, lowest priority */
	assert_int_equal(ioapic_set_line(&io, 5, true), 1);
}

static void test_notification(void **state)
{
	(void)state;
	wr(0x11, 0);
	assert_int_equal(io.unmasked, 0);
	wr(0x10, 0x30);
	assert_int_equal(io.unmasked, 1);
	route(1, 0x31, 0);
	io.unmasked = 0;
	route(0, 0x30, 0);
	assert_int_equal(io.unmasked, 0);
	assert_int_equal(bus.eoi_vectors[1], 1u << 0x10); /* pin 0 is watched, 1 is an edge */
	route(1, LEVEL | 0x31, 0);
	assert_int_equal(bus.eoi_vectors[1], 3u << 0x10);
	ioapic_set_line(&io, 0, true);
	ioapic_set_line(&io, 0, false);
	serve(0, 0x30);
	assert_int_equal(ioapic_vector_pins(&io, 0x30), 1);
}

static void test_storm(void **state)
{
	u32 served = 0;

	(void)state;
	route(10, LEVEL | 0x51, 0);
	ioapic_set_line(&io, 10, true);
	while (lapic_accept(&lapic[0]) == 0x51) {
		served++;
		lapic_eoi(&lapic[0], 1000);
		assert_true(served <= 10000);
	}
	assert_int_equal(served, 10000);
	assert_true(io.deadline == 1000 + 10000000); /* 10 ms */
	assert_false(remote_irr(10));
	route(4, 0x61, 0); /* an edge, served already */
	ioapic_set_line(&io, 4, true);
	serve(0, 0x61);
	route(11, LEVEL | 0x62, 0); /* a level that is low */
	ioapic_expire(&io, io.deadline - 1);
	assert_int_equal(lapic_accept(&lapic[0]), -1);
	ioapic_expire(&io, io.deadline);
	assert_int_equal(lapic_highest_irr(&lapic[0]), 0x51);
	assert_true(io.deadline == IRQ_NEVER);
	assert_int_equal(lapic_accept(&lapic[0]), 0x51);
	/* A line that goes low in between starts the count again. */
	lapic_eoi(&lapic[0], 0);
	assert_int_equal(io.eoi_count[10], 1);
	ioapic_set_line(&io, 10, false);
	serve(0, 0x51);
	assert_int_equal(io.eoi_count[10], 0);
}

static void test_sync(void **unused)
{
	struct kvm_ioapic_state state;

	(void)unused;
	route(4, 0x34, 0);
	ioapic_set_line(&io, 4, true);
	ioapic_get(&io, &state);
	assert_int_equal(io.state.irr, 1 << 4);
	assert_int_equal(state.irr, 0); /* the edge was delivered */
	serve(0, 0x34);
	state.redirtbl[9].bits = LEVEL | 0x71;
	state.irr = 1 << 9;
	ioapic_set(&io, &state);
	assert_true(remote_irr(9));
	ioapic_get(&io, &state);
	assert_int_equal(state.irr, 1 << 9);
	/* It waits for its EOI: set again it does not interrupt. */
	assert_int_equal(lapic_accept(&lapic[0]), 0x71);
	ioapic_set(&io, &state);
	assert_int_equal(lapic_accept(&lapic[0]), -1);
	lapic_eoi(&lapic[0], 0);
	assert_int_equal(bus.eoi_vectors[3], 1u << 0x11);
	assert_int_equal(lapic_accept(&lapic[0]), 0x71);
}

static void test_random(void **state)
{
	u32 seed = 11;
	u64 now = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		now += seed >> 16;
		switch (seed >> 28 & 7) {
		case 0:
		case 1:
			ioapic_write(&io, seed >> 4 & 0x10, 1u << (seed >> 10 & 3), seed >> 7);
			break;
		case 2:
			wr(0x10 + (seed >> 8 & 63), seed * 0x9e3779b9u);
			break;
		case 3:
			ioapic_read(&io, seed >> 8 & 0xff, 1u << (seed & 3));
			break;
		case 4:
			lapic_accept(&lapic[seed >> 9 & 1]);
			break;
		case 5:
			lapic_eoi(&lapic[seed >> 9 & 1], now);
			break;
		case 6:
			ioapic_expire(&io, now);
			break;
		default:
			ioapic_set_line(&io, (seed >> 8) % IOAPIC_PINS, seed >> 20 & 1);
			break;
		}
		for (u32 pin = 0; pin < IOAPIC_PINS; pin++) /* an edge never waits for an EOI */
			assert_false(io.state.redirtbl[pin].fields.remote_irr &&
				     !io.state.redirtbl[pin].fields.trig_mode);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, setup),
		cmocka_unit_test_setup(test_access_sizes, setup),
		cmocka_unit_test_setup(test_edge, setup),
		cmocka_unit_test_setup(test_level, setup),
		cmocka_unit_test_setup(test_eoi_by_edge, setup),
		cmocka_unit_test_setup(test_shared_vector, setup),
		cmocka_unit_test_setup(test_delivery_modes, setup),
		cmocka_unit_test_setup(test_notification, setup),
		cmocka_unit_test_setup(test_storm, setup),
		cmocka_unit_test_setup(test_sync, setup),
		cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
