/* SPDX-License-Identifier: MIT */
/* The first state of a guest's vCPU. */
#pragma once

#include <linux/kvm.h>
#include "guest/control/vmm/linux.h"

/*
 * Sets CPUID and MSRs of the vCPU with this APIC ID, below `cpus`, of as many.  0, or -errno with
 * *step naming the request.
 */
int vcpu_setup(u32 vcpu, u32 apic_id, u32 cpus, const char **step) __must_check;
/*
 * Sets FPU, segments, control registers and registers with which the 64-bit Linux entry is to be
 * reached.  0, or -errno with *step.
 */
int vcpu_start(u32 vcpu, const struct linux_entry *entry, const char **step) __must_check;

/*
 * Makes what KVM_GET_SUPPORTED_CPUID gave into the CPUID of the CPU with this APIC ID in a machine
 * of one package of `cpus` cores.  Pure.  `room`: entries that there is place for; at most two are
 * added.  tsc_hz: the true frequency; leaves 0x15 and 0x16 that tell another one are cleared.
 * Source: SDM vol. 2, CPUID; vol. 3, Detecting Hardware Multi-Threading Support and Topology.
 */
void vcpu_adjust_cpuid(struct kvm_cpuid2 *cpuid, u32 room, u32 apic_id, u32 cpus, bool tsc_deadline,
		       u64 tsc_hz);
