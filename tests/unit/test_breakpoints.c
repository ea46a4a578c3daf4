/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/breakpoints.c */
/* The debugger's breakpoints: what is accepted, whose they are, DR7, and which one was hit. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "kvm/breakpoints.h"

static int clear(void **state)
{
	(void)state;
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++)
		*breakpoint_at(i) = (struct breakpoint){.user = DEBUGGER_NOBODY};
	return 0;
}

static int add(u32 vm, enum breakpoint_kind kind, u64 address, u8 length)
{
	bool was_there;

	return breakpoint_add(&(struct breakpoint){.user = DEBUGGER_GDB,
						   .vm = vm,
						   .kind = (u8)kind,
						   .address = address,
						   .length = length},
			      &was_there);
}

static void test_accepted(void **state)
{
	struct breakpoint same = {.user = DEBUGGER_GDB, .vm = 1, .address = 8, .length = 1};
	bool was_there;
	int n;

	(void)state;
	assert_int_equal(add(1, BREAK_READ, 8, 1), -EOPNOTSUPP);
	assert_int_equal(add(1, BREAK_ACCESS + 1, 8, 1), -EOPNOTSUPP);
	assert_int_equal(add(1, BREAK_INT3, 8, 2), -EINVAL);
	assert_int_equal(add(1, BREAK_EXECUTE, 8, 2), -EINVAL);
	assert_int_equal(add(1, BREAK_WRITE, 8, 0), -EINVAL);
	assert_int_equal(add(1, BREAK_WRITE, 8, 3), -EINVAL);
	assert_int_equal(add(1, BREAK_WRITE, 12, 8), -EINVAL);
	assert_int_equal(add(1, BREAK_ACCESS, 1, 2), -EINVAL);
	n = add(1, BREAK_INT3, 8, 1);
	assert_true(n >= 0);
	assert_int_equal(breakpoint_add(&same, &was_there), n);
	assert_true(was_there);
	assert_int_equal(breakpoint_find(&same), n);
	same.user = DEBUGGER_MONITOR;
	assert_int_equal(breakpoint_find(&same), -ENOENT);
	assert_int_not_equal(breakpoint_add(&same, &was_there), n);
	assert_false(was_there);
}

static void test_full(void **state)
{
	u64 dr[BREAK_REGISTERS];

	(void)state;
	for (u32 i = 0; i < BREAK_REGISTERS; i++)
		assert_true(add(1, BREAK_EXECUTE, i, 1) >= 0);
	assert_int_equal(add(1, BREAK_WRITE, 8, 1), -ENOSPC);
	assert_true(add(2, BREAK_WRITE, 8, 1) >= 0);
	for (u64 i = 0; i < BREAKPOINTS_MAX - BREAK_REGISTERS - 1; i++)
		assert_true(add(3, BREAK_INT3, i, 1) >= 0);
	assert_int_equal(add(3, BREAK_INT3, 1000, 1), -ENOSPC);
	assert_int_equal(add(4, BREAK_EXECUTE, 1000, 1), -ENOSPC);
	/* One less, and there is room. */
	breakpoint_at(0)->user = DEBUGGER_NOBODY;
	assert_int_equal(add(1, BREAK_WRITE, 8, 8), 0);
	assert_true(breakpoints_registers(1, dr));
}

static void test_registers(void **state)
{
	u64 dr[BREAK_REGISTERS];
	int first, second;

	(void)state;
	assert_int_equal(breakpoints_registers(1, dr), 0);
	first = add(1, BREAK_EXECUTE, 0x1234, 1);
	(void)add(2, BREAK_EXECUTE, 0x5678, 1);
	(void)add(1, BREAK_INT3, 0x9abc, 1);
	second = add(1, BREAK_WRITE, 0x1000, 4);
	(void)add(1, BREAK_ACCESS, 0x2000, 8);
	(void)add(1, BREAK_ACCESS, 0x3000, 2);
	/* G0 to G3; R/W and LEN: execute 1, write 4, access 8, access 2 (SDM vol. 3, DR7). */
	assert_int_equal(breakpoints_registers(1, dr), 0x7bd000aa);
	assert_int_equal(dr[0], 0x1234);
	assert_int_equal(dr[1], 0x1000);
	assert_int_equal(dr[2], 0x2000);
	assert_int_equal(dr[3], 0x3000);
	assert_int_equal(breakpoint_hit(1, 0xffff0ff1), first);
	assert_int_equal(breakpoint_hit(1, 0xffff0ff2), second);
	assert_int_equal(breakpoint_hit(1, 0xffff4ff0), -ENOENT);
	/* Bits of registers that are not in use mean nothing. */
	assert_int_equal(breakpoint_hit(2, 0xe), -ENOENT);
	assert_int_equal(breakpoint_hit(3, 0xf), -ENOENT);
}

static void test_int3(void **state)
{
	u64 at = 0x400, elsewhere = 0x500;
	int n, twin;

	(void)state;
	n = add(1, BREAK_INT3, at, 1);
	breakpoint_at((u32)n)->place = 0x7400;
	assert_true(breakpoints_have_int3(1));
	assert_false(breakpoints_have_int3(2));
	assert_int_equal(breakpoint_int3(1, &at, 0), n);
	assert_int_equal(breakpoint_int3(1, &elsewhere, 0x7400), -ENOENT);
	assert_int_equal(breakpoint_int3(1, NULL, 0x7400), n);
	assert_int_equal(breakpoint_int3(2, NULL, 0x7400), -ENOENT);
	assert_int_equal(breakpoint_twin((u32)n), -ENOENT);
	/* The same byte by another address; and another VM's. */
	twin = add(1, BREAK_INT3, elsewhere, 1);
	breakpoint_at((u32)twin)->place = 0x7400;
	breakpoint_at((u32)add(2, BREAK_INT3, at, 1))->place = 0x7400;
	assert_int_equal(breakpoint_twin((u32)n), twin);
	assert_int_equal(breakpoint_twin((u32)twin), n);
	assert_int_equal(breakpoint_at((u32)n)->user, DEBUGGER_GDB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_accepted, clear),
		cmocka_unit_test_setup(test_full, clear),
		cmocka_unit_test_setup(test_registers, clear),
		cmocka_unit_test_setup(test_int3, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
