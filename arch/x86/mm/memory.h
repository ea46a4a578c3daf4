/* SPDX-License-Identifier: MIT */
/*
 * Taking possession of the machine's memory at boot: the memory map from the boot
 * loader's, kvm0's image and pool out of it, kvm0's page tables over it.
 */
#pragma once

#include "core/params.h"
#include "multiboot2.h"

extern const struct param_table memory_params; /* pool= */

/*
 * Fill the machine's memmap from @info, choose the pool, build and load the page
 * tables.  Refuses to start if the map is unusable or there is too little memory.
 * Boot CPU, once.
 */
void memory_init(const struct mb2_info *info);

/*
 * Make firmware's memory at [@at, @at + @size) readable, at any boundaries.  NULL if
 * it cannot be: beyond the physical address width, or kvm0's own image.
 */
const void *memory_map_firmware(u64 at, u64 size);

/* Bytes of RAM in all, kvm0's own among them. */
u64 memory_total(void);
