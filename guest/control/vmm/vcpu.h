/* SPDX-License-Identifier: MIT */
/* The first state of a guest's vCPU. */
#pragma once

#include <linux/kvm.h>
#include "guest/control/vmm/linux.h"

/*
 * Sets CPUID, MSRs, FPU, and the segments, control registers and registers with which the
 * 64-bit Linux entry is to be reached.  0, or -errno with *step naming the request.
 */
int vcpu_setup(u32 vcpu, const struct linux_entry *entry, const char **step) __must_check;

/*
 * Makes what KVM_GET_SUPPORTED_CPUID gave into the CPUID of a machine of one CPU with this
 * APIC ID.  Pure.  tsc_hz: the true frequency; leaves 0x15 and 0x16 that tell another one
 * are cleared.
 */
void vcpu_adjust_cpuid(struct kvm_cpuid2 *cpuid, u32 apic_id, bool tsc_deadline, u64 tsc_hz);
