/* SPDX-License-Identifier: MIT */
/* Requests that concern MSRs: their lists, reading and writing, machine checks. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "kvm/msr.h"
#include "lib/string.h"

/* KVM API, KVM_GET_MSR_INDEX_LIST: the count is written even when it is too large. */
s64 system_msr_index_list(u64 arg, bool features)
{
	u32 list[MSR_LIST_MAX];
	u32 count = features ? msr_feature_list(list) : msr_list(list), room;
	struct kvm_msr_list head;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	room = head.nmsrs;
	head.nmsrs = count;
	if (copy_out(arg, &head, sizeof(head)))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_out(arg + sizeof(head), list, count * sizeof(list[0]));
}

#define MSRS_MAX 256u /* KVM's MAX_IO_MSRS */

/*
 * The list of KVM_GET_MSRS and KVM_SET_MSRS at @arg: its length, and where it is in *@entries, all
 * of it the control guest's.  -EFAULT; -E2BIG.
 */
static s64 find_list(u64 arg, struct kvm_msr_entry **entries)
{
	struct kvm_msrs head;

	*entries = NULL;
	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= MSRS_MAX)
		return -E2BIG;
	if (head.nmsrs)
		*entries = copy_span(arg + sizeof(head), head.nmsrs * sizeof(**entries));
	if (head.nmsrs && !*entries)
		return -EFAULT;
	return head.nmsrs;
}

/* The count of entries done before the first that failed (KVM API, KVM_GET_MSRS). */
s64 vcpu_get_msrs(struct vcpu *c, u64 arg)
{
	struct kvm_msr_entry *e;
	s64 count = find_list(arg, &e), done;

	if (count < 0)
		return count;
	for (done = 0; done < count; done++) {
		u64 value;

		if (msr_read(c, READ_ONCE(e[done].index), &value, true))
			break;
		e[done].data = value;
	}
	return done;
}

s64 vcpu_set_msrs(struct vcpu *c, u64 arg)
{
	struct kvm_msr_entry *e;
	s64 count = find_list(arg, &e), done;

	if (count < 0)
		return count;
	for (done = 0; done < count; done++)
		if (msr_write(c, READ_ONCE(e[done].index), READ_ONCE(e[done].data), true))
			break;
	vm_deliver_wakes(c->vm); /* one may have been an x2APIC's ICR */
	return done;
}

/* KVM_GET_MSRS of the feature MSRs. */
s64 system_get_msrs(u64 arg)
{
	struct kvm_msr_entry *e;
	s64 count = find_list(arg, &e), done;

	if (count < 0)
		return count;
	for (done = 0; done < count; done++) {
		u64 value;

		if (!msr_feature(READ_ONCE(e[done].index), &value))
			break;
		e[done].data = value;
	}
	return done;
}

s64 system_mce_cap(u64 arg)
{
	u64 cap = MCE_CAP_SUPPORTED;

	return copy_out(arg, &cap, sizeof(cap));
}

s64 vcpu_setup_mce(struct vcpu *c, u64 arg)
{
	u64 cap;

	return copy_in(&cap, arg, sizeof(cap)) ? -EFAULT : mce_setup(&c->mce, cap);
}

s64 vcpu_set_mce(struct vcpu *c, u64 arg)
{
	struct kvm_x86_mce e;

	return copy_in(&e, arg, sizeof(e)) ? -EFAULT : mce_report(c, &e);
}
