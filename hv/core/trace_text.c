/* SPDX-License-Identifier: MIT */
/* The trace as text: see core/trace.h. */
#include "core/trace.h"
#include "cpu/layout.h"
#include "cpu/tsc.h"
#include "lib/printf.h"
#include "lib/string.h"

const char *trace_exit_name(u32 reason)
{
	static const char *const names[] = {"EXCEPTION_NMI",
					    "EXTERNAL_INTERRUPT",
					    "TRIPLE_FAULT",
					    "INIT",
					    "SIPI",
					    "IO_SMI",
					    "OTHER_SMI",
					    "INTERRUPT_WINDOW",
					    "NMI_WINDOW",
					    "TASK_SWITCH",
					    "CPUID",
					    "GETSEC",
					    "HLT",
					    "INVD",
					    "INVLPG",
					    "RDPMC",
					    "RDTSC",
					    "RSM",
					    "VMCALL",
					    "VMCLEAR",
					    "VMLAUNCH",
					    "VMPTRLD",
					    "VMPTRST",
					    "VMREAD",
					    "VMRESUME",
					    "VMWRITE",
					    "VMXOFF",
					    "VMXON",
					    "CR_ACCESS",
					    "MOV_DR",
					    "IO",
					    "RDMSR",
					    "WRMSR",
					    "ENTRY_GUEST_STATE",
					    "ENTRY_MSR_LOAD",
					    NULL,
					    "MWAIT",
					    "MONITOR_TRAP_FLAG",
					    NULL,
					    "MONITOR",
					    "PAUSE",
					    "ENTRY_MACHINE_CHECK",
					    NULL,
					    "TPR_BELOW_THRESHOLD",
					    "APIC_ACCESS",
					    "VIRTUALIZED_EOI",
					    "GDTR_IDTR",
					    "LDTR_TR",
					    "EPT_VIOLATION",
					    "EPT_MISCONFIG",
					    "INVEPT",
					    "RDTSCP",
					    "PREEMPTION_TIMER",
					    "INVVPID",
					    "WBINVD",
					    "XSETBV",
					    "APIC_WRITE",
					    "RDRAND",
					    "INVPCID",
					    "VMFUNC",
					    "ENCLS",
					    "RDSEED",
					    "PML_FULL",
					    "XSAVES",
					    "XRSTORS"};
	u32 basic = reason & 0xffff;

	if (basic == KVM0_TRACE_NOT_ENTERED)
		return "NOT_ENTERED";
	return basic < ARRAY_SIZE(names) && names[basic] ? names[basic] : "?";
}

/* How the words of each type are shown, in the order of KVM0_TRACE_*: a letter each for what and
 * data[0] to data[3]: x hexadecimal, d decimal, t a time, '.' not at all; and their names. */
static const struct {
	const char *name, *forms, *words[5];
} shapes[KVM0_TRACE_TYPES] = {
	{"entry", "xxxxx", {"event", "rip", "error", "apic", "rflags"}},
	{"exit", ".xxxx", {"", "qual", "rip", "vectoring", "info"}},
	{"inject", "xxx..", {"event", "rip", "error"}},
	{"ept", "xxx..", {"qual", "gpa", "gva"}},
	{"mmio", ".xx..", {"", "gpa", "value"}},
	{"pio", ".xx..", {"", "port", "value"}},
	{"msr", "xx...", {"index", "value"}},
	{"cpuid", "xxxx.", {"leaf", "subleaf", "ebx:eax", "edx:ecx"}},
	{"hypercall", "dxxd.", {"number", "a0", "a1", "result"}},
	{"ipi", "xx...", {"icr", "dest"}},
	{"timer", ".t...", {"", "deadline"}},
	{"halt", ".t...", {"", "deadline"}},
	{"wake", ".....", {""}},
	{"slot", "dxxxd", {"slot", "gpa", "bytes", "flags", "result"}},
	{"ioctl", ".dxd.", {"", "handle", "arg", "result"}},
};

