/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic as the guest's CPU does it, flags included.  Pure functions
 * of their arguments, called by execute.c and strop.c.
 *
 * Operands are `size` (1, 2, 4, 8) bytes; what stands above them in a and b is
 * ignored and the result has zeroes there.  *flags is RFLAGS, of which only the
 * six status flags change; those the SDM leaves undefined are as Intel CPUs leave
 * them, or as they were.
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
/*
 * Shifts and rotates, numbered as in group 2's reg field: ROL, ROR, RCL, RCR, SHL, SHR,
 * SHL again, SAR; then SHLD and SHRD, which take bits of b.  The count is cut as the CPU
 * does.
 */
u64 alu_shift(u64 *flags, u32 kind, u64 a, u64 b, u64 count, u32 size);
/* The lower half of the product; *high is the upper one. */
u64 alu_multiply(u64 *flags, u64 a, u64 b, bool is_signed, u32 size, u64 *high);
/* *high:*low divided by d: quotient in *low, remainder in *high.  False: #DE. */
bool alu_divide(u64 *high, u64 *low, u64 d, bool is_signed, u32 size);
/* BSF, BSR if from_top; b is cut to size.  False: b is 0, and there is no *bit. */
bool alu_scan(u64 *flags, u64 b, bool from_top, u64 *bit);
/* TZCNT, LZCNT if from_top. */
u64 alu_count_zeros(u64 *flags, u64 b, bool from_top, u32 size);
u64 alu_popcnt(u64 *flags, u64 b);
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
