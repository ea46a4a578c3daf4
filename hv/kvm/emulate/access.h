/* SPDX-License-Identifier: MIT */
/*
 * The emulator's context, and its one way to guest memory: segmentation, paging,
 * page crossings, memory or device.
 */
#pragma once

#include "kvm/emulate/emulate.h"
#include "kvm/emulate/insn.h"

/* Internal: a locked write lost a race; the instruction runs again from its start. */
#define EMU_RETRY ((enum emu_result)(EMU_UNHANDLEABLE + 1))

/* Exception vectors. */
enum {
	EMU_DE = 0,
	EMU_UD = 6,
	EMU_NM = 7,
	EMU_SS_FAULT = 12,
	EMU_GP = 13,
	EMU_PF = 14,
	EMU_MF = 16,
	EMU_AC = 17,
};

#define FLAG_CF BIT(0)
#define FLAG_PF BIT(2)
#define FLAG_AF BIT(4)
#define FLAG_ZF BIT(6)
#define FLAG_SF BIT(7)
#define FLAG_TF BIT(8)
#define FLAG_DF BIT(10)
#define FLAG_OF BIT(11)
#define FLAG_RF BIT(16)
#define FLAG_VM BIT(17)
#define FLAG_AC BIT(18)

/* A translation of this call.  Source and destination of MOVS are why there are two. */
struct emu_tlb {
	u64 page; /* linear; not page-aligned: empty */
	u64 frame;
	bool write, mmio;
};

/* One call of emulate(). */
struct emu {
	struct emu_state *st;
	struct emu_io *io;
	const struct guest_mem *mem;
	struct insn in;
	u8 pos;               /* instruction bytes decoded */
	u8 reads;             /* MMIO answers used by this iteration */
	u8 tlb_next;          /* entry to replace */
	enum emu_result stop; /* why decoding cannot go on, or EMU_DONE */
	struct emu_tlb tlb[2];
};

/*
 * All return EMU_DONE, or what emulate() is to return (or EMU_RETRY): a fault,
 * which is then in st->fault, or a request, which is then in io.  Nothing is
 * written unless all of the access can be.
 */

/* Set st->fault; returns EMU_FAULT. */
enum emu_result access_fault(struct emu *e, u8 vector, u32 error);

/*
 * Read len (1..EMU_PIO_MAX) bytes at seg:ea.  access: 0, or GVA_WRITE if the
 * same bytes are going to be written (the check and the error code are a write's).
 */
enum emu_result access_read(struct emu *e, u8 seg, u64 ea, void *buf, u32 len, u64 access);

/* Write.  Bytes that a device owns are posted to io->write. */
enum emu_result access_write(struct emu *e, u8 seg, u64 ea, const void *buf, u32 len);

/* Write `new` if the memory still holds `old`, else EMU_RETRY; to a device: just write. */
enum emu_result access_write_locked(struct emu *e, u8 seg, u64 ea, u64 old, u64 new, u32 len);

/* Check an access without making it; *mmio: does its first byte belong to a device? */
enum emu_result access_probe(struct emu *e, u8 seg, u64 ea, u32 len, u64 access, bool *mmio);

/* Add at least one byte to st->insn. */
enum emu_result access_fetch(struct emu *e);

/* The linear address of seg:ea, without any check. */
u64 access_linear(const struct emu *e, u8 seg, u64 ea);
