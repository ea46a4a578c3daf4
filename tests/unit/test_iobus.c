/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/iobus.c hv/kvm/ioeventfd.c hv/kvm/coalesced.c */
/* Writes that an ioeventfd or a coalesced zone takes: matches, collisions, the ring, no memory. */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/iobus.h"

#define ADDR         0xd0000000ull
#define RING_ENTRIES ((u32)KVM_COALESCED_MMIO_MAX)

static struct event event[2];
static struct iobus bus;
static struct kvm_coalesced_mmio_ring *ring;

void event_signal(struct event *e)
{
	e->count++;
}

void event_put(struct event *e)
{
	assert_true(e->refs > 0);
	e->refs--;
}

static int setup(void **state)
{
	memset(event, 0, sizeof(event));
	memset(&bus, 0, sizeof(bus));
	/* Exactly a page, so that the sanitizer sees what is written beyond. */
	ring = calloc(1, PAGE_SIZE);
	bus.ring = ring;
	return fake_reset(state);
}

static int teardown(void **state)
{
	iobus_release(&bus);
	free(ring);
	assert_int_equal(event[0].refs + event[1].refs, 0);
	return fake_check_leaks(state);
}

static int change(u32 e, u64 addr, u32 len, u32 flags, u64 match)
{
	const struct kvm_ioeventfd arg = {
		.addr = addr, .len = len, .flags = flags, .datamatch = match};

	return ioeventfd_change(&bus, &arg, &event[e]);
}

static bool write_mmio(u64 addr, u32 len, u64 value)
{
	return iobus_write(&bus, IOBUS_MMIO, addr, len, iobus_value(value, len));
}

static int add_zone(u64 addr, u32 size, u32 pio)
{
	const struct kvm_coalesced_mmio_zone z = {.addr = addr, .size = size, .pio = pio};

	return coalesced_register(&bus, &z, 0);
}

static void test_value(void **state)
{
	(void)state;
	assert_true(iobus_value(0x8877665544332211, 1) == 0x11);
	assert_true(iobus_value(0x8877665544332211, 2) == 0x2211);
	assert_true(iobus_value(0x8877665544332211, 4) == 0x44332211);
	assert_true(iobus_value(0x8877665544332211, 8) == 0x8877665544332211);
}

static void test_match(void **state)
{
	const u32 match = KVM_IOEVENTFD_FLAG_DATAMATCH;

	(void)state;
	assert_false(iobus_takes(&bus, IOBUS_MMIO));
	assert_false(write_mmio(ADDR, 4, 1));
	assert_int_equal(change(0, ADDR, 4, match, 1), 0);
	assert_int_equal(change(1, ADDR, 4, match, 2), 0);
	assert_int_equal(change(1, ADDR, 4, 0, 0), -EEXIST);
	assert_int_equal(change(0, ADDR, 0, 0, 0), -EEXIST);
	assert_true(iobus_takes(&bus, IOBUS_MMIO));
	assert_false(iobus_takes(&bus, IOBUS_PIO));
	assert_true(write_mmio(ADDR, 4, 0xffffffff00000001));
	assert_true(write_mmio(ADDR, 4, 2));
	assert_false(write_mmio(ADDR, 4, 3));
	assert_false(write_mmio(ADDR, 2, 1));
	assert_false(write_mmio(ADDR + 1, 4, 1));
	assert_false(iobus_write(&bus, IOBUS_PIO, ADDR, 4, 1));
	assert_int_equal(event[0].count, 1);
	assert_int_equal(event[1].count, 1);
	assert_int_equal(change(1, ADDR, 4, match | KVM_IOEVENTFD_FLAG_DEASSIGN, 1), -ENOENT);
	assert_int_equal(change(0, ADDR, 4, match | KVM_IOEVENTFD_FLAG_DEASSIGN, 1), 0);
	assert_int_equal(event[0].refs, 0);
	assert_int_equal(event[1].refs, 1);
	assert_false(write_mmio(ADDR, 4, 1));
}

static void test_many(void **state)
{
	(void)state;
	for (u32 i = 0; i < IOBUS_MAX_EVENTS; i++)
		assert_int_equal(change(0, ADDR + 4 * i, 4, 0, 0), 0);
	assert_int_equal(change(0, 1, 4, 0, 0), -ENOSPC);
	for (u32 i = 0; i < IOBUS_MAX_EVENTS; i++)
		assert_true(write_mmio(ADDR + 4 * i, 4, i));
	assert_int_equal(event[0].count, IOBUS_MAX_EVENTS);
	assert_int_equal(change(0, ADDR, 4, KVM_IOEVENTFD_FLAG_DEASSIGN, 0), 0);
	assert_int_equal(change(0, 1, 4, 0, 0), 0);
}

