/* SPDX-License-Identifier: MIT */
/* Every CPU's data and stacks, and bringing all of them up at boot. */
#pragma once

#include "core/params.h"
#include "cpu/acpi.h"
#include "cpu/percpu.h"

extern const struct param_table cpus_params; /* maxcpus= */

/* Give this CPU, the boot CPU, its descriptor tables and, until cpus_init_stacks(),
 * stacks in the image.  Before anything that may fault or log. */
void cpus_init_boot(void);

/* Map the boot CPU's own stacks and go on in @next on the new one. */
__noreturn void cpus_init_stacks(void (*next)(void));

/*
 * Start every enabled CPU of @acpi, each of which then calls @main(its percpu) on a
 * stack of its own.  Those that do not come are named and left out.  Prints one line
 * for each CPU.
 */
void cpus_start(const struct acpi_info *acpi, void (*main)(struct percpu *));

/* Is @p one of the first maxcpus=?  The others are to be parked. */
bool cpus_wanted(const struct percpu *p);
