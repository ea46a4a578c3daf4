/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: what an operation of the KVM API or an event of a guest costs, in ticks of
 * the TSC.  Rows are `name ticks n where=guest|host min= mean= max=`, ticks being the median
 * of n single operations, each between two RDTSC; nothing is subtracted.  where=host: around
 * the call; where=guest: in the guest, around the operation (payloads/timing.asm).
 * Built on the ABI tests' target and machine (tests/abi).
 */
#pragma once

#include "guest/lib/cpu.h"
#include "tests/abi/machine.h"

/* The TSC when the image was started; kvm0 only. */
extern u64 bench_start_tsc;

/* kvm0: on kvm0 only. */
extern const struct suite suite_kvm0;
extern const struct suite suite_api, suite_exit, suite_user, suite_irq, suite_mem;

/* Room for the samples of one row, RESULTS_MAX of them, for where=host. */
extern u64 bench_samples[RESULTS_MAX];

/*
 * Prints the row NAME or, with a suffix, NAME.SUFFIX; sorts the samples.  `name` NULL stands
 * for the name of the test that runs.
 */
void bench_row(const char *name, const char *suffix, u64 *samples, u32 n, const char *where);

/* Starts a measuring routine of the guest with n rounds; r9 to r11 are in m->regs. */
void bench_start(struct machine *m, const char *routine, u32 n);
/*
 * Runs it to its end: four rounds to warm up, the pages of the results touched, then n
 * rounds.  The samples are bench_results().
 */
void bench_loop(struct machine *m, const char *routine, u32 n);
/* Array 0 to 3 of the guest's samples. */
u64 *bench_results(const struct machine *m, u32 array);

/*
 * Runs the vCPU on another CPU, again and again after interrupts of this machine, until
 * bench_end_elsewhere().  False: there is only one CPU.
 */
bool bench_run_elsewhere(int vcpu);
/* @run: the vCPU's. */
void bench_end_elsewhere(struct kvm_run *run);

/* Runs all, and `more` if it is not NULL; how many failed. */
u32 bench_run(const struct suite *more);
