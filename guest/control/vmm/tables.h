/* SPDX-License-Identifier: MIT */
/* The ACPI tables of a guest, and the registers that they name. */
#pragma once

#include "guest/control/vmm/ram.h"

/* Where the tables lie; the RSDP comes first. */
#define TABLES_BASE 0xf0000ull

/* I/O ports of the fixed registers (pm.c). */
#define TABLES_PM1_EVENT   0x600
#define TABLES_PM1_CONTROL 0x604
#define TABLES_PM_TIMER    0x608
#define TABLES_RESET       0xcf9
#define TABLES_RESET_VALUE 0x06
#define TABLES_SLP_TYP_S5  5
#define TABLES_SCI         9

/*
 * Writes RSDP, XSDT, FADT, FACS, DSDT and MADT for CPUs with the APIC IDs 0 to cpus - 1 (at most
 * VM_CPUS_MAX), and the I/O APIC of KVM's irqchip.  KVM's default routing sends GSI n to pin n of
 * the I/O APIC, for the PIT's GSI 0 too, so there is no interrupt override.  0 or -EFAULT.
 * Source: ACPI Specification 6.4, ACPI Software Programming Model.
 */
int tables_write(struct ram *ram, u32 cpus) __must_check;
