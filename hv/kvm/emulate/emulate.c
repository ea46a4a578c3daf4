/* SPDX-License-Identifier: MIT */
/* The emulator's entry: requests and answers around decode and execute; see emulate.h. */
#include "kvm/emulate/emulate.h"

#include "kvm/emulate/decode.h"
#include "kvm/emulate/execute.h"
#include "kvm/emulate/quick.h"

/* Take the answer to the request that was out. */
static void take_answer(struct emu_io *io)
{
	if (io->pending == EMU_NEED_MMIO_READ && io->reads < EMU_FRAG_MAX)
		io->read[io->reads++] = io->mmio;
	else if (io->pending == EMU_NEED_PIO_IN)
		io->pio_answered = true;
	io->pending = EMU_DONE;
}

static void seed_tlb(struct emu *e)
{
	const struct emu_state *st = e->st;

	e->tlb[0].page = e->tlb[1].page = ~0ull;
	e->tlb_next = 0;
	if (st->hint_valid) {
		e->tlb[0] = (struct emu_tlb){st->hint_gva.v & PAGE_MASK, st->hint_gpa.v & PAGE_MASK,
					     st->hint_write, st->hint_mmio};
		e->tlb_next = 1;
	}
}

/* What the caller is told after a step that ended with r. */
static enum emu_result conclude(struct emu *e, enum emu_result r)
{
	struct emu_io *io = e->io;

	switch (r) {
	case EMU_NEED_MMIO_READ:
	case EMU_NEED_PIO_IN:
		io->pending = (u8)r;
		return r;
	case EMU_DONE:
		if (e->st->retired)
			e->st->insn_len = 0;
		if (io->writes) {
			io->pending = EMU_MMIO_WRITE;
			return emulate_next_write(io);
		}
		break;
	case EMU_PIO_OUT:
		if (e->st->retired)
			e->st->insn_len = 0;
		emu_io_reset(io);
		io->pending = EMU_PIO_OUT;
		return r;
	case EMU_PAGE_WANTED: /* the answers so far stay good */
		io->writes = 0;
		return r;
	case EMU_FAULT:
	case EMU_UNHANDLEABLE:
		break;
	default: /* EMU_RETRY */
		r = EMU_DONE;
		break;
	}
	emu_io_reset(io);
	return r;
}

enum emu_result emulate(struct emu_state *state, struct emu_io *io, const struct guest_mem *mem)
{
	struct emu e;
	enum emu_result r;

	if (io->pending == EMU_MMIO_WRITE || io->pending == EMU_PIO_OUT)
		return emulate_next_write(io);
	e.st = state;
	e.io = io;
	e.mem = mem;
	state->retired = state->iterated = false;
	r = quick_mov(&e);
	if (r != EMU_RETRY)
		return r;
	take_answer(io);
	e.reads = 0;
	seed_tlb(&e);
	r = decode(&e);
	if (!r)
		r = e.in.op >= OP_STRING ? strop(&e) : execute(&e);
	return conclude(&e, r);
}
