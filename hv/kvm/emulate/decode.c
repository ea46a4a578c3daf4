/* SPDX-License-Identifier: MIT */
/*
 * Instruction decoding; see decode.h.
 * SDM vol. 2, Instruction Format.
 */
#include "kvm/emulate/decode.h"

#define REX_B 0x1u
#define REX_X 0x2u
#define REX_R 0x4u
#define REX_W 0x8u

/* Before decoding ends: ea is relative to the next instruction, or in no register. */
#define NO_BASE 0xffu

/*
 * The next byte, when it is not known yet.  If there is none, e->stop says why
 * and zeroes are read from then on: decode() looks at it where it matters.
 */
static u8 next8_fetch(struct emu *e)
{
	if (e->stop)
		return 0;
	if (e->pos == EMU_INSN_MAX)
		e->stop = access_fault(e, EMU_GP, 0);
	else
		e->stop = access_fetch(e);
	return e->stop ? 0 : e->st->insn[e->pos++];
}

static inline u8 next8(struct emu *e)
{
	return e->pos < e->st->insn_len ? e->st->insn[e->pos++] : next8_fetch(e);
}

/* The next @size bytes, when not all of them are known yet. */
static __attribute__((noinline)) u64 next_fetch(struct emu *e, u32 size)
{
	u64 v = 0;

	for (u32 i = 0; i < size; i++)
		v |= (u64)next8(e) << (i * 8);
	return v;
}

/* The next 1, 2, 4 or 8 bytes, sign-extended. */
static u64 next_signed(struct emu *e, u32 size)
{
	const u8 *p = &e->st->insn[e->pos];
	u64 fetched, v = 0;

	if (e->pos + size > e->st->insn_len) {
		fetched = next_fetch(e, size);
		p = (const u8 *)&fetched;
	} else {
		e->pos = (u8)(e->pos + size);
	}
	switch (size) {
	case 1:
		return (u64)(s8)*p;
	case 2:
		__builtin_memcpy(&v, p, 2);
		return (u64)(s16)v;
	case 4:
		__builtin_memcpy(&v, p, 4);
		return (u64)(s32)v;
	default:
		__builtin_memcpy(&v, p, 8);
		return v;
	}
}

static void override_segment(struct emu *e, u8 seg)
{
	/* In 64-bit mode the prefixes of the flat segments do nothing. */
	if (e->st->mode != 64 || seg >= EMU_FS)
		e->in.seg = seg;
}

/* Bytes that are a prefix in some mode. */
static const bool is_prefix[256] = {
	[0x26] = true,          [0x2e] = true,          [0x36] = true, [0x3e] = true,
	[0x40 ... 0x4f] = true, [0x64 ... 0x67] = true, [0xf0] = true, [0xf2 ... 0xf3] = true,
};

/* One prefix; false if in this mode it is an opcode. */
static bool prefix(struct emu *e, u8 b)
{
	struct insn *in = &e->in;

	if ((b & 0xf0) == 0x40) {
		in->rex = b;
		return e->st->mode == 64;
	}
	in->rex = 0; /* REX counts only right before the opcode */
	switch (b) {
	case 0x64:
	case 0x65:
		override_segment(e, b & 7);
		break;
	case 0x66:
		in->op_size_prefix = true;
		break;
	case 0x67:
		in->ad_size = e->st->mode == 32 ? 2 : 4;
		break;
	case 0xf0:
		in->lock = true;
		break;
	case 0xf2:
	case 0xf3:
		in->rep = b;
		break;
	default:
		override_segment(e, (b >> 3) & 3);
		break;
	}
	return true;
}

/* ModRM's memory forms with 16-bit addresses. */
static void address16(struct emu *e, u8 mod, u8 rm)
{
	static const u8 base[8] = {EMU_RBX, EMU_RBX, EMU_RBP, EMU_RBP,
				   EMU_RSI, EMU_RDI, EMU_RBP, EMU_RBX};
	static const u8 index[4] = {EMU_RSI, EMU_RDI, EMU_RSI, EMU_RDI};
	struct insn *in = &e->in;

	if (mod == 0 && rm == 6) {
		in->ea = next_signed(e, 2);
		return;
	}
	in->ea = e->st->gpr[base[rm]];
	if (rm < 4)
		in->ea += e->st->gpr[index[rm]];
	if (base[rm] == EMU_RBP && in->seg == EMU_SREGS)
		in->seg = EMU_SS;
	if (mod)
		in->ea += next_signed(e, mod);
}

