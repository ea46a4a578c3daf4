/* SPDX-License-Identifier: MIT */
/*
 * What stands in for kvm0's core in unit tests: the log, panics and the page
 * pool.  Linked with every test; a test that links the real source of one of
 * these gets the real one.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/types.h"

/*
 * panic() and refuse() fail the test, unless it says that it expects them:
 *	expect_assert_failure(pic_init(NULL));
 * The text is in fake_panic_text afterwards.
 */
extern char fake_panic_text[256];

/* The last line logged, "subsystem: text", and how many there were. */
extern char fake_log_text[256];
extern unsigned fake_log_count;

/* Pages and objects taken and not given back. */
extern unsigned fake_pages_live;
extern unsigned fake_objects_live;

/* How many more allocations succeed; negative: all of them. */
extern int fake_alloc_limit;

/* Back to the start: nothing logged, no limit, nothing live.  A cmocka setup
 * function; returns 0. */
int fake_reset(void **state);

/* Fails the test if a page or an object was not given back.  A cmocka teardown
 * function; returns 0 or -1. */
int fake_check_leaks(void **state);
