/* SPDX-License-Identifier: MIT */
/* Requests that concern time: a VM's clock, the rate and the offset of its vCPUs' TSCs. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "cpu/tsc.h"

s64 vm_get_clock(struct vm *vm, u64 arg)
{
	struct kvm_clock_data d;

	vm_clock_get(vm, &d);
	return copy_out(arg, &d, sizeof(d));
}

/* The flags that KVM_GET_CLOCK gives may come back; KVM_CLOCK_REALTIME alone has a meaning. */
s64 vm_set_clock(struct vm *vm, u64 arg)
{
	struct kvm_clock_data d;

	if (copy_in(&d, arg, sizeof(d)))
		return -EFAULT;
	if (d.flags & ~(u32)CLOCK_FLAGS)
		return -EINVAL;
	vm_clock_set(vm, &d);
	return 0;
}

/* KVM_SET_TSC_KHZ takes 32 bits of its argument; 0 is the machine's own rate. */
static u32 khz_argument(u64 arg)
{
	return (u32)arg ? (u32)arg : (u32)tsc_khz;
}

s64 vm_get_tsc_khz(const struct vm *vm)
{
	return READ_ONCE(vm->time.tsc_khz);
}

s64 vm_set_tsc_khz(struct vm *vm, u64 arg)
{
	int err = time_check_tsc_khz(khz_argument(arg));

	spin_lock(&vm->lock);
	if (vm->vcpu_count)
		err = -EINVAL;
	if (!err)
		WRITE_ONCE(vm->time.tsc_khz, khz_argument(arg));
	spin_unlock(&vm->lock);
	return err;
}

s64 vcpu_get_tsc_khz(const struct vcpu *c)
{
	return c->tsc.khz;
}

s64 vcpu_set_tsc_khz(struct vcpu *c, u64 arg)
{
	return time_set_tsc_khz(c, khz_argument(arg));
}

/* KVM_SET/GET/HAS_DEVICE_ATTR of a vCPU: its only attribute is the offset of its TSC. */
s64 vcpu_device_attr(struct vcpu *c, u32 request, u64 arg)
{
	struct kvm_device_attr a;
	u64 offset;

	if (copy_in(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.group != KVM_VCPU_TSC_CTRL || a.attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	switch (request) {
	case KVM_GET_DEVICE_ATTR:
		offset = c->tsc.offset;
		return copy_out(a.addr, &offset, sizeof(offset));
	case KVM_SET_DEVICE_ATTR:
		if (copy_in(&offset, a.addr, sizeof(offset)))
			return -EFAULT;
		time_set_offset(c, offset);
		return 0;
	default:
		return 0;
	}
}
