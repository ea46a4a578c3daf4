/* SPDX-License-Identifier: MIT */
/* The time-stamp counter and its frequency. */
#pragma once

#include "lib/types.h"

extern u64 tsc_khz; /* set once during boot; 0 before */

enum tsc_source { TSC_FROM_PIT, TSC_FROM_PM_TIMER, TSC_FROM_CPUID };

/*
 * Measure tsc_khz against channel 2 of the PIT or, where that stands still, the ACPI
 * PM timer at port @pm_timer (0: none).  CPUID's own figure, which emulators get
 * wrong, is taken only if neither runs.  Takes some 30 ms; the PIT's channel 2 and
 * port 0x61 are then as quiet as after reset.  0 and *@source; -ENODEV: no way found.
 */
int tsc_calibrate(u16 pm_timer, enum tsc_source *source) __must_check;

static inline u64 rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* Wait @us microseconds, after tsc_calibrate(). */
void udelay(u64 us);
