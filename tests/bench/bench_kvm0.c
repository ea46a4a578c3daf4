/* SPDX-License-Identifier: MIT */
/* What only kvm0 has to measure: the bare hypercall, without the wrapper of guest/lib. */
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/bench/bench.h"

#define ROUNDS 1000
#define END_US 1000000

static void run_for_ever(void *vcpu)
{
	u64 detail;

	while (kvm0_run_once((u32) * (int *)vcpu, 0, &detail) == KVM0_RUN_AGAIN)
		;
}

bool bench_run_elsewhere(int vcpu)
{
	static bool started;
	static int handle;

	if (!started)
		smp_start();
	started = true;
	handle = vcpu;
	return smp_count() > 1 && !smp_call(1, run_for_ever, &handle);
}

void bench_end_elsewhere(struct kvm_run *run)
{
	WRITE_ONCE(run->immediate_exit, 1);
	smp_kick(1);
	CHECK(smp_wait(1, time_us(END_US)));
}

static void hypercall_version(void)
{
	struct kvm0_result r;
	u64 t;

	for (u32 i = 0; i < ROUNDS; i++) {
		t = rdtsc();
		r = kvm0_call(KVM0_CALL_IOCTL, 0, KVM_GET_API_VERSION, 0);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r.value, KVM_API_VERSION);
	}
	bench_row(NULL, NULL, bench_samples, ROUNDS, "host");
}

/* From the boot loader's jump to kvm0 until a control guest can take orders. */
static void boot_to_prompt(void)
{
	struct cpuid_regs r = cpuid(KVM0_CPUID_ENTRY_TSC_LEAF, 0);

	bench_samples[0] = bench_start_tsc - ((u64)r.edx << 32 | r.eax);
	bench_row(NULL, NULL, bench_samples, 1, "host");
}

/* One KVM_RUN of a vCPU beside which another wants this CPU. */
static long run_shared(int vcpu)
{
	u64 detail;
	s64 r;

	do
		r = kvm0_run_once((u32)vcpu, KVM0_RUN_NO_POLL, &detail);
	while (r == KVM0_RUN_AGAIN);
	return r;
}

/* An IPI to another vCPU and its answer, both halting: this CPU runs now one, now the other. */
static void ipi_ping_hlt(void)
{
	const u32 rounds = 200;
	struct kvm_run *run;
	struct machine m, other;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_X2APIC, handler_x2apic);
	machine_set_vector(&m, VECTOR_PONG, handler_pong);
	other = m;
	other.vcpu = machine_add_vcpu(&m, 1, &run);
	other.run = run;
	other.regs.rsp = GPA_STACK - 0x1000;
	machine_start(&other, time_pong);
	CHECK_RESULT(t_ioctl_ptr(other.vcpu, KVM_SET_MP_STATE, &(struct kvm_mp_state){0}), 0);
	CHECK_RESULT(t_run_quick(other.vcpu), -EAGAIN);
	bench_start(&m, time_empty, rounds);
	machine_run_out(&m, PORT_DONE);
	bench_start(&m, time_ping, rounds);
	while (run_shared(m.vcpu) == KVM0_RUN_BLOCKED)
		CHECK_RESULT(run_shared(other.vcpu), KVM0_RUN_BLOCKED);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
	bench_row(NULL, NULL, bench_results(&m, 0), rounds, "guest");
	bench_row(NULL, "eoi", bench_results(&m, 2), rounds, "guest");
}

static u64 pool_free(void)
{
	return (u64)kvm0_call(KVM0_CALL_POOL, 0, 0, 0).value;
}

/* Bytes of kvm0's pool, not ticks: a VM with memory, one vCPU and interrupt controllers. */
static void vm_bytes(void)
{
	u64 before = pool_free();
	struct machine m;

	machine_open(&m, MODE_LONG, 1);
	bench_samples[0] = (before - pool_free()) * 4096;
	bench_row(NULL, NULL, bench_samples, 1, "host");
}

SUITE(kvm0, TEST(boot_to_prompt), TEST(vm_bytes), TEST(hypercall_version), TEST(ipi_ping_hlt));
