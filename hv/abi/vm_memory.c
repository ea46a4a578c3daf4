/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle that concern its memory. */
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/trace.h"
#include "kvm/mmu.h"

s64 vm_set_user_memory_region(struct vm *vm, u64 arg)
{
	struct kvm_userspace_memory_region r;
	s64 result;

	if (copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	result = mmu_set_slot(vm, &r);
	trace(KVM0_TRACE_SLOT, vm->id, KVM0_TRACE_NO_VCPU, r.slot, r.guest_phys_addr, r.memory_size,
	      r.flags, (u64)result);
	return result;
}

/* Memory that KVM needs on CPUs without unrestricted guest: three pages below 4 GiB here,
 * one below.  kvm0 runs on no such CPU and only checks the calls (KVM API,
 * KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR). */
s64 vm_set_tss_addr(u64 arg)
{
	return arg > SIZE_4G - 3 * PAGE_SIZE ? -EINVAL : 0;
}

s64 vm_set_identity_map_addr(struct vm *vm, u64 arg)
{
	u64 address;
	s64 result = -EINVAL;

	spin_lock(&vm->lock);
	if (!vm->vcpu_count)
		result = copy_in(&address, arg, sizeof(address));
	spin_unlock(&vm->lock);
	return result;
}

s64 vm_supply(struct vm *vm, u64 arg)
{
	struct kvm0_supply s;

	return copy_in(&s, arg, sizeof(s)) ? -EFAULT : mmu_supply(vm, &s);
}
