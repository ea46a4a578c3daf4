/* SPDX-License-Identifier: MIT */
/*
 * The real-time clock of a guest: the machine's own time, read only.  Called by ports.c.
 * Source: MC146818A data sheet.
 */
#include "guest/control/vmm/ports.h"
#include "guest/lib/rtc.h"

#define TIME_REGISTERS 10 /* seconds to year, alarms among them */
#define STATUS_A       0x0a
#define STATUS_B       0x0b
#define STATUS_D       0x0d
#define VALID          0x80
#define CENTURY        0x32
/* 24 hours and binary or not: as the machine's clock counts.  No interrupts. */
#define STATUS_B_FORMAT 0x06

u32 cmos_read(struct vm *vm, u32 offset, u32 size)
{
	u8 index = vm->devices.cmos_index;

	(void)size;
	if (!offset)
		return 0xff;
	if (index < TIME_REGISTERS || index == STATUS_A || index == CENTURY)
		return rtc_read(index);
	if (index == STATUS_B)
		return rtc_read(index) & STATUS_B_FORMAT;
	return index == STATUS_D ? VALID : 0;
}

void cmos_write(struct vm *vm, u32 offset, u32 size, u32 value)
{
	(void)size;
	if (!offset)
		vm->devices.cmos_index = value & 0x7f;
}
