/* SPDX-License-Identifier: MIT */
/* sources: hv/monitor/park.c hv/lib/printf.c */
/* Parking the world, with a thread for each CPU: nobody works while another one has the world
 * parked, and nobody is waited for who cannot come. */
#include "fake.h"

#include <asm/prctl.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpu/tsc.h"
#include "monitor/park.h"

#define CPUS   4u
#define ROUNDS 300u

u64 tsc_khz = 100000; /* so that 5 s are not so long */
u32 percpu_count = CPUS;
struct percpu *percpu_by_index[MAX_CPUS];
static struct percpu cpu[CPUS];
static struct vmx_vcpu control[CPUS];
static u32 outside[CPUS]; /* does something that only one that is not parked does */
static u64 looks, parked;
static bool quits[CPUS];
static u32 stood;

static void stand(void)
{
	__atomic_fetch_add(&stood, 1, __ATOMIC_RELAXED);
}

static void on_cpu(u32 n)
{
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu[n]), 0);
}

void cpu_want(struct percpu *p, u32 what)
{
	__atomic_fetch_or(&p->wanted, what, __ATOMIC_SEQ_CST);
	__atomic_store_n(&p->kick, 1, __ATOMIC_RELEASE);
}

void vmx_take_kick(void)
{
	__atomic_exchange_n(&this_cpu()->kick, 0, __ATOMIC_ACQ_REL);
	sched_yield();
}

void vmx_make_current(struct vmx_vcpu *v)
{
	v->cpu = this_cpu()->index;
}

static int setup(void **state)
{
	(void)state;
	memset(quits, 0, sizeof(quits));
	for (u32 i = 0; i < CPUS; i++) {
		cpu[i] = (struct percpu){.self = &cpu[i], .index = i, .vmxon_region = hpa(4096)};
		control[i] = (struct vmx_vcpu){.cpu = i, .vmcs = hpa(8192)};
		percpu_by_index[i] = &cpu[i];
		on_cpu(i);
		park_join(&control[i]);
	}
	on_cpu(0);
	return 0;
}

static void look(u32 me)
{
	for (u32 i = 0; i < CPUS; i++) {
		if (i == me)
			continue;
		assert_false(park_missing(i));
		assert_int_equal(READ_ONCE(outside[i]), 0);
	}
	__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED);
}

/* A CPU's loop: it works outside, answers kicks, and wants the world for itself now and then. */
static void *loop(void *arg)
{
	u32 me = (u32)(uintptr_t)arg, mine = 0;

	on_cpu(me);
	while (!READ_ONCE(quits[me])) {
		WRITE_ONCE(outside[me], 1);
		for (u32 i = 0; i < 20 && !READ_ONCE(cpu[me].kick); i++)
			sched_yield();
		WRITE_ONCE(outside[me], 0);
		vmx_take_kick();
		if (__atomic_fetch_and(&cpu[me].wanted, ~CPU_ATTEND, __ATOMIC_SEQ_CST) & CPU_ATTEND)
			park_here(stand);
		if (mine == ROUNDS)
			continue;
		while (!park_world())
			park_here(stand);
		__atomic_fetch_add(&parked, 1, __ATOMIC_RELAXED);
		look(me);
		sched_yield();
		look(me);
		park_release();
		mine++;
	}
	return NULL;
}

static void test_one_at_a_time(void **state)
{
	pthread_t thread[CPUS];

	(void)state;
	looks = parked = stood = 0;
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, loop, (void *)(uintptr_t)i), 0);
	while (__atomic_load_n(&parked, __ATOMIC_RELAXED) < CPUS * ROUNDS)
		sched_yield();
	for (u32 i = 0; i < CPUS; i++)
		WRITE_ONCE(quits[i], true);
	for (u32 i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(looks, 2 * CPUS * ROUNDS);
	assert_true(stood > 0);
}

/* CPU 1 waits for SIPI, CPU 2 has left VMX operation; CPU 3 does not come. */
static void test_missing(void **state)
{
	struct vmx_vcpu guest = {.cpu = 2, .vmcs = hpa(12288)};
	u64 begin = rdtsc();

	(void)state;
	control[1].waits_for_sipi = true;
	cpu[2].vmxon_region = hpa(0);
	fake_reset(NULL);
	assert_true(park_world());
	assert_true(rdtsc() - begin >= tsc_khz * 1000);
	assert_int_equal(fake_log_count, 1);
	assert_non_null(strstr(fake_log_text, "CPU 3 does not answer"));
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(park_missing(i), i != 0);
	assert_true(cpu[1].wanted & CPU_ATTEND); /* to be found when its SIPI comes */
	assert_int_equal(park_load(&control[1]), -EBUSY);
	assert_int_equal(park_load(&guest), -EBUSY);
	guest.cpu = NO_CPU;
	assert_int_equal(park_load(&guest), 0);
	assert_int_equal(guest.cpu, 0);
	park_release();
	/* That it does not come is said once, and costs less from then on. */
	begin = rdtsc();
	assert_true(park_world());
	assert_true(rdtsc() - begin < tsc_khz * 1000);
	assert_int_equal(fake_log_count, 1);
	park_release();
}

/* Another one works: this CPU cannot, and does not stand once it is to stop. */
static void test_told_to_stop(void **state)
{
	(void)state;
	control[1].waits_for_sipi = control[2].waits_for_sipi = control[3].waits_for_sipi = true;
	assert_true(park_world());
	on_cpu(1);
	assert_false(park_world());
	cpu[1].wanted = CPU_STOP;
	park_here(stand);
	on_cpu(0);
	park_release();
}

/* A panic: the machine is this CPU's alone. */
static void test_alone(void **state)
{
	(void)state;
	on_cpu(2);
	park_alone();
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(park_missing(i), i != 2);
	assert_int_equal(park_load(&control[1]), -EBUSY);
	park_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_at_a_time, setup),
		cmocka_unit_test_setup(test_missing, setup),
		cmocka_unit_test_setup(test_told_to_stop, setup),
		cmocka_unit_test_setup(test_alone, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
