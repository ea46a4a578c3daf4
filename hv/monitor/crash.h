/* SPDX-License-Identifier: MIT */
/*
 * kvm0 has panicked: who was running, and the monitor on the one CPU that is left, with the
 * console polled.  The others have been stopped where they were, in the middle of something, so
 * that what a command shows need not be consistent; a panic inside of a command ends it all.
 */
#pragma once

#include "lib/types.h"

/* Fill in panic_hooks.  At boot, once. */
void crash_init(void);

/* This CPU was asked for CPU_PANIC: panic, once the others have gone on. */
__noreturn void crash_on_demand(void);
