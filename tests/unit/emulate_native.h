/* SPDX-License-Identifier: MIT */
/*
 * One instruction on the CPU of the build machine, and the random instructions that are
 * tried so, for test_emulate_cpu.c.  64-bit code runs in this process as it is, 32- and
 * 16-bit code through segments of a local descriptor table.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kvm/emulate/emulate.h"

/* Low addresses, for absolute 32-bit operands.  The buffer is what instructions work on:
 * its last page is read-only, and nothing is mapped before and behind it. */
#define CODE      0x10000000ul
#define DATA      0x10010000ul
#define BUF       0x10020000ul
#define BUF_PAGES 4u
#define BUF_SZ    (BUF_PAGES * 0x1000ul)
#define SLOT      (CODE + 0x800) /* where the instruction is put, in all modes */
#define SLOT_END  (SLOT + 32)

#define STATUS 0x8d5ull
#define F_DF   0x400ull
#define F_AC   0x40000ull

#define NO_FAULT 0xffu

/* What the stub in the code page loads and stores; at DATA. */
struct cpu_data {
	u8 ymm_in[16][32], ymm_out[16][32];
	u64 mm_in[8], mm_out[8];
	u64 in[16], in_flags;
	u64 out[16], out_flags;
	u64 host_rsp;
	struct {
		u32 offset;
		u16 selector;
	} __packed far;
	u16 seg_in, seg_null, ss_in, ss_host;
	/* The fault that ended it, if any. */
	u32 vector, error;
	u64 cr2, fault_rip;
	u16 selector[EMU_SREGS]; /* what the instruction finds in them */
};

static struct cpu_data *const cpu = (struct cpu_data *)DATA;
static u8 *const native = (u8 *)BUF;
extern u8 shadow[BUF_SZ]; /* the emulator's copy */
extern bool has_avx;

/* A case: the instruction, the registers before it, and what may not be compared. */
struct test_case {
	u8 mode;
	u8 insn[32]; /* drawn again if more than 15 */
	u32 len;
	u64 gpr[16];
	u64 flags;
	u64 ignore; /* flags */
	u64 gs_base;
	bool undefined; /* CPUs differ: not to be tried */
};

/* Map the memory, at its addresses.  Negative: that cannot be done. */
int native_set_up(void);
/* Get ready for a mode; false: this machine has no local descriptor tables. */
bool native_mode(u8 mode);
/* Execute the case's instruction on cpu->..._in and native[]. */
void native_run(const struct test_case *c);

u64 rnd(void);
void rnd_seed(u64 seed);
u32 below(u32 n);
bool chance(u32 percent);
/* A case with a random instruction of the mode, whose operands are in the buffer, or so
 * that it faults. */
void draw(struct test_case *c, u8 mode, u64 gs_base);
