/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic as the guest's CPU does it, flags included.  Pure functions
 * of their arguments, called by execute.c and strop.c.
 *
 * Operands are `size` (1, 2, 4, 8) bytes; what stands above them in a and b is
 * ignored and the result has zeroes there.  *flags is RFLAGS, of which only the
 * six status flags change; those the SDM leaves undefined are as Intel CPUs leave
 * them.
 */
#pragma once

#include "lib/types.h"

u64 alu_add(u64 *flags, u64 a, u64 b, bool carry, u32 size);
u64 alu_sub(u64 *flags, u64 a, u64 b, bool borrow, u32 size);
/* Flags of AND, OR, XOR, TEST for their result r, which is returned cut to size. */
u64 alu_logic(u64 *flags, u64 r, u32 size);
/* INC and DEC: carry is left alone. */
u64 alu_inc(u64 *flags, u64 a, u32 size);
u64 alu_dec(u64 *flags, u64 a, u32 size);
/* a with its bytes in reverse order. */
u64 alu_swap(u64 a, u32 size);
/* The condition of Jcc, SETcc, CMOVcc: the low four bits of the opcode. */
bool alu_condition(u64 flags, u8 condition);

/* All ones in an operand of size bytes. */
static inline u64 alu_mask(u32 size)
{
	return ~0ull >> (64 - size * 8);
}

/* An operand of `size` bytes, sign-extended. */
static inline u64 alu_sign_extend(u64 a, u32 size)
{
	u32 unused = 64 - size * 8;

	return (u64)((s64)(a << unused) >> unused);
}
