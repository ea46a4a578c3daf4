/* SPDX-License-Identifier: MIT */
/* Tests of kvm0's own memory: one before all others, and one that ends the last suite. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_first;

void kvm0_pool_as_before(void);
