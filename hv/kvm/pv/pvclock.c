/* SPDX-License-Identifier: MIT */
/* The arithmetic of kvmclock; see pvclock.h. */
#include "kvm/pv/pvclock.h"

struct pvclock_rate pvclock_rate(u64 hz)
{
	struct pvclock_rate rate = {0, 0};
	u64 n = 1000000000, d = hz;

	/* A tick is n / d * 2^shift ns; mul has 32 bits when that fraction is 1/2 to 1. */
	for (; d <= n; d <<= 1)
		rate.shift++;
	for (; d > 2 * n; n <<= 1)
		rate.shift--;
	for (u32 i = 0; i < 32; i++) {
		n <<= 1;
		rate.mul <<= 1;
		if (n >= d) {
			n -= d;
			rate.mul |= 1;
		}
	}
	return rate;
}

u64 pvclock_ns(struct pvclock_rate rate, u64 ticks)
{
	ticks = rate.shift < 0 ? ticks >> -rate.shift : ticks << rate.shift;
	return (u64)((unsigned __int128)ticks * rate.mul >> 32);
}
