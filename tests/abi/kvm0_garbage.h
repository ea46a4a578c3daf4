/* SPDX-License-Identifier: MIT */
/* Tests of a vCPU in states that no processor can be in. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_garbage;
