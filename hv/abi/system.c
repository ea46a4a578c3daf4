/* SPDX-License-Identifier: MIT */
/* Requests on the system's handle: KVM's /dev/kvm. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"
#include "kvm/run.h"

static __attribute__((noinline)) s64 create_vm(u64 type)
{
	struct vm *vm;
	int handle;

	if (type)
		return -EINVAL;
	vm = vm_create();
	if (!vm)
		return -ENOMEM;
	handle = handle_open(HANDLE_VM, vm);
	if (handle < 0)
		vm_free(vm);
	return handle;
}

/* KVM_GET_DEVICE_ATTR and KVM_HAS_DEVICE_ATTR: the only attribute is what XCR0 guests can have. */
static s64 device_attr(u32 request, u64 arg)
{
	struct kvm_device_attr a;
	u64 value = vmx_host_xcr0();

	if (copy_in(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.group || a.attr != KVM_X86_XCOMP_GUEST_SUPP)
		return -ENXIO;
	return request == KVM_HAS_DEVICE_ATTR ? 0 : copy_out(a.addr, &value, sizeof(value));
}

s64 system_request(u32 request, u64 arg)
{
	switch (request) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return check_extension(NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : (s64)(RUN_PAGES * PAGE_SIZE);
	case KVM_CREATE_VM:
		return create_vm(arg);
	case KVM_GET_MSR_INDEX_LIST:
		return system_msr_index_list(arg, false);
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return system_msr_index_list(arg, true);
	case KVM_GET_MSRS:
		return system_get_msrs(arg);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return system_mce_cap(arg);
	case KVM_GET_SUPPORTED_CPUID:
		return system_get_cpuid(arg, false);
	case KVM_GET_EMULATED_CPUID:
		return system_get_cpuid(arg, true);
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		return device_attr(request, arg);
	default: /* as Linux says it of /dev/kvm; a VM says -ENOTTY */
		return -EINVAL;
	}
}
