/* SPDX-License-Identifier: MIT */
/*
 * The ioctls, one function for each kind of handle.  Each returns what KVM's ioctl
 * returns; a request that is not one of that kind's is -ENOTTY.
 */
#pragma once

#include "kvm/handle.h"

s64 system_request(u32 request, u64 arg);
s64 vm_request(struct vm *vm, u32 request, u64 arg);

/* What a KVM_RUN has for the control guest beside its result. */
struct run_outcome {
	enum run_result result;
	u64 deadline;
};

/* @control: the caller's virtual CPU; @run is filled for KVM_RUN. */
s64 vcpu_request(struct vcpu *c, u32 request, u64 arg, struct vmx_vcpu *control,
		 struct run_outcome *run);

/* Use @c exclusively until vcpu_unlock().  False: another CPU is using it. */
bool vcpu_trylock(struct vcpu *c) __must_check;
void vcpu_unlock(struct vcpu *c);

/* KVM_CHECK_EXTENSION, which a VM answers as well. */
s64 check_extension(u64 capability);
