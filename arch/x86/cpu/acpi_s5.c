/* SPDX-License-Identifier: MIT */
/* How a machine is switched off, out of its AML without running it; see cpu/acpi.h. */
#include "cpu/acpi.h"
#include "lib/string.h"

/* ACPI Specification, "AML Byte Stream Byte Values". */
#define AML_BYTE    0x0au
#define AML_PACKAGE 0x12u

/* The integer at *@at, below @end, which moves behind it.  False: it is none of a byte. */
static bool take_byte(const u8 **at, const u8 *end, u8 *value)
{
	if (*at < end && **at <= 1) { /* ZeroOp, OneOp */
		*value = *(*at)++;
		return true;
	}
	if (end - *at < 2 || **at != AML_BYTE)
		return false;
	*value = (*at)[1];
	*at += 2;
	return true;
}

bool acpi_find_s5(const u8 *aml, u32 size, u8 type[2])
{
	const u8 *end = aml + size;

	for (const u8 *at = aml; end - at >= 7; at++) {
		const u8 *element;

		if (memcmp(at, "_S5_", 4) || at[4] != AML_PACKAGE)
			continue;
		/* PkgLength, of one byte and as many as its two highest bits say; NumElements */
		if (end - at <= 5 + (at[5] >> 6) + 2)
			return false;
		element = at + 5 + (at[5] >> 6) + 2;
		return take_byte(&element, end, &type[0]) && take_byte(&element, end, &type[1]);
	}
	return false;
}
