/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator against the CPU of the build machine: random
 * instructions with random operands are executed by the CPU on one copy of a
 * buffer and by the emulator on another; registers, flags and memory have to come
 * out the same.  64-bit code runs in this process as it is, 32- and 16-bit code
 * through segments of a local descriptor table.
 *
 * EMU_CASES in the environment sets the number of cases a mode, EMU_SEED the seed.
 */
/* sources: hv/kvm/emulate/emulate.c hv/kvm/emulate/decode.c hv/kvm/emulate/optable.c
 * hv/kvm/emulate/access.c hv/kvm/emulate/execute.c hv/kvm/emulate/strop.c
 * hv/kvm/emulate/alu.c hv/kvm/emulate/quick.c hv/kvm/gva.c */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvm/emulate/emulate.h"

/* Low addresses, for absolute 32-bit operands.  The buffer is what instructions work on. */
#define CODE     0x10000000ul
#define DATA     0x10010000ul
#define BUF      0x10020000ul
#define BUF_SZ   0x3000ul
#define SLOT     (CODE + 0x800) /* where the instruction is put, in all modes */
#define SLOT_END (SLOT + 32)

#define STATUS 0x8d5ull
#define F_DF   0x400ull

/* What the stub in the code page loads and stores; at DATA. */
struct cpu_data {
	u64 in[16], in_flags;
	u64 out[16], out_flags;
	u64 host_rsp;
	struct {
		u32 offset;
		u16 selector;
	} __packed far;
	u16 seg_in, seg_null, ss_in, ss_host;
};

static struct cpu_data *const cpu = (struct cpu_data *)DATA;
static u8 *const native = (u8 *)BUF;
static u8 shadow[BUF_SZ]; /* the emulator's copy */
static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u32 below(u32 n)
{
	return (u32)(rnd() >> 33) % n;
}

static bool chance(u32 percent)
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

/* --- Generated code ------------------------------------------------------ */

static u8 *out;

static void emit(u32 n, ...)
{
	va_list ap;

	va_start(ap, n);
	while (n--)
		*out++ = (u8)va_arg(ap, int);
	va_end(ap);
}

static void emit_n(u64 v, u32 n)
{
	memcpy(out, &v, n);
	out += n;
}

/* An instruction with the address of a field of *cpu as its operand. */
#define EMIT_DATA(field, n, ...)                                                                   \
	do {                                                                                       \
		emit(n, __VA_ARGS__);                                                              \
		emit_n(DATA + offsetof(struct cpu_data, field), 4);                                \
	} while (0)

static void emit_gprs(u8 opcode, u64 at)
{
	for (int r = 0; r < 16; r++) {
		emit(4, r < 8 ? 0x48 : 0x4c, opcode, 0x04 | (r & 7) << 3, 0x25);
		emit_n(at + (u64)r * 8, 4);
	}
}

/* The epilogue, in 64-bit code. */
static void emit_epilogue(void)
{
	emit_gprs(0x89, DATA + offsetof(struct cpu_data, out));
	EMIT_DATA(ss_host, 3, 0x8e, 0x14, 0x25);
	EMIT_DATA(host_rsp, 4, 0x48, 0x8b, 0x24, 0x25);
	emit(1, 0x9c);
	EMIT_DATA(out_flags, 3, 0x8f, 0x04, 0x25);
	emit(1, 0xfc); /* cld */
	EMIT_DATA(seg_null, 3, 0x8e, 0x1c, 0x25);
	EMIT_DATA(seg_null, 3, 0x8e, 0x04, 0x25);
	emit(11, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3);
}

/* Lay out the stub for a mode: prologue, slot for the instruction, epilogue. */
static void emit_stub(u8 mode, u16 code_selector)
{
	memset((void *)CODE, 0xcc, 0x1000);
	out = (u8 *)CODE;
	emit(10, 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57);
	EMIT_DATA(host_rsp, 4, 0x48, 0x89, 0x24, 0x25);
	EMIT_DATA(in_flags, 3, 0xff, 0x34, 0x25);
	emit(1, 0x9d);
	if (mode != 64) {
		EMIT_DATA(seg_in, 3, 0x8e, 0x1c, 0x25);
		EMIT_DATA(seg_in, 3, 0x8e, 0x04, 0x25);
		EMIT_DATA(ss_in, 3, 0x8e, 0x14, 0x25);
	}
	emit_gprs(0x8b, DATA + offsetof(struct cpu_data, in));
	cpu->far.offset = mode == 64 ? SLOT : SLOT - CODE;
	cpu->far.selector = mode == 64 ? 0x33 : code_selector;
	EMIT_DATA(far, 3, 0xff, 0x2c, 0x25);
	memset((void *)SLOT, 0x90, SLOT_END - SLOT);
	out = (u8 *)SLOT_END;
	if (mode != 64) {
		/* Far jump to the epilogue behind it. */
		u32 len = mode == 16 ? 8 : 7;

		if (mode == 16)
			emit(1, 0x66);
		emit(1, 0xea);
		emit_n(SLOT_END + len, 4);
		emit_n(0x33, 2);
	}
	emit_epilogue();
}

