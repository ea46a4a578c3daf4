/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU runs on which CPU.  Each CPU calls sched_turn() again and again; one that has nothing
 * to run is given the next vCPU that has something to do, and where there are more of these than
 * CPUs they take turns of 5 ms, which end early when a vCPU spins.  A vCPU stays on its CPU as long
 * as nobody else waits for that, and comes back there if it is free.
 *
 * The scheduler takes no lock but its own, so that wake-ups may be reported with any held.
 */
#pragma once

#include "guest/control/vmm/vm.h"

/* Takes wake-ups from now on.  Called once, before all else, by the boot CPU. */
void sched_init(void);

/*
 * All vCPUs of a VM are run from now on, if it lives; or none of them: when sched_remove() returns
 * no CPU is in vm_step() of it.  Boot CPU only, not in vm_step().
 */
void sched_add(struct vm *vm);
void sched_remove(struct vm *vm);

/*
 * One vm_step() of the vCPU whose turn it is on this CPU, which ends at `limit` (TSC) at the latest
 * if the CPU is interrupted then.  Interrupts are off until it returns, so that none that is to end
 * the KVM_RUN comes before it.  Returns the TSC until which there is nothing to be done on this
 * CPU (`limit` at most), or 0.  The boot CPU is kicked (smp_kick()) when a VM has come to an end.
 */
u64 sched_turn(u64 limit);
/* This CPU is going to do something else for a while: what it would run is for others to take. */
void sched_leave(void);
