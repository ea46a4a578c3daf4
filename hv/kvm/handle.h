/* SPDX-License-Identifier: MIT */
/*
 * Handles: the small integers that stand for KVM's file descriptors.  Each open one
 * holds a reference on its object, which for all that belongs to a VM is one on the VM; so
 * does each call that is using one.
 */
#pragma once

#include "kvm/event.h"
#include "kvm/vcpu.h"

enum handle_kind {
	HANDLE_FREE,
	HANDLE_RESERVED, /* answers as if it were free */
	HANDLE_VM,
	HANDLE_VCPU,
	HANDLE_EVENT,
	HANDLE_DEVICE, /* a VM's one device; the object is the VM */
	HANDLE_VM_STATS,
	HANDLE_VCPU_STATS,
};

/* What a handle stands for, while a call uses it.  Handle 0, the system, has none. */
struct handle_ref {
	enum handle_kind kind;
	union {
		void *object;
		struct vm *vm;
		struct vcpu *vcpu;
		struct event *event;
	};
};

#define HANDLE_MAX 8192u

/* The empty table; once, at boot.  0 or -ENOMEM. */
int handle_init(void) __must_check;

/*
 * Opening one, in two steps as what comes between may fail: handle_reserve() gives a number, or
 * -EMFILE; handle_fill() makes it stand for @object and takes over the caller's reference;
 * handle_unreserve() gives the number back instead.
 */
int handle_reserve(void) __must_check;
void handle_fill(int handle, enum handle_kind kind, void *object);
void handle_unreserve(int handle);

/* handle_fill() of a new number: the handle, or -EMFILE, and the reference is still the
 * caller's. */
int handle_open(enum handle_kind kind, void *object) __must_check;

/* Start using @handle.  0, or -EBADF. */
int handle_get(u64 handle, struct handle_ref *ref) __must_check;
/* Done with what handle_get() gave. */
void handle_put(const struct handle_ref *ref);

/* Close @handle.  0, or -EBADF; the system's handle cannot be closed. */
int handle_close(u64 handle);
