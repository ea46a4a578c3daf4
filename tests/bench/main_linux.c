/* SPDX-License-Identifier: MIT */
/* The benchmark as a process on Linux. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include "tests/bench/bench.h"

static pthread_t thread;

static void be_on_cpu(u32 cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *run_for_ever(void *vcpu)
{
	be_on_cpu(1);
	while (t_run_quick(*(int *)vcpu) == 0)
		;
	return NULL;
}

bool bench_run_elsewhere(int vcpu)
{
	static int handle;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || !CPU_ISSET(0, &set) || !CPU_ISSET(1, &set))
		return false;
	be_on_cpu(0);
	handle = vcpu;
	return !pthread_create(&thread, NULL, run_for_ever, &handle);
}

static void nothing(int number)
{
	(void)number;
}

void bench_end_elsewhere(struct kvm_run *run)
{
	struct sigaction action = {.sa_handler = nothing};

	WRITE_ONCE(run->immediate_exit, 1);
	(void)sigaction(SIGURG, &action, NULL);
	(void)pthread_kill(thread, SIGURG);
	(void)pthread_join(thread, NULL);
}

int main(void)
{
	return bench_run(NULL) ? 1 : 0;
}