/* What comes behind the type's name. */
static size_t put_what(const struct kvm0_trace_event *e, char *to, size_t size)
{
	static const char *const timer[] = {"set", "fired"}, *const halt[] = {"", " blocked"},
				 *const wake[] = {"goes on", "waked"};
	bool write = e->what & KVM0_TRACE_WRITE;

	switch (e->type) {
	case KVM0_TRACE_EXIT:
		return printf_format(to, size, " %s%s", trace_exit_name(e->what),
				     e->what >> 31 ? " failed" : "");
	case KVM0_TRACE_MMIO:
		return printf_format(to, size, " %s %u", write ? "write" : "read",
				     e->what & KVM0_TRACE_BYTES);
	case KVM0_TRACE_PIO:
		return printf_format(to, size, " %s%s %u", write ? "out" : "in",
				     e->what & KVM0_TRACE_STRING ? "s" : "",
				     e->what & KVM0_TRACE_BYTES);
	case KVM0_TRACE_MSR:
		return printf_format(to, size, " %s%s",
				     e->data[1] & KVM0_TRACE_WRITE ? "write" : "read",
				     e->data[1] & KVM0_TRACE_FAULT ? " #GP" : "");
	case KVM0_TRACE_TIMER:
		return printf_format(to, size, " %s", timer[e->what & 1]);
	case KVM0_TRACE_HALT:
		return printf_format(to, size, "%s", halt[e->what & 1]);
	case KVM0_TRACE_WAKE:
		return printf_format(to, size, " %s", wake[e->what & 1]);
	case KVM0_TRACE_IOCTL:
		if ((s32)e->what < 0 && (s32)e->what > -64)
			return printf_format(to, size, " call %u", ~e->what);
		return printf_format(to, size, " %#x", e->what);
	default:
		return 0;
	}
}

/* TSC ticks as microseconds. */
static u64 microseconds(u64 ticks)
{
	return tsc_khz ? ticks / tsc_khz * 1000 + ticks % tsc_khz * 1000 / tsc_khz : ticks;
}

static size_t put_word(const struct kvm0_trace_event *e, char form, const char *name, u64 word,
		       char *to, size_t size)
{
	switch (form) {
	case 'x':
		return printf_format(to, size, " %s %#llx", name, word);
	case 'd':
		return printf_format(to, size, " %s %lld", name, (s64)word);
	case 't':
		if (word == ~0ull)
			return printf_format(to, size, " no %s", name);
		return printf_format(to, size, " %s %s%llu us", name, word < e->tsc ? "-" : "+",
				     microseconds(word < e->tsc ? e->tsc - word : word - e->tsc));
	default:
		return 0;
	}
}

void trace_line(const struct kvm0_trace_event *e, char line[TRACE_LINE])
{
	u64 us = microseconds(e->tsc);
	u32 type = MIN(e->type, KVM0_TRACE_TYPES - 1u);
	size_t n = printf_format(line, TRACE_LINE, "%6llu.%06llu %2u %u.", us / 1000000,
				 us % 1000000, e->cpu, e->vm);

	if (e->vcpu == KVM0_TRACE_NO_VCPU)
		n += printf_format(line + n, TRACE_LINE - n, "-  ");
	else
		n += printf_format(line + n, TRACE_LINE - n, "%-2u ", e->vcpu);
	n += printf_format(line + n, TRACE_LINE - n, "%s", shapes[type].name);
	n += put_what(e, line + n, TRACE_LINE - n);
	for (u32 i = 0; i < ARRAY_SIZE(shapes[type].words); i++)
		n += put_word(e, shapes[type].forms[i], shapes[type].words[i],
			      i ? e->data[i - 1] : e->what, line + n, TRACE_LINE - n);
}

/* --- several --- */

/* The next event of each CPU that is shown. */
struct cursor {
	u64 position;
	struct kvm0_trace_event e;
	bool valid;
};

/* Of the CPUs in [@first, @end) the one whose next event is the earliest.  NULL: there is none. */
static struct cursor *earliest(struct cursor *c, u32 first, u32 end)
{
	struct cursor *best = NULL;

	for (u32 i = first; i < end; i++)
		if (c[i].valid && (!best || c[i].e.tsc < best->e.tsc))
			best = &c[i];
	return best;
}

void trace_print_last(u32 cpu, u64 n, void (*print)(const char *fmt, ...))
{
	static struct cursor cursors[MAX_CPUS]; /* of one caller at a time */
	u32 first = cpu == TRACE_ALL_CPUS ? 0 : cpu,
	    end = cpu == TRACE_ALL_CPUS ? MAX_CPUS : cpu + 1;
	u64 there = 0;

	for (u32 i = first; i < end; i++) {
		there += trace_count(i);
		cursors[i].position = 0;
		cursors[i].valid = trace_read(i, &cursors[i].position, &cursors[i].e);
	}
	for (; there; there--) { /* and no more, if others go on */
		struct cursor *c = earliest(cursors, first, end);
		char line[TRACE_LINE];

		if (!c)
			return;
		if (there <= n) {
			trace_line(&c->e, line);
			print("%s", line);
		}
		c->valid = trace_read((u32)(c - cursors), &c->position, &c->e);
	}
}
