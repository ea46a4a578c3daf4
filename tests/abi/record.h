/* SPDX-License-Identifier: MIT */
/*
 * What the tests have seen of each request on each kind of handle: printed at the end of a
 * run, and made into docs/kvm-api.md by scripts/kvm-api.  A request counts as one that works
 * if a test that passed has seen it succeed.
 */
#pragma once

#include "tests/abi/target.h"

enum record_kind { RECORD_SYSTEM, RECORD_VM, RECORD_VCPU, RECORD_DEVICE, RECORD_KINDS };

struct record_request {
	const char *name;
	u64 request;
	u32 kinds; /* of handles that Linux has it on: bits of enum record_kind */
};

/* All of requests.def. */
extern const struct record_request record_requests[];
extern const u32 record_request_count;

/* From now on each ioctl is recorded. */
void record_start(void);
/* What was recorded since the last call counts only if the test has `passed`. */
void record_test_ended(bool passed);
/* The answer of request number `i` to an argument that cannot be good. */
void record_probe(u32 i, enum record_kind kind, long result);
/*
 * Prints all, and the capabilities, one line each:
 *   api: target NAME
 *   api: request NAME KIND ok=COUNT errnos=N,N probe=RESULT
 *   api: cap NUMBER ON-SYSTEM ON-VM
 */
void record_print(void);
