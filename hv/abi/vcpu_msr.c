/* SPDX-License-Identifier: MIT */
/* Requests that concern MSRs: their lists, reading and writing, machine checks. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"
#include "kvm/msr.h"
#include "kvm/msr_filter.h"

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

/* A range of the filter in the making.  0; -EINVAL; -EFAULT: its bitmap; -ENOMEM. */
static int add_range(struct msr_filter *f, const struct kvm_msr_filter_range *r)
{
	int size = msr_filter_bitmap_size(r->flags, r->nmsrs);
	u64 *bitmap;

	if (size < 0)
		return size;
	bitmap = page_room() ? object_alloc((size_t)size) : NULL;
	if (!bitmap)
		return -ENOMEM;
	if (copy_in(bitmap, (uintptr_t)r->bitmap, (size_t)size)) {
		object_free(bitmap, (size_t)size);
		return -EFAULT;
	}
	f->range[f->count++] = (struct msr_filter_range){r->flags, r->base, r->nmsrs, bitmap};
	return 0;
}

/* Ranges without MSRs are left out, whatever else they say. */
static s64 make_filter(const struct kvm_msr_filter *from, struct msr_filter **out)
{
	struct msr_filter *f = page_room() ? object_alloc(sizeof(*f)) : NULL;
	int err = f ? 0 : -ENOMEM;

	for (u32 i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !err; i++)
		if (from->ranges[i].nmsrs)
			err = add_range(f, &from->ranges[i]);
	if (!err) {
		f->default_allow = !(from->flags & KVM_MSR_FILTER_DEFAULT_DENY);
		if (!f->default_allow && !f->count)
			err = -EINVAL;
	}
	if (err)
		msr_filter_free(f);
	*out = err ? NULL : f;
	return err;
}

/* A filter without ranges, which allows everything, is none. */
s64 vm_set_msr_filter(struct vm *vm, u64 arg)
{
	struct kvm_msr_filter from;
	struct msr_filter *f;
	s64 err;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	if (from.flags & ~(u32)KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	err = make_filter(&from, &f);
	if (err)
		return err;
	if (!f->count) {
		msr_filter_free(f);
		f = NULL;
	}
	msr_filter_install(vm, f);
	return 0;
}

s64 system_mce_cap(u64 arg)
{
	u64 cap = MCE_CAP_SUPPORTED;

	return copy_out(arg, &cap, sizeof(cap));
}

s64 vcpu_setup_mce(struct vcpu *c, u64 arg)
{
	u64 cap;

	return copy_in(&cap, arg, sizeof(cap)) ? -EFAULT : mce_setup(c, cap);
}

s64 vcpu_set_mce(struct vcpu *c, u64 arg)
{
	struct kvm_x86_mce e;

	return copy_in(&e, arg, sizeof(e)) ? -EFAULT : mce_report(c, &e);
}
