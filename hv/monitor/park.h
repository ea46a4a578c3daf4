/* SPDX-License-Identifier: MIT */
/*
 * The world is parked: one CPU works for a person at the console, and all others stand in
 * control_run()'s loop, in root mode, until it is done.  No vCPU is in guest mode or busy then, no
 * hypercall under way, no lock held, and the state of each guest's vCPU is in its struct vcpu and
 * its VMCS: so whoever works needs no locks.  docs/locking.md has the protocol.
 *
 * A control vCPU's registers are in its vmx_vcpu and VMCS as well, but what no VMCS field swaps
 * (vmx_switch()) is in its CPU.
 */
#pragma once

#include "kvm/vcpu.h"

/* @control is this CPU's part of the control guest.  Once, before it is first entered. */
void park_join(struct vmx_vcpu *control);
/* The control vCPU of CPU @cpu, or NULL: it has none. */
struct vmx_vcpu *park_control(u32 cpu);
/* Whose it is, wherever its VMCS is now. */
u32 park_cpu_of(const struct vmx_vcpu *control);

/*
 * Park all other CPUs, unless this one has done so already.  In the loop of control_run(), nothing
 * held; one CPU at a time.  False: another one works, and this one has to stand (park_here())
 * first.  Waits for as long as the others need to end their calls, and not for one that waits for
 * SIPI; one that kvm0 has lost costs 5 s.
 */
bool park_world(void) __must_check;
void park_release(void);
/* Instead of that: CPU @cpu, which stands, goes on, and works from now on (park_world()); this one
 * has to stand, and all others do. */
void park_pass(u32 cpu);

/* Stand for as long as another CPU works, with @meanwhile called again and again. */
void park_here(void (*meanwhile)(void));

/* Is CPU @cpu not there?  It waits for SIPI, has stopped, or has hung: its VMCSs cannot be had. */
bool park_missing(u32 cpu);
/* All other CPUs have been stopped for good: for a panic, which works as if the world was parked.
 */
void park_alone(void);

/* Make @v's VMCS current on this CPU.  0, or -EBUSY: it is on a CPU that is missing. */
int park_load(struct vmx_vcpu *v) __must_check;
