/* SPDX-License-Identifier: MIT */
/* Threads for debuggers; see monitor/debug.h. */
#include "monitor/debug.h"
#include "lib/printf.h"
#include "monitor/gdb.h"
#include "monitor/monitor.h"
#include "monitor/park.h"

/* Changed with the world parked; the CPUs look when they leave it. */
static struct {
	u32 generation;            /* of what the control vCPUs are to have */
	u32 seen[MAX_CPUS];        /* by that CPU */
	struct vmx_vcpu *stepping; /* a control vCPU, or NULL */
	enum debugger_user stepper;
	bool alone; /* it steps while the others stand */
} debug;

/* --- threads --- */

u64 thread_number(struct vmx_vcpu *v)
{
	return v->control ? park_cpu_of(v) + 1
			  : debugger_vm(v) * (u64)THREADS_A_VM + debugger_vcpu(v)->index + 1;
}

/* The control vCPU of CPU @cpu or of the next that has one and is there. */
static struct vmx_vcpu *control_from(u32 cpu)
{
	for (; cpu < percpu_count; cpu++)
		if (park_control(cpu) && !park_missing(cpu) && !park_control(cpu)->waits_for_sipi)
			return park_control(cpu);
	return NULL;
}

/* The first vCPU of @vm or of the next VM that has any. */
static struct vmx_vcpu *guest_from(const struct vm *vm)
{
	for (; vm; vm = vm_after(vm))
		if (vm->vcpu_count)
			return &vm->vcpus[0]->vmx;
	return NULL;
}

struct vmx_vcpu *thread_after(struct vmx_vcpu *v)
{
	struct vcpu *c;

	if (!v || v->control) {
		v = control_from(v ? park_cpu_of(v) + 1 : 0);
		return v ? v : guest_from(vm_after(NULL));
	}
	c = debugger_vcpu(v);
	return c->index + 1 < c->vm->vcpu_count ? &c->vm->vcpus[c->index + 1]->vmx
						: guest_from(vm_after(c->vm));
}

struct vmx_vcpu *thread_find(u64 number)
{
	for (struct vmx_vcpu *v = thread_after(NULL); v; v = thread_after(v))
		if (thread_number(v) == number)
			return park_load(v) ? NULL : v;
	return NULL;
}

const char *thread_state(const struct vcpu *c)
{
	static const char *const names[] = {
		[KVM_MP_STATE_RUNNABLE] = "runnable",
		[KVM_MP_STATE_UNINITIALIZED] = "not started",
		[KVM_MP_STATE_INIT_RECEIVED] = "waits for SIPI",
		[KVM_MP_STATE_HALTED] = "halted",
		[KVM_MP_STATE_SIPI_RECEIVED] = "has received SIPI",
	};

	return c->mp_state < ARRAY_SIZE(names) ? names[c->mp_state] : "?";
}

void thread_describe(struct vmx_vcpu *v, char *text, size_t size)
{
	const struct vcpu *c = debugger_vcpu(v);

	if (v->control)
		(void)printf_format(text, size, "control guest CPU %u", park_cpu_of(v));
	else
		(void)printf_format(text, size, "VM %u vCPU %u, %s", c->vm->id, c->id,
				    c->stopped && !v->debug_held ? "stopped" : thread_state(c));
}

struct vmx_vcpu *thread_of_vm(u32 vm)
{
	for (struct vmx_vcpu *v = thread_after(NULL); v; v = thread_after(v))
		if (debugger_vm(v) == vm && !park_load(v))
			return v;
	return NULL;
}

void debug_clear(enum debugger_user user, u32 n)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++)
		if ((n == i || n == BREAKPOINTS_MAX) && breakpoint_at(i)->user == user)
			debugger_clear(thread_of_vm(breakpoint_at(i)->vm), i);
}

/* --- who runs --- */

static void go(struct vmx_vcpu *v, enum thread_action a, enum debugger_user user)
{
	struct vcpu *c = debugger_vcpu(v);

	if (a == THREAD_STAYS) {
		if (!c->stopped) { /* else it is the monitor's `stop` that holds it */
			vcpu_stop(c);
			v->debug_held = true;
		}
	} else if (v->debug_held || a == THREAD_STEPS) {
		vcpu_resume(c);
	}
	debugger_apply(v, a == THREAD_STEPS ? user : DEBUGGER_NOBODY);
}

void debug_go(enum debugger_user user, enum thread_action (*action)(struct vmx_vcpu *v))
{
	debug.stepping = NULL;
	debug.stepper = user;
	debug.alone = true;
	debug.generation++;
	for (struct vmx_vcpu *v = thread_after(NULL); v; v = thread_after(v)) {
		enum thread_action a = action(v);

		if (a == THREAD_STEPS && v->control && !debug.stepping)
			debug.stepping = v;
		else if (a != THREAD_STAYS)
			debug.alone = false;
		if (!v->control && !park_load(v))
			go(v, a, user);
	}
}

struct vmx_vcpu *debug_untold(enum debugger_user user)
{
	struct vmx_vcpu *v = thread_after(NULL);

	while (v && (v->debug_hit == HIT_NOTHING || v->debug_told || v->debug_user != user))
		v = thread_after(v);
	return v;
}

void debug_release(void)
{
	u32 cpu;

	if (!debug.alone || !debug.stepping) {
		park_release();
		return;
	}
	cpu = park_cpu_of(debug.stepping);
	if (cpu != this_cpu()->index)
		park_pass(cpu);
}

/* While one CPU steps alone the boot CPU, which asks GDB else, stands; and a step may have no end:
 * what has faulted goes on in the fault's handler. */
void debug_stand(void)
{
	const struct vmx_vcpu *stepping = READ_ONCE(debug.stepping);

	if (!stepping || this_cpu()->index != 0 || gdb_is_wanted())
		return;
	gdb_poll();
	if (gdb_is_wanted())
		cpu_want(percpu_by_index[park_cpu_of(stepping)], CPU_ATTEND);
}

void debug_leave(void)
{
	u32 cpu = this_cpu()->index, *seen = &debug.seen[cpu];
	struct vmx_vcpu *v = park_control(cpu);

	if (*seen == debug.generation)
		return;
	*seen = debug.generation;
	debugger_apply(v, v == debug.stepping ? debug.stepper : DEBUGGER_NOBODY);
}

/* --- what was hit --- */

/* For the monitor: the VM stands from now on, until `resume`. */
static void tell_monitor(struct vmx_vcpu *v)
{
	struct vm *vm = debugger_vcpu(v)->vm;

	v->debug_told = true;
	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_stop(vm->vcpus[i]);
	v->debug_held = false;
	if (v->debug_hit == HIT_STEP)
		monitor_print("\nVM %u vCPU %u: next is 0x%llx\n", vm->id, debugger_vcpu(v)->id,
			      v->debug_rip);
	else
		monitor_print("\nVM %u vCPU %u: stops at 0x%llx, for the breakpoint at 0x%llx\n",
			      vm->id, debugger_vcpu(v)->id, v->debug_rip, v->debug_address);
}

bool debug_has_work(void)
{
	return debugger_has_hit() || gdb_is_wanted();
}

void debug_work(void)
{
	struct vmx_vcpu *v;

	if (debugger_has_hit()) {
		debugger_take_hit();
		debug.stepping = NULL;
		while ((v = debug_untold(DEBUGGER_MONITOR)) != NULL)
			tell_monitor(v);
	}
	gdb_work();
}
