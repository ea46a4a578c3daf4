/* SPDX-License-Identifier: MIT */
/* The second CPU's part in the tests with two: see kvm0_smp.h. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_smp.h"

#define JOB_US     1000000u
#define REACHES_US 500000u

/* Static: a job that does not end outlives its test. */
static struct runner runner;

static bool idle_soon(void)
{
	return smp_wait(1, time_us(JOB_US));
}

void cpu1_need(void)
{
	static bool started;

	if (!started) {
		started = true;
		smp_start();
	}
	if (smp_count() < 2)
		check_skip("this machine has one CPU");
	/* What a failed test has left. */
	kvm0_on_wake(NULL);
	runner.stop = 1;
	smp_kick(1);
	if (!idle_soon())
		check_fail(__FILE__, __LINE__, "CPU 1 has not ended its last job");
}

void cpu1_begin(void (*fn)(void *arg), void *arg)
{
	CHECK_RESULT(smp_call(1, fn, arg), 0);
}

void cpu1_end(void)
{
	if (!idle_soon())
		check_fail(__FILE__, __LINE__, "CPU 1 does not end its job");
}

static void run_job(void *arg)
{
	struct runner *r = arg;
	u64 detail;
	s64 result;

	do {
		result = kvm0_run_once((u32)r->vcpu, r->hints, &detail);
		r->detail = detail;
		if (result != KVM0_RUN_BLOCKED)
			continue;
		r->blocked++;
		while (r->resumed < r->blocked && !r->stop)
			idle_until(TIME_NEVER);
	} while ((result == KVM0_RUN_AGAIN || result == KVM0_RUN_BLOCKED) && !r->stop);
	r->result = result;
}

struct runner *cpu1_run_with(int vcpu, u64 hints)
{
	runner = (struct runner){.vcpu = vcpu, .hints = hints};
	cpu1_begin(run_job, &runner);
	return &runner;
}

struct runner *cpu1_run(int vcpu)
{
	return cpu1_run_with(vcpu, 0);
}

void cpu1_cut_short(struct runner *r)
{
	r->stop = 1;
	smp_kick(1);
	cpu1_end();
	CHECK_RESULT(r->result, KVM0_RUN_AGAIN);
}

void cpu1_stop_run(struct kvm_run *run)
{
	WRITE_ONCE(run->immediate_exit, 1);
	smp_kick(1);
	cpu1_end();
	run->immediate_exit = 0;
	CHECK_RESULT(runner.result, -EINTR);
}

s64 run_here(int vcpu)
{
	u64 deadline;
	s64 r;

	do
		r = kvm0_run_once((u32)vcpu, 0, &deadline);
	while (r == KVM0_RUN_AGAIN);
	return r;
}

bool cpu1_reaches(const volatile u64 *value, u64 least)
{
	for (u64 start = rdtsc(); *value < least; cpu_pause())
		if (rdtsc() - start > time_us(REACHES_US))
			return false;
	return true;
}

u64 pool_pages(void)
{
	return (u64)kvm0_call(KVM0_CALL_POOL, 0, 0, 0).value;
}

void start_at(int vcpu, const char *routine, u64 rdi, u64 rsi)
{
	struct kvm_regs regs = {.rip = machine_entry(routine),
				.rsp = GPA_STACK,
				.rflags = 0x202,
				.rdi = rdi,
				.rsi = rsi};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_REGS, &regs), 0);
}
