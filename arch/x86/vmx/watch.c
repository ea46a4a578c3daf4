/* SPDX-License-Identifier: MIT */
/*
 * Entries and exits that are traced (core/trace.h) or timed: the events of both, and of what the
 * exit's instruction was about, the results of which are known at the next entry.  What is not
 * watched does not come here: DETOUR_WATCH is set when a run begins.
 */
#include "vmx/watch.h"
#include "core/page.h"
#include "core/trace.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "vmx/caps.h"
#include "vmx/mitigate.h"

#define TYPE(t) (1u << KVM0_TRACE_##t)
#define WATCHED                                                                                    \
	(TRACE_EXIT_TICKS | TYPE(ENTRY) | TYPE(EXIT) | TYPE(INJECT) | TYPE(EPT) | TYPE(PIO) |      \
	 TYPE(MSR) | TYPE(CPUID) | TYPE(HYPERCALL))

/* An event about @v. */
#define tell(type, v, ...) trace(KVM0_TRACE_##type, (v)->watch.vm, (v)->watch.index, __VA_ARGS__)

/* --- ticks --- */

void watch_begin_run(struct vmx_vcpu *v)
{
	u32 mask = READ_ONCE(trace_mask);

	v->watch.since = 0;
	if (mask & WATCHED)
		v->detour |= DETOUR_WATCH;
	if ((mask & TRACE_EXIT_TICKS) && !v->watch.ticks && page_room())
		/* Release: zeroed before anybody reads it (stats_add_vcpu()). */
		__atomic_store_n(&v->watch.ticks, object_alloc(sizeof(*v->watch.ticks)),
				 __ATOMIC_RELEASE);
}

/* kvm0 is done with the last exit at @now. */
static void end_exit(struct vmx_vcpu *v, u64 now)
{
	if (v->watch.since)
		v->watch.ticks->exit[v->watch.reason] += now - v->watch.since;
	v->watch.since = 0;
}

void vmx_watch_end(struct vmx_vcpu *v)
{
	end_exit(v, rdtsc());
}

static void begin_exit(struct vmx_vcpu *v, u64 entered, bool halted)
{
	u64 now = rdtsc();

	if (!(READ_ONCE(trace_mask) & TRACE_EXIT_TICKS) || !v->watch.ticks)
		return;
	if (!halted)
		v->watch.ticks->guest += now - entered;
	v->watch.reason = vmcs_read32(VMCS_EXIT_REASON) % VMX_EXIT_REASONS;
	v->watch.since = now;
}

/* --- instructions --- */

/* Those the result of which the guest gets with its next entry: what they were. */
static void note_instruction(struct vmx_vcpu *v, u32 reason)
{
	const u64 *g = v->gpr;
	u64 q = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);

	v->watch.instruction = reason;
	v->watch.what = (u32)g[reason == EXIT_RDMSR || reason == EXIT_WRMSR ? GPR_RCX : GPR_RAX];
	v->watch.word[0] = g[GPR_RCX];
	v->watch.word[1] = (u32)g[GPR_RAX] | g[GPR_RDX] << 32;
	if (reason == EXIT_IO) {
		v->watch.what = (u32)(q & 7) + 1;
		v->watch.what |=
			(q & BIT(3) ? 0 : KVM0_TRACE_WRITE) | (q & BIT(4) ? KVM0_TRACE_STRING : 0);
		v->watch.word[0] = q >> 16 & 0xffff;
	} else if (reason == EXIT_VMCALL) {
		v->watch.word[0] = g[GPR_RBX];
		v->watch.word[1] = g[GPR_RCX];
	}
}

static u64 port_value(u32 what, u64 rax)
{
	return what & KVM0_TRACE_STRING ? 0 : rax & (~0ull >> (64 - 8 * (what & KVM0_TRACE_BYTES)));
}

