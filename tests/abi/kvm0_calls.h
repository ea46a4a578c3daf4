/* SPDX-License-Identifier: MIT */
/* The suite of what only kvm0 has; main_kvm0.c gives it the memory map. */
#pragma once

#include "guest/lib/boot.h"
#include "tests/abi/check.h"

extern const struct suite suite_kvm0;

void kvm0_calls_init(const struct boot *information);
