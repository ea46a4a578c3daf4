/* SPDX-License-Identifier: MIT */
/*
 * KVM_CREATE_DEVICE and the requests on a device's handle.  The one type is
 * KVM_DEV_TYPE_VFIO, on which a VMM registers groups of host devices that it passes on.  Nothing
 * here is a VFIO group: the device has no state but that it exists.
 */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"

s64 vm_create_device(struct vm *vm, u64 arg)
{
	struct kvm_create_device cd;
	int handle, err = 0;

	if (copy_in(&cd, arg, sizeof(cd)))
		return -EFAULT;
	if (cd.type != KVM_DEV_TYPE_VFIO)
		return -ENODEV;
	if (cd.flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	handle = handle_reserve();
	if (handle < 0)
		return handle;
	cd.fd = (u32)handle;
	if (__atomic_exchange_n(&vm->has_vfio, true, __ATOMIC_RELAXED))
		err = -EBUSY;
	else if (copy_out(arg, &cd, sizeof(cd)))
		err = -EFAULT;
	if (err == -EFAULT)
		__atomic_store_n(&vm->has_vfio, false, __ATOMIC_RELAXED);
	if (err) {
		handle_unreserve(handle);
		return err;
	}
	vm_get(vm);
	handle_fill(handle, HANDLE_DEVICE, vm);
	return 0;
}

static bool exists(const struct kvm_device_attr *a)
{
	return a->group == KVM_DEV_VFIO_GROUP &&
	       (a->attr == KVM_DEV_VFIO_GROUP_ADD || a->attr == KVM_DEV_VFIO_GROUP_DEL);
}

/* Add or remove a group: whatever the handle is of, it is none. */
static s64 set_group(const struct kvm_device_attr *a)
{
	struct handle_ref ref;
	u32 fd;

	if (copy_in(&fd, a->addr, sizeof(fd)))
		return -EFAULT;
	if (fd) { /* the system's is open */
		if (handle_get(fd, &ref))
			return -EBADF;
		handle_put(&ref);
	}
	return a->attr == KVM_DEV_VFIO_GROUP_ADD ? -EINVAL : -ENOENT;
}

s64 device_request(u32 request, u64 arg)
{
	struct kvm_device_attr a;

	switch (request) {
	case KVM_GET_DEVICE_ATTR:
		return -EPERM; /* there is none to get */
	case KVM_SET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		break;
	default:
		return -ENOTTY;
	}
	if (copy_in(&a, arg, sizeof(a)))
		return -EFAULT;
	if (!exists(&a))
		return -ENXIO;
	return request == KVM_SET_DEVICE_ATTR ? set_group(&a) : 0;
}
