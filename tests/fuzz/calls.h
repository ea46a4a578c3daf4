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

/* Up to 255 bytes of the input to an address of the control guest's, and addresses over some. */
void calls_fill_memory(u64 address);

/* A guest was entered: let the input say what it does, and how it exits. */
void calls_guest(struct vmx_vcpu *v);
