/* SPDX-License-Identifier: MIT */
/*
 * Random instructions with random operands, for test_emulate_cpu.c.  Addresses are made so
 * that operands lie in the buffer, mostly: no instruction may touch anything else of this
 * process.
 */
#include "emulate_native.h"

#include <string.h>

static u64 seed = 88172645463325252ull;

void rnd_seed(u64 s)
{
	seed = s | 1;
}

u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

u32 below(u32 n)
{
	return (u32)(rnd() >> 33) % n;
}

bool chance(u32 percent)
{
	return below(100) < percent;
}

/* A value that is often near a boundary. */
static u64 value(void)
{
	static const u64 edge[] = {0,          1,      0x7f,       0x80,       0xff,
				   0x7fff,     0x8000, 0xffff,     0x7fffffff, 0x80000000,
				   0xffffffff, ~0ull,  1ull << 63, ~0ull >> 1, 0x10};

	return chance(35) ? edge[below(ARRAY_SIZE(edge))] : rnd();
}

/* --- Forms --- */

enum {
	IMM8 = 1,     /* an 8-bit immediate */
	IMMZ = 2,     /* an immediate of the operand size, at most 32 bits */
	LOCK = 4,     /* may have LOCK */
	MEM = 8,      /* memory operand only */
	BYTE = 16,    /* 8-bit operands */
	BITS = 32,    /* bit number in a register */
	LOGIC = 64,   /* AF undefined */
	BTEST = 128,  /* OF, SF, AF, PF undefined */
	TARGET = 256, /* memory holds a branch target */
	NO66 = 512,
	ONLY64 = 1024,
	STACK = 2048,
	SHORT = 4096, /* 66 makes it too exotic: fixed operand size */
	F3 = 1 << 13,
	SHIFT = 1 << 14, /* by the immediate, by CL without one, by 1 with ONCE */
	ONCE = 1 << 15,
	DOUBLE_SHIFT = 1 << 16,
	PRODUCT = 1 << 17,  /* SF, ZF, AF, PF undefined */
	QUOTIENT = 1 << 18, /* all flags undefined */
	SCAN = 1 << 19,     /* all but ZF undefined */
	PAIR = 1 << 20,     /* CMPXCHG8B */
	SREG = 1 << 21,
};

struct form {
	u8 op[3];
	u8 op_len;
	s8 reg; /* ModRM's reg, or -1: any register */
	u32 flags;
};

#define ALU(base, n, extra)                                                                        \
	{{base}, 1, -1, LOCK | BYTE | extra}, {{base + 1}, 1, -1, LOCK | extra},                   \
		{{base + 2}, 1, -1, BYTE | extra}, {{base + 3}, 1, -1, extra},                     \
		{{0x80}, 1, n, IMM8 | LOCK | BYTE | extra}, {{0x81}, 1, n, IMMZ | LOCK | extra},   \
	{                                                                                          \
		{0x83}, 1, n, IMM8 | LOCK | extra                                                  \
	}
#define TWO(op, reg, flags)                                                                        \
	{{op}, 1, reg, (flags) | BYTE},                                                            \
	{                                                                                          \
		{op + 1}, 1, reg, (flags)                                                          \
	}
#define TWO_0F(op, reg, flags)                                                                     \
	{{0x0f, op}, 2, reg, (flags) | BYTE},                                                      \
	{                                                                                          \
		{0x0f, op + 1}, 2, reg, (flags)                                                    \
	}
#define BIT_OP(op, n, flags)                                                                       \
	{{0x0f, op}, 2, -1, BITS | BTEST | (flags)},                                               \
	{                                                                                          \
		{0x0f, 0xba}, 2, n, IMM8 | BTEST | (flags)                                         \
	}
#define SHIFTS(n) TWO(0xc0, n, IMM8 | SHIFT), TWO(0xd0, n, SHIFT | ONCE), TWO(0xd2, n, SHIFT)

