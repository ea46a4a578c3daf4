/* SPDX-License-Identifier: MIT */
/*
 * Handles: the small integers that stand for KVM's file descriptors.  Each open one
 * holds a reference on its VM; so does each call that is using one.
 */
#pragma once

#include "kvm/vcpu.h"

/* What a handle stands for, while a call uses it.  Handle 0, the system, has none. */
struct handle_ref {
	struct vm *vm;
	struct vcpu *vcpu; /* NULL: it is the VM's own handle */
};

#define HANDLE_MAX 4225u /* the system; 64 VMs; 64 vCPUs for each */

/* A new handle for @vm (@vcpu NULL) or @vcpu, which takes over the caller's reference on
 * the VM; or -EMFILE. */
int handle_open(struct vm *vm, struct vcpu *vcpu) __must_check;

/* Make @handle, which was opened for the VM of @vcpu, stand for @vcpu from now on. */
void handle_bind(u64 handle, struct vcpu *vcpu);

/* Start using @handle.  0, or -EBADF. */
int handle_get(u64 handle, struct handle_ref *ref) __must_check;
/* Done with what handle_get() gave. */
void handle_put(const struct handle_ref *ref);

/* Close @handle.  0, or -EBADF; the system's handle cannot be closed. */
int handle_close(u64 handle);
