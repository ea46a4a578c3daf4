/* SPDX-License-Identifier: MIT */
/* The real-time clock; see cpu/rtc.h.  Source: MC146818A data sheet. */
#include "cpu/rtc.h"
#include "cpu/io.h"
#include "lib/string.h"

#define PORT_INDEX 0x70
#define PORT_DATA  0x71

#define STATUS_A     0x0a
#define A_UPDATING   BIT(7)
#define STATUS_B     0x0b
#define B_24_HOURS   BIT(1)
#define B_BINARY     BIT(2)
#define HOUR_PM      0x80u  /* with 12 hours */
#define POLL_MAX     20000u /* an update takes 2 ms, a port read some 1 us */
#define TRIES        8u
#define DAY_SECONDS  86400u
#define DAYS_TO_2000 10957u /* from 1970 */

static u8 cmos(u8 index)
{
	io_out8(PORT_INDEX, index);
	return io_in8(PORT_DATA);
}

/* A field; 255, which no field can be, if it is no number. */
static u32 number(u8 field, u8 status_b)
{
	if (status_b & B_BINARY)
		return field;
	return (field & 0xf) > 9 || field >> 4 > 9 ? 255 : (field >> 4) * 10u + (field & 0xf);
}

static u32 hour_of(u8 field, u8 status_b)
{
	u32 hour;

	if (status_b & B_24_HOURS)
		return number(field, status_b);
	hour = number(field & (u8)~HOUR_PM, status_b);
	if (hour < 1 || hour > 12)
		return 255;
	return hour % 12 + (field & HOUR_PM ? 12 : 0);
}

/* Days in the months of a year before @month, 1 to 12, with a February of 28 days. */
static u32 days_before(u32 month)
{
	static const u16 days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

	return days[month - 1];
}

u64 rtc_seconds(const u8 fields[RTC_FIELDS], u8 status_b)
{
	u32 second = number(fields[0], status_b), minute = number(fields[1], status_b);
	u32 hour = hour_of(fields[2], status_b), day = number(fields[3], status_b);
	u32 month = number(fields[4], status_b), year = number(fields[5], status_b);
	u32 leap = year % 4 == 0, days;

	if (second > 59 || minute > 59 || hour > 23 || year > 99 || month < 1 || month > 12)
		return 0;
	days = days_before(month + 1) - days_before(month) + (month == 2 ? leap : 0);
	if (day < 1 || day > days)
		return 0;
	days = DAYS_TO_2000 + year * 365 + (year + 3) / 4 + days_before(month) +
	       (month > 2 ? leap : 0) + day - 1;
	return (u64)days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}

/* False: it does not stop being updated, because there is none. */
static bool read_fields(u8 fields[RTC_FIELDS])
{
	static const u8 index[RTC_FIELDS] = {0, 2, 4, 7, 8, 9};
	u32 polls = 0;

	while (cmos(STATUS_A) & A_UPDATING)
		if (++polls == POLL_MAX)
			return false;
	for (u32 i = 0; i < RTC_FIELDS; i++)
		fields[i] = cmos(index[i]);
	return true;
}

u64 rtc_read(void)
{
	u8 fields[RTC_FIELDS], again[RTC_FIELDS];

	/* The same twice: no update came between. */
	for (u32 i = 0; i < TRIES; i++) {
		if (!read_fields(fields) || !read_fields(again))
			return 0;
		if (!memcmp(fields, again, sizeof(fields)))
			return rtc_seconds(fields, cmos(STATUS_B));
	}
	return 0;
}
