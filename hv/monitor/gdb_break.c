/* SPDX-License-Identifier: MIT */
/* Packets of break- and watchpoints; see monitor/gdb_stub.h. */
#include <linux/errno.h>
#include "monitor/gdb_stub.h"

/*
 * GDB does not say whose a breakpoint is, takes all away whenever a thread stops, and sets them
 * again before it lets them go on.  So one is of the VM whose thread is chosen when it is set for
 * the first time.
 */
static struct owner {
	bool used, set;
	u32 vm;
	u64 kind, address, length;
} owners[BREAKPOINTS_MAX];

/* NULL: there is no room for another. */
static struct owner *owner_of(u64 kind, u64 address, u64 length)
{
	struct owner *spare = NULL;
	struct vmx_vcpu *v;

	for (u32 i = 0; i < ARRAY_SIZE(owners); i++) {
		struct owner *o = &owners[i];

		if (o->used && !thread_of_vm(o->vm)) /* the VM is gone, its breakpoints too */
			o->used = false;
		if (!o->used)
			spare = o;
		else if (o->kind == kind && o->address == address && o->length == length)
			return o;
	}
	v = gdb_thread();
	if (spare && v)
		*spare = (struct owner){.used = true,
					.vm = debugger_vm(v),
					.kind = kind,
					.address = address,
					.length = length};
	return v ? spare : NULL;
}

void gdb_forget_breakpoints(bool all)
{
	for (u32 i = 0; i < ARRAY_SIZE(owners); i++)
		owners[i].used &= owners[i].set && !all;
}

static int change_breakpoint(struct owner *o, bool set)
{
	struct breakpoint b = {.user = DEBUGGER_GDB,
			       .vm = o->vm,
			       .kind = (u8)o->kind,
			       .address = o->address,
			       .length = o->kind < BREAK_WRITE ? 1 : (u8)o->length};
	struct vmx_vcpu *v = thread_of_vm(o->vm);
	int n = set && v ? debugger_set(v, &b) : breakpoint_find(&b);

	o->set = set && n >= 0;
	if (!set && n >= 0)
		debug_clear(DEBUGGER_GDB, (u32)n);
	return set ? n : 0; /* what is gone already is gone */
}

void gdb_breakpoint(const char *at)
{
	bool set = *at++ == 'Z';
	u64 kind, address, length;
	struct owner *o;
	int err;

	if (!gdb_number(&at, &kind) || *at++ != ',' || !gdb_number(&at, &address) || *at++ != ',' ||
	    !gdb_number(&at, &length)) {
		gdb_answer("E16");
		return;
	}
	if (kind == BREAK_READ || kind > BREAK_ACCESS) /* GDB tries another kind then */
		return;
	o = length <= 8 ? owner_of(kind, address, length) : NULL;
	err = o ? change_breakpoint(o, set) : -ENOSPC;
	if (err < 0)
		gdb_answer_error(err);
	else
		gdb_answer("OK");
}
