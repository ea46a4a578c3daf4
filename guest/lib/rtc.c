/* SPDX-License-Identifier: MIT */
/* The machine's real-time clock; see rtc.h.  Source: MC146818A data sheet. */
#include "guest/lib/rtc.h"
#include "guest/lib/cpu.h"
#include "guest/lib/string.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

#define SECOND   0x00
#define MINUTE   0x02
#define HOUR     0x04
#define DAY      0x07
#define MONTH    0x08
#define YEAR     0x09
#define STATUS_A 0x0a
#define STATUS_B 0x0b
#define CENTURY  0x32

#define A_CHANGES 0x80u
#define B_24_HOUR 0x02u
#define B_BINARY  0x04u
#define HOUR_PM   0x80u

#define MAX_LOOKS 100000u /* a clock that is not there changes for ever */

u8 rtc_read(u8 index)
{
	outb(CMOS_INDEX, index & 0x7f);
	return inb(CMOS_DATA);
}

static u32 number(u8 value, u8 format)
{
	return format & B_BINARY ? value : (value >> 4) * 10u + (value & 0xfu);
}

static void read_date(struct rtc_date *d)
{
	u8 format = rtc_read(STATUS_B), hour = rtc_read(HOUR);
	u32 century = number(rtc_read(CENTURY), format);

	d->second = number(rtc_read(SECOND), format);
	d->minute = number(rtc_read(MINUTE), format);
	d->hour = number(format & B_24_HOUR ? hour : hour & (u8)~HOUR_PM, format);
	if (!(format & B_24_HOUR))
		d->hour = d->hour % 12 + (hour & HOUR_PM ? 12 : 0);
	d->day = number(rtc_read(DAY), format);
	d->month = number(rtc_read(MONTH), format);
	/* Not every clock has the century. */
	d->year = (century >= 19 && century < 100 ? century : 20) * 100 +
		  number(rtc_read(YEAR), format);
}

void rtc_date(struct rtc_date *d)
{
	struct rtc_date before;

	/* Two readings that agree were not made while it changed. */
	read_date(d);
	for (u32 i = 0; i < MAX_LOOKS; i++) {
		before = *d;
		read_date(d);
		if (!(rtc_read(STATUS_A) & A_CHANGES) && !memcmp(&before, d, sizeof(before)))
			return;
	}
}
