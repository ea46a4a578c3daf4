/* SPDX-License-Identifier: MIT */
/* Commands that show a vCPU: registers, events and exits, and its VMCS. */
#include <linux/errno.h>
#include "core/trace.h"
#include "cpu/regs.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/debug.h"
#include "monitor/park.h"
#include "monitor/sets.h"

#define HISTORY 8u /* exits that vcpu shows one by one */

/* --- vcpu --- */

static void show_registers(const struct vmx_vcpu *v)
{
	struct kvm_regs r;

	vmx_get_regs(v, &r);
	monitor_print("rip %016llx  rflags %llx  CPL %u\n", r.rip, r.rflags, vmx_cpl());
	monitor_print("rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx\n", r.rax, r.rbx, r.rcx,
		      r.rdx);
	monitor_print("rsi %016llx  rdi %016llx  rbp %016llx  rsp %016llx\n", r.rsi, r.rdi, r.rbp,
		      r.rsp);
	monitor_print("r8  %016llx  r9  %016llx  r10 %016llx  r11 %016llx\n", r.r8, r.r9, r.r10,
		      r.r11);
	monitor_print("r12 %016llx  r13 %016llx  r14 %016llx  r15 %016llx\n", r.r12, r.r13, r.r14,
		      r.r15);
}

static void show_segments(void)
{
	static const char names[][4] = {"es", "cs", "ss", "ds", "fs", "gs", "ldt", "tr"};
	struct kvm_dtable gdt, idt;
	struct kvm_segment s;

	monitor_print("     sel  base             limit    type S DPL P  mode\n");
	for (enum vmx_segment n = SEG_ES; n <= SEG_TR; n++) {
		vmx_get_segment(n, &s);
		monitor_print("%-3s  %04x %016llx %08x %4x %u   %u %u  %s\n", names[n], s.selector,
			      s.base, s.limit, s.type, s.s, s.dpl, s.present,
			      s.unusable ? "unusable"
			      : s.l      ? "64-bit"
			      : s.db     ? "32-bit"
					 : "16-bit");
	}
	vmx_get_tables(&gdt, &idt);
	monitor_print("gdt       %016llx %08x\nidt       %016llx %08x\n", gdt.base, gdt.limit,
		      idt.base, idt.limit);
}

/* @cpu: where it ran last. */
static void show_control_registers(const struct vmx_vcpu *v, u32 cpu)
{
	monitor_print("cr0 %llx  cr3 %llx  cr4 %llx  efer %llx  xcr0 %llx", vmx_cr0(), vmx_cr3(),
		      vmx_cr4(), vmx_efer(), v->xcr0);
	if (v->in_cpu && cpu != this_cpu()->index)
		monitor_print("  (cr2, dr0 to dr6: still in its CPU)\n");
	else
		monitor_print("  cr2 %llx\n", v->in_cpu ? read_cr2() : v->cr2);
}

static void show_debug_registers(const struct vmx_vcpu *v)
{
	struct kvm_debugregs d;

	vmx_get_debugregs(v, &d);
	monitor_print("dr0 %llx  dr1 %llx  dr2 %llx  dr3 %llx  dr6 %llx  dr7 %llx%s\n", d.db[0],
		      d.db[1], d.db[2], d.db[3], d.dr6, d.dr7,
		      v->debug ? "  (debugged by user space)" : "");
}

static void show_events(const struct vmx_vcpu *v)
{
	static const char *const activities[] = {"active", "halted", "shut down", "waits for SIPI"};
	u32 activity, blocking = vmx_blocking(&activity);

	monitor_print("activity: %s;%s%s%s%s\n",
		      activity < ARRAY_SIZE(activities) ? activities[activity] : "?",
		      blocking ? " blocked by" : " nothing blocks events",
		      vmx_shadow() & KVM_X86_SHADOW_INT_STI ? " STI" : "",
		      vmx_shadow() & KVM_X86_SHADOW_INT_MOV_SS ? " MOV SS" : "",
		      vmx_nmi_masked() ? " NMI" : "");
	if (v->event)
		monitor_print("to be injected: %08x error code %x\n", v->event, v->event_error);
	if (v->aside)
		monitor_print("after that: %08x\n", v->aside);
}

static void show_pending(const struct vcpu *c)
{
	const struct pending_exception *e = &c->exception;

	if (e->pending)
		monitor_print("pending exception: vector %u error code %x payload %llx\n",
			      e->vector, e->error, e->payload);
	if (c->interrupt >= 0)
		monitor_print("accepted interrupt: vector %x\n", (u32)c->interrupt);
	if (c->lapic.nmi_pending)
		monitor_print("pending NMIs: %u\n", c->lapic.nmi_pending);
	if (c->lapic.events)
		monitor_print("pending:%s%s\n", c->lapic.events & LAPIC_EVENT_INIT ? " INIT" : "",
			      c->lapic.events & LAPIC_EVENT_SIPI ? " SIPI" : "");
	monitor_print("requests %x, signals %llx of which %llx are masked\n", c->requests,
		      c->signals, c->signals & c->signal_mask);
}

