/* SPDX-License-Identifier: MIT */
/*
 * kvm0's own virtual address space.  Three areas and nothing else:
 *   DIRECT_MAP_BASE + hpa   every page of memory kvm0 may touch, read-write, never
 *                           executable; kvm0's own image is left out of it
 *   STACK_AREA_BASE         the stacks, each with an unmapped guard page below
 *   IMAGE_BASE              kvm0's image where linker.ld put it, W^X by section
 * The image may be loaded at any 2 MiB boundary below 4 GiB; its distance from
 * IMAGE_BASE is image_phys_offset, set once by boot/entry.asm.
 */
#pragma once

#include "lib/addr.h"

#define DIRECT_MAP_BASE 0xffff800000000000ull
#define STACK_AREA_BASE 0xffffff0000000000ull
#define IMAGE_BASE      0xffffffff80000000ull
#define STACK_SIZE      (16 * 1024ull)
#define MAX_CPUS        64u

extern const u64 boot_entry_tsc; /* the TSC at kvm0_start; written by boot/entry.asm only */
extern __from_outside u64 image_phys_base; /* hpa of IMAGE_BASE; written by boot/entry.asm only */

/* The direct map's address of @a; touching it needs the page to be mapped. */
static inline void *phys_to_virt(hpa_t a)
{
	return (void *)(uintptr_t)(DIRECT_MAP_BASE + a.v);
}

/* The physical address of an object in the direct map or in kvm0's image. */
static inline hpa_t virt_to_phys(const void *p)
{
	u64 v = (u64)(uintptr_t)p;

	return hpa(v >= IMAGE_BASE ? v - IMAGE_BASE + image_phys_base : v - DIRECT_MAP_BASE);
}
