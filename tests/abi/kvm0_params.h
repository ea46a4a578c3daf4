/* SPDX-License-Identifier: MIT */
/* Tests of kvm0's parameters at run time, and of those that change what guests see. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_params;
extern const struct suite suite_kvm0_trace; /* kvm0_trace.c */
