/* SPDX-License-Identifier: MIT */
/* The scheduler of the control guest: turns, wake-ups, deadlines, and VMs that come and go. */
/* sources: guest/control/sched.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "guest/control/sched.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"

#define VCPUS  4u
#define CPUS   3u
#define EVENTS 20000u
#define FIRST  100u /* handle of vCPU 0 */

static struct vm vm;
static struct cpu cpus[CPUS];
static u32 cpu_count, kicks[CPUS];
static u64 slice, alarm_at;
static void (*wake)(u32 handle);
static void (*on_step)(struct vm_vcpu *v);
static __thread struct vm_vcpu *stepped;
static bool told_of_others, spins;

void kvm0_on_wake(void (*hook)(u32 handle))
{
	wake = hook;
}
/* Both outside of the scheduler's lock: they may report wake-ups. */
s64 kvm0_signal(u32 handle, u32 signal)
{
	(void)signal;
	wake(handle);
	return 0;
}
u64 kvm0_take_signals(u32 handle, u64 set)
{
	wake(handle);
	return set;
}
u32 smp_count(void)
{
	return cpu_count;
}
void smp_kick(u32 cpu)
{
	__atomic_fetch_add(&kicks[cpu], 1, __ATOMIC_RELAXED);
}
u64 time_us(u64 us)
{
	(void)us;
	return slice;
}
void time_alarm(u64 tsc)
{
	WRITE_ONCE(alarm_at, tsc);
}

bool vm_step(struct vm_vcpu *v, bool others)
{
	WRITE_ONCE(v->waits, false);
	stepped = v;
	WRITE_ONCE(told_of_others, others);
	if (on_step)
		on_step(v);
	return spins;
}

/* This thread is CPU n from now on. */
static void be(u32 n)
{
	cpus[n].self = &cpus[n];
	cpus[n].index = n;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpus[n]), 0);
}

static void prepare(u32 vcpus, u32 count)
{
	memset(&vm, 0, sizeof(vm));
	memset(kicks, 0, sizeof(kicks));
	vm.config.cpus = vcpus;
	for (u32 i = 0; i < vcpus; i++)
		vm.vcpus[i] = (struct vm_vcpu){.vm = &vm, .handle = FIRST + i};
	cpu_count = count;
	slice = 1ull << 40;
	on_step = NULL;
	spins = false;
	sched_init();
	for (u32 i = count; i-- > 0;) {
		be(i);
		sched_leave();
	}
}

static int teardown(void **state)
{
	(void)state;
	vm.state = VM_FAILED; /* every CPU lets go of it */
	for (u32 i = CPUS; i-- > 0;) {
		be(i);
		sched_leave();
	}
	sched_remove(&vm);
	return 0;
}

/* The number of the vCPU that the CPU steps, or -1 for none. */
static int turn(u32 cpu)
{
	be(cpu);
	stepped = NULL;
	(void)sched_turn(TIME_NEVER);
	return stepped ? (int)(stepped - vm.vcpus) : -1;
}

static u64 block_until = TIME_NEVER;

static void block(struct vm_vcpu *v)
{
	v->deadline = block_until;
	v->waits = true;
}

static void fall_asleep(struct vm_vcpu *v)
{
	v->deadline = KVM0_NO_DEADLINE;
	v->waits = v->asleep = true;
}

static void test_one_after_the_other(void **state)
{
	(void)state;
	prepare(3, 1);
	sched_add(&vm);
	assert_int_equal(turn(0), 0);
	assert_true(told_of_others);
	assert_int_not_equal(alarm_at, TIME_NEVER);
	assert_int_equal(turn(0), 0); /* its turn is not over */
	slice = 0;
	assert_int_equal(turn(0), 0);
	on_step = block;
	assert_int_equal(turn(0), 0);
	on_step = NULL;
	assert_int_equal(turn(0), 1);
	assert_int_equal(turn(0), 2);
	assert_int_equal(turn(0), 1);
	wake(FIRST);
	assert_int_equal(turn(0), 2);
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), 1);
}