static void show_exits(const struct vmx_vcpu *v)
{
	u64 qualification;
	u32 reason = vmx_last_exit(&qualification);

	monitor_print("last exit: %s, qualification %llx; all:\n", trace_exit_name(reason & 0xffff),
		      qualification);
	for (u32 i = 0; i < VMX_EXIT_REASONS; i++)
		if (v->exits[i])
			monitor_print(" %10llu %s\n", v->exits[i], trace_exit_name(i));
}

/* Put @e into @list, which has @n events in the order of time, the latest ones.  Their number. */
static u32 keep_latest(struct kvm0_trace_event list[HISTORY], u32 n,
		       const struct kvm0_trace_event *e)
{
	u32 at;

	if (n == HISTORY && e->tsc < list[0].tsc)
		return n;
	if (n == HISTORY)
		memmove(list, list + 1, --n * sizeof(*list));
	for (at = n++; at && e->tsc < list[at - 1].tsc; at--)
		list[at] = list[at - 1];
	list[at] = *e;
	return n;
}

/* Its last exits one by one, wherever it ran, if they are traced. */
static void show_history(const struct vmx_vcpu *v)
{
	struct kvm0_trace_event list[HISTORY], e;
	char line[TRACE_LINE];
	u32 n = 0;

	for (u32 cpu = 0; cpu < percpu_count; cpu++) {
		u64 position = 0, left = trace_count(cpu);

		for (; left && trace_read(cpu, &position, &e); left--)
			if (e.type == KVM0_TRACE_EXIT && e.vm == v->watch.vm &&
			    e.vcpu == v->watch.index)
				n = keep_latest(list, n, &e);
	}
	for (u32 i = 0; i < n; i++) {
		trace_line(&list[i], line);
		monitor_print("%s\n", line);
	}
	if (!n)
		monitor_print("no exits of it in the trace: `trace on exit` has each noted\n");
}

static int run_vcpu(u32 argc, char *const *argv)
{
	struct vmx_vcpu *v;
	struct vcpu *c;
	int err = arg_any_vcpu(argv[1], &v, &c);
	u32 cpu;

	(void)argc;
	if (err)
		return err;
	cpu = c ? v->cpu : park_cpu_of(v);
	err = park_load(v);
	if (err)
		return err;
	monitor_print("vCPU %s: %s%s, entered %llu times, ", argv[1],
		      c ? thread_state(c) : "of the control guest",
		      c && c->blocked ? ", blocked" : "", vmx_entries(v));
	if (cpu == NO_CPU)
		monitor_print("on no CPU\n");
	else
		monitor_print("last on CPU %u\n", cpu);
	show_registers(v);
	show_segments();
	show_control_registers(v, cpu);
	if (!v->in_cpu)
		show_debug_registers(v);
	show_events(v);
	if (c)
		show_pending(c);
	show_exits(v);
	show_history(v);
	return 0;
}

/* --- vmcs --- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Is @word in @text, in small or capital letters? */
static bool contains(const char *text, const char *word)
{
	for (; *text; text++) {
		size_t n = 0;

		while (word[n] && lower(text[n]) == lower(word[n]))
			n++;
		if (!word[n])
			return true;
	}
	return false;
}

struct field_filter {
	u32 argc;
	char *const *argv; /* all words from the third on have to be in the name */
	u32 shown;
};

static void show_field(void *ctx, u32 field, const char *name, u64 value, u32 digits)
{
	struct field_filter *f = ctx;

	for (u32 i = 2; i < f->argc; i++)
		if (!contains(name, f->argv[i]))
			return;
	monitor_print("%04x  %-47s %0*llx\n", field, name, (int)digits, value);
	f->shown++;
}

static int run_vmcs(u32 argc, char *const *argv)
{
	struct field_filter f = {argc, argv, 0};
	struct vmx_vcpu *v;
	struct vcpu *c;
	int err = arg_any_vcpu(argv[1], &v, &c);

	if (!err)
		err = park_load(v);
	if (err)
		return err;
	vmx_show_fields(show_field, &f);
	return f.shown ? 0 : -ENOENT;
}

static const struct command commands[] = {
	{"vcpu", "N.M", "registers and events of vCPU M of VM N; 0.M: of the control guest's",
	 run_vcpu, complete_vcpu, 1, 1},
	{"vmcs", "N.M [WORD...]", "its VMCS, or those fields whose names have all of the words",
	 run_vmcs, complete_vcpu, 1, 8},
};
COMMAND_SET(show_vcpu, commands);
