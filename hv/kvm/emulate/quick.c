/* SPDX-License-Identifier: MIT */
/*
 * The short way; see quick.h.  It does nothing that the general one does not, at a
 * fifth of its price: an operating system's accesses to device registers are
 * nearly all of these forms, and hardware has translated the address already.
 */
#include "kvm/emulate/quick.h"

#include "kvm/emulate/execute.h"

#define REX_B 0x1u
#define REX_X 0x2u
#define REX_R 0x4u
#define REX_W 0x8u

/* 88 to 8b: MOV r/m, r and MOV r, r/m; c7 /0: MOV r/m, imm. */
#define MOV_REG  0x88u
#define MOV_LOAD 0x2u
#define MOV_WIDE 0x1u
#define MOV_IMM  0xc7u

#define SIB_ABSOLUTE 0x25u /* neither base nor index */

struct mov {
	bool load;
	u8 reg;
	u32 size;
	u32 len; /* of the instruction */
	u64 linear;
	u64 value; /* to be stored */
};

static s32 read32(const u8 *p)
{
	s32 value;

	__builtin_memcpy(&value, p, 4);
	return value;
}

static bool parse(const struct emu_state *st, struct mov *m)
{
	const u8 *p = st->insn;
	u32 rex = (p[0] & 0xf0) == 0x40 ? *p++ : 0;
	u32 opcode = p[0], mod = p[1] >> 6, rm = p[1] & 7, reg = p[1] >> 3 & 7;
	bool imm = opcode == MOV_IMM && reg == 0, wide = opcode & MOV_WIDE;
	u64 address = st->gpr[rm | (rex & REX_B) << 3];

	/* Not AH and its like. */
	if (!imm && ((opcode & 0xfc) != MOV_REG || (!wide && !rex)))
		return false;
	p += 2;
	if (rm == 4) { /* of the forms with SIB, that of a constant address */
		if (mod || *p++ != SIB_ABSOLUTE || (rex & REX_X))
			return false;
		address = 0;
		mod = 2;
	} else if (mod == 3 || (mod == 0 && rm == 5)) { /* a register; relative to RIP */
		return false;
	}
	if (mod == 1) {
		address += (u64)(s8)*p++;
	} else if (mod == 2) {
		address += (u64)read32(p);
		p += 4;
	}
	m->linear = address;
	m->load = !imm && (opcode & MOV_LOAD);
	m->size = !wide ? 1 : (rex & REX_W) ? 8 : 4;
	m->reg = (u8)(reg | (rex & REX_R) << 1);
	m->value = st->gpr[m->reg];
	if (imm) {
		m->value = (u64)read32(p);
		p += 4;
	}
	m->len = (u32)(p - st->insn);
	return m->len <= st->insn_len;
}

/* Ask for the device's value, or take the answer. */
static enum emu_result load(struct emu *e, const struct mov *m, gpa_t gpa)
{
	struct emu_io *io = e->io;
	u64 value = 0;

	if (io->pending == EMU_DONE) {
		io->mmio.gpa = gpa;
		io->mmio.len = m->size;
		io->pending = EMU_NEED_MMIO_READ;
		return EMU_NEED_MMIO_READ;
	}
	if (io->pending != EMU_NEED_MMIO_READ || io->mmio.gpa.v != gpa.v || io->mmio.len != m->size)
		return EMU_RETRY;
	__builtin_memcpy(&value, io->mmio.data, sizeof(value));
	execute_set(&e->st->gpr[m->reg], value, m->size);
	io->pending = EMU_DONE;
	return EMU_DONE;
}

static enum emu_result store(struct emu *e, const struct mov *m, gpa_t gpa)
{
	struct emu_io *io = e->io;

	if (io->pending != EMU_DONE || !e->st->hint_write)
		return EMU_RETRY;
	io->mmio.gpa = gpa;
	io->mmio.len = m->size;
	__builtin_memcpy(io->mmio.data, &m->value, sizeof(io->mmio.data));
	io->pending = EMU_MMIO_WRITE;
	return EMU_MMIO_WRITE;
}

enum emu_result quick_mov(struct emu *e)
{
	struct emu_state *st = e->st;
	enum emu_result r;
	struct mov m;
	u64 offset;
	gpa_t gpa;

	if (!st->hint_mmio || !st->hint_valid || st->mode != 64 || e->io->reads)
		return EMU_RETRY;
	if (!st->insn_len && access_fetch(e))
		return EMU_RETRY;
	if (!parse(st, &m))
		return EMU_RETRY;
	offset = m.linear - (st->hint_gva.v & PAGE_MASK);
	if (offset >= PAGE_SIZE || (offset & (m.size - 1)))
		return EMU_RETRY;
	gpa = (gpa_t){(st->hint_gpa.v & PAGE_MASK) + offset};
	r = m.load ? load(e, &m, gpa) : store(e, &m, gpa);
	if (r == EMU_DONE || r == EMU_MMIO_WRITE) {
		e->pos = (u8)m.len;
		execute_retire(e);
		st->insn_len = 0;
	}
	return r;
}
