/* SPDX-License-Identifier: MIT */
/* sources: hv/monitor/debug.c hv/lib/printf.c */
/* Threads for debuggers: their numbers, who of them goes on, and how a step alone is ended that has
 * no end of its own. */
#include "fake.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/debug.h"
#include "monitor/gdb.h"
#include "monitor/monitor.h"
#include "monitor/park.h"

#define CPUS 3u

u32 percpu_count = CPUS;
struct percpu *percpu_by_index[MAX_CPUS];
static struct percpu cpu[CPUS];
static struct vmx_vcpu control[CPUS];
static struct vm vms[2];
static struct vcpu vcpus[3]; /* two of VM 4, one of VM 7 */
static struct breakpoint none;
static u32 released, owner;
static bool received, wanted, has_hit; /* gdb_poll() finds a byte; gdb_is_wanted() */

static void on_cpu(u32 n)
{
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu[n]), 0);
}

/* --- below --- */

struct vmx_vcpu *park_control(u32 n)
{
	return n < CPUS ? &control[n] : NULL;
}

u32 park_cpu_of(const struct vmx_vcpu *v)
{
	return (u32)(v - control);
}

bool park_missing(u32 n)
{
	(void)n;
	return false;
}

int park_load(struct vmx_vcpu *v)
{
	(void)v;
	return 0;
}

void park_release(void)
{
	released++;
}

void park_pass(u32 to)
{
	owner = to;
}

struct vm *vm_after(const struct vm *vm)
{
	return !vm ? &vms[0] : vm == &vms[0] ? &vms[1] : NULL;
}

void vcpu_stop(struct vcpu *c)
{
	c->stopped = true;
}

void vcpu_resume(struct vcpu *c)
{
	c->vmx.debug_held = false;
	c->stopped = false;
}

u32 debugger_vm(struct vmx_vcpu *v)
{
	return v->control ? 0 : debugger_vcpu(v)->vm->id;
}

/* Who steps is what is remembered of it. */
void debugger_apply(struct vmx_vcpu *v, enum debugger_user stepper)
{
	v->debug_user = (u8)stepper;
}

void debugger_clear(struct vmx_vcpu *v, u32 n)
{
	(void)v, (void)n;
}

struct breakpoint *breakpoint_at(u32 n)
{
	(void)n;
	return &none;
}

bool debugger_has_hit(void)
{
	return has_hit;
}

void debugger_take_hit(void)
{
	has_hit = false;
}

void gdb_poll(void)
{
	wanted |= received;
}

bool gdb_is_wanted(void)
{
	return wanted;
}

void gdb_work(void)
{
	wanted = false;
}

void monitor_print(const char *fmt, ...)
{
	(void)fmt;
}

void cpu_want(struct percpu *p, u32 what)
{
	p->wanted |= what;
}

static int setup(void **state)
{
	(void)state;
	memset(vms, 0, sizeof(vms));
	memset(vcpus, 0, sizeof(vcpus));
	for (u32 i = 0; i < CPUS; i++) {
		cpu[i] = (struct percpu){.self = &cpu[i], .index = i};
		control[i] = (struct vmx_vcpu){.control = true};
		percpu_by_index[i] = &cpu[i];
	}
	vms[0].id = 4;
	vms[1].id = 7;
	for (u32 i = 0; i < 3; i++) {
		struct vm *vm = &vms[i / 2];

		vcpus[i].vm = vm;
		vcpus[i].index = vm->vcpu_count;
		vm->vcpus[vm->vcpu_count++] = &vcpus[i];
	}
	released = 0;
	owner = ~0u;
	received = wanted = has_hit = false;
	on_cpu(0);
	return 0;
}

/* --- tests --- */

static void test_threads(void **state)
{
	static const u64 numbers[] = {1, 3, 4001, 4002, 7001};
	struct vmx_vcpu *v = NULL;

	(void)state;
	control[1].waits_for_sipi = true;
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		v = thread_after(v);
		assert_non_null(v);
		assert_int_equal(thread_number(v), numbers[i]);
		assert_ptr_equal(thread_find(numbers[i]), v);
	}
	assert_null(thread_after(v));
	assert_null(thread_find(2));
	assert_null(thread_find(4003));
	assert_null(thread_find(0));
	assert_ptr_equal(thread_of_vm(7), &vcpus[2].vmx);
	assert_null(thread_of_vm(5));
}

static u64 stepped;

static enum thread_action only_step(struct vmx_vcpu *v)
{
	return thread_number(v) == stepped ? THREAD_STEPS : THREAD_STAYS;
}

static enum thread_action run(struct vmx_vcpu *v)
{
	(void)v;
	return THREAD_RUNS;
}

/* A guest's thread steps; who stands because of that goes on after it, and not the one that the
 * monitor has stopped. */
static void test_guest_step(void **state)
{
	(void)state;
	vcpus[2].stopped = true; /* by `stop 7` */
	stepped = 4002;
	debug_go(DEBUGGER_GDB, only_step);
	assert_true(vcpus[0].stopped && !vcpus[1].stopped && vcpus[2].stopped);
	assert_int_equal(vcpus[1].vmx.debug_user, DEBUGGER_GDB);
	debug_release();
	assert_int_equal(released, 1); /* the control guest has to run */
	debug_go(DEBUGGER_GDB, run);
	assert_true(!vcpus[0].stopped && !vcpus[1].stopped && vcpus[2].stopped);
	assert_int_equal(vcpus[1].vmx.debug_user, DEBUGGER_NOBODY);
}

/* CPU 1 of the control guest steps, and nobody else runs: not for ever, if GDB wants it back. */
static void test_alone(void **state)
{
	(void)state;
	stepped = 2;
	debug_go(DEBUGGER_GDB, only_step);
	debug_release();
	assert_int_equal(released, 0);
	assert_int_equal(owner, 1);
	debug_stand();
	assert_int_equal(cpu[1].wanted, 0);
	on_cpu(2); /* another one than the boot CPU does not look */
	received = true;
	debug_stand();
	assert_int_equal(cpu[1].wanted, 0);
	on_cpu(0);
	debug_stand();
	assert_int_equal(cpu[1].wanted, CPU_ATTEND);
	cpu[1].wanted = 0;
	debug_stand(); /* once */
	assert_int_equal(cpu[1].wanted, 0);
	/* It steps no more: whoever works has the port to himself. */
	on_cpu(1);
	has_hit = true;
	debug_work();
	on_cpu(0);
	debug_stand();
	assert_int_equal(cpu[1].wanted, 0);
	assert_false(wanted);
	debug_go(DEBUGGER_GDB, run);
	debug_release();
	assert_int_equal(released, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_threads, setup),
		cmocka_unit_test_setup(test_guest_step, setup),
		cmocka_unit_test_setup(test_alone, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
