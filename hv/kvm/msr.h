/* SPDX-License-Identifier: MIT */
/* A guest's MSRs: which there are, and reading and writing them. */
#pragma once

#include "kvm/vcpu.h"

/*
 * Read or write MSR @index of @c, which is loaded.  @host: for KVM_GET/SET_MSRS and not
 * for the guest's own instruction, which has tighter limits.  0, or -EINVAL: there is
 * no such MSR, or it cannot have that value (the guest gets #GP).
 */
int msr_read(struct vcpu *c, u32 index, u64 *value) __must_check;
int msr_write(struct vcpu *c, u32 index, u64 value, bool host) __must_check;

/* KVM_GET_MSR_INDEX_LIST's list. */
extern const u32 msr_list[];
extern const u32 msr_list_count;

/* The values after reset. */
void msr_reset(struct vcpu *c);
