/* SPDX-License-Identifier: MIT */
/* The real header, with a counter that only machine.c moves. */
#pragma once

#define rdtsc real_rdtsc
#include_next "cpu/tsc.h"
#undef rdtsc

u64 rdtsc(void);