static const struct form forms[] = {
	ALU(0x00, 0, 0),
	ALU(0x08, 1, LOGIC),
	ALU(0x10, 2, 0),
	ALU(0x18, 3, 0),
	ALU(0x20, 4, LOGIC),
	ALU(0x28, 5, 0),
	ALU(0x30, 6, LOGIC),
	{{0x38}, 1, -1, BYTE},
	{{0x39}, 1, -1, 0},
	{{0x3a}, 1, -1, BYTE},
	{{0x3b}, 1, -1, 0},
	{{0x80}, 1, 7, IMM8 | BYTE},
	{{0x81}, 1, 7, IMMZ},
	{{0x83}, 1, 7, IMM8},
	TWO(0x84, -1, LOGIC),
	TWO(0x86, -1, LOCK),
	TWO(0x88, -1, 0),
	TWO(0x8a, -1, 0),
	{{0x8c}, 1, -1, SREG},
	SHIFTS(0),
	SHIFTS(1),
	SHIFTS(2),
	SHIFTS(3),
	SHIFTS(4),
	SHIFTS(5),
	SHIFTS(6),
	SHIFTS(7),
	{{0xf6}, 1, 0, IMM8 | BYTE | LOGIC},
	{{0xf7}, 1, 1, IMMZ | LOGIC},
	TWO(0xf6, 2, LOCK),
	TWO(0xf6, 3, LOCK),
	TWO(0xf6, 4, PRODUCT),
	TWO(0xf6, 5, PRODUCT),
	TWO(0xf6, 6, QUOTIENT),
	TWO(0xf6, 7, QUOTIENT),
	TWO(0xfe, 0, LOCK),
	TWO(0xfe, 1, LOCK),
	{{0xc6}, 1, 0, IMM8 | BYTE},
	{{0xc7}, 1, 0, IMMZ},
	{{0x63}, 1, -1, ONLY64 | NO66}, /* CPUs differ in how much it reads with 66 */
	{{0x69}, 1, -1, IMMZ | PRODUCT},
	{{0x6b}, 1, -1, IMM8 | PRODUCT},
	{{0x0f, 0xaf}, 2, -1, PRODUCT},
	{{0x0f, 0xa4}, 2, -1, IMM8 | SHIFT | DOUBLE_SHIFT},
	{{0x0f, 0xa5}, 2, -1, SHIFT | DOUBLE_SHIFT},
	{{0x0f, 0xac}, 2, -1, IMM8 | SHIFT | DOUBLE_SHIFT},
	{{0x0f, 0xad}, 2, -1, SHIFT | DOUBLE_SHIFT},
	{{0x0f, 0xb6}, 2, -1, 0},
	{{0x0f, 0xb7}, 2, -1, 0},
	{{0x0f, 0xbe}, 2, -1, 0},
	{{0x0f, 0xbf}, 2, -1, 0},
	{{0x0f, 0xbc}, 2, -1, SCAN},
	{{0x0f, 0xbd}, 2, -1, SCAN},
	{{0x0f, 0xb8}, 2, -1, F3},
	{{0x0f, 0xbc}, 2, -1, F3 | BTEST},
	{{0x0f, 0xbd}, 2, -1, F3 | BTEST},
	{{0x0f, 0xae}, 2, 7, MEM | NO66},
	{{0x0f, 0xc3}, 2, -1, MEM | NO66},
	{{0x0f, 0xc7}, 2, 1, MEM | LOCK | PAIR},
	TWO_0F(0xb0, -1, LOCK),
	TWO_0F(0xc0, -1, LOCK),
	BIT_OP(0xa3, 4, 0),
	BIT_OP(0xab, 5, LOCK),
	BIT_OP(0xb3, 6, LOCK),
	BIT_OP(0xbb, 7, LOCK),
	{{0x0f, 0x38, 0xf0}, 3, -1, MEM},
	{{0x0f, 0x38, 0xf1}, 3, -1, MEM},
	{{0xff}, 1, 6, STACK},
	{{0x8f}, 1, 0, STACK},
	{{0xff}, 1, 2, STACK | TARGET | MEM | SHORT},
	{{0xff}, 1, 4, TARGET | MEM | SHORT},
};

/* --- Addresses --- */

static void put8(struct test_case *c, u64 v, u32 n)
{
	memcpy(c->insn + c->len, &v, n);
	c->len += n;
}

