/* SPDX-License-Identifier: MIT */
/* The machine's real-time clock. */
#pragma once

#include "guest/lib/types.h"

/* Register `index` (0..127) of the CMOS RAM. */
u8 rtc_read(u8 index);

struct rtc_date {
	u32 year, month, day, hour, minute, second; /* month and day from 1 */
};

/* The date and time that the clock shows, as it was set: UTC or local time.  Waits while it
 * changes, which takes 2 ms at most. */
void rtc_date(struct rtc_date *d);
