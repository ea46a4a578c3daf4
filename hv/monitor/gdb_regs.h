/* SPDX-License-Identifier: MIT */
/* A thread's registers as GDB has them, for gdb.c.  The thread is loaded. */
#pragma once

#include "kvm/vcpu.h"

/* In the order of the target description; without padding. */
struct gdb_regs {
	u64 gpr[16]; /* RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8 ... */
	u64 rip;
	u32 eflags;
	u32 segment[6]; /* CS, SS, DS, ES, FS, GS */
	u8 st[8][10];
	u32 fctrl, fstat, ftag, fiseg, fioff, foseg, fooff, fop;
	u8 xmm[16][16];
	u32 mxcsr;
	u64 fs_base, gs_base;
	u64 cr0, cr2, cr3, cr4, cr8, efer, k_gs_base;
} __attribute__((packed));

/* The target description (GDB manual, "Target Description Format"). */
extern const char gdb_target_xml[];

/* The place of register number @n in the structure and its size in *@size.  False: none. */
bool gdb_register(u64 n, u32 *offset, u32 *size) __must_check;
/* Does kvm0 know it of @v?  Not of the control guest what no VMCS has: that is in its CPU. */
bool gdb_register_known(const struct vmx_vcpu *v, u32 offset);

void gdb_get_regs(struct vmx_vcpu *v, struct gdb_regs *r);
/* Of what differs from gdb_get_regs().  0; -EINVAL: the vCPU cannot have that, or it is the control
 * guest's and not a general register, RIP or the flags: those are set in any case. */
int gdb_set_regs(struct vmx_vcpu *v, const struct gdb_regs *r) __must_check;
