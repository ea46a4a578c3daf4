/* SPDX-License-Identifier: MIT */
/* Single vector registers; see vector.h.  The compiler itself never touches them. */
#include "cpu/vector.h"

/* Register n between the CPU and the memory at `at`. */
#define MOVE(base, insn, name, n)                                                                  \
	case (base) + (n):                                                                         \
		if (set)                                                                           \
			__asm__ volatile(insn " (%0), %%" name #n : : "r"(at) : "memory");         \
		else                                                                               \
			__asm__ volatile(insn " %%" name #n ", (%0)" : : "r"(at) : "memory");      \
		break;
#define MOVE_0_TO_7(base, insn, name)                                                              \
	MOVE(base, insn, name, 0)                                                                  \
	MOVE(base, insn, name, 1)                                                                  \
	MOVE(base, insn, name, 2)                                                                  \
	MOVE(base, insn, name, 3)                                                                  \
	MOVE(base, insn, name, 4)                                                                  \
	MOVE(base, insn, name, 5)                                                                  \
	MOVE(base, insn, name, 6)                                                                  \
	MOVE(base, insn, name, 7)
#define MOVE_8_TO_15(base, insn, name)                                                             \
	MOVE(base, insn, name, 8)                                                                  \
	MOVE(base, insn, name, 9)                                                                  \
	MOVE(base, insn, name, 10)                                                                 \
	MOVE(base, insn, name, 11)                                                                 \
	MOVE(base, insn, name, 12)                                                                 \
	MOVE(base, insn, name, 13)                                                                 \
	MOVE(base, insn, name, 14)                                                                 \
	MOVE(base, insn, name, 15)

static void move(enum vector_kind kind, u32 n, bool set, u64 at)
{
	switch (kind * 16 + n) {
		MOVE_0_TO_7(VECTOR_MMX * 16, "movq", "mm")
		MOVE_0_TO_7(VECTOR_XMM * 16, "movups", "xmm")
		MOVE_8_TO_15(VECTOR_XMM * 16, "movups", "xmm")
		MOVE_0_TO_7(VECTOR_YMM * 16, "vmovups", "ymm")
		MOVE_8_TO_15(VECTOR_YMM * 16, "vmovups", "ymm")
	default:
		break;
	}
}

void vector_get(enum vector_kind kind, u32 n, void *buf)
{
	move(kind, n, false, (u64)(uintptr_t)buf);
}

void vector_set(enum vector_kind kind, u32 n, const void *buf)
{
	move(kind, n, true, (u64)(uintptr_t)buf);
}

u64 vector_xcr0(void)
{
	u32 low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (u64)high << 32 | low;
}

u16 vector_fsw(void)
{
	u16 v;

	__asm__ volatile("fnstsw %0" : "=a"(v));
	return v;
}
