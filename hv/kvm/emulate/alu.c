/* SPDX-License-Identifier: MIT */
/* Arithmetic and flags; see alu.h.  SDM vol. 1, Status Flags. */
#include "kvm/emulate/alu.h"

#include "kvm/emulate/access.h"

#define STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* PF, ZF and SF of a result. */
static u64 flags_of(u64 r, u32 size)
{
	/* Bit n: has n, a nibble, an even number of ones? */
	const u32 even = 0x9669;
	u64 flags = (even >> ((r ^ r >> 4) & 0xf) & 1) ? FLAG_PF : 0;

	if (!r)
		flags |= FLAG_ZF;
	if (r >> (size * 8 - 1))
		flags |= FLAG_SF;
	return flags;
}

/* Set all status flags: those of r, and from bit vectors carry, overflow, and half carry. */
static u64 set(u64 *flags, u64 r, u64 carry, u64 overflow, u64 half, u32 size)
{
	u64 new = flags_of(r, size) | (half & FLAG_AF);

	if (carry >> (size * 8 - 1) & 1)
		new |= FLAG_CF;
	if (overflow >> (size * 8 - 1) & 1)
		new |= FLAG_OF;
	*flags = (*flags & ~STATUS) | new;
	return r;
}

u64 alu_add(u64 *flags, u64 a, u64 b, bool carry, u32 size)
{
	u64 r = (a + b + carry) & alu_mask(size);

	return set(flags, r, (a & b) | ((a | b) & ~r), (a ^ r) & (b ^ r), a ^ b ^ r, size);
}

u64 alu_sub(u64 *flags, u64 a, u64 b, bool borrow, u32 size)
{
	u64 r = (a - b - borrow) & alu_mask(size);

	return set(flags, r, (~a & b) | ((~a | b) & r), (a ^ b) & (a ^ r), a ^ b ^ r, size);
}

u64 alu_logic(u64 *flags, u64 r, u32 size)
{
	return set(flags, r & alu_mask(size), 0, 0, 0, size);
}

u64 alu_inc(u64 *flags, u64 a, u32 size)
{
	u64 carry = *flags & FLAG_CF;
	u64 r = alu_add(flags, a, 1, false, size);

	*flags = (*flags & ~FLAG_CF) | carry;
	return r;
}

u64 alu_dec(u64 *flags, u64 a, u32 size)
{
	u64 carry = *flags & FLAG_CF;
	u64 r = alu_sub(flags, a, 1, false, size);

	*flags = (*flags & ~FLAG_CF) | carry;
	return r;
}

u64 alu_swap(u64 a, u32 size)
{
	return __builtin_bswap64(a) >> (64 - size * 8);
}

bool alu_condition(u64 flags, u8 condition)
{
	bool less = !(flags & FLAG_SF) != !(flags & FLAG_OF);
	bool holds;

	switch (condition >> 1 & 7) {
	case 0:
		holds = flags & FLAG_OF;
		break;
	case 1:
		holds = flags & FLAG_CF;
		break;
	case 2:
		holds = flags & FLAG_ZF;
		break;
	case 3:
		holds = flags & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		holds = flags & FLAG_SF;
		break;
	case 5:
		holds = flags & FLAG_PF;
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || (flags & FLAG_ZF);
		break;
	}
	return holds != (condition & 1);
}
