/* SPDX-License-Identifier: MIT */
/* The machine's real-time clock, read once during boot: afterwards it is the control guest's. */
#pragma once

#include "lib/types.h"

/* What it holds: seconds, minutes, hours, day, month and year within a century, as they stand. */
#define RTC_FIELDS 6u

/* Seconds since 1970 of a date of 2000 to 2099; @status_b, register B, says how @fields are
 * written.  0: that is no date. */
u64 rtc_seconds(const u8 fields[RTC_FIELDS], u8 status_b);

/* The same of what the clock says now, taken for UTC; 0: it is not set, or not there. */
u64 rtc_read(void);
