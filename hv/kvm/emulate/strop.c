/* SPDX-License-Identifier: MIT */
/*
 * String instructions, with memory and with ports; see execute.h.  Each iteration
 * is carried out and made final by itself, as the CPU does, so that the guest can
 * be interrupted between two.
 * SDM vol. 2, REP/REPE/REPZ/REPNE/REPNZ.
 */
#include "kvm/emulate/alu.h"
#include "kvm/emulate/execute.h"

static u64 count(const struct emu *e)
{
	return e->st->gpr[EMU_RCX] & alu_mask(e->in.ad_size);
}

static u64 source(const struct emu *e)
{
	return e->st->gpr[EMU_RSI] & alu_mask(e->in.ad_size);
}

static u64 destination(const struct emu *e)
{
	return e->st->gpr[EMU_RDI] & alu_mask(e->in.ad_size);
}

static void advance(struct emu *e, enum emu_gpr reg, u32 bytes)
{
	u64 *r = &e->st->gpr[reg];

	execute_set(r, (e->st->pg.rflags & FLAG_DF) ? *r - bytes : *r + bytes, e->in.ad_size);
}

/* n iterations are final. */
static void iterated(struct emu *e, u64 n)
{
	if (e->in.rep)
		execute_set(&e->st->gpr[EMU_RCX], count(e) - n, e->in.ad_size);
	e->reads = e->io->reads = 0;
	e->st->iterated = true;
}

/* One iteration of MOVS, STOS, LODS. */
static enum emu_result move(struct emu *e)
{
	struct insn *in = &e->in;
	u64 value = e->st->gpr[EMU_RAX];
	enum emu_result r;

	if (in->op != OP_STOS) {
		r = access_read(e, in->seg, source(e), &value, in->op_size, 0);
		if (r)
			return r;
	}
	if (in->op == OP_LODS) {
		execute_set(&e->st->gpr[EMU_RAX], value, in->op_size);
	} else {
		r = access_write(e, EMU_ES, destination(e), &value, in->op_size);
		if (r)
			return r;
		advance(e, EMU_RDI, in->op_size);
	}
	if (in->op != OP_STOS)
		advance(e, EMU_RSI, in->op_size);
	return EMU_DONE;
}

/* One iteration of CMPS, SCAS. */
static enum emu_result compare(struct emu *e)
{
	struct insn *in = &e->in;
	u64 a = e->st->gpr[EMU_RAX], b = 0;
	enum emu_result r;

	if (in->op == OP_CMPS) {
		r = access_read(e, in->seg, source(e), &a, in->op_size, 0);
		if (r)
			return r;
	}
	r = access_read(e, EMU_ES, destination(e), &b, in->op_size, 0);
	if (r)
		return r;
	(void)alu_sub(&e->st->pg.rflags, a, b, false, in->op_size);
	advance(e, EMU_RDI, in->op_size);
	if (in->op == OP_CMPS)
		advance(e, EMU_RSI, in->op_size);
	return EMU_DONE;
}

/* After an iteration: is the instruction finished? */
static bool finished(const struct emu *e)
{
	bool compares = e->in.op == OP_CMPS || e->in.op == OP_SCAS;

	if (!e->in.rep || !count(e))
		return true;
	return compares && !(e->st->pg.rflags & FLAG_ZF) != (e->in.rep == 0xf2);
}

static enum emu_result memory(struct emu *e)
{
	bool compares = e->in.op == OP_CMPS || e->in.op == OP_SCAS;
	u32 most = (e->st->pg.rflags & FLAG_TF) ? 1 : EMU_REP_MAX;
	enum emu_result r;

	for (u32 n = 0; n < most && !e->io->writes; n++) {
		r = compares ? compare(e) : move(e);
		if (r)
			return r;
		iterated(e, 1);
		if (finished(e)) {
			execute_retire(e);
			break;
		}
	}
	return EMU_DONE;
}

/*
 * How many items of string I/O at seg:ea go in one batch: they lie in one page,
 * no address wraps, and all can be accessed.  A device's page gets one at a time.
 */
static enum emu_result batch(struct emu *e, u8 seg, u64 ea, u64 access, u32 *items)
{
	u32 size = e->in.op_size;
	u64 room = PAGE_SIZE - (access_linear(e, seg, ea) & ~PAGE_MASK);
	u64 n = 1;
	bool mmio = false;

	if (e->in.rep && !(e->st->pg.rflags & (FLAG_TF | FLAG_DF))) {
		room = MIN(room, (u64)EMU_PIO_MAX);
		room = MIN(room - 1, alu_mask(e->in.ad_size) - ea) + 1;
		n = MAX(MIN(count(e), room / size), 1ull);
	}
	*items = (u32)n;
	if (n > 1 && !access_probe(e, seg, ea, *items * size, access, &mmio) && !mmio)
		return EMU_DONE;
	*items = 1;
	return access_probe(e, seg, ea, size, access, &mmio);
}

static void io_done(struct emu *e, enum emu_gpr reg, u32 items)
{
	advance(e, reg, items * e->in.op_size);
	iterated(e, items);
	if (!e->in.rep || !count(e))
		execute_retire(e);
}

/* Is there an answer, and is the instruction still the one that asked for it? */
static bool has_answer(const struct emu *e)
{
	const struct emu_pio *pio = &e->io->pio;

	return e->io->pio_answered && pio->size == e->in.op_size &&
	       pio->count <= (e->in.rep ? count(e) : 1);
}

static enum emu_result ins(struct emu *e)
{
	struct emu_pio *pio = &e->io->pio;
	enum emu_result r;
	u32 items;

	if (!has_answer(e)) {
		r = batch(e, EMU_ES, destination(e), GVA_WRITE, &items);
		if (r)
			return r;
		pio->port = (u16)e->st->gpr[EMU_RDX];
		pio->size = e->in.op_size;
		pio->count = (u16)items;
		return EMU_NEED_PIO_IN;
	}
	items = pio->count;
	r = access_write(e, EMU_ES, destination(e), pio->data, items * e->in.op_size);
	if (r)
		return r;
	e->io->pio_answered = false;
	io_done(e, EMU_RDI, items);
	return EMU_DONE;
}

static enum emu_result outs(struct emu *e)
{
	struct emu_pio *pio = &e->io->pio;
	enum emu_result r;
	u32 items;

	r = batch(e, e->in.seg, source(e), 0, &items);
	if (!r)
		r = access_read(e, e->in.seg, source(e), pio->data, items * e->in.op_size, 0);
	if (r)
		return r;
	pio->port = (u16)e->st->gpr[EMU_RDX];
	pio->size = e->in.op_size;
	pio->count = (u16)items;
	io_done(e, EMU_RSI, items);
	return EMU_PIO_OUT;
}

/* A count of zero.  Intel CPUs cut some 32-bit address registers even so, in 64-bit mode. */
static void no_iteration(struct emu *e)
{
	u64 *gpr = e->st->gpr;

	if (e->st->mode != 64 || e->in.ad_size != 4)
		return;
	gpr[EMU_RCX] = 0;
	if (e->in.op == OP_MOVS)
		gpr[EMU_RSI] &= 0xffffffffull;
	if (e->in.op == OP_MOVS || e->in.op == OP_STOS)
		gpr[EMU_RDI] &= 0xffffffffull;
}

enum emu_result strop(struct emu *e)
{
	if (e->in.rep && !count(e)) {
		no_iteration(e);
		execute_retire(e);
		return EMU_DONE;
	}
	switch (e->in.op) {
	case OP_INS:
		return ins(e);
	case OP_OUTS:
		return outs(e);
	default:
		return memory(e);
	}
}
