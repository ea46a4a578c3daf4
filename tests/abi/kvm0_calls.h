/* SPDX-License-Identifier: MIT */
/* The suite of what only kvm0 has; main_kvm0.c gives it the memory map. */
#pragma once

#include "guest/lib/boot.h"
#include "tests/abi/check.h"

extern const struct suite suite_kvm0_event, suite_kvm0;

void kvm0_calls_init(const struct boot *information);

/*
 * kvm0's own memory, as a control guest can find it: the largest hole in the memory below
 * 4 GiB and above the first MiB.  False: there is none of a page or more.
 */
bool kvm0_own_range(u64 *start, u64 *end);
