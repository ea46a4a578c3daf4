/* SPDX-License-Identifier: MIT */
/* The local APICs of four vCPUs on a bus, for tests of lapic.h. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kvm/irqchip/lapic.h"

#define CPUS 4u

extern const struct irq_clock test_clock;
extern struct apic_bus bus;
extern struct lapic lapic[CPUS];
extern u32 page[CPUS][1024];

/* The last EOI that was broadcast, and how many have been. */
extern struct last_eoi {
	u32 count, index;
	u8 vector;
	bool level;
	u64 now;
} last_eoi;

/* All new and enabled, with x2APIC to be had; cmocka's. */
int setup(void **state);

/* The highest vector in IRR, posted ones included; -1: none. */
int highest_requested(u32 cpu);

/* Registers by MMIO and by MSR. */
static inline void wr(u32 cpu, u32 reg, u32 val)
{
	lapic_mmio_write(&lapic[cpu], reg, 4, val, 0);
}

static inline u32 rd(u32 cpu, u32 reg)
{
	return (u32)lapic_mmio_read(&lapic[cpu], reg, 4, 0);
}

static inline int wrmsr(u32 cpu, u32 reg, u64 val)
{
	return lapic_msr_write(&lapic[cpu], 0x800 + reg / 16, val, 0);
}

static inline u64 rdmsr(u32 cpu, u32 reg)
{
	u64 val = 0;

	assert_int_equal(lapic_msr_read(&lapic[cpu], 0x800 + reg / 16, &val, 0), 0);
	return val;
}

static inline void x2apic(u32 cpu)
{
	assert_int_equal(lapic_set_base(&lapic[cpu], lapic[cpu].base | LAPIC_BASE_X2APIC, false),
			 0);
}

static inline bool fixed(u32 cpu, u8 vector, bool level)
{
	const struct apic_message m = {.vector = vector, .level = level, .assert = true};

	return lapic_accept_message(&lapic[cpu], &m);
}
