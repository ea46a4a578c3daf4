/* SPDX-License-Identifier: MIT */
/* Tests of halted and spinning vCPUs on kvm0. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_halt, suite_kvm0_yield;
