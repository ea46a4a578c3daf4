/* SPDX-License-Identifier: MIT */
/* Linux kernel images: what is checked, and how one is put into a guest's memory. */
#pragma once

#include "guest/control/vmm/ram.h"

/* Guest-physical places below 640 KiB. */
#define LINUX_BOOT_PARAMS 0x7000ull
#define LINUX_GDT         0x8000ull
#define LINUX_PAGE_TABLES 0x9000ull /* six pages */
#define LINUX_CMDLINE     0x20000ull
#define LINUX_CMDLINE_MAX 2048u

/* A bzImage that was found good. */
struct linux_image {
	const u8 *file;
	u64 kernel_offset, kernel_size; /* of the 64-bit part in the file */
	u64 init_size;                  /* bytes it needs from where it is put */
	u64 preferred, alignment;
	bool relocatable;
	u32 cmdline_max;
	u64 initrd_max; /* highest address of an initrd's last byte */
	u16 version;    /* of the boot protocol */
};

/* What the first instruction finds. */
struct linux_entry {
	u64 rip, rsi;
	u64 load; /* where the kernel lies */
};

/*
 * Checks a file.  0 with *image filled, or -ENOEXEC with why[] telling what is wrong with
 * it, as the end of a sentence that starts with its name.
 * Source: Linux, Documentation/arch/x86/boot.rst, The Real-Mode Kernel Header.
 */
int linux_check(struct linux_image *image, const void *file, u64 size, char *why,
		u64 why_size) __must_check;

/*
 * Puts kernel, initrd (size 0: none), command line, boot parameters, page tables and GDT in
 * place.  0 with *entry filled; or -E2BIG, -ENOMEM with why[] as above.
 */
int linux_load(struct ram *ram, const struct linux_image *image, const void *initrd,
	       u64 initrd_size, const char *cmdline, u64 rsdp, struct linux_entry *entry, char *why,
	       u64 why_size) __must_check;
