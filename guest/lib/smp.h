/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs.  Each one halts until smp_call() gives it a job, or does what smp_set_work()
 * says; all on a stack of 16 KiB with interrupts on.  CPU 0 is the boot CPU.
 */
#pragma once

#include "guest/lib/cpu.h"

/*
 * Starts every processor that ACPI lists (INIT, start-up IPI), waiting at most 100 ms for
 * each; names those that do not come.  Returns the number of CPUs up.  Call it at most once.
 */
u32 smp_start(void);
/* CPUs up, this one included: 1 until smp_start(). */
u32 smp_count(void);
struct cpu *smp_cpu(u32 index);

/*
 * Hands fn(arg) to CPU `cpu` (1 .. smp_count() - 1) and returns at once.  0, -EINVAL for no
 * such CPU, -EBUSY if its last job is not done.  Boot CPU only.
 */
int smp_call(u32 cpu, void (*fn)(void *arg), void *arg) __must_check;
/* Whether that CPU's job is done; and a wait for it (TSC ticks; false: not in that time). */
bool smp_idle(u32 cpu);
bool smp_wait(u32 cpu, u64 tsc_ticks);
/*
 * What the other CPUs do, again and again, while they have no job: it returns the TSC until which
 * there is nothing to be done, or 0.
 */
void smp_set_work(u64 (*work)(void));
/* Ends a CPU's idle_until() or KVM_RUN early. */
void smp_kick(u32 cpu);
