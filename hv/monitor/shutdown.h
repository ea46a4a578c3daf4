/* SPDX-License-Identifier: MIT */
/*
 * The ways in which the machine's run ends: power-off and reset, by the control guest's access to a
 * port or by kvm0 itself.  Every CPU leaves VMX operation first, in which INIT has no effect.
 */
#pragma once

#include "cpu/acpi.h"

/* What the machine has for it; @acpi stays.  Traps the ports.  Once, during boot. */
void shutdown_init(const struct acpi_info *acpi);

/* Does writing @value to @port end the run? */
bool shutdown_is_end(u16 port, u32 value);

/* Called on a CPU that was told to stop: leave VMX and halt. */
__noreturn void shutdown_this_cpu(void);

/* Get the other CPUs out of VMX operation.  One that waits for SIPI hears no kick, and
 * is left alone after a while. */
void shutdown_other_cpus(void);

/* All CPUs have left VMX, and the machine goes; if it does not, there is no way back. */
__noreturn void shutdown_after(void);

/* Reset the machine, or switch it off, which not every machine tells kvm0 how to. */
__noreturn void shutdown_reset(void);
bool shutdown_can_power_off(void);
__noreturn void shutdown_power_off(void);
