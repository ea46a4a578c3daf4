/* SPDX-License-Identifier: MIT */
/*
 * kvm0's own page tables, one set for all CPUs: the image with each section's
 * permissions, the direct map, the stacks (cpu/layout.h).  Nothing is ever both
 * writable and executable, and nothing mapped is taken away again.
 */
#pragma once

#include "core/memmap.h"
#include "cpu/percpu.h"

/*
 * Build the tables and load them on this CPU.  The direct map gets the RAM, ACPI
 * and NVS ranges of @m and kvm0's own, without the image.  -ENOMEM.
 */
int paging_init(const struct memmap *m) __must_check;

/* Load the tables that paging_init() built on this CPU. */
void paging_load(void);

/* Their physical address, for CR3 and for the VMCS host-state area. */
hpa_t paging_root(void);

/*
 * Make [@base, @base + @size), widened to whole pages, accessible in the direct map:
 * tables in reserved memory, device registers (@uncached).  What is mapped already
 * stays as it is.  Any CPU.  0; -EINVAL if it wraps, lies above the physical address
 * width, or touches kvm0's image; -ENOMEM.
 */
int paging_map_direct(hpa_t base, u64 size, bool uncached) __must_check;

/* How many bytes from @va on one entry of the tables maps; 0: none does.  *@uncached: they are
 * a device's. */
u64 paging_find(u64 va, bool *uncached);

/* Page tables for a CPU that starts at the physical page @page: all of kvm0's and
 * that page, executable, at its own address.  NULL if there is no memory. */
void *paging_trampoline_tables(hpa_t page) __must_check;
void paging_trampoline_free(void *tables);

/* Map the four stacks of CPU @index and name them in @p.  0, -ENOMEM. */
int paging_map_stacks(struct percpu *p, u32 index) __must_check;
