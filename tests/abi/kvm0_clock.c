/* SPDX-License-Identifier: MIT */
/* kvmclock with two CPUs: a vCPU that comes from the other one, and two vCPUs at once; and pages
 * that have to be supplied first. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_smp.h"
#include "tests/abi/kvmclock.h"

#define ROUNDS      30u
#define READS       200u
#define GPA_CLOCK_2 (GPA_CLOCK + 0x40)
#define GPA_LAST    (GPA_CLOCK + 0x80) /* clock_watch's: the time that was read last ... */
#define GPA_COUNT   (GPA_CLOCK + 0x88) /* ... and how often */
#define NS_AN_HOUR  3600000000000ull
#define SLOT        5

/* A guest that looks for a time that goes back. */
static void open_watching(struct machine *m)
{
	cpu1_need();
	clock_machine(m, 0);
	clock_start(m);
	m->regs.r8 = GPA_LAST;
	m->regs.rflags = 0x202; /* stop_there() depends on it in Bochs 2.7: see run_endless() */
}

/* READS times, on this CPU. */
static void watch(struct machine *m)
{
	m->regs.rsi = READS;
	machine_start(m, clock_watch);
	machine_run_out(m, PORT_DONE);
	CHECK_EQUAL(machine_regs(m).r10, 0);
}

/* Without end, on CPU 1. */
static void watch_there(struct machine *m)
{
	m->regs.rsi = 0;
	machine_start(m, clock_watch);
	cpu1_run(m->vcpu);
}

static bool counts(const struct machine *m)
{
	const volatile u64 *count = machine_at(m, GPA_COUNT);

	return cpu1_reaches(count, *count + 20);
}

/* The guest has not ended by itself, as it does when its time has gone back. */
static void stop_there(struct machine *m)
{
	cpu1_stop_run(m->run);
}

/* Now on this CPU, now on the other. */
static void watch_on_both(struct machine *m)
{
	u64 count = machine_u64(m, GPA_COUNT);

	for (u32 i = 0; i < ROUNDS; i++) {
		watch(m);
		machine_start(m, clock_watch);
		struct runner *r = cpu1_run(m->vcpu);
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
		CHECK_EQUAL(machine_regs(m).r10, 0);
	}
	CHECK_EQUAL(machine_u64(m, GPA_COUNT) - count, 2 * ROUNDS * READS);
}

static void kvm0_clock_moves(void)
{
	struct machine m;
	u32 version;

	open_watching(&m);
	watch_on_both(&m);
	CHECK(clock_page(&m, GPA_CLOCK).flags & CLOCK_STABLE);
	/* Nothing had to be written for that. */
	CHECK_EQUAL(clock_page(&m, GPA_CLOCK).version, 2);
	/* With a clock that is not stable the page is new each time. */
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME, GPA_CLOCK | 1);
	version = clock_page(&m, GPA_CLOCK).version;
	watch_on_both(&m);
	CHECK_EQUAL(clock_page(&m, GPA_CLOCK).flags & CLOCK_STABLE, 0);
	CHECK(clock_page(&m, GPA_CLOCK).version >= version + 2 * ROUNDS);
}

/* The clock is set forward while the guest reads it on the other CPU. */
static void kvm0_clock_set(void)
{
	struct machine m;

	open_watching(&m);
	watch_there(&m);
	for (u64 hours = NS_AN_HOUR; hours <= ROUNDS * NS_AN_HOUR; hours += NS_AN_HOUR) {
		CHECK(counts(&m));
		clock_set(&m, hours, 0, 0);
		/* That is done: what is read from now on is no older. */
		CHECK(counts(&m));
		CHECK(machine_u64(&m, GPA_LAST) >= hours);
	}
	stop_there(&m);
}

/* Two vCPUs, one on each CPU, each with its page: is one's time behind what the other's was? */
static void kvm0_clock_two(void)
{
	struct machine m, other;

	open_watching(&m);
	other = m;
	other.vcpu = machine_add_vcpu(&m, 1, &other.run);
	other.regs.rsp = GPA_STACK - 0x1000;
	clock_wrmsr(&other, MSR_KVM_SYSTEM_TIME_NEW, GPA_CLOCK_2 | 1);
	other.regs.rdi = GPA_CLOCK_2;
	watch(&m); /* its page is from before there was the other */
	CHECK(!memcmp(machine_at(&m, GPA_CLOCK + 8), machine_at(&m, GPA_CLOCK_2 + 8), 24));
	watch_there(&other);
	CHECK(counts(&m));
	for (u32 i = 0; i < ROUNDS; i++) {
		watch(&m);
		CHECK(counts(&m));
	}
	stop_there(&other);
}