/* --- Random instructions -------------------------------------------------- */

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
};

struct form {
	u8 op[3];
	u8 op_len;
	s8 reg; /* ModRM's reg, or -1: any register */
	u16 flags;
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
	{{0xf6}, 1, 0, IMM8 | BYTE | LOGIC},
	{{0xf7}, 1, 1, IMMZ | LOGIC},
	TWO(0xf6, 2, LOCK),
	TWO(0xf6, 3, LOCK),
	TWO(0xfe, 0, LOCK),
	TWO(0xfe, 1, LOCK),
	{{0xc6}, 1, 0, IMM8 | BYTE},
	{{0xc7}, 1, 0, IMMZ},
	{{0x63}, 1, -1, ONLY64},
	{{0x0f, 0xb6}, 2, -1, 0},
	{{0x0f, 0xb7}, 2, -1, 0},
	{{0x0f, 0xbe}, 2, -1, 0},
	{{0x0f, 0xbf}, 2, -1, 0},
	{{0x0f, 0xc3}, 2, -1, MEM | NO66},
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

/* A case: the instruction, the registers before it, and what may not be compared. */
struct test_case {
	u8 mode;
	u8 insn[32]; /* drawn again if more than 15 */
	u32 len;
	u64 gpr[16];
	u64 flags;
	u64 ignore; /* flags */
	u64 gs_base;
};

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

static u64 random_offset(void)
{
	/* Often across a page. */
	return chance(15) ? 0x2000 - below(9) : 0x1000 + below(0x1000);
}

/* ModRM, SIB and displacement so that the operand is at `target`; false: draw again. */
static bool put_modrm16(struct test_case *c, u8 reg, u64 target)
{
	static const s8 base[8] = {3, 3, 5, 5, 6, 7, 5, 3}, index[8] = {6, 7, 6, 7, -1, -1, -1, -1};
	u8 rm = (u8)below(8), mod = (u8)below(3);
	u64 disp = mod == 1 ? (u64)(s64)(s8)rnd() : mod == 2 ? rnd() : 0;

	put8(c, (u64)mod << 6 | (u64)(reg & 7) << 3 | rm, 1);
	if (mod == 0 && rm == 6) {
		put8(c, target, 2);
		return true;
	}
	target -= disp;
	if (index[rm] >= 0)
		target -= c->gpr[index[rm]];
	c->gpr[base[rm]] = (c->gpr[base[rm]] & ~0xffffull) | (target & 0xffff);
	put8(c, disp, mod);
	return true;
}

static bool put_modrm(struct test_case *c, u8 *rex, u8 reg, u64 target, u32 imm_len, u32 ad_size)
{
	u8 base = (u8)below(c->mode == 64 ? 16 : 8), index = (u8)below(c->mode == 64 ? 16 : 8);
	u8 mod = (u8)below(3), scale = (u8)below(4);
	bool sib = chance(40) || (base & 7) == 4;
	u64 disp = mod == 1 ? (u64)(s64)(s8)rnd() : mod == 2 ? (u64)(s64)(s32)rnd() : 0;
	u64 garbage = ad_size == 4 && c->mode == 64 ? rnd() << 32 : 0;

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
		if (sib && c->mode == 64 && ad_size == 8 && target + 0x80000000ull > 0xffffffffull)
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
static void put_prefixes(struct test_case *c, u16 flags, u8 rex, u32 *ad_size, u32 *op_size)
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

/* A bit number in a register that stays inside the buffer. */
static void limit_bit(struct test_case *c, u8 reg, u32 op_size)
{
	u64 bit = (u64)((s64)below(8192) - 4096);
	u64 keep = op_size == 8 ? 0 : ~0ull << (op_size * 8);

	c->gpr[reg] = (c->gpr[reg] & keep) | (bit & ~keep);
}

static bool general_case(struct test_case *c)
{
	const struct form *f = &forms[below(ARRAY_SIZE(forms))];
	u8 rex = maybe_rex(c), reg, rex_at;
	u64 offset = random_offset(), target = address(c, offset);
	bool mem = (f->flags & MEM) || chance(75), use_gs;
	u32 ad_size, op_size, imm_len, modrm_at;

	if ((f->flags & ONLY64) && c->mode != 64)
		return false;
	if ((f->flags & NO66) && c->mode == 16)
		return false;
	reg = f->reg >= 0 ? (u8)f->reg : (u8)below((rex & 0x40) ? 16 : 8);
	if ((f->flags & LOCK) && mem && chance(20))
		put8(c, 0xf0, 1);
	use_gs = mem && c->mode == 64 && chance(10);
	if (use_gs)
		put8(c, 0x65, 1);
	put_prefixes(c, f->flags, rex, &ad_size, &op_size);
	if (use_gs)
		target -= c->gs_base;
	if (f->flags & STACK)
		c->gpr[4] = address(c, 0x800 + (u64)below(64) * 8);
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
	} else if (ad_size == 2) {
		if (!put_modrm16(c, reg, target))
			return false;
	} else if (!put_modrm(c, &rex, reg, target, imm_len, ad_size)) {
		return false;
	}
	if (rex)
		c->insn[rex_at] = rex;
	put8(c, value(), imm_len);
	/* The operand may be relative to the stack pointer. */
	if ((f->flags & STACK) && c->gpr[4] - address(c, 0x100) > 0x2e00)
		return false;
	if ((f->flags & BITS) && mem) {
		u64 before = c->gpr[reg];
		u8 m = c->insn[modrm_at];
		u8 sib = c->insn[modrm_at + 1];

		limit_bit(c, reg, op_size);
		/* The register may be part of the address. */
		if (before != c->gpr[reg] &&
		    (ad_size == 2 || (m & 7) == (reg & 7) ||
		     ((m & 7) == 4 && ((sib & 7) == (reg & 7) || (sib >> 3 & 7) == (reg & 7)))))
			return false;
	}
	if (f->flags & TARGET) {
		u64 to = c->mode == 64 ? SLOT_END : SLOT_END - CODE;

		memcpy(native + offset, &to, 8);
		memcpy(shadow + offset, &to, 8);
	}
	if (f->flags & LOGIC)
		c->ignore |= 0x10;
	if (f->flags & BTEST)
		c->ignore |= 0x894;
	return true;
}

/* MOV with an absolute address, SETcc, CMOVcc. */
static bool moffs_case(struct test_case *c)
{
	u32 ad_size, op_size;
	u8 rex = maybe_rex(c);

	put_prefixes(c, 0, rex, &ad_size, &op_size);
	if (rex)
		put8(c, rex, 1);
	put8(c, 0xa0 + below(4), 1);
	put8(c, address(c, random_offset()), ad_size);
	return true;
}

static bool condition_case(struct test_case *c)
{
	bool cmov = chance(50);
	u32 ad_size, op_size;
	u8 rex = maybe_rex(c), reg = (u8)below((rex & 0x40) ? 16 : 8);
	u64 target = address(c, random_offset());
	u32 rex_at;

	put_prefixes(c, cmov ? 0 : BYTE, rex, &ad_size, &op_size);
	rex_at = c->len;
	if (rex)
		put8(c, rex, 1);
	put8(c, 0x0f | ((cmov ? 0x40 : 0x90) + (u64)below(16)) << 8, 2);
	if (ad_size == 2)
		return put_modrm16(c, reg, target);
	if (!put_modrm(c, &rex, reg, target, 0, ad_size))
		return false;
	if (rex)
		c->insn[rex_at] = rex;
	return true;
}

static bool string_case(struct test_case *c)
{
	static const u8 ops[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
	u32 ad_size, op_size, rep = below(3);
	u8 rex = maybe_rex(c);
	u64 mask;

	if (rep)
		put8(c, 0xf1 + rep, 1);
	put_prefixes(c, 0, rex, &ad_size, &op_size);
	if (rex)
		put8(c, rex, 1);
	put8(c, ops[below(5)] + below(2), 1);
	mask = ad_size == 8 ? ~0ull : ~(~0ull << ad_size * 8);
	if (c->mode != 64)
		c->gpr[1] = c->gpr[6] = c->gpr[7] = 0;
	c->gpr[1] = (c->gpr[1] & ~mask) | below(chance(80) ? 12 : 33);
	c->gpr[6] = (c->gpr[6] & ~mask) | address(c, random_offset());
	c->gpr[7] = (c->gpr[7] & ~mask) | address(c, random_offset());
	if (chance(50))
		c->flags |= F_DF;
	/* What this does to the registers' upper halves is not architectural. */
	if (rep && ad_size == 4 && c->mode == 64 && !(u32)c->gpr[1] && !__builtin_cpu_is("intel"))
		return false;
	/* Equal stretches, or CMPS and SCAS end at once. */
	if (chance(40)) {
		u64 at = random_offset() - 64, byte = below(2) * 0xff;

		memset(native + at, (int)byte, 192);
		memset(shadow + at, (int)byte, 192);
		c->gpr[0] = byte ? ~0ull : 0;
	}
	return true;
}

static void draw(struct test_case *c, u8 mode, u64 gs_base)
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
		c->flags = (rnd() & STATUS) | 0x202;
		good = kind < 70   ? general_case(c)
		       : kind < 75 ? moffs_case(c)
		       : kind < 85 ? condition_case(c)
				   : string_case(c);
	} while (!good || c->len > 15);
}

