/* SPDX-License-Identifier: MIT */
/* Carries orders out: those of the command line, then those that are typed. */
#pragma once

#include "guest/lib/boot.h"

/* Never comes back: `poweroff` and `reboot` end the machine. */
void __noreturn monitor_run(const struct boot *boot);
