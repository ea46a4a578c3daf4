/* SPDX-License-Identifier: MIT */
/* Tests that take pages away from a guest at work. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_kvm0_balloon;
