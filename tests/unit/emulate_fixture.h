/* SPDX-License-Identifier: MIT */
/* What the unit tests of the emulator share: one vCPU with 64 KiB of memory. */
#pragma once

#include "fake_vector.h"
#include "kvm/emulate/emulate.h"

#define RAM_SIZE 0x10000u
#define ROM      0x8000u /* a page that reads as memory and is not written */
#define CODE     0x1000u /* where the instruction is */
#define STACK    0x3800u
#define MMIO     0x100000u
#define FLAG_TF  0x100ull
#define FLAG_DF  0x400ull
#define FLAG_RF  0x10000ull
#define FLAG_VM  0x20000ull
#define FLAG_AC  0x40000ull
#define UD       6
#define SS       12
#define GP       13
#define PF       14
#define AC       17

extern u8 ram[RAM_SIZE];
extern u32 reads;       /* reads of memory */
extern bool lose_races; /* another CPU is always faster */
extern u64 absent;      /* a page that has to be supplied first; ~0: none */
extern struct emu_state st;
extern u64 gpr[EMU_GPRS]; /* st.gpr */
extern struct emu_io io;
extern const struct guest_mem guest;

/* A vCPU in a mode, flat, paging off, about to execute `code`. */
void start(u8 mode, const char *code, u32 len);
#define START(mode, code) start(mode, code, sizeof(code) - 1)
/* Carry out the instruction, or go on with it. */
enum emu_result step(void);
/* step() finishes it, with RIP at @rip. */
void expect_done(u64 rip);
/* step() asks the device at @at. */
void expect_read(u64 at, u32 len);
/* ... and this is its answer. */
void answer(u64 v);
/* The write that is posted is this one. */
void check_write(u64 at, u32 len, u64 want);
/* step() posts this write. */
void expect_write(u64 at, u32 len, u64 want);
/* step() gives this fault, and changes nothing. */
void expect_fault(u8 vector, u32 error);
/* step() ends with @r, a request for string I/O of @count items. */
void expect_pio(enum emu_result r, u16 port, u8 size, u16 count);
