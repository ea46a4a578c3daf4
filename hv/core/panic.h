/* SPDX-License-Identifier: MIT */
/* Ways in which kvm0 stops: refusing to start, and being broken. */
#pragma once

#include "core/params.h"

/*
 * kvm0 itself is broken: stop the other CPUs, print cause, registers, a symbolised
 * back-trace, the last events of the trace and where the other CPUs were, and then do
 * what panic= says.  Never for anything that a guest, the control guest, firmware or
 * the boot loader can cause.
 */
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
__noreturn void panic_at(const char *file, int line, const char *fmt, ...) __printf(3, 4);

/*
 * The machine or the boot loader's hand-over cannot be used: one line,
 * "kvm0: cannot start: CAUSE; REMEDY", then a halt.
 */
__noreturn void refuse(const char *cause, const char *remedy_fmt, ...) __printf(2, 3);

/* An internal invariant. */
#define ASSERT(c)                                                                                  \
	do {                                                                                       \
		if (__builtin_expect(!(c), 0))                                                     \
			panic("%s does not hold", #c);                                             \
	} while (0)

struct trap_frame;

/* For trap_init(): print an exception in kvm0 as panic() does; and what an NMI finds on a CPU that
 * another one's panic stops, NULL if it has ended the run of a guest. */
__noreturn void panic_trap(const struct trap_frame *f, const char *name);
__noreturn void panic_stop(const struct trap_frame *f);

/* Has a panic begun?  Then the CPU that asks has the machine for itself. */
bool panic_is_on(void);

extern const struct param_table panic_params; /* panic= */

/* A CPU that has been stopped: where it was. */
struct panic_cpu {
	bool stopped; /* release: all else has been written */
	bool guest;   /* in one: rip and rsp are the guest's */
	u64 rip, rsp, rbp;
	u64 vmcs; /* physical address of the current one, or 0 */
};

/* What layers above do in a panic.  Set at boot; NULL before. */
struct panic_hooks {
	/* On each CPU that is stopped: if it was in a guest, where; and leave VMX operation, so
	 * that its VMCSs can be read elsewhere. */
	void (*leave)(struct panic_cpu *c);
	/* Whose VMCS is at @vmcs, as a word; false: nobody's. */
	bool (*vcpu_name)(u64 vmcs, char *text, size_t size);
	void (*monitor)(void); /* run commands, until the person leaves */
	bool (*key)(void);     /* has one been pressed? */
	void (*reboot)(void);  /* returns if the machine does not react */
};
extern struct panic_hooks panic_hooks;
