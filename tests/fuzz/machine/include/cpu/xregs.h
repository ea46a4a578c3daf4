/* SPDX-License-Identifier: MIT */
/* The real header, with its instructions replaced by machine.c. */
#pragma once

#define xsetbv            real_xsetbv
#define xsave             real_xsave
#define xrstor            real_xrstor
#define fxsave(p)         real_fxsave(p) /* not the structure */
#define fxrstor           real_fxrstor
#define read_dr0          real_read_dr0
#define read_dr1          real_read_dr1
#define read_dr2          real_read_dr2
#define read_dr3          real_read_dr3
#define read_dr6          real_read_dr6
#define write_dr0         real_write_dr0
#define write_dr1         real_write_dr1
#define write_dr2         real_write_dr2
#define write_dr3         real_write_dr3
#define write_dr6         real_write_dr6
#define read_breakpoints  real_read_breakpoints
#define write_breakpoints real_write_breakpoints
#include_next "cpu/xregs.h"
#undef xsetbv
#undef xsave
#undef xrstor
#undef fxsave
#undef fxrstor
#undef read_dr0
#undef read_dr1
#undef read_dr2
#undef read_dr3
#undef read_dr6
#undef write_dr0
#undef write_dr1
#undef write_dr2
#undef write_dr3
#undef write_dr6
#undef read_breakpoints
#undef write_breakpoints

void xsetbv(u32 index, u64 v);
void xsave(void *area);
void xrstor(const void *area);
void fxsave(void *area);
void fxrstor(const void *area);
u64 read_dr6(void);
void write_dr6(u64 v);
void read_breakpoints(u64 dr[4]);
void write_breakpoints(const u64 dr[4]);
