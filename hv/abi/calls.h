/* SPDX-License-Identifier: MIT */
/* Calls other than ioctls (kvm0/abi.h) that have a file of their own. */
#pragma once

#include "kvm/handle.h"

/* --- events.c --- */

/* Start using the event with that handle, as handle_get() does.  0, -EBADF, or -EINVAL: it
 * stands for something else. */
int event_of_handle(u64 handle, struct handle_ref *ref) __must_check;

/* KVM0_CALL_EVENT_*; @value: the call's second result. */
s64 call_event_create(u64 count, u64 flags);
s64 call_event_signal(u64 handle, u64 n);
s64 call_event_read(u64 handle, u64 *value);

/* --- stats.c --- */
s64 call_read(u64 handle, u64 to, u64 size, u64 position);
s64 call_read_trace(u64 cpu, u64 to, u64 size, u64 *position);
