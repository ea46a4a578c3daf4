/* SPDX-License-Identifier: MIT */
/*
 * The MMX, XMM and YMM registers, one at a time.  kvm0 has no use for them itself: they are
 * a guest's, or the control guest's (vmx_switch()).
 */
#pragma once

#include "lib/types.h"

/* An XMM register is the lower half of a YMM register; setting it leaves the upper half. */
enum vector_kind { VECTOR_MMX, VECTOR_XMM, VECTOR_YMM };

/*
 * Register @n (0..15, MMX: 0..7) to and from 8, 16 or 32 bytes at @buf.  VECTOR_YMM faults
 * unless XCR0 has SSE and AVX, VECTOR_MMX if an x87 exception is pending (vector_fsw()).
 */
void vector_get(enum vector_kind kind, u32 n, void *buf);
void vector_set(enum vector_kind kind, u32 n, const void *buf);

/* XCR0; only if the CPU has XSAVE. */
u64 vector_xcr0(void);
/* The x87 status word. */
u16 vector_fsw(void);
