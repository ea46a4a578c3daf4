/* SPDX-License-Identifier: MIT */
/* The vector registers that cpu/vector.h gives the emulator in unit tests, and what has to do
 * with them. */
#pragma once

#include "cpu/vector.h"

extern u8 ymm[16][32];
extern u64 mm[8], xcr0;
extern u16 fsw;
