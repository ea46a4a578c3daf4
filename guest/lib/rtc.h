/* SPDX-License-Identifier: MIT */
/* The machine's real-time clock. */
#pragma once

#include "guest/lib/types.h"

/* Register `index` (0..127) of the CMOS RAM. */
u8 rtc_read(u8 index);
