/* SPDX-License-Identifier: MIT */
/*
 * What the multiboot2 loader (GRUB or kvm0) handed over, parsed once before guest_main().
 * Pure: boot_parse() reads the information structure and nothing else.
 */
#pragma once

#include "guest/lib/types.h"

#define BOOT_MAX_MODULES 32
#define BOOT_MAX_RANGES  128

/* The types of memory that the memory map tells apart. */
enum boot_memory {
	BOOT_MEMORY_RAM = 1,
	BOOT_MEMORY_RESERVED = 2,
	BOOT_MEMORY_ACPI = 3,
	BOOT_MEMORY_NVS = 4,
	BOOT_MEMORY_BAD = 5,
};

struct boot_range {
	u64 start; /* first byte */
	u64 end;   /* byte after the last */
	u32 type;  /* enum boot_memory, or a number of the firmware's */
};

struct boot_module {
	char name[64];    /* first word of the module's string, shortened if need be */
	const char *args; /* the rest of that string, never NULL */
	const u8 *start;
	u64 size; /* bytes */
};

/* One for the whole run; guest_main() gets it. */
struct boot {
	const char *cmdline; /* never NULL */
	const char *loader;  /* name of the boot loader, never NULL */
	struct boot_module modules[BOOT_MAX_MODULES];
	u32 module_count;
	u32 modules_dropped; /* modules beyond BOOT_MAX_MODULES */
	struct boot_range ranges[BOOT_MAX_RANGES];
	u32 range_count;
	const void *rsdp;           /* copy of the ACPI RSDP in the information, or NULL */
	u64 info_start, info_end;   /* the information structure itself */
	u64 image_start, image_end; /* this program, with its .bss */
};

/*
 * Fills *boot from the multiboot2 information structure at `info`; the image's own bounds
 * are left for the caller.  0, or -EINVAL if the structure is malformed (sizes that do not
 * add up); unknown tags are passed over.
 */
int boot_parse(struct boot *boot, const void *info) __must_check;

/* The module with this name, or NULL. */
const struct boot_module *boot_find_module(const struct boot *boot, const char *name);

/*
 * The program's own entry: what each guest image defines.  Runs on the boot CPU in long
 * mode, identity-mapped, interrupts on, all of guest/lib set up but the other CPUs
 * (smp_start()).  When it returns the machine is powered off.
 */
int guest_main(const struct boot *boot);