/* ModRM's memory forms with 32- and 64-bit addresses.  Is ea relative to RIP? */
static bool address32(struct emu *e, u8 mod, u8 rm)
{
	struct insn *in = &e->in;
	u32 base = rm | (in->rex & REX_B) << 3;

	in->ea = 0;
	if (rm == 4) {
		u8 sib = next8(e);
		u32 index = (sib >> 3 & 7) | (in->rex & REX_X) << 2;

		base = (sib & 7) | (in->rex & REX_B) << 3;
		if (index != EMU_RSP)
			in->ea = e->st->gpr[index] << (sib >> 6);
		if (mod == 0 && (sib & 7) == 5)
			base = NO_BASE;
	} else if (mod == 0 && rm == 5) {
		in->ea = next_signed(e, 4);
		return e->st->mode == 64;
	}
	if (base == NO_BASE) {
		in->ea += next_signed(e, 4);
		return false;
	}
	in->ea += e->st->gpr[base];
	in->sp_base = base == EMU_RSP;
	if ((base == EMU_RSP || base == EMU_RBP) && in->seg == EMU_SREGS)
		in->seg = EMU_SS;
	if (mod)
		in->ea += next_signed(e, mod == 1 ? 1 : 4);
	return false;
}

/* What particular opcodes make of the operand size. */
static void particular_sizes(struct emu *e)
{
	struct insn *in = &e->in;
	bool is64 = e->st->mode == 64;

	if (is64 && ((in->flags & F_BRANCH) || ((in->flags & F_STACK) && in->op_size == 4)))
		in->op_size = 8;
	if ((in->flags & F_NO_66) && in->op_size == 2)
		in->op_size = 4;
	in->src_size = in->op_size;
	if (in->flags & F_DOUBLE)
		in->op_size = in->op_size == 8 ? 16 : 8;
	if ((in->flags & F_MEM16) && in->mem)
		in->op_size = 2;
	if (in->flags & F_SRC8)
		in->src_size = 1;
	else if (in->flags & F_SRC16)
		in->src_size = 2;
	else if ((in->flags & F_SRC32) && in->op_size == 8)
		in->src_size = 4;
}

/* Sizes of operands, of the source and of the immediate. */
static void sizes(struct emu *e)
{
	struct insn *in = &e->in;

	in->op_size = (e->st->mode == 16) != in->op_size_prefix ? 2 : 4;
	if (in->rex & REX_W)
		in->op_size = in->op >= OP_INS ? 4 : 8;
	if (in->flags & F_BYTE)
		in->op_size = 1;
	in->src_size = in->op_size;
	if (in->flags & F_SIZES)
		particular_sizes(e);
}

/*
 * The VEX prefix whose first byte is b, and the opcode behind it.  What it says goes
 * where the prefixes that it replaces are; those must not be there as well.
 */
static const struct opcode *vex_opcode(struct emu *e, u8 b)
{
	static const u8 rep[4] = {0, 0, 0xf3, 0xf2};
	struct insn *in = &e->in;
	u8 first = next8(e), last = first, map = 1;
	const struct opcode *row;

	if (in->rex || in->rep || in->op_size_prefix || in->lock)
		e->stop = e->stop ? e->stop : access_fault(e, EMU_UD, 0);
	in->rex = (u8)(0x40 | ((first ^ 0xff) >> 5 & REX_R)); /* these bits are inverted */
	if (b == 0xc4) {
		map = first & 0x1f;
		last = next8(e);
		in->rex = (u8)(0x40 | (first ^ 0xff) >> 5 | (last >> 4 & REX_W));
	}
	if (e->st->mode != 64)
		in->rex = 0;
	in->vex = true;
	in->vex_wide = last & 4;
	in->op_size_prefix = (last & 3) == 1;
	in->rep = rep[last & 3];
	in->opcode = next8(e);
	row = map == 1 ? optable_0f(in->opcode) : optable_0f38(map == 2 ? in->opcode : 0);
	/* Moves have no third operand. */
	if ((row->flags & F_VECTOR) && (last & 0x78) != 0x78 && !e->stop)
		e->stop = access_fault(e, EMU_UD, 0);
	return row->flags & F_VECTOR ? row : optable_0f38(0);
}

/* Is C4 or C5 the beginning of a VEX prefix?  Outside 64-bit mode LES and LDS have their
 * memory forms there. */
static bool is_vex(struct emu *e, u8 b)
{
	u8 next;

	if ((b & 0xfe) != 0xc4)
		return false;
	next = next8(e);
	e->pos--;
	return e->st->mode == 64 || (next & 0xc0) == 0xc0;
}

/* The row of the opcode behind the prefixes. */
static const struct opcode *opcode(struct emu *e)
{
	struct insn *in = &e->in;
	u8 b = next8(e);

	while (is_prefix[b]) {
		if (!prefix(e, b)) {
			in->rex = 0;
			break;
		}
		b = next8(e);
	}
	if (is_vex(e, b))
		return vex_opcode(e, b);
	if (b == 0x0f) {
		b = next8(e);
		if (b == 0x38) {
			in->opcode = next8(e);
			return optable_0f38(in->opcode);
		}
		in->opcode = b;
		return optable_0f(b);
	}
	in->opcode = b;
	return optable_one_byte(b);
}

