/* SPDX-License-Identifier: MIT */
/* Execution of everything but string instructions; see execute.h. */
#include "kvm/emulate/execute.h"

#include "cpu/regs.h"
#include "kvm/emulate/alu.h"
#include "kvm/emulate/operand.h"

/* A bit instruction with the bit's number in a register reaches beyond its operand. */
static void move_to_bit(struct emu *e)
{
	struct insn *in = &e->in;
	s64 bit = (s64)alu_sign_extend(e->st->gpr[in->reg], in->op_size);
	u32 shift = in->op_size == 8 ? 6 : in->op_size == 4 ? 5 : 4;

	in->ea += (u64)((bit >> shift) * in->op_size);
	if (in->ad_size < 8)
		in->ea &= BIT(in->ad_size * 8) - 1;
}

/* BT, BTS, BTR, BTC. */
static u64 bit_test(u8 op, u64 *flags, u64 a, u64 b, u32 size)
{
	u64 bit = BIT(b & (size * 8 - 1));

	*flags = (*flags & ~FLAG_CF) | ((a & bit) ? FLAG_CF : 0);
	if (op == OP_BTS)
		return a | bit;
	if (op == OP_BTR)
		return a & ~bit;
	return op == OP_BTC ? a ^ bit : a;
}

/* The value of the destination, from its old value a and the source b. */
static u64 compute(struct emu *e, u64 *flags, u64 a, u64 b)
{
	const struct insn *in = &e->in;
	u32 size = in->op_size;
	u64 high;

	switch (in->op) {
	case OP_ADD:
	case OP_XADD:
		return alu_add(flags, a, b, false, size);
	case OP_ADC:
		return alu_add(flags, a, b, *flags & FLAG_CF, size);
	case OP_SBB:
		return alu_sub(flags, a, b, *flags & FLAG_CF, size);
	case OP_SUB:
	case OP_CMP:
		return alu_sub(flags, a, b, false, size);
	case OP_OR:
		return alu_logic(flags, a | b, size);
	case OP_AND:
	case OP_TEST:
		return alu_logic(flags, a & b, size);
	case OP_XOR:
		return alu_logic(flags, a ^ b, size);
	case OP_NOT:
		return ~a;
	case OP_NEG:
		return alu_sub(flags, 0, a, false, size);
	case OP_INC:
		return alu_inc(flags, a, size);
	case OP_DEC:
		return alu_dec(flags, a, size);
	case OP_MOVSX:
		return alu_sign_extend(b, in->src_size);
	case OP_MOVBE:
		return alu_swap(b, size);
	case OP_BT:
	case OP_BTS:
	case OP_BTR:
	case OP_BTC:
		return bit_test(in->op, flags, a, b, size);
	case OP_ROL ... OP_SAR:
		return alu_shift(flags, in->op - (u32)OP_ROL, a, 0, b, size);
	case OP_SHLD:
	case OP_SHRD:
		return alu_shift(flags, in->op - (u32)OP_ROL, a, b,
				 (in->flags & F_IMM8) ? in->imm : e->st->gpr[EMU_RCX], size);
	case OP_IMUL:
		return alu_multiply(flags, (in->flags & (F_IMM | F_IMM8)) ? in->imm : a, b, true,
				    size, &high);
	case OP_SETCC:
		return alu_condition(*flags, in->opcode);
	case OP_CMOVCC:
		return alu_condition(*flags, in->opcode) ? b : a;
	default: /* OP_MOV, OP_XCHG */
		return b;
	}
}

/* Does F3 make TZCNT of BSF, or LZCNT of BSR?  CPUs that lack those ignore it. */
static bool counts_zeros(u8 op)
{
	return op == OP_BSF ? cpuid(7, 0).ebx & BIT(3) : cpuid(0x80000001, 0).ecx & BIT(5);
}

/* BSF, BSR, TZCNT, LZCNT, POPCNT. */
static enum emu_result bit_scan(struct emu *e, u64 b)
{
	const struct insn *in = &e->in;
	u64 *flags = &e->st->pg.rflags;
	u64 value;

	b &= alu_mask(in->op_size);
	if (in->op == OP_POPCNT)
		value = alu_popcnt(flags, b);
	else if (in->rep == 0xf3 && counts_zeros(in->op))
		value = alu_count_zeros(flags, b, in->op == OP_BSR, in->op_size);
	else if (!alu_scan(flags, b, in->op == OP_BSR, &value))
		return EMU_DONE; /* the register is left alone altogether */
	operand_set_reg(e, in->reg, value, in->op_size);
	return EMU_DONE;
}

/* CMPXCHG.  The destination is written in any case, if only with its old value. */
static enum emu_result cmpxchg(struct emu *e, u64 a, u64 b)
{
	u32 size = e->in.op_size;
	u64 flags = e->st->pg.rflags;
	u64 acc = operand_reg(e, EMU_RAX, size);
	bool equal = !alu_sub(&flags, acc, a, false, size);
	enum emu_result r;

	if (equal || e->in.mem) {
		r = operand_put(e, equal ? b : a, a);
		if (r)
			return r;
	}
	if (!equal)
		operand_set_reg(e, EMU_RAX, a, size);
	e->st->pg.rflags = flags;
	return EMU_DONE;
}

