/* SPDX-License-Identifier: MIT */
/* Refusing to start, and panic; see core/panic.h. */
#include <linux/errno.h>
#include <stdarg.h>

#include "core/backtrace.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/trace.h"
#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "lib/printf.h"
#include "lib/string.h"

#define TRACE_SHOWN        16u  /* events */
#define STOP_MS            100u /* other CPUs are waited for so long */
#define REBOOT_SECONDS_MAX 86400u
#define KEYS_BEFORE        64u /* more than a UART holds */

static u32 panic_owner; /* CPU index + 1 of the first CPU to panic; 0: none */
static u32 panic_depth; /* panics of that CPU, one inside the other */
static struct panic_cpu panic_cpus[MAX_CPUS];
struct panic_hooks panic_hooks;

/* What comes after it. */
static enum { PANIC_MONITOR, PANIC_REBOOT, PANIC_HALT } panic_action;
static u64 panic_seconds = 10; /* before the reboot */

static const char *const action_words[] = {"monitor", "reboot", "halt"};

/* monitor, halt, or reboot[,SECONDS]. */
static int parse_action(const char *value)
{
	size_t n = 0;
	u64 seconds = 10;

	while (value[n] && value[n] != ',')
		n++;
	for (u32 i = 0; i < ARRAY_SIZE(action_words); i++) {
		if (strlen(action_words[i]) != n || strncmp(value, action_words[i], n))
			continue;
		if (value[n] && (i != PANIC_REBOOT || params_size(value + n + 1, &seconds) ||
				 seconds > REBOOT_SECONDS_MAX))
			return -EINVAL;
		panic_action = i;
		panic_seconds = seconds;
		return 0;
	}
	return -EINVAL;
}

static void show_action(char *text, size_t size)
{
	if (panic_action == PANIC_REBOOT)
		printf_format(text, size, "reboot,%llu", panic_seconds);
	else
		printf_format(text, size, "%s", action_words[panic_action]);
}

static const struct param params[] = {{.name = "panic",
				       .type = PARAM_FN,
				       .parse = parse_action,
				       .show = show_action,
				       .runtime = true}};
const struct param_table panic_params = {params, ARRAY_SIZE(params)};

bool panic_is_on(void)
{
	return READ_ONCE(panic_owner);
}

/* Only the first CPU goes on.  How many panics it has had, this one included. */
static u32 claim_panic(void)
{
	u32 nobody = 0, me = this_cpu()->index + 1;

	if (!__atomic_compare_exchange_n(&panic_owner, &nobody, me, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE) &&
	    nobody != me)
		halt_forever();
	return ++panic_depth;
}

static bool is_running(u32 cpu)
{
	return cpu != this_cpu()->index && percpu_by_index[cpu] &&
	       READ_ONCE(percpu_by_index[cpu]->online) == PERCPU_UP;
}

/* Acquire: pairs with panic_stop(). */
static bool has_stopped(u32 cpu)
{
	return __atomic_load_n(&panic_cpus[cpu].stopped, __ATOMIC_ACQUIRE);
}

static void stop_other_cpus(void)
{
	u64 limit = rdtsc() + STOP_MS * tsc_khz;

	log_seize(); /* first, so that nobody is stopped inside a line */
	/* Release: pairs with nmi_receive(). */
	__atomic_store_n(&trap_stop_all, this_cpu()->index + 1, __ATOMIC_RELEASE);
	for (u32 i = 0; i < MAX_CPUS; i++)
		if (is_running(i))
			(void)apic_send_nmi(percpu_by_index[i]->apic_id);
	for (u32 i = 0; i < MAX_CPUS; i++)
		while (is_running(i) && !has_stopped(i) && rdtsc() < limit)
			__builtin_ia32_pause();
}

void panic_stop(const struct trap_frame *f)
{
	struct panic_cpu *c = &panic_cpus[this_cpu()->index];

	*c = (struct panic_cpu){.guest = !f, .vmcs = this_cpu()->current_vmcs.v};
	if (f) {
		c->rip = f->rip;
		c->rsp = f->rsp;
		c->rbp = f->rbp;
	}
	if (panic_hooks.leave)
		panic_hooks.leave(c);
	__atomic_store_n(&c->stopped, true, __ATOMIC_RELEASE);
	halt_forever();
}

/* "vCPU 1.0", or "no vCPU". */
static void name_vcpu(u64 vmcs, char *text, size_t size)
{
	char name[24];

	if (vmcs && panic_hooks.vcpu_name && panic_hooks.vcpu_name(vmcs, name, sizeof(name)))
		printf_format(text, size, "vCPU %s", name);
	else
		printf_format(text, size, "no vCPU");
}