/* Addresses of the buffer: absolute in 64-bit mode, offsets in a segment otherwise. */
static u64 address(const struct test_case *c, u64 offset)
{
	return c->mode == 64 ? BUF + offset : offset;
}

/* Where there is no fault. */
static u64 plain_offset(void)
{
	return 0x1000 + below(0x1000);
}

/* Often across a page, and now and then where there is a fault. */
static u64 random_offset(const struct test_case *c)
{
	static const u64 edge[] = {0, BUF_SZ - 0x1000, BUF_SZ, 0x10000};

	if (chance(15))
		return 0x2000 - below(chance(50) ? 9 : 33);
	if (!(c->flags & F_AC) && chance(4)) /* CPUs differ in which fault comes first */
		return edge[below(4)] - 1 - below(9);
	if (c->mode == 64 && !(c->flags & F_AC) && chance(1))
		return (1ull << 47) + below(2);
	return plain_offset();
}

/* ... and to a multiple, so that it is no fault of moves that want that. */
static u64 aligned_offset(const struct test_case *c)
{
	u64 offset = random_offset(c);

	return chance(60) ? offset & ~31ull : offset;
}

/* Put bytes where an operand is going to be, if that can be written. */
static void preset(u64 offset, const void *bytes, u32 n)
{
	if (offset > BUF_SZ - 0x1000 - n)
		return;
	memcpy(native + offset, bytes, n);
	memcpy(shadow + offset, bytes, n);
}

/* ModRM and displacement so that the operand is at `target`. */
static void put_modrm16(struct test_case *c, u8 reg, u64 target)
{
	static const s8 base[8] = {3, 3, 5, 5, 6, 7, 5, 3}, index[8] = {6, 7, 6, 7, -1, -1, -1, -1};
	u8 rm = (u8)below(8), mod = (u8)below(3);
	u64 disp = mod == 1 ? (u64)(s64)(s8)rnd() : mod == 2 ? rnd() : 0;

	put8(c, (u64)mod << 6 | (u64)(reg & 7) << 3 | rm, 1);
	if (mod == 0 && rm == 6) {
		put8(c, target, 2);
		return;
	}
	target -= disp;
	if (index[rm] >= 0)
		target -= c->gpr[index[rm]];
	c->gpr[base[rm]] = (c->gpr[base[rm]] & ~0xffffull) | (target & 0xffff);
	put8(c, disp, mod);
}

/* The same with SIB; false: draw again. */
static bool put_modrm(struct test_case *c, u8 *rex, u8 reg, u64 target, u32 imm_len, u32 ad_size)
{
	u8 base = (u8)below(c->mode == 64 ? 16 : 8), index = (u8)below(c->mode == 64 ? 16 : 8);
	u8 mod = (u8)below(3), scale = (u8)below(4);
	bool sib = chance(40) || (base & 7) == 4;
	u64 disp = mod == 1 ? (u64)(s64)(s8)rnd() : mod == 2 ? (u64)(s64)(s32)rnd() : 0;
	u64 garbage = ad_size == 4 && c->mode == 64 ? rnd() << 32 : 0;

	if (ad_size == 2) {
		put_modrm16(c, reg, target);
		return true;
	}
	if (c->mode == 64 && (base >= 8 || (sib && index >= 8) || reg >= 8) && !*rex)
		return false;
	*rex |= (u8)((base >> 3) | (sib && index >= 8 ? 2 : 0) | (reg >> 3 << 2));
	put8(c, (u64)mod << 6 | (u64)(reg & 7) << 3 | (sib ? 4 : base & 7), 1);
	if (sib)
		put8(c, (u64)scale << 6 | (u64)(index & 7) << 3 | (base & 7), 1);
	if (mod == 0 && (base & 7) == 5) {
		if (!sib && c->mode == 64)
			target -= SLOT + c->len + 4 + imm_len;
		if (sib && index != 4)
			target -= c->gpr[index] << scale;
		if (c->mode == 64 && ad_size == 8 && target + 0x80000000ull > 0xffffffffull)
			return false;
		put8(c, target, 4);
		return true;
	}
	if (sib && index == base && index != 4)
		return false;
	target -= disp;
	if (sib && index != 4)
		target -= c->gpr[index] << scale;
	c->gpr[base] = ad_size == 4 ? (target & 0xffffffff) | garbage : target;
	put8(c, disp, mod == 2 ? 4 : mod);
	return true;
}

