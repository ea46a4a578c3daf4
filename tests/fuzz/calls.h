/* SPDX-License-Identifier: MIT */
/* What the files of the dispatcher's fuzz target share: its input, and what guests do. */
#pragma once

#include "vmx/vmx.h"

struct input {
	const u8 *at;
	size_t left;
};

/* Where in the control guest's memory that of most guests is. */
#define CALLS_GUEST_MEMORY (128 * PAGE_SIZE)

/* The next @bytes (at most 8) of the input, zero behind its end. */
u64 input_take(u32 bytes);

/* All requests of KVM on x86. */
extern const u32 call_requests[];
extern const u32 call_request_count;

/* Where guests find devices that events and coalesced zones are made for. */
#define CALLS_PORT   0x510u
#define CALLS_DEVICE 0xe0000000u

/* A call on this CPU, the handle of one of the newest objects, and to remember another. */
s64 calls_call(u64 number, u64 a, u64 b, u64 c);
u64 calls_take_handle(void);
void calls_remember(s64 handle);

/* One operation of calls_events.c. */
void calls_events(void);

/* Up to 255 bytes of the input to an address of the control guest's, and addresses over some. */
void calls_fill_memory(u64 address);

/* A guest was entered: let the input say what it does, and how it exits. */
void calls_guest(struct vmx_vcpu *v);
