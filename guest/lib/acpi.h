/* SPDX-License-Identifier: MIT */
/* The few things read from the machine's ACPI tables: how to power off, reset, and the CPUs. */
#pragma once

#include "guest/lib/boot.h"

struct acpi_info {
	bool found;                     /* RSDP and FADT are there and their checksums are right */
	bool can_power_off;             /* \_S5 found */
	u16 pm1a_control, pm1b_control; /* I/O ports; 0: none */
	u8 s5_a, s5_b;                  /* SLP_TYP values */
	u16 smi_command;                /* port, 0: none */
	u8 acpi_enable;                 /* value that turns ACPI on */
	u8 reset_space;                 /* 0: memory, 1: I/O, 0xff: no reset register */
	u64 reset_address;
	u8 reset_value;
	u32 apic_ids[64]; /* enabled processors */
	u32 cpu_count;
};

/* Reads the tables.  Called by the start code; the answer is acpi_info(). */
void acpi_init(const struct boot *boot);
const struct acpi_info *acpi_info(void);
/* The table with this signature and a right checksum, or NULL. */
const void *acpi_find(const char signature[4]);
