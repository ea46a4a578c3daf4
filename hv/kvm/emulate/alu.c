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

/* By one bit; *b gives bits to SHLD and SHRD. */
static u64 shift_once(u32 kind, u64 a, u64 *b, u64 *carry, u32 size)
{
	u32 top = size * 8 - 1;
	u64 out = (kind & 1) ? a & 1 : a >> top, in = 0;

	if (kind <= 1)
		in = out;
	else if (kind <= 3)
		in = *carry;
	else if (kind == 7)
		in = a >> top;
	else if (kind == 8)
		in = *b >> top & 1;
	else if (kind == 9)
		in = *b & 1;
	*carry = out;
	*b = (kind & 1) ? *b >> 1 : *b << 1;
	return (kind & 1) ? a >> 1 | in << top : (a << 1 | in) & alu_mask(size);
}

u64 alu_shift(u64 *flags, u32 kind, u64 a, u64 b, u64 count, u32 size)
{
	u64 carry = *flags & FLAG_CF ? 1 : 0, changed = FLAG_CF | FLAG_OF, new, overflow;

	count &= size == 8 ? 63 : 31;
	a &= alu_mask(size);
	if (!count)
		return a;
	while (count--)
		a = shift_once(kind, a, &b, &carry, size);
	overflow = (kind & 1) ? a ^ a << 1 : a ^ carry << (size * 8 - 1);
	new = carry | (overflow >> (size * 8 - 1) & 1 ? FLAG_OF : 0);
	if (kind >= 4) { /* not a rotate */
		changed |= FLAG_SF | FLAG_ZF | FLAG_PF;
		new |= flags_of(a, size);
	}
	*flags = (*flags & ~changed) | new;
	return a;
}

u64 alu_multiply(u64 *flags, u64 a, u64 b, bool is_signed, u32 size, u64 *high)
{
	u64 low, sign;
	unsigned __int128 product;

	if (is_signed)
		product = (unsigned __int128)((__int128)(s64)alu_sign_extend(a, size) *
					      (s64)alu_sign_extend(b, size));
	else
		product = (unsigned __int128)(a & alu_mask(size)) * (b & alu_mask(size));
	low = (u64)product & alu_mask(size);
	*high = (u64)(product >> size * 8) & alu_mask(size);
	sign = is_signed && low >> (size * 8 - 1) ? alu_mask(size) : 0;
	*flags &= ~(FLAG_CF | FLAG_OF);
	if (*high != sign)
		*flags |= FLAG_CF | FLAG_OF;
	return low;
}

/* n by d; the quotient fits.  There is no compiler's library to do it. */
static u64 divide_unsigned(unsigned __int128 n, u64 d, u64 *remainder)
{
	unsigned __int128 r = n >> 64;
	u64 q = 0;

	for (int i = 63; i >= 0; i--) {
		r = r << 1 | ((u64)n >> i & 1);
		if (r >= d) {
			r -= d;
			q |= BIT(i);
		}
	}
	*remainder = (u64)r;
	return q;
}

bool alu_divide(u64 *high, u64 *low, u64 d, bool is_signed, u32 size)
{
	u32 bits = size * 8;
	unsigned __int128 n =
		(unsigned __int128)(*high & alu_mask(size)) << bits | (*low & alu_mask(size));
	bool n_negative = is_signed && *high >> (bits - 1) & 1, d_negative;
	u64 q, r, most = alu_mask(size);

	d &= alu_mask(size);
	d_negative = is_signed && d >> (bits - 1);
	if (n_negative)
		n = size == 8 ? -n : (u64)-n & alu_mask(size * 2);
	if (d_negative)
		d = -d & alu_mask(size);
	if (is_signed)
		most = (most >> 1) + (n_negative != d_negative);
	if (n >> 64 >= d)
		return false;
	q = divide_unsigned(n, d, &r);
	if (q > most)
		return false;
	*low = n_negative != d_negative ? -q : q;
	*high = n_negative ? -r : r;
	return true;
}

bool alu_scan(u64 *flags, u64 b, bool from_top, u64 *bit)
{
	*flags = b ? *flags & ~FLAG_ZF : *flags | FLAG_ZF;
	if (b)
		*bit = (u64)(from_top ? 63 - __builtin_clzll(b) : __builtin_ctzll(b));
	return b;
}

u64 alu_count_zeros(u64 *flags, u64 b, bool from_top, u32 size)
{
	u64 n = size * 8, bit;

	if (alu_scan(flags, b, from_top, &bit))
		n = from_top ? n - 1 - bit : bit;
	*flags &= ~(FLAG_ZF | FLAG_CF);
	*flags |= (b ? 0 : FLAG_CF) | (n ? 0 : FLAG_ZF);
	return n;
}

u64 alu_popcnt(u64 *flags, u64 b)
{
	u64 n = 0;

	*flags = (*flags & ~STATUS) | (b ? 0 : FLAG_ZF);
	for (; b; b &= b - 1)
		n++;
	return n;
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