/* A new vCPU gives the clock a new base each time, while another one's guest reads it. */
static void kvm0_clock_new_base(void)
{
	struct kvm_run *run;
	struct machine m;

	open_watching(&m);
	watch_there(&m);
	for (u32 i = 1; i < ROUNDS; i++) {
		CHECK(counts(&m));
		check_close(machine_add_vcpu(&m, i, &run));
	}
	CHECK(counts(&m));
	stop_there(&m);
}

static void expect_wanted(const struct machine *m, u64 gpa)
{
	u64 detail;
	s64 r;

	do
		r = kvm0_run_once((u32)m->vcpu, 0, &detail);
	while (r == KVM0_RUN_AGAIN);
	CHECK_RESULT((long)r, KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail & ~(u64)KVM0_WANTED_WRITE, gpa);
}

static void supply(const struct machine *m, u64 gpa, const void *memory)
{
	CHECK_RESULT(kvm0_supply((u32)m->vm, gpa, memory, 1, KVM0_SUPPLY_WRITABLE), 1);
}

/* kvmclock's page, a wall clock over the end of another, and what CLOCK_PAIRING writes. */
static void kvm0_clock_demand(void)
{
	u8 *memory = check_pages(4 * PAGE_SIZE);
	struct machine m;

	clock_machine(&m, 0);
	CHECK_RESULT(machine_slot(m.vm, SLOT, KVM0_MEM_ON_DEMAND, GPA_EXTRA, 4 * PAGE_SIZE, NULL),
		     0);
	m.regs.rcx = MSR_KVM_SYSTEM_TIME_NEW;
	m.regs.rax = GPA_EXTRA | 1;
	machine_start(&m, state_wrmsr);
	expect_wanted(&m, GPA_EXTRA);
	expect_wanted(&m, GPA_EXTRA);
	supply(&m, GPA_EXTRA, memory);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(((struct clock_page *)(void *)memory)->version, 2);
	m.regs.rcx = MSR_KVM_WALL_CLOCK_NEW;
	m.regs.rax = GPA_EXTRA + 2 * PAGE_SIZE - 4;
	machine_start(&m, state_wrmsr);
	expect_wanted(&m, GPA_EXTRA + PAGE_SIZE);
	supply(&m, GPA_EXTRA + PAGE_SIZE, memory + PAGE_SIZE);
	expect_wanted(&m, GPA_EXTRA + 2 * PAGE_SIZE);
	supply(&m, GPA_EXTRA + 2 * PAGE_SIZE, memory + 2 * PAGE_SIZE);
	machine_run_out(&m, PORT_DONE);
	CHECK(((struct clock_wall *)(void *)(memory + 2 * PAGE_SIZE - 4))->sec);
	m.regs.rax = KVM_HC_CLOCK_PAIRING;
	m.regs.rbx = GPA_EXTRA + 3 * PAGE_SIZE;
	m.regs.rcx = KVM_CLOCK_PAIRING_WALLCLOCK;
	machine_start(&m, fault_vmcall);
	expect_wanted(&m, GPA_EXTRA + 3 * PAGE_SIZE);
	supply(&m, GPA_EXTRA + 3 * PAGE_SIZE, memory + 3 * PAGE_SIZE);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0);
	CHECK(((struct kvm_clock_pairing *)(void *)(memory + 3 * PAGE_SIZE))->tsc);
	/* The page has been taken away when the clock is set. */
	CHECK_RESULT(kvm0_withdraw((u32)m.vm, GPA_EXTRA, 1), 0);
	clock_set(&m, NS_AN_HOUR, 0, 0);
	machine_start(&m, long_done);
	expect_wanted(&m, GPA_EXTRA);
	supply(&m, GPA_EXTRA, memory);
	machine_run_out(&m, PORT_DONE);
	CHECK(((struct clock_page *)(void *)memory)->system_time >= NS_AN_HOUR);
}

SUITE(kvm0_clock, TEST(kvm0_clock_moves), TEST(kvm0_clock_set), TEST(kvm0_clock_two),
      TEST(kvm0_clock_new_base), TEST(kvm0_clock_demand));
