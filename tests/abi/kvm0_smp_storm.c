/* SPDX-License-Identifier: MIT */
/*
 * A storm of everything that wakes a vCPU: STORM_VCPUS of them on two CPUs, which take any that
 * can run, send each other IPIs and NMIs, sleep until timers, halt for tokens, and are interrupted
 * by the VMM.  Each interrupt has to arrive once, and nobody may sleep for ever.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_smp.h"

#define STORM_VCPUS  16u
#define ROUNDS       100u /* of anything, by each vCPU */
#define TOKEN_ROUNDS 12u
#define TOKENS       4u
#define MESSAGES     200u /* by the VMM */
#define STORM_US     1500000u
#define STACK_BYTES  0x1000u

enum state { READY, RUNNING, BLOCKED, DONE };

static struct {
	struct machine m;
	struct {
		int handle;
		struct kvm_run *run;
		u32 state; /* enum state; whoever makes it RUNNING from READY or BLOCKED runs it */
		u32 woken; /* told of a wake-up that came before the vCPU was seen blocked */
		u64 deadline;
		u64 blocks;
		u32 last_cpu;
	} vcpu[STORM_VCPUS];
	u32 done;
	u32 sent; /* MSIs */
	u64 moves, interrupted;
	u64 end; /* TSC */
	s64 error;
	volatile u32 quit;
} storm_vm;

static u64 random_next(u64 *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return *r >> 20;
}

