/* SPDX-License-Identifier: MIT */
/*
 * The report of the ABI tests: tests in tables, checks that end a test, objects that are
 * closed behind it.  Output: `ok NAME`, `not ok NAME: file:line: why`, `skip NAME: why`, and
 * last `abi: N passed, N failed, N skipped`.
 */
#pragma once

#include "tests/abi/target.h"

struct test {
	const char *name;
	void (*run)(void);
	const void *arg; /* for tests that share a function: check_arg() */
};

struct suite {
	const char *name;
	const struct test *tests;
	u32 count;
};

/* Defines the suite NAME out of the tests listed. */
#define SUITE(suite_name, ...)                                                                     \
	static const struct test suite_name##_tests[] = {__VA_ARGS__};                             \
	const struct suite suite_##suite_name = {#suite_name, suite_name##_tests,                  \
						 ARRAY_SIZE(suite_name##_tests)}
#define TEST(function)                                                                             \
	{                                                                                          \
		.name = #function, .run = function                                                 \
	}

enum check_style {
	CHECK_TESTS,        /* as above */
	CHECK_MEASUREMENTS, /* what passes prints rows of its own; `NAME FAILED at ...` */
};

struct check_counts {
	u32 passed, failed, skipped;
};

/*
 * Runs all tests of the suites and reports each.  `memory` is the size of what check_pages()
 * gives to one test.
 */
struct check_counts check_run(const struct suite *const *suites, u32 count, u64 memory,
			      enum check_style style);

/* Name and argument of the test that runs. */
const char *check_name(void);
const void *check_arg(void);
/* Zeroed pages for the test that runs; aligned to 2 MiB where `size` is that large. */
void *check_pages(u64 size);
/* Has a handle closed after the test, if it is one (>= 0), and returns it; ends the test if not. */
int check_handle(const char *file, int line, const char *what, long handle);
/* Closes one of those now. */
void check_close(int handle);

/* End the test. */
void __noreturn __printf(3, 4) check_fail(const char *file, int line, const char *format, ...);
void __noreturn __printf(1, 2) check_skip(const char *format, ...);
void check_equal(const char *file, int line, const char *what, u64 got, u64 want);
/* The same for results of calls, which are shown as signed numbers. */
void check_result(const char *file, int line, const char *what, long got, long want);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			check_fail(__FILE__, __LINE__, "%s", #condition);                          \
	} while (0)
#define CHECK_EQUAL(got, want)   check_equal(__FILE__, __LINE__, #got, (u64)(got), (u64)(want))
#define CHECK_RESULT(call, want) check_result(__FILE__, __LINE__, #call, call, want)
#define CHECK_HANDLE(call)       check_handle(__FILE__, __LINE__, #call, call)
