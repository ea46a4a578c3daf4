/* SPDX-License-Identifier: MIT */
/*
 * Reset, power-off and stopping.  The control guest does the first two with the
 * machine's own ports; kvm0 sees those writes so that every CPU leaves VMX operation
 * first, in which INIT has no effect.
 */
#pragma once

#include "cpu/acpi.h"
#include "vmx/vmx.h"

/* Which ports are to be seen.  Once, during boot. */
void power_init(const struct acpi_info *acpi);

/* The control guest's access to a port that power_init() chose. */
void power_port(struct vmx_vcpu *v, const struct vmx_exit *exit);

/* Called on a CPU that was told to stop: leave VMX and halt. */
__noreturn void power_stop_this_cpu(void);

/* The control guest cannot go on: say why in one line with its RIP, stop all CPUs. */
__noreturn void power_control_stopped(const char *fmt, ...) __printf(1, 2);
