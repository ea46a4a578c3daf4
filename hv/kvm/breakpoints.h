/* SPDX-License-Identifier: MIT */
/*
 * The table of break- and watchpoints of kvm0's debugger (kvm/debugger.h): bookkeeping only.  It
 * is changed while the world is parked (monitor/park.h), and looked at by any CPU.
 */
#pragma once

#include "lib/types.h"

/* Whose they are. */
enum debugger_user { DEBUGGER_NOBODY, DEBUGGER_GDB, DEBUGGER_MONITOR };

/* As GDB numbers them in its packets Z and z. */
enum breakpoint_kind { BREAK_INT3, BREAK_EXECUTE, BREAK_WRITE, BREAK_READ, BREAK_ACCESS };

struct breakpoint {
	u8 user; /* enum debugger_user; DEBUGGER_NOBODY: this element is free */
	u8 kind;
	u8 length;   /* bytes that are watched: 1, 2, 4 or 8; else 1 */
	u8 original; /* BREAK_INT3: what the guest had there, */
	u64 place;   /* and its guest-physical address */
	u64 address; /* linear */
	u32 vm;      /* its number; 0: the control guest */
};

#define BREAKPOINTS_MAX    64u
#define BREAK_REGISTERS    4u /* DR0 to DR3 */
#define BREAKPOINT_INT3_OP 0xccu

/* Element @n, below BREAKPOINTS_MAX. */
struct breakpoint *breakpoint_at(u32 n);

/*
 * Add @b.  Its number, also if it is there already, with *@was_there; -EINVAL: no length that can
 * be watched, or not aligned to it; -EOPNOTSUPP: x86 watches no reads without writes; -ENOSPC: the
 * table is full, or the VM's four registers are used.
 */
int breakpoint_add(const struct breakpoint *b, bool *was_there) __must_check;
/* The number of the one that has the same user, VM, kind, address and length, or -ENOENT. */
int breakpoint_find(const struct breakpoint *b) __must_check;
/* Another one than @n that has put INT3 into the same byte, or -ENOENT. */
int breakpoint_twin(u32 n) __must_check;
/* The INT3 of @vm at linear address @address, or, if that is not to be looked at, at physical
 * @place; or -ENOENT. */
int breakpoint_int3(u32 vm, const u64 *address, u64 place) __must_check;

/* DR0 to DR3 of all vCPUs of @vm, and DR7; 0: there are none. */
u64 breakpoints_registers(u32 vm, u64 dr[BREAK_REGISTERS]);
/* The one of @vm that DR6, @dr6, tells of, or -ENOENT. */
int breakpoint_hit(u32 vm, u64 dr6) __must_check;
/* Has @vm an INT3? */
bool breakpoints_have_int3(u32 vm);