/* --- The two executions ---------------------------------------------------- */

static void run_native(const struct test_case *c)
{
	memset((void *)SLOT, 0x90, SLOT_END - SLOT);
	memcpy((void *)SLOT, c->insn, c->len);
	memcpy(cpu->in, c->gpr, sizeof(c->gpr));
	cpu->in_flags = c->flags;
	((void (*)(void))CODE)();
}

static u32 mmio_pages; /* a bit for each page of the buffer */

static u8 *guest_byte(gpa_t at, u32 len)
{
	if (at.v >= BUF && at.v + len <= BUF + BUF_SZ)
		return shadow + (at.v - BUF);
	if (at.v >= SLOT && at.v + len <= CODE + 0x1000)
		return (u8 *)at.v;
	return NULL;
}

static bool is_mmio(gpa_t at)
{
	return at.v >= BUF && (mmio_pages & 1u << ((at.v - BUF) >> 12));
}

static int mem_read(void *ctx, gpa_t at, void *buf, u32 len)
{
	u8 *p = guest_byte(at, len);

	(void)ctx;
	assert_non_null(p);
	if (is_mmio(at))
		return EMU_MMIO;
	memcpy(buf, p, len);
	return 0;
}

static int mem_write(void *ctx, gpa_t at, const void *buf, u32 len)
{
	u8 *p = guest_byte(at, len);

	(void)ctx;
	assert_non_null(p);
	if (is_mmio(at))
		return EMU_MMIO;
	memcpy(p, buf, len);
	return 0;
}

