/* SPDX-License-Identifier: MIT */
/* The engine: random changes of good inputs; see fuzz.h. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void __sanitizer_set_death_callback(void (*callback)(void));

static struct {
	const struct fuzz_target *target;
	u64 seed, number;
} current;

static u64 random_state;

u32 fuzz_below(u32 n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(random_state >> 33) % n;
}

static void report_death(void)
{
	if (current.target)
		fprintf(stderr, "fuzz: %s, input %llu of seed %llu\n", current.target->name,
			current.number, current.seed);
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* A number at one of the borders where arithmetic goes wrong. */
static u64 interesting(void)
{
	static const u64 base[] = {0, 8, 16, 64, 256, 4096, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff};
	u64 v = fuzz_below(4) ? base[fuzz_below(ARRAY_SIZE(base))] : 1ull << fuzz_below(64);

	v += fuzz_below(3);
	return fuzz_below(2) ? v - 1 : 0 - v;
}

static void put_number(u8 *buf, u32 size)
{
	static const u32 widths[] = {1, 2, 4, 8};
	u32 width = widths[fuzz_below(4)];
	u64 v = interesting();

	if (size >= width)
		memcpy(buf + ALIGN_DOWN(fuzz_below(size - width + 1), width), &v, width);
}

/* Copy a piece of the input over another, as if a part of it were there twice. */
static void copy_piece(u8 *buf, u32 size)
{
	u32 n = 1 + fuzz_below(MIN(size, 64u)), from = fuzz_below(size), to = fuzz_below(size);

	n = MIN(n, size - MAX(from, to));
	memmove(buf + to, buf + from, n);
}

/* Insert or remove some bytes; returns the new size. */
static u32 shift_tail(u8 *buf, u32 size)
{
	u32 at = fuzz_below(size), n = 8 * (1 + fuzz_below(8));

	if (fuzz_below(2) && size + n <= FUZZ_MAX) {
		memmove(buf + at + n, buf + at, size - at);
		return size + n;
	}
	n = MIN(n, size - at);
	memmove(buf + at, buf + at + n, size - at - n);
	return size - n;
}

static u32 change(u8 *buf, u32 size)
{
	if (!size)
		return size;
	switch (fuzz_below(8)) {
	case 0:
		return fuzz_below(size + 1);
	case 1:
		return shift_tail(buf, size);
	case 2:
		copy_piece(buf, size);
		return size;
	case 3:
		buf[fuzz_below(size)] = (u8)fuzz_below(256);
		return size;
	case 4:
	case 5:
		buf[fuzz_below(size)] ^= (u8)(1u << fuzz_below(8));
		return size;
	default:
		put_number(buf, size);
		return size;
	}
}

static bool run_one(const struct fuzz_target *t)
{
	static u8 buf[FUZZ_MAX];
	u32 size, changes = fuzz_below(6);
	bool accepted;
	u8 *exact;

	memset(buf, 0, sizeof(buf));
	size = t->good(fuzz_below(t->good_count), buf);
	while (changes--)
		size = change(buf, size);
	if (t->mend && fuzz_below(8))
		t->mend(buf, size);
	exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	memcpy(exact, buf, size);
	accepted = t->run(exact, size);
	free(exact);
	return accepted;
}

struct fuzz_result fuzz_run(const struct fuzz_target *t, u32 ms, u64 seed)
{
	struct fuzz_result r = {0};
	u64 end = now_ms() + ms;

	random_state = seed;
	current.target = t;
	current.seed = seed;
	__sanitizer_set_death_callback(report_death);
	while (r.inputs % 64 || now_ms() < end) {
		current.number = r.inputs++;
		r.accepted += run_one(t);
	}
	current.target = NULL;
	return r;
}
