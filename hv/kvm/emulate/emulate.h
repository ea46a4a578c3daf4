/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator, as the vCPU run loop sees it: one guest instruction
 * that touched memory without a slot (MMIO), or a string I/O instruction, carried
 * out on a copy of the vCPU's registers.
 *
 * It never blocks and keeps nothing of its own.  What only the VMM can do is
 * handed back as a request in struct emu_io; the caller sees to it, at once (an
 * in-kernel device) or after a trip to user space, and calls emulate() again,
 * which runs the instruction from its start with the answers collected so far.
 *
 *	emu_io_reset(io); state->insn_len = 0; fill state;
 *	while ((r = emulate(state, io, mem)) is a request)
 *		answer it, or write state back, leave for user space and come back here;
 *	write state back;
 *
 * Nobody may change state or io while a request is out, but for the answer.
 * Should user space set the vCPU's registers meanwhile, emu_io_reset() and
 * insn_len = 0 drop the instruction.
 */
#pragma once

#include "kvm/gva.h"
#include "lib/addr.h"
#include "lib/types.h"

#define EMU_INSN_MAX 15u
#define EMU_PIO_MAX  1024u /* bytes of one batch of string I/O */
#define EMU_FRAG_MAX 8u    /* MMIO fragments of one direction in one instruction */
#define EMU_REP_MAX  256u  /* iterations of one string instruction in one call */

/* General registers have the instruction encoding's numbers. */
enum emu_gpr {
	EMU_RAX,
	EMU_RCX,
	EMU_RDX,
	EMU_RBX,
	EMU_RSP,
	EMU_RBP,
	EMU_RSI,
	EMU_RDI,
	EMU_GPRS = 16,
};

/* And so have the segment registers. */
enum emu_sreg { EMU_ES, EMU_CS, EMU_SS, EMU_DS, EMU_FS, EMU_GS, EMU_SREGS };

/* A segment's hidden part; ar is in the VMCS's format (SDM vol. 3, Guest Register State). */
struct emu_seg {
	u64 base;
	u32 limit; /* bytes, granularity applied */
	u32 ar;
};

enum emu_result {
	/*
	 * Nothing left to do: enter the guest.  state->retired says whether the
	 * instruction is finished; a string instruction with iterations left, and a
	 * locked one that lost a race, have RIP unmoved and are simply entered again.
	 */
	EMU_DONE,
	/* Put the device's answer in io->mmio.data and call again. */
	EMU_NEED_MMIO_READ,
	/*
	 * Carry out the write in io->mmio, then call emulate_next_write() (or
	 * emulate(), which is then the same).  The registers are already final.
	 */
	EMU_MMIO_WRITE,
	/* Put io->pio.count items from the port in io->pio.data and call again. */
	EMU_NEED_PIO_IN,
	/* Write io->pio to the port, then call again.  The registers are already final. */
	EMU_PIO_OUT,
	/* A page of guest memory has to be supplied first: see to that and call again. */
	EMU_PAGE_WANTED,
	/* Inject state->fault. */
	EMU_FAULT,
	/* Not known: KVM_INTERNAL_ERROR_EMULATION with state->insn[0..insn_len-1]. */
	EMU_UNHANDLEABLE,
};

struct emu_fault {
	u8 vector;
	u32 error; /* 0 if it has none */
	u64 cr2;   /* #PF only */
};

/*
 * The vCPU as the instruction sees it.  The caller fills everything above
 * `fault` and writes rsp, rip and rflags back whenever the instruction retired or
 * `iterated`: also a fault or a request inside a string instruction leaves the
 * iterations before it done.  Otherwise nothing has changed.  With that the caller
 * clears the interrupt shadow and, if RFLAGS.TF was set, makes the #DB pending.
 */
struct emu_state {
	u64 *gpr; /* EMU_GPRS of them, which change in place; RSP included */
	u64 rip;
	u8 mode; /* of the code segment: 16, 32 or 64 */
	u8 cpl;  /* 0 in real mode, 3 in virtual-8086 mode */

	struct emu_seg seg[EMU_SREGS]; /* not in 64-bit mode */

	struct gva_paging pg; /* pg.rflags is the vCPU's RFLAGS */

	/*
	 * The data access that caused the exit, if known, so that it is not walked
	 * again: an EPT violation's guest-linear and guest-physical address.  Set
	 * hint_valid only if the violation was at the final address (exit
	 * qualification bits 7 and 8), and hint_write if it was a write: the
	 * guest's page tables have then been checked for one.  With hint_mmio the
	 * page is a device's as a whole, struct guest_mem is not asked for it, and a
	 * plain MOV of 64-bit code takes a way five times as short (quick.c).
	 */
	bool hint_valid, hint_write, hint_mmio;
	gva_t hint_gva;
	gpa_t hint_gpa;

	/*
	 * Instruction bytes at rip that are known already; insn_len 0 if none.
	 * emulate() reads what is missing, and keeps all here while a request is
	 * out, so that a second call does not fetch again.
	 */
	u8 insn[EMU_INSN_MAX];
	u8 insn_len;

	bool retired;  /* out: the instruction is finished, rip stands behind it */
	bool iterated; /* out: a string instruction did at least one iteration */
	struct emu_fault fault;
};

/* One access to a device: at most 8 bytes, within a page. */
struct emu_mmio {
	gpa_t gpa;
	u32 len;
	u8 data[8];
};

/* Items of string I/O: count * size <= EMU_PIO_MAX. */
struct emu_pio {
	u16 port;
	u8 size; /* 1, 2 or 4 */
	u16 count;
	u8 data[EMU_PIO_MAX];
};

/*
 * Requests and answers of the instruction in flight.  The caller uses mmio and
 * pio; what follows them is the emulator's.
 */
struct emu_io {
	struct emu_mmio mmio;
	u8 pending; /* enum emu_result of the request that is out, else EMU_DONE */
	u8 reads, writes, write_next;
	bool pio_answered;
	struct emu_mmio read[EMU_FRAG_MAX];  /* answers, in the order asked for */
	struct emu_mmio write[EMU_FRAG_MAX]; /* posted, reported one by one */
	struct emu_pio pio;
};

/* Forget the instruction in flight.  Before each new instruction. */
static inline void emu_io_reset(struct emu_io *io)
{
	io->pending = EMU_DONE;
	io->reads = io->writes = io->write_next = 0;
	io->pio_answered = false;
}

/*
 * Carry out the instruction at state->rip, or go on with it after a request has
 * been answered.  String I/O is taken to have passed its permission check: a VM
 * exit comes after that.  Bounded: at most EMU_REP_MAX iterations.
 * Lock context: whatever mem's functions need.  See enum emu_result.
 */
enum emu_result __must_check emulate(struct emu_state *state, struct emu_io *io,
				     const struct guest_mem *mem);

/*
 * After EMU_MMIO_WRITE was carried out: EMU_MMIO_WRITE with the next fragment of
 * the same instruction in io->mmio, or EMU_DONE, whose meaning is as above.
 */
static inline enum emu_result emulate_next_write(struct emu_io *io)
{
	if (io->write_next < io->writes) {
		io->mmio = io->write[io->write_next++];
		return EMU_MMIO_WRITE;
	}
	emu_io_reset(io);
	return EMU_DONE;
}