static int mem_cmpxchg(void *ctx, gpa_t at, u64 *old, u64 new, u32 len)
{
	u64 now = 0;
	int r = mem_read(ctx, at, &now, len);

	if (r || now != *old) {
		*old = now;
		return r;
	}
	return mem_write(ctx, at, &new, len);
}

static const struct guest_mem guest = {
	.read_gpa = mem_read, .write_gpa = mem_write, .cmpxchg_gpa = mem_cmpxchg};

static void prepare(const struct test_case *c, struct emu_state *st)
{
	struct emu_seg data = {c->mode == 64 ? 0 : BUF, 0xffff, 0xc0f3};

	memset(st, 0xa5, sizeof(*st));
	memcpy(st->gpr, c->gpr, sizeof(c->gpr));
	st->mode = c->mode;
	st->cpl = 3;
	st->pg = (struct gva_paging){.cr0 = 1, .rflags = c->flags, .maxphyaddr = 40};
	for (u32 i = 0; i < EMU_SREGS; i++)
		st->seg[i] = data;
	st->seg[EMU_GS].base = c->gs_base;
	if (c->mode != 64)
		st->seg[EMU_CS] = (struct emu_seg){CODE, 0xffff, 0xc0fb};
	st->rip = SLOT - st->seg[EMU_CS].base;
	st->insn_len = 0;
	if (chance(50)) {
		st->insn_len = (u8)below(c->len + 1);
		memcpy(st->insn, c->insn, st->insn_len);
	}
	mmio_pages = below(8);
	st->hint_valid = chance(50);
	st->hint_gva = gva(BUF + 0x1000);
	st->hint_gpa = gpa(BUF + 0x1000);
	st->hint_write = chance(50);
	st->hint_mmio = mmio_pages & 2;
}

