/* SPDX-License-Identifier: MIT */
/* See lapic_fixture.h. */
#include "tests/unit/lapic_fixture.h"

#include <string.h>

const struct irq_clock test_clock = {.tsc_khz = 1000000};

struct apic_bus bus;
struct lapic lapic[CPUS];
u32 page[CPUS][1024] __attribute__((aligned(4096)));
struct last_eoi last_eoi;

static void record_eoi(struct apic_bus *b, u32 index, u8 vector, bool level, u64 now)
{
	assert_ptr_equal(b, &bus);
	last_eoi.count++;
	last_eoi.index = index;
	last_eoi.vector = vector;
	last_eoi.level = level;
	last_eoi.now = now;
}

int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	memset(&last_eoi, 0, sizeof(last_eoi));
	bus = (struct apic_bus){.vector_hashing = true, .eoi = record_eoi};
	for (u32 i = 0; i < CPUS; i++) {
		lapic_init(&lapic[i], page[i], &bus, &test_clock, i, i, i == 0);
		lapic[i].base_reserved = lapic_base_reserved(40, true);
		wr(i, LAPIC_SVR, 0x1ff);
	}
	apic_bus_take_wake(&bus);
	return 0;
}

int highest_requested(u32 cpu)
{
	for (u32 i = 8; i-- > 0;) {
		u32 word = page[cpu][LAPIC_IRR / 4 + i * 4] | lapic[cpu].pir[i];

		if (word)
			return (int)(i * 32) + 31 - __builtin_clz(word);
	}
	return -1;
}
