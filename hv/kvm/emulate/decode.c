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
 * The next byte.  When there is none, e->stop says why and zeroes are read from
 * then on: decode() looks at it once, at the end.
 */
static u8 next8(struct emu *e)
{
	if (e->stop)
		return 0;
	if (e->pos == e->st->insn_len) {
		if (e->pos == EMU_INSN_MAX)
			e->stop = access_fault(e, EMU_GP, 0);
		else
			e->stop = access_fetch(e);
		if (e->stop)
			return 0;
	}
	return e->st->insn[e->pos++];
}

/* The next 1, 2, 4 or 8 bytes, sign-extended. */
static u64 next_signed(struct emu *e, u32 size)
{
	u64 v = 0;

	for (u32 i = 0; i < size; i++)
		v |= (u64)next8(e) << (i * 8);
	switch (size) {
	case 1:
		return (u64)(s8)v;
	case 2:
		return (u64)(s16)v;
	case 4:
		return (u64)(s32)v;
	default:
		return v;
	}
}

static void override_segment(struct emu *e, u8 seg)
{
	/* In 64-bit mode the prefixes of the flat segments do nothing. */
	if (e->st->mode != 64 || seg >= EMU_FS)
		e->in.seg = seg;
}

/* Prefixes; returns the first opcode byte. */
static u8 prefixes(struct emu *e)
{
	struct insn *in = &e->in;

	for (;;) {
		u8 b = next8(e);

		if ((b & 0xf0) == 0x40 && e->st->mode == 64) {
			in->rex = b;
			continue;
		}
		switch (b) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			override_segment(e, (b >> 3) & 3);
			break;
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
			return b;
		}
		in->rex = 0; /* REX counts only right before the opcode */
	}
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

/* Sizes of operands, of the source and of the immediate. */
static void sizes(struct emu *e)
{
	struct insn *in = &e->in;
	bool is64 = e->st->mode == 64;

	in->op_size = (e->st->mode == 16) != in->op_size_prefix ? 2 : 4;
	if (is64 && (in->rex & REX_W))
		in->op_size = 8;
	if (is64 && ((in->flags & F_BRANCH) || ((in->flags & F_STACK) && in->op_size == 4)))
		in->op_size = 8;
	if ((in->flags & F_NO_66) && in->op_size == 2)
		in->op_size = 4;
	if ((in->op == OP_INS || in->op == OP_OUTS) && in->op_size == 8)
		in->op_size = 4;
	if (in->flags & F_BYTE)
		in->op_size = 1;
	in->src_size = in->op_size;
	if (in->flags & F_SRC8)
		in->src_size = 1;
	else if (in->flags & F_SRC16)
		in->src_size = 2;
	else if ((in->flags & F_SRC32) && in->op_size == 8)
		in->src_size = 4;
}

static const struct opcode *opcode(struct emu *e)
{
	struct insn *in = &e->in;

	in->opcode = prefixes(e);
	if (in->opcode != 0x0f)
		return optable_one_byte(in->opcode);
	in->opcode = next8(e);
	if (in->opcode != 0x38)
		return optable_0f(in->opcode);
	in->opcode = next8(e);
	return optable_0f38(in->opcode);
}

/* Take over the row and, if the opcode is a group, the row of the reg field. */
static void take_row(struct insn *in, const struct opcode *row, u8 modrm)
{
	in->op = row->op;
	in->dst = row->dst;
	in->src = row->src;
	in->flags = row->flags;
	if (row->flags & F_GROUP) {
		row = optable_group(row, modrm >> 3);
		in->op = row->op;
		in->flags |= row->flags;
		if (row->dst) {
			in->dst = row->dst;
			in->src = row->src;
		}
	}
}

static bool has_modrm(const struct opcode *row)
{
	return row->dst == IN_RM || row->dst == IN_REG;
}

/* Operands after the opcode.  modrm is meaningful if the row has one. */
static void operands(struct emu *e, bool with_modrm, u8 modrm)
{
	struct insn *in = &e->in;
	bool rip_relative = false;
	u8 mod = modrm >> 6;

	if (with_modrm) {
		in->reg = (u8)((modrm >> 3 & 7) | (in->rex & REX_R) << 1);
		in->rm = (u8)((modrm & 7) | (in->rex & REX_B) << 3);
		in->mem = mod != 3;
		if (in->mem && in->ad_size == 2)
			address16(e, mod, modrm & 7);
		else if (in->mem)
			rip_relative = address32(e, mod, modrm & 7);
	} else if (in->dst == IN_MOFFS || in->src == IN_MOFFS) {
		in->mem = true;
		in->ea = next_signed(e, in->ad_size);
		if (in->dst == IN_MOFFS)
			in->dst = IN_RM;
		else
			in->src = IN_RM;
	}
	if (in->src == IN_IMM8)
		in->imm = next_signed(e, 1);
	else if (in->src == IN_IMM)
		in->imm = next_signed(e, MIN(in->op_size, 4u));
	if (rip_relative)
		in->ea += e->st->rip + e->pos;
	if (in->seg == EMU_SREGS)
		in->seg = EMU_DS;
	if (in->ad_size < 8)
		in->ea &= BIT(in->ad_size * 8) - 1;
}

/* Is the instruction one that the tables do not describe after all? */
static bool is_other(const struct emu *e)
{
	const struct insn *in = &e->in;

	return in->op == OP_NONE || ((in->flags & F_NO_REP) && in->rep) ||
	       ((in->flags & F_NO_66) && in->op_size_prefix) ||
	       ((in->flags & F_ONLY64) && e->st->mode != 64);
}

static bool is_undefined(const struct emu *e)
{
	const struct insn *in = &e->in;

	if (in->lock && (!(in->flags & F_LOCK) || in->dst != IN_RM || !in->mem))
		return true;
	return ((in->flags & F_MEM) && !in->mem) || ((in->flags & F_NO64) && e->st->mode == 64);
}

enum emu_result decode(struct emu *e)
{
	struct insn *in = &e->in;
	const struct opcode *row;
	bool with_modrm;
	u8 modrm = 0;

	*in = (struct insn){.ad_size = e->st->mode / 8, .seg = EMU_SREGS};
	e->pos = 0;
	e->stop = EMU_DONE;
	row = opcode(e);
	with_modrm = has_modrm(row);
	if (with_modrm)
		modrm = next8(e);
	take_row(in, row, modrm);
	if (e->stop)
		return e->stop;
	if (is_other(e))
		return EMU_UNHANDLEABLE;
	sizes(e);
	operands(e, with_modrm, modrm);
	if (e->stop)
		return e->stop;
	return is_undefined(e) ? access_fault(e, EMU_UD, 0) : EMU_DONE;
}