/* CMPXCHG8B and CMPXCHG16B; as above. */
static enum emu_result cmpxchg_double(struct emu *e)
{
	const struct insn *in = &e->in;
	u64 *gpr = e->st->gpr;
	u32 half = in->op_size / 2;
	u64 m[2] = {0}, new[2], low, high;
	bool equal;
	enum emu_result r;

	if (half == 8 && (access_linear(e, in->seg, in->ea) & 15))
		return access_fault(e, EMU_GP, 0);
	r = access_read(e, in->seg, in->ea, m, in->op_size, GVA_WRITE);
	if (r)
		return r;
	low = m[0] & alu_mask(half);
	high = half == 8 ? m[1] : m[0] >> 32;
	equal = low == operand_reg(e, EMU_RAX, half) && high == operand_reg(e, EMU_RDX, half);
	new[0] = half == 8 ? gpr[EMU_RBX] : (u32)gpr[EMU_RBX] | gpr[EMU_RCX] << 32;
	new[1] = gpr[EMU_RCX];
	if (in->lock && half == 4) /* KVM has no wider one either */
		r = access_write_locked(e, in->seg, in->ea, m[0], equal ? new[0] : m[0], 8);
	else
		r = access_write(e, in->seg, in->ea, equal ? new : m, in->op_size);
	if (r)
		return r;
	if (!equal) {
		execute_set(&gpr[EMU_RAX], low, half);
		execute_set(&gpr[EMU_RDX], high, half);
	}
	e->st->pg.rflags = (e->st->pg.rflags & ~FLAG_ZF) | (equal ? FLAG_ZF : 0);
	return EMU_DONE;
}

/* MUL, IMUL, DIV, IDIV of the accumulator and its upper half: rDX, or AH for bytes. */
static enum emu_result multiply_divide(struct emu *e, u64 b)
{
	u32 size = e->in.op_size;
	u64 *gpr = e->st->gpr;
	u64 low = gpr[EMU_RAX] & alu_mask(size);
	u64 high = size == 1 ? gpr[EMU_RAX] >> 8 & 0xff : gpr[EMU_RDX];
	bool is_signed = e->in.op == OP_IMUL_ACC || e->in.op == OP_IDIV_ACC;

	if (e->in.op <= OP_IMUL_ACC)
		low = alu_multiply(&e->st->pg.rflags, low, b, is_signed, size, &high);
	else if (!alu_divide(&high, &low, b, is_signed, size))
		return access_fault(e, EMU_DE, 0);
	if (size == 1) {
		execute_set(&gpr[EMU_RAX], high << 8 | (low & 0xff), 2);
	} else {
		execute_set(&gpr[EMU_RAX], low, size);
		execute_set(&gpr[EMU_RDX], high, size);
	}
	return EMU_DONE;
}

/* Instructions of the shape dst = f(dst, src), and those that exchange the two. */
static enum emu_result arithmetic(struct emu *e, u64 a, u64 b)
{
	const struct insn *in = &e->in;
	u64 flags = e->st->pg.rflags;
	u64 value = compute(e, &flags, a, b);
	bool exchange = in->op == OP_XCHG || in->op == OP_XADD;
	enum emu_result r;

	/* With two registers, which may be the same one, the destination is written last. */
	if (exchange && !in->mem)
		operand_set_reg(e, in->reg, a, in->op_size);
	if (!(in->flags & F_RO)) {
		r = operand_put(e, value, a);
		if (r)
			return r;
	}
	if (exchange && in->mem)
		operand_set_reg(e, in->reg, a, in->op_size);
	e->st->pg.rflags = flags;
	return EMU_DONE;
}

static enum emu_result dispatch(struct emu *e, u64 a, u64 b)
{
	switch (e->in.op) {
	case OP_CMPXCHG:
		return cmpxchg(e, a, b);
	case OP_CMPXCHG8B:
		return cmpxchg_double(e);
	case OP_BSF:
	case OP_BSR:
	case OP_POPCNT:
		return bit_scan(e, b);
	case OP_MUL_ACC ... OP_IDIV_ACC:
		return multiply_divide(e, b);
	case OP_PUSH:
		return stack_push(e, b);
	case OP_POP:
		return stack_pop(e);
	case OP_CALL:
	case OP_JMP:
	case OP_RET:
		return stack_branch(e, b);
	case OP_CLFLUSH: /* its access is a read */
		return EMU_DONE;
	case OP_VECTOR:
		return vector_move(e);
	default:
		return arithmetic(e, a, b);
	}
}

enum emu_result execute(struct emu *e)
{
	struct insn *in = &e->in;
	u64 a = 0, b = 0;
	enum emu_result r;

	if (in->op >= OP_BT && in->op <= OP_BTC && in->src == IN_REG && in->mem)
		move_to_bit(e);
	r = operand_get(e, in->src, in->src_size, 0, &b);
	if (!r && !(in->flags & F_WO))
		r = operand_get(e, in->dst, in->op_size, (in->flags & F_RO) ? 0 : GVA_WRITE, &a);
	if (!r)
		r = dispatch(e, a, b);
	if (!r && !e->st->retired)
		execute_retire(e);
	return r;
}
