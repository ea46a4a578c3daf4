/* SPDX-License-Identifier: MIT */
/* The identity map.  The start code maps the first 4 GiB; this adds what lies above. */
#pragma once

#include "guest/lib/boot.h"

/* Maps everything that the memory map names, up to 512 GiB.  Called by the start code. */
void paging_init(const struct boot *boot);
