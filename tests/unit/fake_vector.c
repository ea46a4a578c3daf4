/* SPDX-License-Identifier: MIT */
/* Vector registers in memory, in place of the CPU's. */
#include "fake_vector.h"

#include <string.h>

u8 ymm[16][32];
u64 mm[8], xcr0;
u16 fsw;

void vector_get(enum vector_kind kind, u32 n, void *buf)
{
	if (kind == VECTOR_MMX)
		memcpy(buf, &mm[n], 8);
	else
		memcpy(buf, ymm[n], kind == VECTOR_XMM ? 16 : 32);
}

void vector_set(enum vector_kind kind, u32 n, const void *buf)
{
	if (kind == VECTOR_MMX)
		memcpy(&mm[n], buf, 8);
	else
		memcpy(ymm[n], buf, kind == VECTOR_XMM ? 16 : 32);
}

u64 vector_xcr0(void)
{
	return xcr0;
}

u16 vector_fsw(void)
{
	return fsw;
}
