/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/cpu/rtc.c */
/* Dates of the real-time clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/rtc.h"

#define BCD    0x02 /* and 24 hours */
#define BINARY 0x06
#define BCD_12 0x00

/* second, minute, hour, day, month, year; what date(1) says with -u +%s -d. */
static void test_dates(void **state)
{
	static const struct {
		u8 fields[RTC_FIELDS], status_b;
		u64 seconds;
	} dates[] = {
		{{0, 0, 0, 1, 1, 0}, BCD, 946684800},
		{{0x59, 0x59, 0x23, 0x28, 2, 0x23}, BCD, 1677628799},
		{{0, 0, 0, 1, 3, 0x23}, BCD, 1677628800},
		{{0, 0, 0, 0x29, 2, 0x24}, BCD, 1709164800},
		{{0, 0, 0, 1, 3, 0x24}, BCD, 1709251200},
		{{40, 46, 1, 9, 9, 1}, BINARY, 1000000000},
		{{59, 59, 23, 31, 12, 99}, BINARY, 4102444799},
		{{0, 0, 0x12, 1, 1, 0}, BCD_12, 946684800},
		{{0, 0, 0x92, 1, 1, 0}, BCD_12, 946684800 + 12 * 3600},
		{{0, 0, 0x81, 1, 1, 0}, BCD_12, 946684800 + 13 * 3600},
		{{0, 0, 0x11, 1, 1, 0}, BCD_12, 946684800 + 11 * 3600},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++)
		assert_int_equal(rtc_seconds(dates[i].fields, dates[i].status_b), dates[i].seconds);
}

static void test_no_dates(void **state)
{
	static const u8 none[][RTC_FIELDS] = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{0, 0, 0, 0, 0, 0},
		{0x60, 0, 0, 1, 1, 0},
		{0, 0x60, 0, 1, 1, 0},
		{0, 0, 0x24, 1, 1, 0},
		{0, 0, 0, 0x32, 1, 0},
		{0, 0, 0, 1, 0x13, 0},
		{0, 0, 0, 1, 1, 0xa0},
		{0, 0, 0, 0x29, 2, 0x23},
		{0, 0, 0, 0x31, 4, 0x23},
		{0x0a, 0, 0, 1, 1, 0},
		{0, 0, 0, 0x1f, 1, 0},
	};
	static const u8 hour_0[] = {0, 0, 0, 1, 1, 0}, hour_13[] = {0, 0, 0x13, 1, 1, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(rtc_seconds(none[i], BCD), 0);
	assert_int_equal(rtc_seconds(hour_0, BCD_12), 0);
	assert_int_equal(rtc_seconds(hour_13, BCD_12), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_no_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