static void print_other_cpu(u32 cpu)
{
	const struct panic_cpu *c = &panic_cpus[cpu];
	char vcpu[32];

	if (!has_stopped(cpu)) {
		log_emergency("panic: CPU %u does not answer: it waits for SIPI, or hangs", cpu);
		return;
	}
	name_vcpu(c->vmcs, vcpu, sizeof(vcpu));
	log_emergency("panic: CPU %u was %s %s: rip %016llx rsp %016llx", cpu,
		      c->guest ? "in" : "in kvm0, with", vcpu, c->rip, c->rsp);
	if (!c->guest)
		backtrace_print(percpu_by_index[cpu], c->rip, c->rbp);
}

/* What else there is to know, once. */
static void print_surroundings(u64 vmcs)
{
	char vcpu[32];

	name_vcpu(vmcs, vcpu, sizeof(vcpu));
	log_emergency("panic: CPU %u has %s loaded", this_cpu()->index, vcpu);
	if (trace_count(this_cpu()->index))
		log_emergency("panic: the last that CPU %u has traced:", this_cpu()->index);
	trace_print_last(this_cpu()->index, TRACE_SHOWN, log_emergency);
	for (u32 i = 0; i < MAX_CPUS; i++)
		if (is_running(i))
			print_other_cpu(i);
	log_emergency("panic: this is a defect of kvm0: please report the lines above");
}

/* False: a key was pressed meanwhile. */
static bool wait_for_reboot(void)
{
	/* What was typed before does not count. */
	for (u32 i = 0; i < KEYS_BEFORE && panic_hooks.key && panic_hooks.key(); i++)
		;
	log_emergency("panic: the machine is reset in %llu s%s", panic_seconds,
		      panic_hooks.key ? "; a key opens the monitor instead" : "");
	for (u64 ms = 0; ms < 1000 * panic_seconds; ms++) {
		if (panic_hooks.key && panic_hooks.key())
			return false;
		udelay(1000);
	}
	return true;
}

static __noreturn void finish(u32 depth)
{
	bool monitor = panic_action == PANIC_MONITOR;

	if (panic_action == PANIC_REBOOT && panic_hooks.reboot) {
		if (depth > 1 || wait_for_reboot())
			panic_hooks.reboot();
		else
			monitor = true;
	}
	if (monitor && depth == 1 && panic_hooks.monitor)
		panic_hooks.monitor();
	log_emergency("panic: halted");
	halt_forever();
}

/* @f: the exception's, or NULL. */
static __noreturn void report(const char *cause, u64 rip, u64 rbp, const struct trap_frame *f)
{
	u64 vmcs = this_cpu()->current_vmcs.v;
	u32 depth = claim_panic();

	if (depth > 2)
		halt_forever();
	if (depth == 1)
		stop_other_cpus();
	log_emergency("panic: CPU %u: %s%s", this_cpu()->index,
		      depth > 1 ? "another one inside this panic: " : "", cause);
	if (f)
		backtrace_registers(f);
	backtrace_control_registers();
	log_emergency("panic: back-trace:");
	backtrace_print(this_cpu(), rip, rbp);
	if (f)
		backtrace_top(f->rsp);
	if (depth == 1)
		print_surroundings(vmcs);
	finish(depth);
}

__attribute__((noinline)) void panic_at(const char *file, int line, const char *fmt, ...)
{
	u64 rbp = (u64)(uintptr_t)__builtin_frame_address(0);
	char text[200];
	va_list ap;
	size_t n;

	__asm__ volatile("cli");
	n = printf_format(text, sizeof(text), "%s:%d: ", file, line);
	va_start(ap, fmt);
	(void)printf_vformat(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	report(text, (u64)(uintptr_t)__builtin_return_address(0) - 1, *(const u64 *)(uintptr_t)rbp,
	       NULL);
}

void panic_trap(const struct trap_frame *f, const char *name)
{
	struct percpu *p = this_cpu();
	char text[100];

	if (f->vector == TRAP_DF && percpu_in_guard(p, read_cr2()))
		printf_format(text, sizeof(text), "stack overflow (#DF, guard page %016llx)",
			      read_cr2() & PAGE_MASK);
	else
		printf_format(text, sizeof(text), "exception %s, vector %llu, error code %#llx",
			      name, f->vector, f->error);
	report(text, f->rip, f->rbp, f);
}

void refuse(const char *cause, const char *remedy_fmt, ...)
{
	char remedy[160];
	va_list ap;

	va_start(ap, remedy_fmt);
	(void)printf_vformat(remedy, sizeof(remedy), remedy_fmt, ap);
	va_end(ap);
	(void)claim_panic();
	stop_other_cpus();
	log_emergency("cannot start: %s; %s", cause, remedy);
	halt_forever();
}