static void test_one_that_spins(void **state)
{
	(void)state;
	prepare(2, 1);
	sched_add(&vm);
	assert_int_equal(turn(0), 0);
	spins = true;
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), 1);
	spins = false;
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), 0);
}

static void test_alone_without_an_alarm(void **state)
{
	(void)state;
	prepare(1, 1);
	sched_add(&vm);
	assert_int_equal(turn(0), 0);
	assert_false(told_of_others);
	assert_int_equal(alarm_at, TIME_NEVER);
	(void)sched_turn(12345);
	assert_int_equal(alarm_at, 12345);
}

static void test_deadline(void **state)
{
	(void)state;
	prepare(1, 1);
	sched_add(&vm);
	on_step = block;
	block_until = rdtsc() + (1ull << 40);
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), -1);
	assert_int_equal(sched_turn(TIME_NEVER), block_until);
	assert_int_equal(sched_turn(77), 77);
	wake(FIRST + 1); /* nobody's */
	assert_int_equal(turn(0), -1);
	wake(KVM0_WAKE_ALL);
	block_until = rdtsc();
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), 0); /* it has come at once */
}

/* Another CPU has got the wake-up before this one knows that the vCPU is blocked. */
static void block_and_wake(struct vm_vcpu *v)
{
	block(v);
	wake(v->handle);
}

static void test_wake_up_that_comes_early(void **state)
{
	(void)state;
	prepare(1, 1);
	sched_add(&vm);
	on_step = block_and_wake;
	assert_int_equal(turn(0), 0);
	on_step = block;
	block_until = TIME_NEVER;
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), -1);
}

static void test_idle_cpus_are_used(void **state)
{
	(void)state;
	prepare(2, 3);
	block_until = TIME_NEVER;
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(turn(i), -1);
	be(0);
	sched_add(&vm);
	assert_int_equal(kicks[1], 1);
	on_step = block;
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(1), 1);
	assert_int_equal(turn(2), -1);
	assert_int_equal(turn(1), -1);
	wake(FIRST + 1); /* by CPU 1 itself, where it ran last */
	assert_int_equal(turn(2), -1);
	on_step = NULL;
	assert_int_equal(turn(1), 1);
	/* CPU 0 is busy with something else: the vCPU that it would run goes elsewhere. */
	be(0);
	wake(FIRST);
	sched_leave();
	assert_int_equal(kicks[2] + kicks[0], 1);
	assert_int_equal(turn(2), kicks[2] ? 0 : -1);
}

/* With nobody idle, one CPU that had no reason for an alarm_at learns that it has one now. */
static void test_busy_cpus_are_told(void **state)
{
	(void)state;
	prepare(4, 2);
	block_until = TIME_NEVER;
	sched_add(&vm);
	on_step = block;
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(0), 1);
	on_step = NULL;
	assert_int_equal(turn(0), 2);
	assert_int_equal(turn(1), 3);
	assert_false(told_of_others);
	assert_int_equal(turn(0), 2);
	memset(kicks, 0, sizeof(kicks));
	wake(FIRST);
	assert_int_equal(kicks[1], 1);
	wake(FIRST + 1);
	assert_int_equal(kicks[1], 1);
	assert_int_equal(turn(1), 3);
	assert_true(told_of_others);
}

static void test_halted_for_good(void **state)
{
	(void)state;
	prepare(2, 2);
	sched_add(&vm);
	on_step = fall_asleep;
	assert_int_equal(turn(0), 0);
	assert_int_equal(turn(1), 1);
	be(0);
	wake(FIRST); /* before CPU 0 knows that it is blocked */
	assert_int_equal(turn(1), -1);
	assert_int_equal(vm.state, VM_RUNS);
	assert_int_equal(turn(0), 0);
	assert_int_equal(vm.state, VM_RUNS);
	assert_int_equal(turn(0), -1);
	assert_int_equal(vm.state, VM_HALTED);
}

