/* SPDX-License-Identifier: MIT */
/* sources: tests/fuzz/fuzz.c tests/fuzz/fuzz_mb2.c tests/fuzz/fuzz_image.c tests/fuzz/fuzz_acpi.c
 * tests/fuzz/fuzz_params.c tests/fuzz/fuzz_line.c tests/fuzz/fuzz_gdb.c boot/multiboot2.c
 * boot/multiboot2_build.c hv/monitor/gdb_packet.c
 * hv/abi/control_image.c hv/core/memmap.c hv/core/params.c hv/lib/printf.c arch/x86/cpu/acpi.c
 * arch/x86/cpu/acpi_s5.c hv/monitor/line.c hv/monitor/command.c */
/*
 * A short run of each fuzzing target.  FUZZ_MS in the environment sets how long each
 * runs, in milliseconds, and FUZZ_SEED the seed; `make fuzz` runs them longer.  The
 * emulator has a target of its own kind in test_emulate.c.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static u64 number_from(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void fuzz(const struct fuzz_target *t)
{
	u32 ms = (u32)number_from("FUZZ_MS", 1000);
	struct fuzz_result r = fuzz_run(t, ms, number_from("FUZZ_SEED", 1));

	if (getenv("FUZZ_MS"))
		fprintf(stderr, "%s: %llu inputs, %llu accepted\n", t->name, r.inputs, r.accepted);
	/* A target that accepts nothing, or everything, looks at nothing. */
	assert_true(r.accepted > r.inputs / 100);
	assert_true(r.accepted < r.inputs - r.inputs / 100);
}

static void test_mb2(void **state)
{
	(void)state;
	fuzz(&fuzz_mb2);
}

static void test_image(void **state)
{
	(void)state;
	fuzz(&fuzz_image);
}

static void test_acpi(void **state)
{
	(void)state;
	fuzz(&fuzz_acpi);
}

static void test_params(void **state)
{
	(void)state;
	fuzz(&fuzz_params);
}

static void test_line(void **state)
{
	(void)state;
	fuzz(&fuzz_line);
}

static void test_gdb(void **state)
{
	(void)state;
	fuzz(&fuzz_gdb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mb2),  cmocka_unit_test(test_image),
		cmocka_unit_test(test_acpi), cmocka_unit_test(test_params),
		cmocka_unit_test(test_line), cmocka_unit_test(test_gdb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
