/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing on the build host: each target takes an input of bytes, and sanitizers and
 * its own assertions watch.  The engine makes inputs out of good ones by random
 * changes; the same seed gives the same inputs in the same order.
 */
#pragma once

#include "lib/types.h"

#define FUZZ_MAX 4096u /* bytes of an input */

struct fuzz_target {
	const char *name;
	/* Write good input number @which to @buf (FUZZ_MAX bytes, zeroed); its size. */
	u32 (*good)(u32 which, u8 *buf);
	u32 good_count;
	/* Put right what would only be refused at once (checksums, sizes); may be NULL. */
	void (*mend)(u8 *buf, u32 size);
	/* Take one input; @data is a block of exactly @size bytes, aligned to 16.  True if
	 * it was accepted. */
	bool (*run)(const u8 *data, u32 size);
};

struct fuzz_result {
	u64 inputs, accepted;
};

/* Run @target for @ms milliseconds, from @seed.  What goes wrong ends the program, which
 * names the target, the seed and the number of the input. */
struct fuzz_result fuzz_run(const struct fuzz_target *target, u32 ms, u64 seed);

/* A random number below @n, for a target's own choices. */
u32 fuzz_below(u32 n);

extern const struct fuzz_target fuzz_mb2, fuzz_image, fuzz_acpi, fuzz_params, fuzz_line, fuzz_gdb;
