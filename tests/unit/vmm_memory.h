/* SPDX-License-Identifier: MIT */
/*
 * What the VMM's memory (guest/control/vmm/ram.c and below) stands on, for unit tests: the control
 * guest's free memory, and the calls that supply pages to a guest.
 */
#pragma once

#include "guest/lib/types.h"

#define FAKE_GUEST_PAGES 16384u

extern u64 fake_largest; /* bytes of the largest block that there is */
extern u64 fake_live;    /* bytes that were taken and not given back */
/* By guest-physical page: where the guest has it, or NULL. */
extern const void *fake_supplied[FAKE_GUEST_PAGES];
extern s64 fake_call_error; /* what both calls return, if it is not 0 */

/* All memory is free, in blocks of a GiB, and no page supplied. */
void fake_memory_reset(void);
