/* SPDX-License-Identifier: MIT */
/* What a panic prints of a CPU's state, each line with log_emergency(). */
#pragma once

#include "cpu/percpu.h"
#include "cpu/trap.h"

/* @rip, and who has called it: by frame pointers, for as long as they go upwards inside the
 * stacks of @p.  scripts/symbolize adds lines of source to it. */
void backtrace_print(const struct percpu *p, u64 rip, u64 rbp);

/* A function that calls no other keeps no frame, and then its caller is not in the
 * back-trace; its return address is the last word on this CPU's stack, as a rule. */
void backtrace_top(u64 rsp);

void backtrace_registers(const struct trap_frame *f);
void backtrace_control_registers(void);
