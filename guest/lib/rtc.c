/* SPDX-License-Identifier: MIT */
/* The machine's real-time clock; see rtc.h. */
#include "guest/lib/rtc.h"
#include "guest/lib/cpu.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

u8 rtc_read(u8 index)
{
	outb(CMOS_INDEX, index & 0x7f);
	return inb(CMOS_DATA);
}
