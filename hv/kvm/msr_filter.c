/* SPDX-License-Identifier: MIT */
/* See kvm/msr_filter.h. */
#include "kvm/msr_filter.h"
#include <linux/errno.h>
#include "core/page.h"
#include "cpu/msr_index.h"
#include "kvm/mmu.h"

int msr_filter_bitmap_size(u32 flags, u32 nmsrs)
{
	u64 size = ALIGN_UP((u64)nmsrs, 64) / 8;

	if (!flags || flags & ~(u32)(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE))
		return -EINVAL;
	return size && size <= KVM_MSR_FILTER_MAX_BITMAP_SIZE ? (int)size : -EINVAL;
}

bool msr_filter_allows(const struct msr_filter *f, u32 index, bool write)
{
	u32 type = write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ;

	/* The local APIC's are not filtered, for all that a filter says. */
	if (!f || (index >= MSR_X2APIC_FIRST && index <= MSR_X2APIC_LAST))
		return true;
	for (u32 i = 0; i < f->count; i++) {
		const struct msr_filter_range *r = &f->range[i];
		u32 n = index - r->base;

		/* One that wraps at 2^32 has no end behind its beginning, and so nothing in it. */
		if (index >= r->base && index < r->base + r->nmsrs && r->flags & type)
			return r->bitmap[n / 64] & BIT(n % 64);
	}
	return f->default_allow;
}

void msr_filter_free(struct msr_filter *f)
{
	if (!f)
		return;
	for (u32 i = 0; i < f->count; i++)
		object_free(f->range[i].bitmap, ALIGN_UP((u64)f->range[i].nmsrs, 64) / 8);
	object_free(f, sizeof(*f));
}

void msr_filter_install(struct vm *vm, struct msr_filter *f)
{
	struct msr_filter *old;

	spin_lock(&vm->lock);
	old = vm->msr_filter;
	__atomic_store_n(&vm->msr_filter, f, __ATOMIC_RELAXED);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_ask(vm->vcpus[i], VCPU_MSR_FILTER);
	mmu_force_out(vm);
	spin_unlock(&vm->lock);
	msr_filter_free(old);
}

bool msr_filter_vm_allows(struct vm *vm, u32 index, bool write)
{
	bool allows;

	spin_lock(&vm->lock);
	allows = msr_filter_allows(vm->msr_filter, index, write);
	spin_unlock(&vm->lock);
	return allows;
}

static bool allows(const void *filter, u32 index, bool write)
{
	return msr_filter_allows(filter, index, write);
}

void msr_filter_apply(struct vcpu *c)
{
	spin_lock(&c->vm->lock);
	vmx_filter_msrs(&c->vmx, allows, c->vm->msr_filter);
	spin_unlock(&c->vm->lock);
}
