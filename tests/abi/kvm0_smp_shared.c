/* SPDX-License-Identifier: MIT */
/* Paravirtual features in a guest's memory, with its vCPUs on two CPUs. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_pv.h"
#include "tests/abi/kvm0_smp.h"
#include "tests/abi/pv.h"

#define OTHER_ID   5u
#define STEAL_GPA  GPA_BUFFER
#define SEEN       (GPA_BUFFER + 0x100) /* what pv_copy has loaded, and how often */
#define VIEW       0x80000000ull        /* a linear address that one large page is mapped to */
#define ENTRY      (GPA_PD + VIEW / SIZE_2M * 8)
#define PAGE_BITS  0x83u
#define ROUNDS     20u
#define WAIT_US    2000u
#define BLOCKED_US 500000u

static volatile u32 woken;

static void note_wake(u32 handle)
{
	woken = handle;
}

static void await_blocked(const struct runner *r, u32 times)
{
	for (u64 start = rdtsc(); r->blocked < times; cpu_pause())
		CHECK(rdtsc() - start < time_us(BLOCKED_US));
}

/* pv_copy, on CPU 1, has gone round some times more. */
static void await_copies(const struct machine *m)
{
	CHECK(cpu1_reaches(machine_at(m, SEEN + 8), machine_u64(m, SEEN + 8) + 10));
}

/* A second vCPU, which could run, and whose steal time is at STEAL_GPA. */
static int add_other(struct machine *m, struct kvm_run **run)
{
	struct kvm_mp_state mp = {KVM_MP_STATE_RUNNABLE};
	int other = machine_add_vcpu(m, OTHER_ID, run);

	CHECK_RESULT(t_ioctl_ptr(other, KVM_SET_MP_STATE, &mp), 0);
	CHECK_RESULT(pv_set_msr(other, MSR_KVM_STEAL_TIME, STEAL_GPA | KVM_MSR_ENABLED), 1);
	return other;
}

/* One vCPU changes a page table while the other one, which has used the entry on CPU 1, is
 * preempted.  That one goes on there, or here, with the new entry. */
static void kvm0_smp_flush(void)
{
	struct kvm_steal_time *s;
	struct kvm_run *run;
	struct runner *r;
	struct machine m;
	u64 flushes;
	u8 *other_page;
	int other;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	other = add_other(&m, &run);
	other_page = check_pages(SIZE_2M);
	CHECK_RESULT(machine_slot(m.vm, 6, 0, GPA_EXTRA + SIZE_2M, SIZE_2M, other_page), 0);
	s = machine_at(&m, STEAL_GPA);
	*(u64 *)machine_at(&m, GPA_VARS) = 0;
	*(u64 *)machine_at(&m, ENTRY) = PAGE_BITS;
	*(u64 *)(void *)(other_page + GPA_VARS) = 1;
	start_at(other, pv_copy, VIEW + GPA_VARS, SEEN);
	for (u32 i = 0; i < ROUNDS; i++) {
		r = cpu1_run(other);
		await_copies(&m);
		CHECK_EQUAL(machine_u64(&m, SEEN), i & 1);
		cpu1_cut_short(r);
		CHECK_EQUAL(s->preempted, KVM_VCPU_PREEMPTED);
		flushes = stats_of(other, "tlb_flush");
		m.regs.rdi = ENTRY;
		m.regs.rsi = (i & 1 ? 0 : GPA_EXTRA + SIZE_2M) | PAGE_BITS;
		m.regs.rbx = STEAL_GPA;
		machine_start(&m, pv_remap);
		CHECK_EQUAL(machine_run_out(&m, PORT_DONE), KVM_VCPU_PREEMPTED);
		CHECK_EQUAL(s->preempted, KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB);
		r = cpu1_run(other);
		await_copies(&m);
		CHECK_EQUAL(machine_u64(&m, SEEN), !(i & 1));
		CHECK_EQUAL(s->preempted, 0);
		cpu1_cut_short(r);
		CHECK(stats_of(other, "tlb_flush") > flushes);
	}
}

/* What a vCPU waits for a CPU is stolen, wherever it goes on; what it is blocked is not. */
static void kvm0_smp_steal(void)
{
	struct kvm_steal_time *s;
	struct kvm_run *run;
	struct runner *r;
	struct machine m;
	u64 before;
	int other;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	other = add_other(&m, &run);
	s = machine_at(&m, STEAL_GPA);
	start_at(other, pv_copy, GPA_VARS, SEEN);
	r = cpu1_run(other);
	await_copies(&m);
	cpu1_cut_short(r);
	for (u32 i = 1; i <= ROUNDS; i++) {
		before = s->steal;
		time_delay_us(WAIT_US);
		r = cpu1_run(other);
		await_copies(&m);
		CHECK(s->steal >= before + WAIT_US * 1000ull);
		CHECK(s->steal < before + 10 * WAIT_US * 1000ull);
		cpu1_cut_short(r);
	}
	before = s->steal;
	time_delay_us(WAIT_US);
	start_at(other, long_done, 0, 0);
	CHECK_RESULT(run_here(other), 0);
	CHECK(s->steal >= before + WAIT_US * 1000ull);
	/* Halted, and kicked: it waits for CPU 1 from then on. */
	before = s->steal;
	start_at(other, long_hlt, 0, 0);
	r = cpu1_run(other);
	await_blocked(r, 1);
	time_delay_us(WAIT_US * 20);
	m.regs.rax = KVM_HC_KICK_CPU;
	m.regs.rcx = OTHER_ID;
	machine_do(&m, fault_vmcall);
	time_delay_us(WAIT_US);
	r->resumed = 1;
	smp_kick(1);
	cpu1_end();
	CHECK_RESULT(r->result, 0);
	CHECK(s->steal >= before + WAIT_US * 1000ull);
	CHECK(s->steal < before + 10 * WAIT_US * 1000ull);
}

/* A vCPU that waits on CPU 1 for a page, halted or about to be, goes on when CPU 0 supplies it. */
static void kvm0_smp_apf(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct runner *r;
	struct machine m;

	cpu1_need();
	*(u64 *)(void *)memory = 0x12345678;
	pv_open_loading(&m, APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	kvm0_on_wake(note_wake);
	for (u32 i = 0; i < ROUNDS; i++) {
		m.regs.rdi = GPA_EXTRA;
		machine_start(&m, long_load);
		r = cpu1_run_with(m.vcpu, KVM0_RUN_PAGES_LATER);
		cpu1_end();
		CHECK_RESULT(r->result, KVM0_RUN_PAGE_WANTED);
		CHECK_EQUAL(r->detail, GPA_EXTRA | KVM0_WANTED_ASYNC);
		r = cpu1_run_with(m.vcpu, KVM0_RUN_PAGES_LATER);
		if (i & 1)
			await_blocked(r, 1);
		else
			time_delay_us(i);
		woken = 0;
		CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
		if (i & 1)
			CHECK_EQUAL(woken, m.vcpu);
		r->resumed = 1;
		smp_kick(1);
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
		CHECK_EQUAL(machine_regs(&m).rax, 0x12345678);
		CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), i + 2); /* the first for all */
		CHECK_RESULT(kvm0_withdraw((u32)m.vm, GPA_EXTRA, 1), 0);
	}
}

SUITE(kvm0_smp_shared, TEST(kvm0_smp_flush), TEST(kvm0_smp_steal), TEST(kvm0_smp_apf));