static u8 maybe_rex(const struct test_case *c)
{
	return c->mode == 64 && chance(70) ? (u8)(0x40 | (below(2) << 3)) : 0;
}

/* Prefixes in random number; REX goes last.  Sets *ad_size and *op_size. */
static void put_prefixes(struct test_case *c, u32 flags, u8 rex, u32 *ad_size, u32 *op_size)
{
	static const u8 ignored[] = {0x26, 0x2e, 0x36, 0x3e};

	*ad_size = c->mode / 8;
	*op_size = c->mode == 16 ? 2 : 4;
	if (!(flags & (NO66 | SHORT)) && chance(25)) {
		put8(c, 0x66, 1);
		*op_size = c->mode == 16 ? 4 : 2;
	}
	if (chance(12)) {
		put8(c, 0x67, 1);
		*ad_size = c->mode == 32 ? 2 : 4;
	}
	if (c->mode == 64 && chance(10))
		put8(c, ignored[below(4)], 1);
	if (rex & 8)
		*op_size = 8;
	if (flags & BYTE)
		*op_size = 1;
}

/* --- Kinds of cases --- */

/* A bit number in a register that stays near the operand. */
static void limit_bit(struct test_case *c, u8 reg, u32 op_size)
{
	u64 bit = (u64)((s64)below(8192) - 4096);
	u64 keep = op_size == 8 ? 0 : ~0ull << (op_size * 8);

	c->gpr[reg] = (c->gpr[reg] & keep) | (bit & ~keep);
}

/* Which flags are undefined after a shift. */
static void ignore_of_shift(struct test_case *c, const struct form *f, u64 imm, u32 op_size)
{
	u64 count = (f->flags & IMM8) ? imm : (f->flags & ONCE) ? 1 : c->gpr[1];
	bool rotate = !(f->flags & DOUBLE_SHIFT) && f->reg < 4;

	count &= op_size == 8 ? 63 : 31;
	if (count > 1)
		c->ignore |= 0x800;
	if (count && !rotate)
		c->ignore |= 0x10;
	if (!rotate && count >= op_size * 8)
		c->ignore |= 1;
	if ((f->flags & DOUBLE_SHIFT) && count > op_size * 8)
		c->undefined = true;
}

static void ignore_flags(struct test_case *c, const struct form *f, u64 imm, u32 op_size)
{
	if (f->flags & LOGIC)
		c->ignore |= 0x10;
	if (f->flags & BTEST)
		c->ignore |= 0x894;
	if (f->flags & PRODUCT)
		c->ignore |= 0xd4;
	if (f->flags & QUOTIENT)
		c->ignore |= STATUS;
	if (f->flags & SCAN)
		c->ignore |= STATUS & ~0x40ull;
	if (f->flags & SHIFT)
		ignore_of_shift(c, f, imm, op_size);
}

/* Operands in memory that random ones would hardly ever be. */
static void preset_operand(struct test_case *c, u32 flags, u64 offset, u32 op_size)
{
	u64 to = c->mode == 64 ? SLOT_END : SLOT_END - CODE;
	u64 pair[2] = {(u32)c->gpr[0] | c->gpr[2] << 32};

	if (op_size == 8) {
		pair[0] = c->gpr[0];
		pair[1] = c->gpr[2];
	}
	if (flags & TARGET)
		preset(offset, &to, 8);
	if ((flags & PAIR) && chance(60))
		preset(offset, pair, op_size == 8 ? 16 : 8);
}

/* Is the bit number's register, which limit_bit() is to change, free of the address? */
static bool bit_number(struct test_case *c, u8 reg, u32 op_size, u32 ad_size, u32 modrm_at)
{
	u64 before = c->gpr[reg];
	u8 m = c->insn[modrm_at], sib = c->insn[modrm_at + 1];

	limit_bit(c, reg, op_size);
	return before == c->gpr[reg] ||
	       (ad_size != 2 && (m & 7) != (reg & 7) &&
		((m & 7) != 4 || ((sib & 7) != (reg & 7) && (sib >> 3 & 7) != (reg & 7))));
}

