/* SPDX-License-Identifier: MIT */
/* Ways in which kvm0 stops: refusing to start, and being broken. */
#pragma once

#include "lib/types.h"

/*
 * kvm0 itself is broken: print cause, registers and a symbolised back-trace once,
 * stop the other CPUs, halt.  Never for anything that a guest, the control guest,
 * firmware or the boot loader can cause.
 */
__noreturn void panic(const char *fmt, ...) __printf(1, 2);

/*
 * The machine or the boot loader's hand-over cannot be used: one line,
 * "kvm0: cannot start: CAUSE; REMEDY", then a halt.
 */
__noreturn void refuse(const char *cause, const char *remedy_fmt, ...) __printf(2, 3);

/* An internal invariant. */
#define ASSERT(c)                                                                                  \
	do {                                                                                       \
		if (__builtin_expect(!(c), 0))                                                     \
			panic("%s:%d: %s", __FILE__, __LINE__, #c);                                \
	} while (0)

struct trap_frame;

/* Print an exception in kvm0 as panic() does; given to trap_init(). */
void panic_trap(const struct trap_frame *f, const char *name);
