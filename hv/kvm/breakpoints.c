/* SPDX-License-Identifier: MIT */
/* The debugger's table of break- and watchpoints; see kvm/breakpoints.h. */
#include "kvm/breakpoints.h"
#include <linux/errno.h>
#include "cpu/bits.h"

static struct breakpoint table[BREAKPOINTS_MAX];

struct breakpoint *breakpoint_at(u32 n)
{
	return &table[n];
}

static bool is_hardware(const struct breakpoint *b)
{
	return b->user != DEBUGGER_NOBODY && b->kind != BREAK_INT3;
}

/* The hardware breakpoint of @vm in DR@n, or -ENOENT. */
static int of_register(u32 vm, u32 n)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++)
		if (is_hardware(&table[i]) && table[i].vm == vm && n-- == 0)
			return (int)i;
	return -ENOENT;
}

static int check(const struct breakpoint *b)
{
	if (b->kind == BREAK_READ || b->kind > BREAK_ACCESS)
		return -EOPNOTSUPP;
	if (b->length != 1 &&
	    (b->kind < BREAK_WRITE || (b->length != 2 && b->length != 4 && b->length != 8)))
		return -EINVAL;
	if (b->address & (b->length - 1u))
		return -EINVAL;
	return is_hardware(b) && of_register(b->vm, BREAK_REGISTERS - 1) >= 0 ? -ENOSPC : 0;
}

int breakpoint_find(const struct breakpoint *b)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++) {
		const struct breakpoint *t = &table[i];

		if (t->user == b->user && t->vm == b->vm && t->kind == b->kind &&
		    t->address == b->address && t->length == b->length)
			return (int)i;
	}
	return -ENOENT;
}

int breakpoint_add(const struct breakpoint *b, bool *was_there)
{
	int err, n = breakpoint_find(b);

	*was_there = n >= 0;
	if (n >= 0)
		return n;
	err = check(b);
	if (err)
		return err;
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++)
		if (table[i].user == DEBUGGER_NOBODY) {
			table[i] = *b;
			return (int)i;
		}
	return -ENOSPC;
}

int breakpoint_int3(u32 vm, const u64 *address, u64 place)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++) {
		const struct breakpoint *t = &table[i];

		if (t->user != DEBUGGER_NOBODY && t->kind == BREAK_INT3 && t->vm == vm &&
		    (address ? t->address == *address : t->place == place))
			return (int)i;
	}
	return -ENOENT;
}

int breakpoint_twin(u32 n)
{
	struct breakpoint *b = &table[n];
	u8 user = b->user;
	int twin;

	b->user = DEBUGGER_NOBODY;
	twin = breakpoint_int3(b->vm, NULL, b->place);
	b->user = user;
	return twin;
}

bool breakpoints_have_int3(u32 vm)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++)
		if (table[i].user != DEBUGGER_NOBODY && table[i].kind == BREAK_INT3 &&
		    table[i].vm == vm)
			return true;
	return false;
}

/* SDM vol. 3, Debug Control Register (DR7). */
u64 breakpoints_registers(u32 vm, u64 dr[BREAK_REGISTERS])
{
	static const u8 access[] = {[BREAK_EXECUTE] = 0, [BREAK_WRITE] = 1, [BREAK_ACCESS] = 3};
	static const u8 size[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
	u64 dr7 = 0;

	for (u32 i = 0; i < BREAK_REGISTERS; i++) {
		int n = of_register(vm, i);

		dr[i] = n < 0 ? 0 : table[n].address;
		if (n >= 0)
			dr7 |= 2ull << 2 * i | (u64)access[table[n].kind] << (16 + 4 * i) |
			       (u64)size[table[n].length] << (18 + 4 * i);
	}
	return dr7;
}

int breakpoint_hit(u32 vm, u64 dr6)
{
	/* Bits may be set of those that are not enabled. */
	for (u32 i = 0; i < BREAK_REGISTERS; i++)
		if (dr6 & BIT(i) && of_register(vm, i) >= 0)
			return of_register(vm, i);
	return -ENOENT;
}
