/* SPDX-License-Identifier: MIT */
/* A guest's MSRs: which there are, and reading and writing them. */
#pragma once

#include "core/params.h"
#include "kvm/vcpu.h"

/*
 * Read or write MSR @index of @c, which is loaded.  @host: for KVM_GET/SET_MSRS and not
 * for the guest's own instruction, which has tighter limits.  0; -ENOENT: there is no such
 * MSR; -EINVAL: it cannot be accessed, or cannot have that value.  The guest gets #GP for both.
 */
int msr_read(struct vcpu *c, u32 index, u64 *value, bool host) __must_check;
int msr_write(struct vcpu *c, u32 index, u64 value, bool host) __must_check;

extern const struct param_table msr_params; /* ignore_msrs=, report_ignored_msrs= */

/* The values after reset. */
void msr_reset(struct vcpu *c);

/* --- msr_fixed.c: those whose value never changes.  0, -ENOENT or -EINVAL --- */

int msr_read_fixed(u32 index, u64 *value) __must_check;
int msr_write_fixed(u32 index, u64 value) __must_check;

/* --- msr_spec.c: IA32_SPEC_CTRL, _PRED_CMD, _FLUSH_CMD and _TSX_CTRL; as msr_read() --- */

int spec_read(const struct vcpu *c, u32 index, u64 *value, bool host) __must_check;
int spec_write(struct vcpu *c, u32 index, u64 value, bool host) __must_check;
/* Does the guest's CPUID have IA32_ARCH_CAPABILITIES? */
bool spec_has_arch_capabilities(const struct vcpu *c);
/* Take out of what CPUID answers what the guest has hidden by IA32_TSX_CTRL. */
void spec_hide_tsx(const struct vcpu *c, struct kvm_cpuid_entry2 *e);

/* --- msr_list.c --- */

#define MSR_LIST_MAX 64u

/* The MSRs of KVM_GET_MSR_INDEX_LIST or of KVM_GET_MSR_FEATURE_INDEX_LIST on this machine: how
 * many there are in @list. */
u32 msr_list(u32 list[MSR_LIST_MAX]);
u32 msr_feature_list(u32 list[MSR_LIST_MAX]);

/* A feature MSR: what vCPUs can have in it, or start with.  False: @index is none. */
bool msr_feature(u32 index, u64 *value) __must_check;

/* --- msr_mtrr.c: the memory-type range registers, which are only kept --- */

/* Is @index one that can be written?  IA32_MTRRCAP cannot. */
bool mtrr_is_msr(u32 index);
u64 mtrr_read(const struct vcpu *c, u32 index);
/* 0, or -EINVAL: not a memory type, or a reserved bit. */
int mtrr_write(struct vcpu *c, u32 index, u64 value) __must_check;
