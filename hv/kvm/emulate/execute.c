/* SPDX-License-Identifier: MIT */
/* Execution of everything but string instructions; see execute.h. */
#include "kvm/emulate/execute.h"

#include "cpu/regs.h"
#include "kvm/emulate/alu.h"
#include "vmx/vmx.h"

#define AR_BIG BIT(14)

/* A register operand.  Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static u64 reg_get(const struct emu *e, u8 reg, u32 size)
{
	if (size == 1 && !e->in.rex && (reg & 4))
		return e->st->gpr[reg & 3] >> 8 & 0xff;
	return e->st->gpr[reg] & alu_mask(size);
}

static void reg_set(struct emu *e, u8 reg, u64 value, u32 size)
{
	if (size == 1 && !e->in.rex && (reg & 4)) {
		u64 *r = &e->st->gpr[reg & 3];

		*r = (*r & ~0xff00ull) | (value & 0xff) << 8;
		return;
	}
	execute_set(&e->st->gpr[reg], value, size);
}

/* The register that the opcode's low bits name. */
static u8 opcode_reg(const struct insn *in)
{
	return (u8)((in->opcode & 7) | (in->rex & 1) << 3);
}

static enum emu_result get_selector(struct emu *e, u64 *value)
{
	struct kvm_segment s;

	if ((e->in.reg & 7) >= EMU_SREGS)
		return access_fault(e, EMU_UD, 0);
	vmx_get_segment(e->in.reg & 7, &s);
	*value = s.selector;
	return EMU_DONE;
}

/* Read an operand; access is GVA_WRITE if it will be written too. */
static enum emu_result get(struct emu *e, u8 operand, u32 size, u64 access, u64 *value)
{
	const struct insn *in = &e->in;

	*value = 0;
	switch (operand) {
	case IN_RM:
		if (in->mem)
			return access_read(e, in->seg, in->ea, value, size, access);
		*value = reg_get(e, in->rm, size);
		break;
	case IN_REG:
		*value = reg_get(e, in->reg, size);
		break;
	case IN_ACC:
		*value = reg_get(e, EMU_RAX, size);
		break;
	case IN_OPREG:
		*value = reg_get(e, opcode_reg(in), size);
		break;
	case IN_SREG:
		return get_selector(e, value);
	case IN_CL:
		*value = e->st->gpr[EMU_RCX] & 0xff;
		break;
	case IN_ONE:
		*value = 1;
		break;
	case IN_IMM:
	case IN_IMM8:
	case IN_IMM16:
		*value = in->imm;
		break;
	default:
		break;
	}
	return EMU_DONE;
}

/* Write the destination, which held `old` when the instruction read it. */
static enum emu_result put(struct emu *e, u64 value, u64 old)
{
	const struct insn *in = &e->in;

	if (in->dst == IN_RM && in->mem) {
		if (in->lock || in->op == OP_XCHG)
			return access_write_locked(e, in->seg, in->ea, old, value, in->op_size);
		return access_write(e, in->seg, in->ea, &value, in->op_size);
	}
	if (in->dst == IN_RM)
		reg_set(e, in->rm, value, in->op_size);
	else if (in->dst == IN_OPREG)
		reg_set(e, opcode_reg(in), value, in->op_size);
	else
		reg_set(e, in->dst == IN_REG ? in->reg : EMU_RAX, value, in->op_size);
	return EMU_DONE;
}

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
	reg_set(e, in->reg, value, in->op_size);
	return EMU_DONE;
}

/* CMPXCHG.  The destination is written in any case, if only with its old value. */
static enum emu_result cmpxchg(struct emu *e, u64 a, u64 b)
{
	u32 size = e->in.op_size;
	u64 flags = e->st->pg.rflags;
	u64 acc = reg_get(e, EMU_RAX, size);
	bool equal = !alu_sub(&flags, acc, a, false, size);
	enum emu_result r;

	if (equal || e->in.mem) {
		r = put(e, equal ? b : a, a);
		if (r)
			return r;
	}
	if (!equal)
		reg_set(e, EMU_RAX, a, size);
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
	equal = low == reg_get(e, EMU_RAX, half) && high == reg_get(e, EMU_RDX, half);
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

/* The width of the stack pointer, in bytes. */
static u32 stack_size(const struct emu *e)
{
	if (e->st->mode == 64)
		return 8;
	return (e->st->seg[EMU_SS].ar & AR_BIG) ? 4 : 2;
}

static enum emu_result push(struct emu *e, u64 value)
{
	u32 width = stack_size(e);
	u64 sp = (e->st->gpr[EMU_RSP] - e->in.op_size) & alu_mask(width);
	enum emu_result r = access_write(e, EMU_SS, sp, &value, e->in.op_size);

	if (!r)
		execute_set(&e->st->gpr[EMU_RSP], sp, width);
	return r;
}

static enum emu_result pop(struct emu *e)
{
	struct insn *in = &e->in;
	u32 width = stack_size(e);
	u64 sp = e->st->gpr[EMU_RSP] & alu_mask(width);
	u64 value = 0;
	enum emu_result r = access_read(e, EMU_SS, sp, &value, in->op_size, 0);

	if (r)
		return r;
	sp = (sp + in->op_size) & alu_mask(width);
	if (!in->mem) {
		/* The register may be the stack pointer, and then has the last word. */
		execute_set(&e->st->gpr[EMU_RSP], sp, width);
		return put(e, value, 0);
	}
	if (in->sp_base)
		in->ea = (in->ea + in->op_size) & alu_mask(in->ad_size);
	r = put(e, value, 0);
	if (!r)
		execute_set(&e->st->gpr[EMU_RSP], sp, width);
	return r;
}

/* JMP, CALL and RET to a near address.  RIP is final afterwards. */
static enum emu_result branch(struct emu *e, u64 b)
{
	struct emu_state *st = e->st;
	u32 width = stack_size(e);
	u64 sp = st->gpr[EMU_RSP] & alu_mask(width);
	u64 target = b;
	enum emu_result r;

	if (e->in.src == IN_IMM)
		target = (st->rip + e->pos + b) & alu_mask(e->in.op_size);
	if (e->in.op == OP_RET) {
		target = 0;
		r = access_read(e, EMU_SS, sp, &target, e->in.op_size, 0);
		if (r)
			return r;
	}
	if (st->mode == 64 ? !gva_canonical(st->pg.cr4, target) : target > st->seg[EMU_CS].limit)
		return access_fault(e, EMU_GP, 0);
	if (e->in.op == OP_CALL) {
		r = push(e, st->rip + e->pos);
		if (r)
			return r;
	}
	if (e->in.op == OP_RET)
		execute_set(&st->gpr[EMU_RSP], sp + e->in.op_size + b, width);
	execute_retire(e);
	st->rip = target;
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
		reg_set(e, in->reg, a, in->op_size);
	if (!(in->flags & F_RO)) {
		r = put(e, value, a);
		if (r)
			return r;
	}
	if (exchange && in->mem)
		reg_set(e, in->reg, a, in->op_size);
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
		return push(e, b);
	case OP_POP:
		return pop(e);
	case OP_CALL:
	case OP_JMP:
	case OP_RET:
		return branch(e, b);
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
	r = get(e, in->src, in->src_size, 0, &b);
	if (!r && !(in->flags & F_WO))
		r = get(e, in->dst, in->op_size, (in->flags & F_RO) ? 0 : GVA_WRITE, &a);
	if (!r)
		r = dispatch(e, a, b);
	if (!r && !e->st->retired)
		execute_retire(e);
	return r;
}
