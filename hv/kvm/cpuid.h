/* SPDX-License-Identifier: MIT */
/*
 * CPUID: what kvm0 can offer a guest, and what the control guest chose for a vCPU.
 */
#pragma once

#include <linux/kvm.h>
#include "lib/types.h"

#define CPUID_MAX_ENTRIES 256u /* KVM's own limit */

#define CPUID_SMALL 0x40u /* leaves of each range that are found without a search */

struct cpuid_table {
	u32 count;
	struct kvm_cpuid_entry2 *entries; /* CPUID_MAX_ENTRIES of them, once set */
	u8 first[3][CPUID_SMALL];         /* entry number + 1 by leaf: 0, 0x40000000, 0x80000000 */
};

/* KVM_GET_SUPPORTED_CPUID: fill @out, at most @max; returns how many there are, which may
 * be more than @max. */
u32 cpuid_supported(struct kvm_cpuid_entry2 *out, u32 max);

/* KVM_GET_EMULATED_CPUID, the same way: features that a guest can be told of though the CPU
 * lacks them.  kvm0 emulates no instruction that faults for that reason, so the leaves that KVM
 * has are there, without a bit. */
u32 cpuid_emulated(struct kvm_cpuid_entry2 *out, u32 max);

/* KVM_SET_CPUID2.  @count <= CPUID_MAX_ENTRIES.  0 or -ENOMEM. */
int cpuid_set(struct cpuid_table *t, const struct kvm_cpuid_entry2 *entries,
	      u32 count) __must_check;
/* Is that what @t has already?  But for the padding. */
bool cpuid_equal(const struct cpuid_table *t, const struct kvm_cpuid_entry2 *entries, u32 count);
void cpuid_destroy(struct cpuid_table *t);

/* The entry for @leaf and @subleaf, or NULL. */
const struct kvm_cpuid_entry2 *cpuid_find(const struct cpuid_table *t, u32 leaf, u32 subleaf);

/* The entry that CPUID answers with: as cpuid_find(), but beyond the last leaf an Intel
 * CPU answers with the highest basic one.  NULL: all zero. */
const struct kvm_cpuid_entry2 *cpuid_answer(const struct cpuid_table *t, u32 leaf, u32 subleaf);

/* Bytes of the XSAVE area for the state components in @xcr0, in standard format. */
u32 cpuid_xsave_size(u64 xcr0);
