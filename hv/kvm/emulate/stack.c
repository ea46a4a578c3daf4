/* SPDX-License-Identifier: MIT */
/* Instructions that use the stack, and near branches; see execute.h. */
#include "kvm/emulate/alu.h"
#include "kvm/emulate/execute.h"
#include "kvm/emulate/operand.h"

#define AR_BIG BIT(14)

/* The width of the stack pointer, in bytes. */
static u32 stack_size(const struct emu *e)
{
	if (e->st->mode == 64)
		return 8;
	return (e->st->seg[EMU_SS].ar & AR_BIG) ? 4 : 2;
}

enum emu_result stack_push(struct emu *e, u64 value)
{
	u32 width = stack_size(e);
	u64 sp = (e->st->gpr[EMU_RSP] - e->in.op_size) & alu_mask(width);
	enum emu_result r = access_write(e, EMU_SS, sp, &value, e->in.op_size);

	if (!r)
		execute_set(&e->st->gpr[EMU_RSP], sp, width);
	return r;
}

enum emu_result stack_pop(struct emu *e)
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
		return operand_put(e, value, 0);
	}
	if (in->sp_base)
		in->ea = (in->ea + in->op_size) & alu_mask(in->ad_size);
	r = operand_put(e, value, 0);
	if (!r)
		execute_set(&e->st->gpr[EMU_RSP], sp, width);
	return r;
}

enum emu_result stack_branch(struct emu *e, u64 b)
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
		r = stack_push(e, st->rip + e->pos);
		if (r)
			return r;
	}
	if (e->in.op == OP_RET)
		execute_set(&st->gpr[EMU_RSP], sp + e->in.op_size + b, width);
	execute_retire(e);
	st->rip = target;
	return EMU_DONE;
}
