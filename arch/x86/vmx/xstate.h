/* SPDX-License-Identifier: MIT */
/* The XSAVE area of a virtual CPU: what vmx_switch() saves and xstate.c shows. */
#pragma once

#include "vmx/vmx.h"

/* The legacy region that FXSAVE and XSAVE begin with (SDM vol. 1, FXSAVE Area). */
struct fxsave {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[8][16];
	u8 xmm[16][16];
	u8 unused[96];
};
_Static_assert(sizeof(struct fxsave) == 512, "fxsave");

/* What XSAVE adds behind it (SDM vol. 1, XSAVE Header). */
struct xsave_header {
	u64 xstate_bv; /* components that are not in their initial configuration */
	u64 xcomp_bv;  /* 0: the standard format */
	u64 reserved[6];
};

struct xsave {
	struct fxsave legacy;
	struct xsave_header header;
	u8 extended[];
};

#define FCW_INITIAL   0x37f
#define MXCSR_INITIAL 0x1f80u
