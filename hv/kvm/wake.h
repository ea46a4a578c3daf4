/* SPDX-License-Identifier: MIT */
/*
 * The vCPUs that the call under way on this CPU found blocked and gave something to
 * do, and the awaited events that it signalled: the control guest is told their handles when the
 * call returns (kvm0/abi.h).
 */
#pragma once

#include "lib/types.h"

/* Handles that a list has room for; beyond that it says "all". */
#define WAKE_ROOM 15u

/* Note that who waits for what has @handle is to be woken.  If there are too many the list
 * becomes "all of them". */
void wake_add(u32 handle);

/* Is there one on this CPU's list? */
bool wake_any(void) __must_check;

/* What is on this CPU's list goes on that of CPU @cpu.  With the world parked (monitor/park.h): for
 * wake-ups that no call has caused. */
void wake_pass_on(u32 cpu);

/* Take one off this CPU's list, as RSI has it: 0, or a handle, with KVM0_WAKE_MORE if
 * there are others. */
u32 wake_take(void);
