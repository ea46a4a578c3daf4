/* SPDX-License-Identifier: MIT */
/* Break- and watchpoints and steps at the monitor's prompt, by what the GDB stub uses as well. */
#include <linux/errno.h>
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/debug.h"
#include "monitor/sets.h"

static const char *const kinds[] = {
	[BREAK_INT3] = "INT3",
	[BREAK_EXECUTE] = "execute",
	[BREAK_WRITE] = "write",
	[BREAK_ACCESS] = "access",
};

static int list(void)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++) {
		const struct breakpoint *b = breakpoint_at(i);

		if (b->user != DEBUGGER_NOBODY)
			monitor_print("%2u  VM %u  0x%016llx  %s, %u bytes%s\n", i, b->vm,
				      b->address, kinds[b->kind], b->length,
				      b->user == DEBUGGER_GDB ? ", GDB's" : "");
	}
	return 0;
}

/* What has changed comes into effect when the vCPUs go on. */
static void apply(u32 vm)
{
	for (struct vmx_vcpu *v = thread_after(NULL); v; v = thread_after(v))
		if (!v->control && debugger_vm(v) == vm && thread_find(thread_number(v)))
			debugger_apply(v, DEBUGGER_NOBODY);
}

static int delete (const char *number)
{
	u64 n;
	u32 vm;

	if (arg_number(number, &n))
		return -EINVAL;
	if (n >= BREAKPOINTS_MAX || breakpoint_at((u32)n)->user != DEBUGGER_MONITOR)
		return -ENOENT;
	vm = breakpoint_at((u32)n)->vm;
	debug_clear(DEBUGGER_MONITOR, (u32)n);
	apply(vm);
	return 0;
}

/* N ADDRESS [write|access [LENGTH]] */
static int set(u32 argc, char *const *argv)
{
	struct breakpoint b = {.user = DEBUGGER_MONITOR, .kind = BREAK_EXECUTE, .length = 1};
	struct vmx_vcpu *v;
	u64 length = 8;
	struct vm *vm;
	int n;

	n = arg_vm(argv[1], &vm);
	if (n)
		return n;
	if (argc > 3) {
		b.kind = !strcmp(argv[3], kinds[BREAK_ACCESS]) ? BREAK_ACCESS : BREAK_WRITE;
		if (strcmp(argv[3], kinds[b.kind]) || (argc > 4 && arg_number(argv[4], &length)))
			return -EINVAL;
		b.length = (u8)MIN(length, 255ull);
	}
	v = thread_of_vm(vm->id);
	if (arg_number(argv[2], &b.address) || !v)
		return v ? -EINVAL : -ENOENT;
	b.vm = vm->id;
	n = debugger_set(v, &b);
	if (n < 0)
		return n;
	apply(vm->id);
	monitor_print("breakpoint %d\n", n);
	return 0;
}

static int run_break(u32 argc, char *const *argv)
{
	if (argc == 1)
		return list();
	if (argc == 2)
		return -EINVAL;
	return !strcmp(argv[1], "delete") ? delete (argv[2]) : set(argc, argv);
}

static int run_step(u32 argc, char *const *argv)
{
	struct vcpu *c;
	int err = arg_vcpu(argv[1], &c);

	(void)argc;
	if (err)
		return err;
	for (u32 i = 0; i < c->vm->vcpu_count; i++)
		vcpu_stop(c->vm->vcpus[i]);
	if (!thread_find(thread_number(&c->vmx)))
		return -EBUSY;
	vcpu_resume(c);
	debugger_apply(&c->vmx, DEBUGGER_MONITOR);
	return 0;
}

static const struct command commands[] = {
	{"break", "[N ADDRESS [write|access [LENGTH]] | delete K]",
	 "stop VM N where it executes, writes or accesses that; resume N goes on", run_break,
	 complete_vm, 0, 4},
	{"step", "N.M", "stop VM N, and let vCPU M execute one instruction", run_step,
	 complete_vcpu, 1, 1},
};
COMMAND_SET(cmd_break, commands);
