/* SPDX-License-Identifier: MIT */
/*
 * All that KVM knows of a VM, beside its memory: taken out of one VM and put into another that is
 * as new.  Callers are snapshot.c and migrate.c.
 */
#pragma once

#include <linux/kvm.h>
#include "guest/lib/types.h"

#define STATE_CPUID_MAX 256u
#define STATE_MSRS_MAX  512u
#define STATE_XSAVE_MAX 16384u
#define STATE_IRQCHIPS  3u /* both PICs, the I/O APIC */

struct vcpu_state {
	struct kvm_mp_state mp_state;
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	u64 tsc_khz;
	u64 tsc_offset; /* the guest's TSC less the machine's */
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[STATE_CPUID_MAX];
	} cpuid;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[STATE_MSRS_MAX];
	} msrs;
	u8 xsave[STATE_XSAVE_MAX];
};

struct state {
	u64 taken_at; /* the machine's TSC, when each tsc_offset was right */
	struct kvm_irqchip irqchips[STATE_IRQCHIPS];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
	u32 count;
	struct vcpu_state *vcpus; /* `count` of them, the caller's */
};

/*
 * Reads all of it, from the VM and state->count vCPUs with these handles.  None must be in an
 * unfinished exit (vm_pause()).  0, or -errno with *step naming what failed.
 */
s64 state_get(struct state *state, u32 vm, const u32 *vcpus, const char **step) __must_check;

/*
 * Puts it into a VM that has interrupt controllers, PIT and as many vCPUs, none of them used yet.
 * The guest's time goes on from where state_get() found it: what has passed since is no time for
 * it.  0, or -errno with *step.
 */
s64 state_set(const struct state *state, u32 vm, const u32 *vcpus, const char **step) __must_check;
