/* SPDX-License-Identifier: MIT */
/*
 * The ACPI fixed registers of a guest: PM1 event and control, and the PM timer.  Called by
 * ports.c.  Source: ACPI Specification 6.4, ACPI Hardware Specification.
 */
#include "guest/control/vmm/ports.h"
#include "guest/control/vmm/tables.h"
#include "guest/lib/time.h"

enum {
	PM1_STATUS = 0,
	PM1_ENABLE = TABLES_PM1_EVENT + 2 - TABLES_PM1_EVENT,
	PM1_CONTROL = TABLES_PM1_CONTROL - TABLES_PM1_EVENT,
	PM_TIMER = TABLES_PM_TIMER - TABLES_PM1_EVENT,
};

#define SCI_EN        0x0001u
#define SLP_TYP_SHIFT 10
#define SLP_TYP_MASK  7u
#define SLP_EN        0x2000u
#define TIMER_HZ      3579545ull
#define TIMER_MASK    0xffffffu

static u32 timer_now(const struct vm *vm)
{
	u64 tsc = rdtsc() - vm->devices.pm_timer_lag, hz = time_tsc_hz();

	return (u32)(tsc / hz * TIMER_HZ + tsc % hz * TIMER_HZ / hz) & TIMER_MASK;
}

u32 pm_read(struct vm *vm, u32 offset, u32 size)
{
	u32 low = offset & 1;

	(void)size;
	switch (offset & ~1u) {
	case PM1_STATUS:
		return (u32)(vm->devices.pm1_status | (u32)vm->devices.pm1_enable << 16) >>
		       (8 * low);
	case PM1_ENABLE:
		return (u32)vm->devices.pm1_enable >> (8 * low);
	case PM1_CONTROL:
		/* There is no SMI to turn ACPI on with: it always is. */
		return (vm->devices.pm1_control | SCI_EN) >> (8 * low);
	case PM_TIMER:
	case PM_TIMER + 2:
		return timer_now(vm) >> (8 * (offset - PM_TIMER));
	default:
		return 0;
	}
}

void pm_write(struct vm *vm, u32 offset, u32 size, u32 value)
{
	switch (offset) {
	case PM1_STATUS:
		vm->devices.pm1_status &= (u16)~value;
		if (size == 4)
			vm->devices.pm1_enable = (u16)(value >> 16);
		break;
	case PM1_ENABLE:
		vm->devices.pm1_enable = (u16)value;
		break;
	case PM1_CONTROL:
		vm->devices.pm1_control = (u16)(value & ~SLP_EN);
		if ((value & SLP_EN) &&
		    (value >> SLP_TYP_SHIFT & SLP_TYP_MASK) == TABLES_SLP_TYP_S5)
			vm->state = VM_POWERED_OFF;
		break;
	default:
		break;
	}
}
