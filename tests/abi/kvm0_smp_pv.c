/* SPDX-License-Identifier: MIT */
/* Hypercalls by which one vCPU wakes another, interrupts it on another CPU, or yields to it. */
#include <linux/kvm_para.h>
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_smp.h"

#define OTHER_ID   5u
#define COUNTER    GPA_BUFFER
#define ROUNDS     50u
#define BLOCKED_US 500000u

static volatile u64 wakes;
static volatile u32 woken;

static void note_wake(u32 handle)
{
	woken = handle;
	wakes++;
}

/* A machine of two vCPUs of which the second one, returned, could run. */
static int open_two(struct machine *m, struct kvm_run **run)
{
	struct kvm_mp_state mp = {KVM_MP_STATE_RUNNABLE};
	int other;

	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	other = machine_add_vcpu(m, OTHER_ID, run);
	CHECK_RESULT(t_ioctl_ptr(other, KVM_SET_MP_STATE, &mp), 0);
	start_at(other, cpus_count, COUNTER, 0);
	wakes = 0;
	kvm0_on_wake(note_wake);
	return other;
}

/* The first vCPU is about to make a hypercall. */
static void prepare(struct machine *m, u64 number, u64 a0, u64 a1, u64 a2, u64 a3)
{
	m->regs.rax = number;
	m->regs.rbx = a0;
	m->regs.rcx = a1;
	m->regs.rdx = a2;
	m->regs.rsi = a3;
	machine_start(m, fault_vmcall);
}

static void call(struct machine *m, u64 number, u64 a0, u64 a1, u64 a2, u64 a3, s64 want)
{
	prepare(m, number, a0, a1, a2, a3);
	machine_run_out(m, PORT_DONE);
	CHECK_RESULT((s64)machine_regs(m).rax, want);
}

static void await_blocked(const struct runner *r, u32 times)
{
	for (u64 start = rdtsc(); r->blocked < times; cpu_pause())
		CHECK(rdtsc() - start < time_us(BLOCKED_US));
}

/* CPU 1 runs the other vCPU, which makes a hypercall that does nothing and halts with interrupts
 * off. */
static struct runner *halt_there(int other)
{
	struct kvm_regs regs = {
		.rip = machine_entry(cpus_vmcall_hlt), .rflags = 2, .rax = KVM_HC_VAPIC_POLL_IRQ};

	CHECK_RESULT(t_ioctl_ptr(other, KVM_SET_REGS, &regs), 0);
	return cpu1_run(other);
}

