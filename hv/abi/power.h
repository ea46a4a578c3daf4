/* SPDX-License-Identifier: MIT */
/*
 * The control guest resets the machine or switches it off with the machine's own ports;
 * kvm0 sees those writes (monitor/shutdown.h).
 */
#pragma once

#include "vmx/vmx.h"

/* The control guest's access to a port that shutdown_init() chose. */
void power_port(struct vmx_vcpu *v, const struct vmx_exit *exit);

/* The control guest cannot go on: say why in one line with its RIP, stop all CPUs. */
__noreturn void power_control_stopped(const char *fmt, ...) __printf(1, 2);
