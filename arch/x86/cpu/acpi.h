/* SPDX-License-Identifier: MIT */
/*
 * The few facts that kvm0 takes from the ACPI tables: the CPUs, the local APIC's
 * address, the ports for power-off, reset and the timer.  Nothing is written, no AML
 * is run.  Pure functions over a callback that makes physical memory readable.
 * Source: ACPI Specification, "ACPI Software Programming Model".
 */
#pragma once

#include "lib/addr.h"

#define ACPI_MAX_CPUS 256u

struct acpi_cpu {
	u32 apic_id;
	bool enabled; /* else: absent, or may be added later */
};

struct acpi_info {
	u32 cpu_count;     /* in the order of the MADT */
	u32 cpus_left_out; /* for want of room here */
	struct acpi_cpu cpu[ACPI_MAX_CPUS];
	u64 lapic_base; /* physical */

	/* From the FADT; 0: there is none. */
	u16 pm1a_control, pm1b_control; /* ports */
	u16 pm_timer;                   /* port */
	bool pm_timer_32;               /* it counts 32 bits, not 24 */
	u8 reset_space;                 /* 0 memory, 1 port, 2 PCI configuration */
	u8 reset_value;
	u64 reset_address;  /* 0: no reset register */
	u16 smi_command;    /* port; 0: ACPI is always on */
	u8 acpi_enable;     /* what turns it on there */
	bool can_power_off; /* the DSDT says how: */
	u8 s5_type[2];      /* SLP_TYP of PM1a and PM1b control for S5 */

	hpa_t dmar, mcfg; /* tables that were seen, else 0 */

	/* What is wrong with the tables, and with which one, when acpi_parse() fails. */
	const char *problem;
	char table[5];
};

/* Make [@at, @at + @size) readable; NULL if that cannot be. */
typedef const void *(*acpi_map_fn)(u64 at, u64 size);

/*
 * Read the tables that the RSDP copy @rsdp of @size bytes leads to.  0; -EINVAL with
 * @out->problem and ->table set if one that is needed is missing or corrupt.
 */
int acpi_parse(const void *rsdp, u32 size, acpi_map_fn map, struct acpi_info *out) __must_check;

/*
 * Look in the AML of @size bytes for Name(_S5_, Package(){A, B...}) with constants, which is how
 * firmware has it (ACPI Specification, "\_Sx (System States)").  True: @type is A and B.
 * (acpi_s5.c)
 */
bool acpi_find_s5(const u8 *aml, u32 size, u8 type[2]) __must_check;

/*
 * Whether the @size bytes at @rsdp are an RSDP with correct checksums: 0, or -EINVAL.
 */
int acpi_check_rsdp(const void *rsdp, u32 size) __must_check;

/*
 * Look for an RSDP where a BIOS leaves it: in the first KiB of the extended BIOS data
 * area and in 0xe0000 to 0xfffff.  Its address as @map gave it, 36 bytes of it
 * readable; NULL: there is none.
 */
const void *acpi_find_rsdp(acpi_map_fn map);