/* In a group, the row of the reg field completes the opcode's. */
static void resolve_group(struct insn *in, u8 modrm)
{
	const struct opcode *row = optable_group(&in->row, modrm >> 3);

	in->op = row->op;
	in->flags |= row->flags;
	if (row->dst || row->src) {
		in->dst = row->dst;
		in->src = row->src;
	}
}

/* Of the moves that share an opcode, the one that the prefixes name.  Those between two
 * registers are not known. */
static void resolve_vector(struct insn *in)
{
	in->vector = optable_vector(in->opcode, in->op_size_prefix, in->rep);
	if (!in->mem || !in->vector || (in->vex && (in->vector & V_MMX)))
		in->op = OP_NONE;
}

/* ModRM and what belongs to it.  Is ea relative to RIP? */
static bool modrm_operands(struct emu *e, u8 modrm)
{
	struct insn *in = &e->in;
	u8 mod = modrm >> 6;

	in->reg = (u8)((modrm >> 3 & 7) | (in->rex & REX_R) << 1);
	in->rm = (u8)((modrm & 7) | (in->rex & REX_B) << 3);
	if (!in->mem)
		return false;
	if (in->ad_size != 2)
		return address32(e, mod, modrm & 7);
	address16(e, mod, modrm & 7);
	return false;
}

/* Immediates, and addresses in their place. */
static void immediate(struct emu *e)
{
	struct insn *in = &e->in;

	if (in->src == IN_XLAT) {
		in->mem = true;
		in->ea = e->st->gpr[EMU_RBX] + (u8)e->st->gpr[EMU_RAX];
		in->src = IN_RM;
	} else if (in->src == IN_IMM16) {
		in->imm = next_signed(e, 2) & 0xffff;
	} else if (in->dst == IN_MOFFS || in->src == IN_MOFFS) {
		in->mem = true;
		in->ea = next_signed(e, in->ad_size);
		if (in->dst == IN_MOFFS)
			in->dst = IN_RM;
		else
			in->src = IN_RM;
	} else if (in->src == IN_IMM8 || (in->flags & F_IMM8)) {
		in->imm = next_signed(e, 1);
	} else {
		in->imm = next_signed(e, MIN(in->op_size, 4u));
	}
}

/* The checks that few opcodes need. */
static enum emu_result restrictions(struct emu *e)
{
	const struct insn *in = &e->in;
	u32 flags = in->flags;

	if (((flags & F_NO_REP) && in->rep) || ((flags & F_NEEDS_F3) && in->rep != 0xf3) ||
	    ((flags & F_ONLY64) && e->st->mode != 64))
		return EMU_UNHANDLEABLE;
	if (in->lock && (!(flags & F_LOCK) || in->dst != IN_RM || !in->mem))
		return access_fault(e, EMU_UD, 0);
	if (((flags & F_MEM) && !in->mem) || ((flags & F_NO64) && e->st->mode == 64) ||
	    ((flags & F_NO_66) && in->op_size_prefix))
		return access_fault(e, EMU_UD, 0);
	return EMU_DONE;
}

enum emu_result decode(struct emu *e)
{
	struct insn *in = &e->in;
	bool rip_relative = false;
	bool with_modrm;
	u8 modrm = 0;

	*in = (struct insn){.ad_size = e->st->mode / 8, .seg = EMU_SREGS};
	e->pos = 0;
	e->stop = EMU_DONE;
	in->row = *opcode(e);
	with_modrm = in->dst == IN_RM || in->dst == IN_REG;
	if (with_modrm)
		modrm = next8(e);
	in->mem = with_modrm && modrm < 0xc0;
	if (in->flags & F_GROUP)
		resolve_group(in, modrm);
	else if (in->flags & F_VECTOR)
		resolve_vector(in);
	if (e->stop)
		return e->stop;
	if (in->op == OP_NONE)
		return EMU_UNHANDLEABLE;
	sizes(e);
	if (with_modrm)
		rip_relative = modrm_operands(e, modrm);
	if (in->src >= IN_XLAT || in->dst >= IN_IMM || (in->flags & (F_IMM | F_IMM8)))
		immediate(e);
	if (e->stop)
		return e->stop;
	if (rip_relative)
		in->ea += e->st->rip + e->pos;
	if (in->seg == EMU_SREGS)
		in->seg = EMU_DS;
	if (in->ad_size < 8)
		in->ea &= BIT(in->ad_size * 8) - 1;
	return (in->lock || (in->flags & F_RESTRICTED)) ? restrictions(e) : EMU_DONE;
}