/* It goes on when CPU 1 looks again, and comes to its end. */
static void expect_end(struct runner *r, const struct kvm_run *run)
{
	r->resumed = 1;
	smp_kick(1);
	cpu1_end();
	CHECK_RESULT(r->result, 0);
	CHECK_EQUAL(run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(run->io.port, PORT_DONE);
}

/* A vCPU that CPU 1 has let go because it is halted with interrupts off: an interrupt has it looked
 * at again, and a kick has it go on. */
static void kvm0_smp_kick(void)
{
	struct kvm_run *run;
	struct runner *r;
	struct machine m;
	int other;

	cpu1_need();
	other = open_two(&m, &run);
	for (u32 i = 0; i < ROUNDS; i++) {
		wakes = 0;
		r = halt_there(other);
		await_blocked(r, 1);
		CHECK_EQUAL(r->detail, KVM0_NO_DEADLINE);
		call(&m, KVM_HC_KICK_CPU, 0, OTHER_ID + 1, 0, 0, 0);
		CHECK_EQUAL(wakes, 0);
		call(&m, KVM_HC_KICK_CPU, 0, OTHER_ID, 0, 0, 0);
		CHECK_EQUAL(wakes, 1);
		CHECK_EQUAL(woken, other);
		expect_end(r, run);
	}
}

/* The vCPU halts, or is about to, when the kick comes: it goes on in either case. */
static void kvm0_smp_kick_race(void)
{
	struct kvm_run *run;
	struct runner *r;
	struct machine m;
	int other;

	cpu1_need();
	other = open_two(&m, &run);
	for (u32 i = 0; i < ROUNDS; i++) {
		r = halt_there(other);
		for (u32 n = 0; n < i; n++)
			cpu_pause();
		call(&m, KVM_HC_KICK_CPU, 0, OTHER_ID, 0, 0, 0);
		expect_end(r, run);
	}
}

/* IPIs to a vCPU that runs on CPU 1: each arrives, once. */
static void kvm0_smp_send_ipi(void)
{
	struct kvm_run *run;
	struct machine m;
	int other;

	cpu1_need();
	other = open_two(&m, &run);
	machine_enable_apic(&m);
	start_at(other, cpus_ipi_count, COUNTER, 0);
	cpu1_run(other);
	CHECK(cpu1_reaches(machine_at(&m, COUNTER), 100));
	for (u32 i = 1; i <= ROUNDS; i++) {
		call(&m, KVM_HC_SEND_IPI, 1, 0, OTHER_ID, VECTOR_XAPIC, 1);
		CHECK(cpu1_reaches(machine_at(&m, GPA_VARS + VAR_IRQS), i));
		CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), i);
	}
	/* In 64-bit sets over both halves, to itself and the other one. */
	call(&m, KVM_HC_SEND_IPI, ~0ull, ~0ull, 0, VECTOR_XAPIC, 2);
	CHECK(cpu1_reaches(machine_at(&m, GPA_VARS + VAR_IRQS), ROUNDS + 1));
	cpu1_stop_run(run);
}

/* How many wake-ups the run tells of that has the hypercall. */
static u64 wakes_of(struct machine *m, u64 number, u64 a0, u64 a1)
{
	u64 before = wakes, detail;
	s64 result;

	prepare(m, number, a0, a1, 0, 0);
	do
		result = kvm0_run_once((u32)m->vcpu, 0, &detail);
	while (result == KVM0_RUN_AGAIN && wakes == before);
	if (wakes != before) { /* it has ended for that, and the result is there */
		CHECK_RESULT(result, KVM0_RUN_AGAIN);
		machine_run_out(m, PORT_DONE);
	} else {
		CHECK_RESULT(result, 0);
		CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
	}
	CHECK_EQUAL(machine_regs(m).rax, 0);
	return wakes - before;
}

/* A run ends for a yield to one that could run, which is told of then, and for no other. */
static void kvm0_smp_yield(void)
{
	struct kvm_mp_state halted = {KVM_MP_STATE_HALTED};
	struct kvm_run *run;
	struct machine m;
	u64 detail;
	int other;

	cpu1_need();
	other = open_two(&m, &run);
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, OTHER_ID, 0), 1);
	CHECK_EQUAL(woken, other);
	CHECK_EQUAL(wakes_of(&m, KVM_HC_KICK_CPU, 0, OTHER_ID), 1);
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, 0, 0), 0);
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, OTHER_ID + 1, 0), 0);
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, 0xff, 0), 0);
	/* It runs already. */
	cpu1_run(other);
	CHECK(cpu1_reaches(machine_at(&m, COUNTER), 100));
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, OTHER_ID, 0), 0);
	cpu1_stop_run(run);
	/* It waits for an event; the kick of before is for this HLT. */
	start_at(other, long_hlt, 0, 0);
	CHECK_RESULT(t_ioctl_ptr(other, KVM_SET_MP_STATE, &halted), 0);
	while (kvm0_run_once((u32)other, 0, &detail) != KVM0_RUN_BLOCKED)
		;
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, OTHER_ID, 0), 0);
	/* It is closed. */
	check_close(other);
	CHECK_EQUAL(wakes_of(&m, KVM_HC_SCHED_YIELD, OTHER_ID, 0), 0);
}

SUITE(kvm0_smp_pv, TEST(kvm0_smp_kick), TEST(kvm0_smp_kick_race), TEST(kvm0_smp_send_ipi),
      TEST(kvm0_smp_yield));
