/* SPDX-License-Identifier: MIT */
/*
 * kvm0's memory pool, seen from outside: how many vCPUs can be made until it is empty.  That
 * number is the same before and after all tests, or something was not given back.
 */
#include "tests/abi/kvm0_pool.h"

#define MAX_VMS   64u
#define MAX_VCPUS 64u

static u32 vcpus_at_start;

static long create(u64 request, int handle, u64 arg, int *made)
{
	long r = t_ioctl(handle, request, arg);

	if (r >= 0)
		*made = CHECK_HANDLE(r);
	return r;
}

/* Makes VMs with as many vCPUs as go in; the vCPUs, and in *error what ended it. */
static u32 fill(int *vms, u32 *vm_count, int *vcpus, long *error)
{
	u32 count = 0;

	for (*vm_count = 0; *vm_count < MAX_VMS; ++*vm_count) {
		*error = create(KVM_CREATE_VM, t_system(), 0, &vms[*vm_count]);
		if (*error < 0)
			return count;
		for (u64 id = 0; id < MAX_VCPUS; id++, count++) {
			*error = create(KVM_CREATE_VCPU, vms[*vm_count], id, &vcpus[count]);
			if (*error < 0) {
				++*vm_count;
				return count;
			}
		}
	}
	return count;
}

static u32 fill_and_close(void)
{
	int *vms = check_pages(MAX_VMS * sizeof(*vms));
	int *vcpus = check_pages(MAX_VMS * MAX_VCPUS * sizeof(*vcpus));
	u32 vm_count, count;
	struct kvm_regs regs;
	int another;
	long error;

	count = fill(vms, &vm_count, vcpus, &error);
	CHECK_RESULT(error, -ENOMEM);
	CHECK(count > 0);
	/* It is a refusal like others: what is there works, and the next is refused as well. */
	CHECK_RESULT(t_ioctl_ptr(vcpus[count - 1], KVM_GET_REGS, &regs), 0);
	CHECK_EQUAL(regs.rip, 0xfff0);
	CHECK_RESULT(create(KVM_CREATE_VCPU, vms[vm_count - 1], MAX_VCPUS - 1, &another), -ENOMEM);
	for (u32 i = 0; i < count; i++)
		check_close(vcpus[i]);
	for (u32 i = 0; i < vm_count; i++)
		check_close(vms[i]);
	return count;
}

static void kvm0_pool_empty(void)
{
	vcpus_at_start = fill_and_close();
	CHECK_EQUAL(fill_and_close(), vcpus_at_start);
}

void kvm0_pool_as_before(void)
{
	if (!vcpus_at_start)
		check_skip("kvm0_pool_empty did not count");
	CHECK_EQUAL(fill_and_close(), vcpus_at_start);
}

SUITE(kvm0_first, TEST(kvm0_pool_empty));
