/* SPDX-License-Identifier: MIT */
/* Names of kvm0's own functions, for back-traces. */
#pragma once

#include "lib/types.h"

/* The function that @address lies in and, in *@offset, how far; NULL if in none. */
const char *symbols_find(u64 address, u64 *offset);