/* A failure for want of memory changes nothing. */
static void test_no_memory(void **state)
{
	(void)state;
	for (int n = 0; n < 2; n++) {
		fake_alloc_limit = n;
		assert_int_equal(change(0, ADDR, 4, 0, 0), -ENOMEM);
		assert_int_equal(event[0].refs, 0);
	}
	fake_alloc_limit = 0;
	assert_int_equal(add_zone(ADDR, 4, 0), -ENOMEM);
	fake_alloc_limit = -1;
	assert_false(iobus_takes(&bus, IOBUS_MMIO));
	assert_int_equal(change(0, ADDR, 4, 0, 0), 0);
}

static void test_ring(void **state)
{
	(void)state;
	assert_int_equal(add_zone(ADDR, 16, 0), 0);
	assert_true(write_mmio(ADDR + 12, 4, 0x1234));
	assert_false(write_mmio(ADDR + 13, 4, 0));
	assert_false(write_mmio(ADDR - 1, 2, 0));
	assert_int_equal(ring->last, 1);
	assert_true(ring->coalesced_mmio[0].phys_addr == ADDR + 12);
	assert_int_equal(ring->coalesced_mmio[0].len, 4);
	assert_int_equal(ring->coalesced_mmio[0].pio, 0);
	assert_int_equal(ring->coalesced_mmio[0].data[0], 0x34);
	/* An ioeventfd comes first. */
	assert_int_equal(change(0, ADDR, 0, 0, 0), 0);
	assert_true(write_mmio(ADDR, 8, 0));
	assert_int_equal(ring->last, 1);
	bus.ring = NULL;
	assert_false(write_mmio(ADDR + 8, 8, 0));
}

/* Whatever its owner puts in the indices, nothing else is written. */
static void test_ring_indices(void **state)
{
	static const u32 values[] = {
		0,          1,  RING_ENTRIES - 2, RING_ENTRIES - 1, RING_ENTRIES, RING_ENTRIES + 1,
		0x7fffffff, ~0u};

	(void)state;
	assert_int_equal(add_zone(0, 16, 1), 0);
	for (u32 i = 0; i < ARRAY_SIZE(values); i++)
		for (u32 j = 0; j < ARRAY_SIZE(values); j++) {
			bool room = values[j] < RING_ENTRIES &&
				    (values[j] + 1) % RING_ENTRIES != values[i];

			ring->first = values[i];
			ring->last = values[j];
			assert_int_equal(iobus_write(&bus, IOBUS_PIO, 4, 2, 7), room);
			assert_int_equal(ring->first, values[i]);
			assert_int_equal(ring->last,
					 room ? (values[j] + 1) % RING_ENTRIES : values[j]);
		}
}

static void test_zones(void **state)
{
	struct kvm_coalesced_mmio_zone z = {.addr = ADDR + 8, .size = 4};

	(void)state;
	/* Ranges that wrap or are no lengths hold nothing. */
	assert_int_equal(add_zone(~0ull - 8, 64, 0), 0);
	assert_false(write_mmio(~0ull - 7, 8, 0));
	assert_false(write_mmio(~0ull - 4, 4, 0));
	assert_false(write_mmio(0, 4, 0));
	assert_int_equal(add_zone(ADDR, 16, 0), 0);
	assert_int_equal(add_zone(ADDR, 32, 0), 0);
	assert_int_equal(add_zone(ADDR + 12, 32, 0), 0);
	z.size = 0x80000000;
	assert_int_equal(coalesced_unregister(&bus, &z), 0);
	assert_int_equal(bus.zones[IOBUS_MMIO], 4);
	z.size = 4;
	assert_int_equal(coalesced_unregister(&bus, &z), 0);
	assert_int_equal(bus.zones[IOBUS_MMIO], 2);
	assert_false(write_mmio(ADDR, 4, 0));
	assert_true(write_mmio(ADDR + 12, 4, 0));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_value), TEST(test_match),        TEST(test_many),  TEST(test_no_memory),
		TEST(test_ring),  TEST(test_ring_indices), TEST(test_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