/* What comes before the opcode, but REX; the address of the operand is relative to GS if so. */
static u64 put_before(struct test_case *c, const struct form *f, bool mem, u64 target, u8 rex,
		      u32 *ad_size, u32 *op_size)
{
	bool locked = mem && ((f->flags & LOCK) ? chance(20) : chance(1));
	bool use_gs = mem && c->mode == 64 && chance(10);

	if (locked)
		put8(c, 0xf0, 1);
	if (use_gs)
		put8(c, 0x65, 1);
	put_prefixes(c, f->flags, rex, ad_size, op_size);
	if (f->flags & F3)
		put8(c, 0xf3, 1);
	else if (f->op_len == 1 && !locked && chance(2)) /* means nothing here */
		put8(c, 0xf2 + below(2), 1);
	return use_gs ? target - c->gs_base : target;
}

/* An instruction with ModRM. */
static bool general_case(struct test_case *c)
{
	const struct form *f = &forms[below(ARRAY_SIZE(forms))];
	u8 rex = maybe_rex(c), reg, rex_at;
	u64 offset = (f->flags & PAIR) ? aligned_offset(c) : random_offset(c), target,
	    imm = value();
	bool mem = (f->flags & MEM) || chance(75);
	u32 ad_size, op_size, imm_len, modrm_at;

	if (((f->flags & ONLY64) && c->mode != 64) || ((f->flags & NO66) && c->mode == 16))
		return false;
	/* Nobody knows where random bytes would lead. */
	if ((f->flags & TARGET) && offset + 8 > BUF_SZ - 0x1000 &&
	    (offset < BUF_SZ || offset >> 47 == 1))
		return false;
	reg = f->reg >= 0 ? (u8)f->reg : (u8)below((rex & 0x40) ? 16 : 8);
	if ((f->flags & SREG) && reg > 5)
		reg = (u8)below(6);
	target = put_before(c, f, mem, address(c, offset), rex, &ad_size, &op_size);
	if (f->flags & STACK)
		c->gpr[4] = address(c, chance(4) ? below(16) : 0x800 + (u64)below(64) * 8);
	if ((f->flags & QUOTIENT) && chance(60))
		c->gpr[2] = below(2) ? 0 : ~0ull;
	rex_at = (u8)c->len;
	if (rex)
		put8(c, rex, 1);
	put8(c, f->op[0] | f->op[1] << 8 | f->op[2] << 16, f->op_len);
	imm_len = (f->flags & IMM8) ? 1 : (f->flags & IMMZ) ? MIN(op_size, 4u) : 0;
	if ((f->flags & STACK) && c->mode != 64 && !mem && reg == 4)
		return false;
	modrm_at = c->len;
	if (!mem) {
		u8 rm = (u8)below((rex & 0x40) ? 16 : 8);

		rex |= (u8)((rm >> 3) | (reg >> 3 << 2));
		put8(c, 0xc0u | (u64)(reg & 7) << 3 | (rm & 7), 1);
	} else if (!put_modrm(c, &rex, reg, target, imm_len, ad_size)) {
		return false;
	}
	if (rex)
		c->insn[rex_at] = rex;
	put8(c, imm, imm_len);
	/* The operand may be relative to the stack pointer. */
	if ((f->flags & STACK) && c->gpr[4] - address(c, 0) > BUF_SZ)
		return false;
	if ((f->flags & BITS) && mem && !bit_number(c, reg, op_size, ad_size, modrm_at))
		return false;
	if (mem)
		preset_operand(c, f->flags, offset, op_size);
	ignore_flags(c, f, imm, op_size);
	return !c->undefined;
}

/* MOV with an absolute address, and XLAT. */
static bool moffs_case(struct test_case *c)
{
	u32 ad_size, op_size;
	u8 rex = maybe_rex(c);
	u64 target = address(c, random_offset(c));

	put_prefixes(c, 0, rex, &ad_size, &op_size);
	if (rex)
		put8(c, rex, 1);
	if (chance(20)) {
		c->gpr[3] = target - (u8)c->gpr[0];
		put8(c, 0xd7, 1);
		return true;
	}
	put8(c, 0xa0 + below(4), 1);
	put8(c, target, ad_size);
	return true;
}

