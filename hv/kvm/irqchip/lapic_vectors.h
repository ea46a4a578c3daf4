/* SPDX-License-Identifier: MIT */
/* IRR, ISR and TMR of a local APIC, for the files that make it up: bits by vector, 32 in each
 * register. */
#pragma once

#include "kvm/irqchip/lapic.h"

/* Word @i of @array; the words are 16 bytes apart. */
static inline u32 *lapic_vectors(const struct lapic *l, u32 array, u32 i)
{
	return &l->regs[(array + i * 0x10) / 4];
}

static inline bool lapic_test_vector(const struct lapic *l, u32 array, u8 vector)
{
	return READ_ONCE(*lapic_vectors(l, array, vector / 32)) >> vector % 32 & 1;
}

/* The highest vector of the first @words words, -1: none. */
static inline int lapic_highest_in(const struct lapic *l, u32 array, u32 words)
{
	for (u32 i = words; i-- > 0;) {
		u32 word = READ_ONCE(*lapic_vectors(l, array, i));

		if (word)
			return (int)(i * 32) + 31 - __builtin_clz(word);
	}
	return -1;
}
