/* SPDX-License-Identifier: MIT */
/* Requests to a VM handle that make vCPUs and set addresses; lifetimes of handles. */
#include "tests/abi/machine.h"

static int new_vm(void)
{
	return CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
}

static void vm_create_vcpu(void)
{
	int vm = new_vm(), other = new_vm();
	int a = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	int b = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));

	CHECK(a > 0 && b > 0 && a != b);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, 0), -EEXIST);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, 1), -EEXIST);
	/* The same ID in another VM is another vCPU. */
	CHECK_HANDLE(t_ioctl(other, KVM_CREATE_VCPU, 0));
}

static void vm_create_vcpu_limits(void)
{
	int vm = new_vm();
	long ids = t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	long vcpus = t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	CHECK(vcpus > 0);
	/* KVM API, KVM_CAP_MAX_VCPU_ID: without it IDs end where the number of vCPUs does. */
	if (ids <= 0)
		ids = vcpus;
	CHECK(ids >= vcpus);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, (u64)ids), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, 0x7fffffff), -EINVAL);
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, (u64)ids - 1));
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, (u64)ids - 1), -EEXIST);
}

static void vm_set_tss_addr(void)
{
	int vm = new_vm();

	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSS_ADDR, 0xffffe000), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSS_ADDR, 0xffffffff), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSS_ADDR, 0x100000000), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSS_ADDR, 0xffffd000), 0);
}

static void vm_set_identity_map_addr(void)
{
	u64 address = 0xfffbc000;
	int vm = new_vm();

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_IDENTITY_MAP_ADDR, &address), 0);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_IDENTITY_MAP_ADDR, &address), 0);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, T_BAD_ADDRESS), -EFAULT);
	/* Zero asks for the default. */
	address = 0;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_IDENTITY_MAP_ADDR, &address), 0);
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_IDENTITY_MAP_ADDR, &address), -EINVAL);
	/* Nor is it looked at then. */
	CHECK_RESULT(t_ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, T_BAD_ADDRESS), -EINVAL);
}

/* A VM lives as long as one of its vCPUs has a handle, and its memory with it. */
static void vm_outlived_by_vcpu(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_do(&m, real_done);
	check_close(m.vm);
	CHECK_RESULT(t_ioctl(m.vm, KVM_CREATE_VCPU, 1), -EBADF);
	machine_start(&m, real_self_modify);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS) & 0xffff, 0x3377);
	check_close(m.vcpu);
	CHECK_RESULT(t_run(m.vcpu), -EBADF);
}

static void vm_closed_vcpu(void)
{
	struct kvm_regs regs;
	int vm = new_vm();
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	check_close(vcpu);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_REGS, &regs), -EBADF);
	/* The vCPU itself stays in the VM: its ID is not free again. */
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, 0), -EEXIST);
}

static void vm_create_often(void)
{
	for (u32 i = 0; i < 50; i++) {
		int vm = new_vm();
		int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
		if (i & 1) {
			check_close(vm);
			check_close(vcpu);
		} else {
			check_close(vcpu);
			check_close(vm);
		}
	}
}

/* Two VMs with the same memory contents at work in turn do not see each other. */
static void vm_two_at_once(void)
{
	struct machine a, b;

	machine_open(&a, MODE_REAL, 0);
	machine_open(&b, MODE_REAL, 0);
	machine_start(&a, real_out_sizes);
	machine_start(&b, real_int);
	machine_set_vector(&b, 0x21, real_int_handler);
	machine_run(&a, KVM_EXIT_IO);
	CHECK_EQUAL(a.run->io.port, PORT_TEST);
	CHECK_EQUAL(machine_run_out(&b, PORT_DONE), 0x11);
	machine_run(&a, KVM_EXIT_IO);
	CHECK_EQUAL(a.run->io.size, 2);
	CHECK_EQUAL(machine_regs(&a).rbx, 0);
}

SUITE(vm, TEST(vm_create_vcpu), TEST(vm_create_vcpu_limits), TEST(vm_set_tss_addr),
      TEST(vm_set_identity_map_addr), TEST(vm_outlived_by_vcpu), TEST(vm_closed_vcpu),
      TEST(vm_create_often), TEST(vm_two_at_once));
