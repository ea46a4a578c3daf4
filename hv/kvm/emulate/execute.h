/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a decoded instruction.  Called by emulate.c.  Every instruction
 * first reads, then writes memory, then changes registers, so that a fault or a
 * request leaves nothing half done.
 */
#pragma once

#include "kvm/emulate/access.h"

/*
 * One instruction other than a string one.  EMU_DONE: done, with st->rip behind
 * it (writes to devices are in io->write); else see access.h.
 */
enum emu_result execute(struct emu *e);

/*
 * A string instruction: iterations until it is finished (st->retired), one has
 * posted a write to a device, or EMU_REP_MAX are done.  Also EMU_NEED_PIO_IN and
 * EMU_PIO_OUT.
 */
enum emu_result strop(struct emu *e);

/* A move between memory and a vector register (vector.c). */
enum emu_result vector_move(struct emu *e);

/* PUSH of a value, POP, and JMP, CALL and RET (stack.c); b is the source operand.  RIP is
 * final after a branch. */
enum emu_result stack_push(struct emu *e, u64 value);
enum emu_result stack_pop(struct emu *e);
enum emu_result stack_branch(struct emu *e, u64 b);

/* The instruction is finished: move RIP behind it. */
static inline void execute_retire(struct emu *e)
{
	struct emu_state *st = e->st;

	st->rip += e->pos;
	if (st->mode != 64)
		st->rip &= 0xffffffffull;
	st->pg.rflags &= ~FLAG_RF;
	st->retired = true;
}

/* Set the low `size` bytes of a register as instructions do: 32 bits clear the upper half. */
static inline void execute_set(u64 *reg, u64 value, u32 size)
{
	u64 mask = size == 4 ? ~0ull : ~0ull >> (64 - size * 8);

	if (size == 4)
		value &= 0xffffffffull;
	*reg = (*reg & ~mask) | (value & mask);
}