static bool condition_case(struct test_case *c)
{
	bool cmov = chance(50);
	u32 ad_size, op_size;
	u8 rex = maybe_rex(c), reg = (u8)below((rex & 0x40) ? 16 : 8);
	u64 target = address(c, random_offset(c));
	u32 rex_at;

	put_prefixes(c, cmov ? 0 : BYTE, rex, &ad_size, &op_size);
	rex_at = c->len;
	if (rex)
		put8(c, rex, 1);
	put8(c, 0x0f | ((cmov ? 0x40 : 0x90) + (u64)below(16)) << 8, 2);
	if (!put_modrm(c, &rex, reg, target, 0, ad_size))
		return false;
	if (rex)
		c->insn[rex_at] = rex;
	return true;
}

/* PUSH, POP, CALL and RET without ModRM. */
static bool stack_case(struct test_case *c)
{
	static const u8 ops[] = {0x50, 0x58, 0x68, 0x6a, 0xe8, 0xc2, 0xc3};
	u8 op = ops[below(7)], rex = maybe_rex(c), reg = (u8)below(8);
	bool branch = op >= 0xc2;
	u64 at = chance(4) ? below(16) : 0x800 + below(64) * 8;
	u64 to = c->mode == 64 ? SLOT_END : SLOT_END - CODE;
	u32 ad_size, op_size;

	put_prefixes(c, branch ? SHORT : 0, rex, &ad_size, &op_size);
	if (rex)
		put8(c, rex | below(2), 1);
	if ((rex & 8) && op_size == 2)
		op_size = 4;
	c->gpr[4] = address(c, at);
	put8(c, op < 0x60 ? op + reg : op, 1);
	if (op == 0x68)
		put8(c, value(), MIN(op_size, 4u));
	else if (op == 0x6a)
		put8(c, value(), 1);
	else if (op == 0xe8)
		put8(c, SLOT_END - SLOT - c->len - MIN(op_size, 4u), MIN(op_size, 4u));
	else if (op == 0xc2)
		put8(c, value(), 2);
	if (op == 0xc2 || op == 0xc3)
		preset(at, &to, 8);
	return true;
}

