/* SPDX-License-Identifier: MIT */
/*
 * Loading the control guest: a position-independent ELF64 multiboot2 kernel that came
 * as the first boot module.  It is started just as GRUB would start it.
 */
#pragma once

#include "lib/addr.h"
#include "multiboot2.h"

/* What control_start_state() needs. */
struct control_image {
	u32 entry; /* guest-physical, below 4 GiB */
	u32 mbi;   /* its multiboot2 information */
};

/*
 * Where an ELF image of @size bytes at @file wants to be: 0 with its highest address in
 * *@span and its entry in *@entry, both relative to where it is put; else -EINVAL with
 * *@why.  Pure.
 */
int control_image_check(const void *file, u64 size, u64 *span, u64 *entry,
			const char **why) __must_check;

/* Load module 0 of @info into free memory, or refuse to start. */
void control_image_load(const struct mb2_info *info, struct control_image *image);
