/* SPDX-License-Identifier: MIT */
/* KVM_CREATE_DEVICE, and the attributes of the VFIO device where no VFIO group can be. */
#include "tests/abi/check.h"

#define GROUP KVM_DEV_VFIO_GROUP
#define ADD   KVM_DEV_VFIO_GROUP_ADD
#define DEL   KVM_DEV_VFIO_GROUP_DEL

static int new_vm(void)
{
	return CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
}

static long create(int vm, u32 type, u32 flags, int *device)
{
	struct kvm_create_device cd = {.type = type, .flags = flags, .fd = 0xffffffff};
	long r = t_ioctl_ptr(vm, KVM_CREATE_DEVICE, &cd);

	*device = (int)cd.fd;
	return r;
}

/* Skips the test on a Linux that was built without VFIO. */
static int new_device(int vm)
{
	int device;
	long r = create(vm, KVM_DEV_TYPE_VFIO, 0, &device);

	if (r == -ENODEV && !target_is_kvm0)
		check_skip("this host's KVM has no VFIO device");
	CHECK_RESULT(r, 0);
	return CHECK_HANDLE(device);
}

static long attr(int device, u64 request, u32 group, u64 number, const void *data)
{
	struct kvm_device_attr a = {.group = group, .attr = number, .addr = (u64)(uintptr_t)data};

	return t_ioctl_ptr(device, request, &a);
}

static void device_create(void)
{
	int vm = new_vm(), other = new_vm(), device;

	/* x86 has devices, but did not say so in Linux 6.1. */
	CHECK(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) >= target_is_kvm0);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_DEVICE, T_BAD_ADDRESS), -EFAULT);
	CHECK(new_device(vm) > 0);
	/* One of a VM; a test whether there is that type is not a second. */
	CHECK_RESULT(create(vm, KVM_DEV_TYPE_VFIO, 0, &device), -EBUSY);
	CHECK_EQUAL(device, -1);
	CHECK_RESULT(create(vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST, &device), 0);
	CHECK_EQUAL(device, -1);
	/* Other flags mean nothing. */
	CHECK_RESULT(create(vm, KVM_DEV_TYPE_VFIO, ~1u, &device), -EBUSY);
	new_device(other);
}

static void device_types(void)
{
	static const u32 types[] = {0,
				    KVM_DEV_TYPE_FSL_MPIC_20,
				    KVM_DEV_TYPE_XICS,
				    KVM_DEV_TYPE_FLIC,
				    KVM_DEV_TYPE_ARM_VGIC_V3,
				    100,
				    0x7fffffff,
				    0xffffffff};
	int vm = new_vm(), device;

	for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK_RESULT(create(vm, types[i], 0, &device), -ENODEV);
		CHECK_RESULT(create(vm, types[i], KVM_CREATE_DEVICE_TEST, &device), -ENODEV);
	}
}

static void device_has_attr(void)
{
	int device = new_device(new_vm());

	CHECK_RESULT(t_ioctl(device, KVM_HAS_DEVICE_ATTR, T_BAD_ADDRESS), -EFAULT);
	for (u32 group = 0; group < 4; group++)
		for (u64 number = 0; number < 5; number++)
			CHECK_RESULT(attr(device, KVM_HAS_DEVICE_ATTR, group, number, NULL),
				     group == GROUP && (number == ADD || number == DEL) ? 0
											: -ENXIO);
	CHECK_RESULT(attr(device, KVM_HAS_DEVICE_ATTR, GROUP, 1ull << 32 | ADD, NULL), -ENXIO);
}

/* Whatever the file is of, it is no VFIO group; and there is nothing to get. */
static void device_set_attr(void)
{
	const void *bad = (const void *)(uintptr_t)T_BAD_ADDRESS;
	int vm = new_vm(), device = new_device(vm), fd = -1;

	CHECK_RESULT(t_ioctl(device, KVM_SET_DEVICE_ATTR, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, ADD, bad), -EFAULT);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, DEL, bad), -EFAULT);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, 4, bad), -ENXIO);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP + 1, ADD, bad), -ENXIO);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, ADD, &fd), -EBADF);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, DEL, &fd), -EBADF);
	fd = vm;
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, ADD, &fd), -EINVAL);
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, DEL, &fd), -ENOENT);
	fd = t_system();
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, ADD, &fd), -EINVAL);
	fd = device;
	CHECK_RESULT(attr(device, KVM_SET_DEVICE_ATTR, GROUP, ADD, &fd), -EINVAL);
	CHECK_RESULT(attr(device, KVM_GET_DEVICE_ATTR, GROUP, ADD, &fd), -EPERM);
	CHECK_RESULT(t_ioctl(device, KVM_GET_DEVICE_ATTR, T_BAD_ADDRESS), -EPERM);
}

static void device_other_requests(void)
{
	int vm = new_vm(), device = new_device(vm);

	CHECK_RESULT(t_ioctl(device, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL), -ENOTTY);
	CHECK_RESULT(t_ioctl(device, KVM_RUN, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(device, KVM_CREATE_DEVICE, T_BAD_ADDRESS), -ENOTTY);
	CHECK(!t_map(device, 0, 1, check_pages(PAGE_SIZE)));
	/* The VM itself has no attributes on x86. */
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_VM_ATTRIBUTES), 0);
	CHECK_RESULT(attr(vm, KVM_HAS_DEVICE_ATTR, 0, 0, NULL), -ENOTTY);
	CHECK_RESULT(attr(vm, KVM_SET_DEVICE_ATTR, 0, 0, NULL), -ENOTTY);
	CHECK_RESULT(attr(vm, KVM_GET_DEVICE_ATTR, 0, 0, NULL), -ENOTTY);
}

/* The device keeps its VM, and answers without the VM's own handle. */
static void device_lifetime(void)
{
	int vm = new_vm(), device = new_device(vm), again;
	long r;

	check_close(vm);
	CHECK_RESULT(attr(device, KVM_HAS_DEVICE_ATTR, GROUP, ADD, NULL), 0);
	check_close(device);
	CHECK_RESULT(attr(device, KVM_HAS_DEVICE_ATTR, GROUP, ADD, NULL), -EBADF);
	/* Closing the device of a VM that lives on makes room for another; not so in old Linux. */
	vm = new_vm();
	check_close(new_device(vm));
	r = create(vm, KVM_DEV_TYPE_VFIO, 0, &again);
	if (!r)
		check_close(CHECK_HANDLE(again));
	CHECK(!r || (!target_is_kvm0 && r == -EBUSY));
}

SUITE(device, TEST(device_create), TEST(device_types), TEST(device_has_attr), TEST(device_set_attr),
      TEST(device_other_requests), TEST(device_lifetime));
