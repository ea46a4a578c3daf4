/* SPDX-License-Identifier: MIT */
/* Tests of halted and spinning vCPUs on kvm0. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_halt, suite_kvm0_yield;

/* The window of a vCPU becomes this with its first halt that ends soon; or is as ever again. */
void halt_set_window(const char *ns);
void halt_set_defaults(void);
