/* SPDX-License-Identifier: MIT */
/*
 * Tests of kvm0 with two CPUs, and the second CPU's part in them: jobs that run a vCPU there.
 * Only CPU 0 may end a test, so a job leaves its results in a struct runner.
 */
#pragma once

#include "tests/abi/machine.h"

extern const struct suite suite_kvm0_smp, suite_kvm0_smp_load, suite_kvm0_smp_irq;
extern const struct suite suite_kvm0_smp_dirty, suite_kvm0_smp_storm, suite_kvm0_smp_moves;
extern const struct suite suite_kvm0_smp_pv, suite_kvm0_smp_shared, suite_kvm0_clock;

/* A KVM_RUN on CPU 1, repeated while kvm0 asks for that, until it ends or `stop` is set. */
struct runner {
	int vcpu;
	u64 hints;            /* KVM0_RUN_* */
	volatile s64 result;  /* of the last run, when the job is done */
	volatile u32 blocked; /* runs that ended so; after each the job waits ... */
	volatile u32 resumed; /* ... until this is as large */
	volatile u32 stop;
	volatile u64 detail; /* of the last run: until when it is blocked, or the page wanted */
};

/* Starts the other CPUs at the first call; skips the test if there are none. */
void cpu1_need(void);
/* Has CPU 1 do fn(arg); waits until it is done: fails the test after a second. */
void cpu1_begin(void (*fn)(void *arg), void *arg);
void cpu1_end(void);
/* Runs the vCPU on CPU 1. */
struct runner *cpu1_run(int vcpu);
struct runner *cpu1_run_with(int vcpu, u64 hints);
/* Has that run, which has reached the guest, end between two instructions, with KVM0_RUN_AGAIN. */
void cpu1_cut_short(struct runner *r);
/* Has that run end with -EINTR (by kvm_run's immediate_exit and an interrupt there). */
void cpu1_stop_run(struct kvm_run *run);
/* KVM_RUN on the CPU that calls, again while kvm0 asks for that; for jobs as well. */
s64 run_here(int vcpu);
/* Waits until *value is at least `least`; false: not within half a second. */
bool cpu1_reaches(const volatile u64 *value, u64 least);
/* Free pages of kvm0's pool. */
u64 pool_pages(void);
/* Sets the registers of a vCPU to start a payload in a 64-bit machine. */
void start_at(int vcpu, const char *routine, u64 rdi, u64 rsi);
