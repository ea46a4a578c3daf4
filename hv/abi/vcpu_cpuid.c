/* SPDX-License-Identifier: MIT */
/* Requests about CPUID: of the system, what can be offered; of a vCPU, what it is told. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"

#define TABLE_SIZE (CPUID_MAX_ENTRIES * sizeof(struct kvm_cpuid_entry2))

/* KVM wants the padding of what comes in to be 0, for this request only. */
static bool padding_clear(const struct kvm_cpuid_entry2 *e, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (e[i].padding[0] || e[i].padding[1] || e[i].padding[2])
			return false;
	return true;
}

static s64 answer(u64 arg, struct kvm_cpuid2 *head, const struct kvm_cpuid_entry2 *entries,
		  u32 count)
{
	if (count > head->nent)
		return -E2BIG;
	head->nent = count;
	if (copy_out(arg + sizeof(*head), entries, count * sizeof(*entries)))
		return -EFAULT;
	return copy_out(arg, head, sizeof(*head));
}

s64 system_get_cpuid(u64 arg, bool emulated)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 head;
	s64 result;
	u32 given;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent < 1)
		return -E2BIG;
	entries = object_alloc(TABLE_SIZE);
	if (!entries)
		return -ENOMEM;
	given = MIN(head.nent, CPUID_MAX_ENTRIES);
	if (!emulated)
		result = answer(arg, &head, entries, cpuid_supported(entries, CPUID_MAX_ENTRIES));
	else if (copy_in(entries, arg + sizeof(head), given * sizeof(*entries)) ||
		 !padding_clear(entries, given))
		result = -EINVAL;
	else
		result = answer(arg, &head, entries, cpuid_emulated(entries, CPUID_MAX_ENTRIES));
	object_free(entries, TABLE_SIZE);
	return result;
}

s64 vcpu_get_cpuid2(struct vcpu *c, u64 arg)
{
	struct kvm_cpuid2 head;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	vcpu_refresh_cpuid(c);
	return answer(arg, &head, c->cpuid.entries, c->cpuid.count);
}

s64 vcpu_set_cpuid2(struct vcpu *c, u64 arg)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 head;
	s64 result = -EFAULT;
	size_t size;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent > CPUID_MAX_ENTRIES)
		return -E2BIG;
	size = MAX(head.nent, 1u) * sizeof(*entries);
	entries = object_alloc(size);
	if (!entries)
		return -ENOMEM;
	if (!copy_in(entries, arg + sizeof(head), head.nent * sizeof(*entries)))
		result = vcpu_set_cpuid(c, entries, head.nent);
	object_free(entries, size);
	return result;
}

/* The entries of KVM_SET_CPUID, at @from, as those of KVM_SET_CPUID2.  0, or -EFAULT. */
static int convert(struct kvm_cpuid_entry2 *to, u64 from, u32 count)
{
	struct kvm_cpuid_entry e;

	for (u32 i = 0; i < count; i++) {
		if (copy_in(&e, from + i * sizeof(e), sizeof(e)))
			return -EFAULT;
		to[i] = (struct kvm_cpuid_entry2){.function = e.function,
						  .eax = e.eax,
						  .ebx = e.ebx,
						  .ecx = e.ecx,
						  .edx = e.edx};
	}
	return 0;
}

s64 vcpu_set_cpuid1(struct vcpu *c, u64 arg)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid head;
	s64 result;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent > CPUID_MAX_ENTRIES)
		return -E2BIG;
	entries = object_alloc(TABLE_SIZE);
	if (!entries)
		return -ENOMEM;
	result = convert(entries, arg + sizeof(head), head.nent);
	if (!result)
		result = vcpu_set_cpuid(c, entries, head.nent);
	object_free(entries, TABLE_SIZE);
	return result;
}
