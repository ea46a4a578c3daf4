/* SPDX-License-Identifier: MIT */
/*
 * The boot information of Multiboot2: read it as GRUB hands it over, and write one
 * for the control guest, which is a multiboot2 kernel itself.  Pure functions of
 * their arguments.  Source: Multiboot2 Specification version 2.0, "Boot information
 * format".
 */
#pragma once

#include "lib/types.h"

#define MB2_BOOT_MAGIC 0x36d76289u /* in EAX at a kernel's entry */

#define MB2_MAX_MODULES 32u
#define MB2_MAX_MMAP    256u
#define MB2_MAX_TEXT    8192u  /* all strings together, with their NULs */
#define MB2_MAX_EFI     32768u /* bytes of EFI memory map */
#define MB2_MAX_RAW     1024u  /* bytes of a framebuffer tag, palette and all */
#define MB2_MAX_RSDP    64u

enum mb2_tag_type {
	MB2_TAG_END = 0,
	MB2_TAG_CMDLINE = 1,
	MB2_TAG_LOADER_NAME = 2,
	MB2_TAG_MODULE = 3,
	MB2_TAG_MEMINFO = 4,
	MB2_TAG_MMAP = 6,
	MB2_TAG_FRAMEBUFFER = 8,
	MB2_TAG_EFI32 = 11,
	MB2_TAG_EFI64 = 12,
	MB2_TAG_ACPI_OLD = 14,
	MB2_TAG_ACPI_NEW = 15,
	MB2_TAG_EFI_MMAP = 17,
	MB2_TAG_EFI32_IMAGE = 19,
	MB2_TAG_EFI64_IMAGE = 20,
	MB2_TAG_LOAD_BASE = 21,
};

#define MB2_MMAP_RAM      1u
#define MB2_MMAP_RESERVED 2u

struct mb2_mmap_entry {
	u64 base, length;
	u32 type; /* as e820 has them: MB2_MMAP_RAM... */
	u32 reserved;
};
_Static_assert(sizeof(struct mb2_mmap_entry) == 24, "mb2_mmap_entry");

/* The first fields of EFI_MEMORY_DESCRIPTOR; entries are efi_entry_size apart. */
struct mb2_efi_entry {
	u32 type, pad;
	u64 base, virtual_base, pages, attributes;
};
_Static_assert(sizeof(struct mb2_efi_entry) == 40, "mb2_efi_entry");

#define MB2_EFI_RESERVED 0u

struct mb2_module {
	u64 start, end;   /* physical; end is exclusive */
	const char *text; /* in mb2_info.text */
};

struct mb2_blob {
	u32 size; /* 0: the tag was not there */
	u8 data[MB2_MAX_RSDP] __attribute__((aligned(8)));
};

/* What kvm0 keeps of the boot information, copied out of the loader's memory. */
struct mb2_info {
	const char *cmdline; /* "" if there was none */

	u32 module_count;
	struct mb2_module module[MB2_MAX_MODULES];

	bool have_meminfo;
	u32 mem_lower, mem_upper; /* KiB */

	u32 mmap_count;
	struct mb2_mmap_entry mmap[MB2_MAX_MMAP];

	u32 efi_size; /* bytes in efi_map; 0: none */
	u32 efi_entry_size, efi_entry_version;
	u8 efi_map[MB2_MAX_EFI] __attribute__((aligned(8)));

	u64 efi_system_table; /* physical; 0: not booted by UEFI */
	bool efi_is_32;

	u32 framebuffer_size; /* bytes of the tag's contents; 0: none */
	u8 framebuffer[MB2_MAX_RAW] __attribute__((aligned(8)));

	struct mb2_blob rsdp_old, rsdp_new; /* copies of the RSDP itself */

	bool have_load_base;
	u32 load_base;

	u32 text_used;
	char text[MB2_MAX_TEXT];

	/* Why mb2_parse() failed, or what it left out; NULL: nothing. */
	const char *problem;
};

/* A range of physical memory; @end is exclusive. */
struct mb2_range {
	u64 base, end;
};

/*
 * Read the boot information at @mbi, which is 8-byte aligned and @mapped bytes long
 * at the most, into *@out.  Reads nothing beyond its own total size.
 * 0, perhaps with out->problem set to what was left out (a thing kvm0 can do
 * without); -EINVAL if a size, a tag or a module is malformed; -ENOSPC if there is
 * more of something than fits; both with out->problem set.
 */
int mb2_parse(const void *mbi, u64 mapped, struct mb2_info *out) __must_check;

/*
 * Write the boot information for the control guest, module number @control of @in,
 * to the @size bytes at @out (8-byte aligned): its string, less its name, as the command
 * line, the other modules in order, the memory maps with @hidden turned into reserved memory,
 * all else as it came.  Returns the bytes written; -EINVAL if there is no module
 * @control; -ENOSPC if @size is too small.
 */
int mb2_build(const struct mb2_info *in, u32 control, const struct mb2_range *hidden,
	      u32 hidden_count, void *out, u32 size) __must_check;