static bool gets_gp(const struct vmx_vcpu *v)
{
	return (v->event & (INTR_VALID | INTR_TYPE | INTR_VECTOR)) ==
	       (INTR_VALID | INTR_TYPE_HARD_EXC | VECTOR_GP);
}

/* ... and what came of it. */
static void tell_instruction(struct vmx_vcpu *v)
{
	u32 reason = v->watch.instruction, what = v->watch.what;
	const u64 *g = v->gpr, *word = v->watch.word;
	u64 a = (u32)g[GPR_RAX], b = g[GPR_RBX] << 32, c = (u32)g[GPR_RCX], d = g[GPR_RDX] << 32;
	u64 gp = gets_gp(v) ? KVM0_TRACE_FAULT : 0;

	v->watch.instruction = 0;
	switch (reason) {
	case EXIT_CPUID:
		tell(CPUID, v, what, (u32)word[0], a | b, c | d, 0);
		break;
	case EXIT_RDMSR:
		tell(MSR, v, what, gp ? 0 : a | d, gp, 0, 0);
		break;
	case EXIT_WRMSR:
		tell(MSR, v, what, word[1], KVM0_TRACE_WRITE | gp, 0, 0);
		break;
	case EXIT_IO:
		tell(PIO, v, what, word[0],
		     port_value(what, what & KVM0_TRACE_WRITE ? word[1] : g[GPR_RAX]), 0, 0);
		break;
	case EXIT_VMCALL:
		tell(HYPERCALL, v, what, word[0], word[1], g[GPR_RAX], 0);
		break;
	}
}

/* --- entry and exit --- */

static void before(struct vmx_vcpu *v)
{
	u64 rip = vmcs_read_nat(VMCS_GUEST_RIP);
	u64 apic = vmx_config.apicv && v->apic_mode != VMX_APIC_MODEL
			   ? vmcs_read16(VMCS_GUEST_INTERRUPT_STATUS)
			   : 0;

	tell_instruction(v);
	if (v->event)
		tell(INJECT, v, v->event, rip, v->event_error, 0, 0);
	tell(ENTRY, v, v->event, rip, v->event_error, apic, vmcs_read_nat(VMCS_GUEST_RFLAGS));
}

static void after(struct vmx_vcpu *v)
{
	u32 reason = vmcs_read32(VMCS_EXIT_REASON);
	u64 q = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);

	tell(EXIT, v, reason, q, vmcs_read_nat(VMCS_GUEST_RIP),
	     vmcs_read32(VMCS_IDT_VECTORING_INFO), vmcs_read32(VMCS_EXIT_INTR_INFO));
	switch (reason) {
	case EXIT_EPT_VIOLATION:
		tell(EPT, v, (u32)q, vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS),
		     vmcs_read_nat(VMCS_GUEST_LINEAR_ADDRESS), 0, 0);
		break;
	case EXIT_CPUID:
	case EXIT_RDMSR:
	case EXIT_WRMSR:
	case EXIT_IO:
	case EXIT_VMCALL:
		note_instruction(v, reason);
		break;
	}
}

u32 watch_enter(struct vmx_vcpu *v)
{
	bool halted;
	u32 result;
	u64 entered;

	if (!(v->detour & DETOUR_WATCH))
		return mitigate_enter(v);
	if (!(READ_ONCE(trace_mask) & WATCHED)) { /* no longer */
		v->detour &= (u8)~DETOUR_WATCH;
		v->watch.instruction = 0;
		v->watch.since = 0;
		return mitigate_enter(v);
	}
	halted = vmcs_read32(VMCS_GUEST_ACTIVITY) == ACTIVITY_HLT;
	before(v);
	entered = rdtsc();
	end_exit(v, entered);
	result = mitigate_enter(v);
	if (result) {
		tell(EXIT, v, KVM0_TRACE_NOT_ENTERED, 0, 0, 0, 0);
	} else {
		begin_exit(v, entered, halted);
		after(v);
	}
	return result;
}
