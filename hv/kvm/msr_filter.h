/* SPDX-License-Identifier: MIT */
/*
 * Which MSRs a VM's guests may access, as the control guest says it (KVM API,
 * KVM_X86_SET_MSR_FILTER).  A filter does not change once a VM has it; another takes its place.
 */
#pragma once

#include <linux/kvm.h>
#include "kvm/vm.h"

struct msr_filter {
	bool default_allow;
	u32 count;
	struct msr_filter_range {
		u32 flags; /* KVM_MSR_FILTER_READ, _WRITE: what it is for */
		u32 base, nmsrs;
		u64 *bitmap; /* 1: allowed */
	} range[KVM_MSR_FILTER_MAX_RANGES];
};

/* Bytes of the bitmap of a range with @nmsrs MSRs and @flags, or -EINVAL: none that is valid. */
int msr_filter_bitmap_size(u32 flags, u32 nmsrs) __must_check;

/* Does @f let the guest read MSR @index, or with @write write it? */
bool msr_filter_allows(const struct msr_filter *f, u32 index, bool write);
void msr_filter_free(struct msr_filter *f);

/* @f becomes that of @vm, whose vCPUs obey before it returns; NULL: everything is allowed. */
void msr_filter_install(struct vm *vm, struct msr_filter *f);

/* The same for an access of @vm's guests, with the filter that is in force now. */
bool msr_filter_vm_allows(struct vm *vm, u32 index, bool write);

struct vcpu;
/* After VCPU_MSR_FILTER: let those accesses of @c exit that the filter of its VM denies.  @c is
 * loaded, and in no guest's code. */
void msr_filter_apply(struct vcpu *c);
