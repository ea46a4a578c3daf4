/* SPDX-License-Identifier: MIT */
/*
 * The trace: what has happened on each CPU, as events of a fixed size in a ring of its own, which
 * only that CPU writes and anyone reads at any time.  Types of events are switched on and off while
 * guests run; one that is off costs a look at `trace_mask`.  The events and what their words mean
 * are kvm0/abi.h's.
 */
#pragma once

#include <kvm0/abi.h>

#include "core/params.h"

/* It changes at any time; whoever looks need not see that at once, and looks with one instruction,
 * which an atomic read would not be.  Bit n: events of type n are written, KVM0_TRACE_*.  The
 * highest: exits are timed (exit_ticks=, vmx/watch.c), which is no event but found out by the same
 * look. */
extern u32 trace_mask;
#define TRACE_EXIT_TICKS 0x80000000u

extern const struct param_table trace_params; /* trace=, trace_kib=, exit_ticks= */

/* Rings for the CPUs below @cpus, as large as trace_kib= says, from the pool.  Once, at boot. */
void trace_init(u32 cpus);

static inline bool trace_wants(u32 type)
{
	return __builtin_expect(trace_mask & (u32)BIT(type), 0);
}

/* An event of @type about vCPU @vcpu (KVM0_TRACE_NO_VCPU: none) of VM @vm (0: the control guest)
 * goes to this CPU's ring.  Not from NMI context. */
void trace_write(u32 type, u32 vm, u32 vcpu, u32 what, u64 a, u64 b, u64 c, u64 d)
	__attribute__((noinline, cold));

/* The same if events of that type are on. */
#define trace(type, ...)                                                                           \
	do {                                                                                       \
		if (trace_wants(type))                                                             \
			trace_write(type, __VA_ARGS__);                                            \
	} while (0)

/*
 * The first event of @cpu that is number *@position, counted from boot on, or a later one, if it is
 * still there and whole; *@position becomes the number behind it.  False: there is none (yet). From
 * any CPU while @cpu writes.
 */
bool trace_read(u32 cpu, u64 *position, struct kvm0_trace_event *e) __must_check;

/* Events of @cpu that could be read now, at the most. */
u64 trace_count(u32 cpu);
/* All that has been written is forgotten. */
void trace_clear(void);

/* The types of which @text has the names, with commas between; "all", "none"; or a number, as
 * trace_mask has it.  0, -EINVAL. */
int trace_types(const char *text, u32 *types) __must_check;
/* These types are on from now on, @exit_ticks apart. */
void trace_set_types(u32 types);
/* ... their names, or where there is no room for them a number. */
void trace_show_types(u32 types, char *text, size_t size);

/* --- as text (trace_text.c) --- */

/* An exit reason's name (SDM vol. 3, VMX Basic Exit Reasons), "?" if it has none. */
const char *trace_exit_name(u32 reason);

/* @e as a line without a newline. */
#define TRACE_LINE 192u
void trace_line(const struct kvm0_trace_event *e, char line[TRACE_LINE]);

/* The last @n events of @cpu, or of all CPUs (TRACE_ALL_CPUS) in the order of time, a @print of a
 * line each.  For panics and people: slow. */
#define TRACE_ALL_CPUS (~0u)
void trace_print_last(u32 cpu, u64 n, void (*print)(const char *fmt, ...) __printf(1, 2));
