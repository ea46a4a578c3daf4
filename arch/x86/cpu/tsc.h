/* SPDX-License-Identifier: MIT */
/* The time-stamp counter and its frequency. */
#pragma once

#include "lib/types.h"

extern u64 tsc_khz; /* set once during boot; 0 before */

/* All CPUs that are used have one TSC, as far as they can tell each other.  Set during boot. */
extern bool tsc_is_one;

enum tsc_source { TSC_FROM_PIT, TSC_FROM_PM_TIMER, TSC_FROM_CPUID };

/*
 * Measure tsc_khz against channel 2 of the PIT or, where that stands still, the ACPI
 * PM timer at port @pm_timer (0: none).  CPUID's own figure, which emulators get
 * wrong, is taken only if neither runs, or if it is within 0.1 % of the measured one.  Takes some
 * 30 ms; the PIT's channel 2 and port 0x61 are then as quiet as after reset.  0 and *@source;
 * -ENODEV: no way found.
 */
int tsc_calibrate(u16 pm_timer, enum tsc_source *source) __must_check;

/*
 * Two CPUs compare their TSCs: the boot CPU calls it with @side 0, and the other with 1, at the
 * same time; each waits for the other.  For side 0, by how many ticks one of them was behind what
 * the other had read before; 0: they agree.
 */
u64 tsc_meet(u32 side);

static inline u64 rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* Wait @us microseconds, after tsc_calibrate(). */
void udelay(u64 us);