static bool change_state(u32 i, enum state from, enum state to)
{
	u32 expected = from;

	return __atomic_compare_exchange_n(&storm_vm.vcpu[i].state, &expected, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void wake(u32 i)
{
	__atomic_store_n(&storm_vm.vcpu[i].woken, 1, __ATOMIC_SEQ_CST);
	if (change_state(i, BLOCKED, READY))
		__atomic_store_n(&storm_vm.vcpu[i].woken, 0, __ATOMIC_SEQ_CST);
}

static void on_wake(u32 handle)
{
	for (u32 i = 0; i < STORM_VCPUS; i++)
		if (handle == KVM0_WAKE_ALL || handle == (u32)storm_vm.vcpu[i].handle)
			wake(i);
}

static void fail(s64 error)
{
	WRITE_ONCE(storm_vm.error, error);
	storm_vm.quit = 1;
}

static void see_exit(u32 i)
{
	const struct kvm_run *run = storm_vm.vcpu[i].run;
	enum state next = READY;

	if (run->exit_reason != KVM_EXIT_IO) {
		fail(run->exit_reason);
	} else if (run->io.port == PORT_DONE) {
		next = DONE;
		__atomic_fetch_add(&storm_vm.done, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&storm_vm.vcpu[i].state, next, __ATOMIC_SEQ_CST);
}

static void see_blocked(u32 i, u64 deadline)
{
	storm_vm.vcpu[i].deadline = deadline;
	storm_vm.vcpu[i].blocks++;
	__atomic_store_n(&storm_vm.vcpu[i].state, BLOCKED, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&storm_vm.vcpu[i].woken, 0, __ATOMIC_SEQ_CST))
		(void)change_state(i, BLOCKED, READY);
}

/* It is RUNNING, by this CPU. */
static void run_vcpu(u32 i, u32 cpu, u64 hints)
{
	u64 detail;
	s64 r;

	storm_vm.moves += storm_vm.vcpu[i].last_cpu != cpu;
	storm_vm.vcpu[i].last_cpu = cpu;
	r = kvm0_run_once((u32)storm_vm.vcpu[i].handle, hints, &detail);
	if (r == KVM0_RUN_BLOCKED) {
		see_blocked(i, detail);
	} else if (!r) {
		see_exit(i);
	} else {
		if (r == -EINTR) {
			kvm0_take_signals((u32)storm_vm.vcpu[i].handle, ~0ull);
			storm_vm.interrupted++;
		} else if (r != KVM0_RUN_AGAIN) {
			fail(r);
		}
		__atomic_store_n(&storm_vm.vcpu[i].state, READY, __ATOMIC_SEQ_CST);
	}
}

/* Take one that can run, from a random one on; false: none can. */
static bool run_any(u32 cpu, u64 *r)
{
	u32 first = (u32)(random_next(r) % STORM_VCPUS);

	for (u32 n = 0; n < STORM_VCPUS; n++) {
		u32 i = (first + n) % STORM_VCPUS;
		u64 deadline = READ_ONCE(storm_vm.vcpu[i].deadline);

		if (change_state(i, READY, RUNNING) ||
		    (READ_ONCE(storm_vm.vcpu[i].state) == BLOCKED && deadline <= rdtsc() &&
		     change_state(i, BLOCKED, RUNNING))) {
			run_vcpu(i, cpu, random_next(r) & 1 ? KVM0_RUN_NO_POLL : 0);
			return true;
		}
	}
	return false;
}

/* Both CPUs: run what can run, kick the other one now and then. */
static void storm_loop(u32 cpu, u64 seed, void (*more)(u64 *r))
{
	u64 r = seed;

	while (!storm_vm.quit && READ_ONCE(storm_vm.done) < STORM_VCPUS) {
		if (rdtsc() > storm_vm.end)
			fail(-ETIMEDOUT);
		if (more)
			more(&r);
		if (random_next(&r) % 8 == 0)
			smp_kick(!cpu);
		if (!run_any(cpu, &r))
			idle_until(rdtsc() + time_us(20));
	}
}

static void storm_job(void *arg)
{
	(void)arg;
	storm_loop(1, 0x9e3779b97f4a7c15, NULL);
}

static u64 *counter(u64 gpa)
{
	return machine_at(&storm_vm.m, gpa);
}

static long send_msi(u32 destination, u32 vector)
{
	struct kvm_msi msi = {.address_lo = GPA_APIC | destination << 12, .data = vector};

	return (long)kvm0_ioctl_ptr((u32)storm_vm.m.vm, KVM_SIGNAL_MSI, &msi);
}

/* What the VMM does between runs: an interrupt for any vCPU whose mailbox is empty, or a signal. */
static void vmm_sends(u64 *r)
{
	u32 i = (u32)(random_next(r) % STORM_VCPUS), empty = 0;
	u32 *mail = machine_at(&storm_vm.m, STORM_MAIL + i * sizeof(u32));

	if (storm_vm.sent == MESSAGES || READ_ONCE(*counter(STORM_STARTED)) < STORM_VCPUS)
		return;
	if (random_next(r) % 16 == 0)
		kvm0_signal((u32)storm_vm.vcpu[i].handle, T_SIGNAL_A);
	if (!__atomic_compare_exchange_n(mail, &empty, 1, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	__atomic_fetch_add(counter(STORM_SENT) + i, 1, __ATOMIC_SEQ_CST);
	if (send_msi(i, STORM_VECTOR_IPI) != 1)
		fail(-EIO);
	if (++storm_vm.sent < MESSAGES)
		return;
	if (__atomic_fetch_add(counter(STORM_ENDED), 1, __ATOMIC_SEQ_CST) == STORM_VCPUS)
		(void)send_msi(0xff, STORM_VECTOR_WAKE);
}

static void start_vcpu(u32 i)
{
	struct kvm_regs regs = {.rip = machine_entry(storm),
				.rsp = GPA_HIGH_END - i * STACK_BYTES,
				.rflags = 2,
				.rsi = ROUNDS,
				.rdi = TOKEN_ROUNDS,
				.r12 = (i + 1) * 0x9e3779b97f4a7c15ull,
				.r13 = i,
				.r14 = STORM_VCPUS};
	struct kvm_mp_state runs = {.mp_state = KVM_MP_STATE_RUNNABLE};

	if (i)
		storm_vm.vcpu[i].handle = machine_add_vcpu(&storm_vm.m, i, &storm_vm.vcpu[i].run);
	else
		storm_vm.vcpu[i].handle = storm_vm.m.vcpu;
	if (!i)
		storm_vm.vcpu[i].run = storm_vm.m.run;
	CHECK_RESULT(t_ioctl_ptr(storm_vm.vcpu[i].handle, KVM_SET_REGS, &regs), 0);
	CHECK_RESULT(t_ioctl_ptr(storm_vm.vcpu[i].handle, KVM_SET_MP_STATE, &runs), 0);
}

static void open_storm(void)
{
	struct machine *m = &storm_vm.m;

	memset(&storm_vm, 0, sizeof(storm_vm));
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, STORM_VECTOR_IPI, storm_ipi);
	machine_set_vector(m, STORM_VECTOR_TIMER, storm_timer);
	machine_set_vector(m, STORM_VECTOR_WAKE, storm_wake);
	machine_set_vector(m, 2, storm_nmi);
	for (u32 i = 0; i < STORM_VCPUS; i++)
		start_vcpu(i);
	for (u32 i = 0; i < TOKENS; i++)
		counter(STORM_TOKENS)[i * STORM_VCPUS / TOKENS] = 1;
}

static void check_counts(void)
{
	u64 tokens = 0, blocks = 0;

	CHECK_EQUAL(*counter(STORM_ERRORS), 0);
	for (u32 i = 0; i < STORM_VCPUS; i++) {
		CHECK_EQUAL(counter(STORM_GOT)[i], counter(STORM_SENT)[i]);
		CHECK_EQUAL(counter(STORM_NMIS_GOT)[i], counter(STORM_NMIS_SENT)[i]);
		CHECK_EQUAL(counter(STORM_TIMERS_GOT)[i], counter(STORM_TIMERS_SET)[i]);
		tokens += counter(STORM_TOKENS)[i];
		blocks += storm_vm.vcpu[i].blocks;
	}
	CHECK_EQUAL(tokens, TOKENS);
	CHECK(blocks > STORM_VCPUS && storm_vm.moves > STORM_VCPUS && storm_vm.interrupted > 0);
}

static void kvm0_storm(void)
{
	cpu1_need();
	open_storm();
	kvm0_on_wake(on_wake);
	storm_vm.end = rdtsc() + time_us(STORM_US);
	cpu1_begin(storm_job, NULL);
	storm_loop(0, 0x2545f4914f6cdd1d, vmm_sends);
	cpu1_end();
	kvm0_on_wake(NULL);
	CHECK_RESULT(storm_vm.error, 0);
	check_counts();
}

SUITE(kvm0_smp_storm, TEST(kvm0_storm));
