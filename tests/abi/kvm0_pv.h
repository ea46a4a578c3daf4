/* SPDX-License-Identifier: MIT */
#pragma once

#include "tests/abi/machine.h"

extern const struct suite suite_kvm0_pv;