static void end(struct vm_vcpu *v)
{
	v->vm->state = VM_POWERED_OFF;
}

static void test_a_vm_that_ends(void **state)
{
	(void)state;
	prepare(2, 2);
	sched_add(&vm);
	assert_int_equal(turn(0), 0);
	on_step = end;
	assert_int_equal(turn(1), 1);
	assert_int_equal(turn(1), -1);
	assert_int_equal(kicks[0], 1);
	assert_int_equal(turn(0), -1);
	sched_remove(&vm);
	sched_add(&vm);
	assert_int_equal(turn(0), -1);
}

/* --- all at once: vCPUs that send events to each other, on threads --- */

static struct {
	u32 in_step, events, blocked, taken;
} model[VCPUS];
static u32 sent;
static bool stopped, stop;

/* As kvm0 does it: whoever finds the flag set reports the wake-up. */
static void send(u32 to)
{
	__atomic_fetch_add(&model[to].events, 1, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&model[to].blocked, 0, __ATOMIC_SEQ_CST))
		wake(FIRST + to);
}

static void work(struct vm_vcpu *v)
{
	u32 me = (u32)(v - vm.vcpus);

	if (READ_ONCE(stopped) || __atomic_exchange_n(&model[me].in_step, 1, __ATOMIC_SEQ_CST))
		abort();
	__atomic_store_n(&model[me].blocked, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&model[me].events, __ATOMIC_SEQ_CST)) {
		__atomic_fetch_sub(&model[me].events, 1, __ATOMIC_SEQ_CST);
		model[me].taken++;
		if (__atomic_fetch_add(&sent, 1, __ATOMIC_SEQ_CST) < EVENTS)
			send((me * 5 + model[me].taken) % VCPUS);
	} else {
		__atomic_store_n(&model[me].blocked, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&model[me].events, __ATOMIC_SEQ_CST) ||
		    !__atomic_exchange_n(&model[me].blocked, 0, __ATOMIC_SEQ_CST))
			block(v);
	}
	__atomic_store_n(&model[me].in_step, 0, __ATOMIC_SEQ_CST);
}

static void *cpu_main(void *arg)
{
	be((u32)(uintptr_t)arg);
	while (!READ_ONCE(stop))
		if (sched_turn(TIME_NEVER))
			sched_yield();
	return NULL;
}

static u32 all_taken(void)
{
	u32 n = 0;

	for (u32 i = 0; i < VCPUS; i++)
		n += READ_ONCE(model[i].taken);
	return n;
}

static void test_no_wake_up_is_lost(void **state)
{
	pthread_t threads[CPUS];
	u64 start = rdtsc();

	(void)state;
	prepare(VCPUS, CPUS);
	block_until = TIME_NEVER;
	slice = 1000;
	on_step = work;
	memset(model, 0, sizeof(model));
	for (u32 i = 1; i < CPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, cpu_main, ptr(i)), 0);
	be(0);
	sched_add(&vm);
	send(0);
	send(1);
	for (u32 i = 0; all_taken() < EVENTS + 2; i++) {
		if (sched_turn(TIME_NEVER))
			sched_yield();
		if (i % 500 == 0) { /* nobody runs it between these */
			sched_remove(&vm);
			WRITE_ONCE(stopped, true);
			sched_yield();
			WRITE_ONCE(stopped, false);
			sched_add(&vm);
		}
		assert_true(rdtsc() - start < 1ull << 38);
	}
	stop = true;
	for (u32 i = 1; i < CPUS; i++)
		pthread_join(threads[i], NULL);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_after_the_other),      TEST(test_one_that_spins),
		TEST(test_alone_without_an_alarm),   TEST(test_deadline),
		TEST(test_wake_up_that_comes_early), TEST(test_idle_cpus_are_used),
		TEST(test_busy_cpus_are_told),       TEST(test_halted_for_good),
		TEST(test_a_vm_that_ends),           TEST(test_no_wake_up_is_lost),
	};
	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
