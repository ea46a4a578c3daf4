/* SPDX-License-Identifier: MIT */
/* Operands, by what the opcode's row says of them; see operand.h. */
#include "kvm/emulate/operand.h"

#include "kvm/emulate/alu.h"
#include "kvm/emulate/execute.h"
#include "vmx/vmx.h"

u64 operand_reg(const struct emu *e, u8 reg, u32 size)
{
	if (size == 1 && !e->in.rex && (reg & 4))
		return e->st->gpr[reg & 3] >> 8 & 0xff;
	return e->st->gpr[reg] & alu_mask(size);
}

void operand_set_reg(struct emu *e, u8 reg, u64 value, u32 size)
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

enum emu_result operand_get(struct emu *e, u8 operand, u32 size, u64 access, u64 *value)
{
	const struct insn *in = &e->in;

	*value = 0;
	switch (operand) {
	case IN_RM:
		if (in->mem)
			return access_read(e, in->seg, in->ea, value, size, access);
		*value = operand_reg(e, in->rm, size);
		break;
	case IN_REG:
		*value = operand_reg(e, in->reg, size);
		break;
	case IN_ACC:
		*value = operand_reg(e, EMU_RAX, size);
		break;
	case IN_OPREG:
		*value = operand_reg(e, opcode_reg(in), size);
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

enum emu_result operand_put(struct emu *e, u64 value, u64 old)
{
	const struct insn *in = &e->in;

	if (in->dst == IN_RM && in->mem) {
		if (in->lock || in->op == OP_XCHG)
			return access_write_locked(e, in->seg, in->ea, old, value, in->op_size);
		return access_write(e, in->seg, in->ea, &value, in->op_size);
	}
	if (in->dst == IN_RM)
		operand_set_reg(e, in->rm, value, in->op_size);
	else if (in->dst == IN_OPREG)
		operand_set_reg(e, opcode_reg(in), value, in->op_size);
	else
		operand_set_reg(e, in->dst == IN_REG ? in->reg : EMU_RAX, value, in->op_size);
	return EMU_DONE;
}