static bool string_case(struct test_case *c)
{
	static const u8 ops[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
	u32 ad_size, op_size, rep = below(3);
	u8 rex = maybe_rex(c), op = ops[below(5)];
	u64 mask;

	if (rep)
		put8(c, 0xf1 + rep, 1);
	put_prefixes(c, 0, rex, &ad_size, &op_size);
	if (rex)
		put8(c, rex, 1);
	put8(c, op + below(2), 1);
	mask = ad_size == 8 ? ~0ull : ~(~0ull << ad_size * 8);
	if (c->mode != 64)
		c->gpr[1] = c->gpr[6] = c->gpr[7] = 0;
	c->gpr[1] = (c->gpr[1] & ~mask) | below(chance(80) ? 12 : 33);
	c->gpr[6] = (c->gpr[6] & ~mask) | (address(c, random_offset(c)) & mask);
	/* CPUs differ in which of CMPS's operands is looked at first. */
	c->gpr[7] = (c->gpr[7] & ~mask) |
		    (address(c, op == 0xa6 ? plain_offset() : random_offset(c)) & mask);
	if (chance(50))
		c->flags |= F_DF;
	/* What this does to the registers' upper halves is not architectural. */
	if (rep && ad_size == 4 && c->mode == 64 && !(u32)c->gpr[1] && !__builtin_cpu_is("intel"))
		return false;
	/* Equal stretches, or CMPS and SCAS end at once. */
	if (chance(40)) {
		u64 at = 0x1000 + below(0x1000) - 64;
		u8 bytes[192];

		memset(bytes, (int)below(2) * 0xff, sizeof(bytes));
		preset(at, bytes, sizeof(bytes));
		c->gpr[0] = bytes[0] ? ~0ull : 0;
	}
	return true;
}

/* Moves of vector registers: opcode, the prefixes that it can have (1 << pp), and more. */
enum { PP_NONE = 1, PP_66 = 2, PP_F3 = 4, PP_F2 = 8, MMX_NONE = 16, WITH_W = 32, MAP_38 = 64 };

static const struct {
	u8 opcode, flags;
} vectors[] = {
	{0x10, PP_NONE | PP_66 | PP_F3 | PP_F2},
	{0x11, PP_NONE | PP_66 | PP_F3 | PP_F2},
	{0x28, PP_NONE | PP_66},
	{0x29, PP_NONE | PP_66},
	{0x2a, PP_66 | MAP_38},
	{0x2b, PP_NONE | PP_66},
	{0x6e, PP_NONE | PP_66 | MMX_NONE | WITH_W},
	{0x6f, PP_NONE | PP_66 | PP_F3 | MMX_NONE},
	{0x7e, PP_NONE | PP_66 | PP_F3 | MMX_NONE | WITH_W},
	{0x7f, PP_NONE | PP_66 | PP_F3 | MMX_NONE},
	{0xd6, PP_66},
	{0xe7, PP_NONE | PP_66 | MMX_NONE},
	{0xf0, PP_F2},
};

static bool vector_case(struct test_case *c)
{
	static const u8 prefix[] = {0, 0x66, 0xf3, 0xf2};
	u32 n = below(ARRAY_SIZE(vectors)), pp = below(4), ad_size, op_size, at;
	u32 flags = vectors[n].flags;
	bool vex = has_avx && chance(50), wide = chance(50);
	u8 reg = (u8)below(c->mode == 64 ? 16 : 8), rex = c->mode == 64 ? 0x40 : 0;
	bool scalar =
		(vectors[n].opcode <= 0x11 && pp >= 2) || (pp == 2 && vectors[n].opcode == 0x7e);

	if (!(flags & 1u << pp) || (vex && pp == 0 && (flags & MMX_NONE)))
		return false;
	/* VEX.L has to be 0 for those of 4 and 8 bytes, but MOVSS's and MOVSD's. */
	if ((flags & WITH_W) || vectors[n].opcode == 0xd6 || (scalar && vectors[n].opcode == 0x7e))
		wide = false;
	c->flags &= ~F_AC; /* CPUs differ */
	put_prefixes(c, NO66, 0, &ad_size, &op_size);
	if (!vex && prefix[pp])
		put8(c, prefix[pp], 1);
	if (c->mode == 64 && (flags & WITH_W) && chance(50))
		rex |= 8;
	at = c->len;
	if (vex) {
		put8(c, 0xc4, 3);
	} else {
		if (rex)
			put8(c, rex, 1);
		put8(c, 0x380f, (flags & MAP_38) ? 2 : 1);
	}
	put8(c, vectors[n].opcode, 1);
	if (!put_modrm(c, &rex, reg, address(c, aligned_offset(c)), 0, ad_size))
		return false;
	if (vex) {
		c->insn[at + 1] = (u8)((~(u32)rex & 7) << 5 | ((flags & MAP_38) ? 2 : 1));
		c->insn[at + 2] = (u8)((rex & 8u) << 4 | 0x78u | (wide ? 4u : 0) | pp);
	} else if (rex) {
		c->insn[at] = rex;
	}
	return true;
}

void draw(struct test_case *c, u8 mode, u64 gs_base)
{
	bool good;

	do {
		u32 kind = below(100);

		memset(c, 0, sizeof(*c));
		c->mode = mode;
		c->gs_base = gs_base;
		for (u32 i = 0; i < 16; i++) {
			c->gpr[i] = value();
			if (mode != 64)
				c->gpr[i] &= 0xffffffff;
		}
		c->flags = (rnd() & STATUS) | 0x202 | (chance(3) ? F_AC : 0);
		good = kind < 60   ? general_case(c)
		       : kind < 64 ? moffs_case(c)
		       : kind < 72 ? condition_case(c)
		       : kind < 76 ? stack_case(c)
		       : kind < 88 ? vector_case(c)
				   : string_case(c);
	} while (!good || c->len > 15);
}