/* To the end of the instruction, answering its requests. */
static enum emu_result run_emulator(struct emu_state *st, struct emu_io *io)
{
	emu_io_reset(io);
	for (u32 i = 0; i < 1000; i++) {
		enum emu_result r = emulate(st, io, &guest);

		if (r == EMU_NEED_MMIO_READ)
			memcpy(io->mmio.data, guest_byte(io->mmio.gpa, io->mmio.len), io->mmio.len);
		else if (r == EMU_MMIO_WRITE)
			memcpy(guest_byte(io->mmio.gpa, io->mmio.len), io->mmio.data, io->mmio.len);
		else if (r != EMU_DONE || st->retired)
			return r;
	}
	return EMU_UNHANDLEABLE;
}

static void explain(const struct test_case *c, const struct emu_state *st, enum emu_result r)
{
	print_error("mode %u:", c->mode);
	for (u32 i = 0; i < c->len; i++)
		print_error(" %02x", c->insn[i]);
	print_error("\nresult %d vector %d rip %+lld flags in %llx cpu %llx emu %llx\n", (int)r,
		    st->fault.vector, (long long)(st->rip - SLOT), c->flags, cpu->out_flags,
		    st->pg.rflags);
	for (u32 i = 0; i < 16; i++)
		print_error("r%-2u in %016llx cpu %016llx emu %016llx%s\n", i, c->gpr[i],
			    cpu->out[i], st->gpr[i], cpu->out[i] == st->gpr[i] ? "" : " <--");
	for (u32 i = 0; i < BUF_SZ; i++)
		if (native[i] != shadow[i])
			print_error("memory %#x cpu %02x emu %02x\n", i, native[i], shadow[i]);
}

static bool same(const struct test_case *c, const struct emu_state *st)
{
	bool branch = c->len < 15 && st->rip + st->seg[EMU_CS].base == SLOT_END;

	if (!branch && st->rip + st->seg[EMU_CS].base != SLOT + c->len)
		return false;
	if (((cpu->out_flags ^ st->pg.rflags) & (STATUS | F_DF) & ~c->ignore) ||
	    memcmp(cpu->out, st->gpr, sizeof(st->gpr)))
		return false;
	return !memcmp(native, shadow, BUF_SZ);
}

static void compare(u8 mode, u64 gs_base)
{
	const char *cases = getenv("EMU_CASES");
	u64 n = cases ? strtoull(cases, NULL, 0) : 200000;
	struct emu_state st;
	struct emu_io io;
	struct test_case c;

	for (u64 i = 0; i < BUF_SZ; i++)
		native[i] = (u8)rnd();
	memcpy(shadow, native, BUF_SZ);
	for (u64 i = 0; i < n; i++) {
		enum emu_result r;

		draw(&c, mode, gs_base);
		prepare(&c, &st);
		run_native(&c);
		r = run_emulator(&st, &io);
		if (r != EMU_DONE || !same(&c, &st)) {
			explain(&c, &st, r);
			fail_msg("case %llu differs from the CPU", i);
		}
	}
}

/* --- Set-up ------------------------------------------------------------------ */

static u16 ldt_segment(u32 entry, u64 base, bool code, bool is32)
{
	struct user_desc d = {
		.entry_number = entry,
		.base_addr = (u32)base,
		.limit = 0xffff,
		.seg_32bit = is32,
		.contents = code ? 2 : 0,
		.useable = 1,
	};

	if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
		return 0;
	return (u16)(entry << 3 | 7);
}

static int set_up(void **state)
{
	const char *s = getenv("EMU_SEED");
	void *p;

	(void)state;
	if (s)
		seed = strtoull(s, NULL, 0) | 1;
	p = mmap((void *)CODE, BUF + BUF_SZ - CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (p != (void *)CODE)
		return -1;
	cpu->ss_host = 0x2b;
	return 0;
}

static void test_64(void **state)
{
	u64 gs_base = 0x0ffff123;

	(void)state;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, gs_base), 0);
	emit_stub(64, 0);
	compare(64, gs_base);
}

static void test_narrow(u8 mode)
{
	u16 code = ldt_segment(0, CODE, true, mode == 32);

	cpu->seg_in = cpu->ss_in = ldt_segment(1, BUF, false, true);
	if (!code || !cpu->seg_in) {
		print_message("no modify_ldt on this machine\n");
		skip();
	}
	emit_stub(mode, code);
	compare(mode, 0);
}

static void test_32(void **state)
{
	(void)state;
	test_narrow(32);
}

static void test_16(void **state)
{
	(void)state;
	test_narrow(16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64),
		cmocka_unit_test(test_32),
		cmocka_unit_test(test_16),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
