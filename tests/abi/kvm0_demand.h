/* SPDX-License-Identifier: MIT */
/* Tests of slots whose pages are supplied on demand (KVM0_MEM_ON_DEMAND). */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_demand;
