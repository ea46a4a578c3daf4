/* SPDX-License-Identifier: MIT */
/* Capabilities that are enabled, attributes of the system, filters of performance events. */
#include "tests/abi/machine.h"

static long enable(int handle, u32 which, u64 value)
{
	struct kvm_enable_cap cap = {.cap = which, .args = {value}};

	return t_ioctl_ptr(handle, KVM_ENABLE_CAP, &cap);
}

static int new_vm(void)
{
	return CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
}

static void caps_enable_arguments(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_DISABLE_QUIRKS, .flags = 1};
	int vm = new_vm(), vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap), -EINVAL);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_ENABLE_CAP, &cap), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_ENABLE_CAP, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_ENABLE_CAP, T_BAD_ADDRESS), -EFAULT);
	/* Capabilities that cannot be enabled, or are none. */
	CHECK_RESULT(enable(vm, KVM_CAP_IRQCHIP, 1), -EINVAL);
	CHECK_RESULT(enable(vcpu, KVM_CAP_IRQCHIP, 1), -EINVAL);
	CHECK_RESULT(enable(vm, 0xffffffff, 1), -EINVAL);
	CHECK_RESULT(enable(vcpu, 0xffffffff, 1), -EINVAL);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_ENABLE_CAP, &cap), -EINVAL);
}

static void caps_quirks(void)
{
	int vm = new_vm();
	long known = t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DISABLE_QUIRKS2);

	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DISABLE_QUIRKS), 1);
	CHECK(known > 0);
	CHECK_RESULT(enable(vm, KVM_CAP_DISABLE_QUIRKS2, (u64)known), 0);
	CHECK_RESULT(enable(vm, KVM_CAP_DISABLE_QUIRKS2, 1ull << 40), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DISABLE_QUIRKS2, (u64)known | 1ull << 63), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DISABLE_QUIRKS, 1ull << 40), 0);
}

static void caps_disable_exits(void)
{
	int vm = new_vm();
	long known = t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS), result;

	CHECK(known & KVM_X86_DISABLE_EXITS_PAUSE);
	CHECK_RESULT(enable(vm, KVM_CAP_X86_DISABLE_EXITS, 1ull << 40), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_PAUSE), 0);
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	/* Linux 6.1 takes it, to no effect on that vCPU. */
	result = enable(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_PAUSE);
	CHECK(result == -EINVAL || (result == 0 && !target_is_kvm0));
}

static void caps_max_vcpu_id(void)
{
	long most = t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	int vm = new_vm();

	CHECK_RESULT(enable(vm, KVM_CAP_MAX_VCPU_ID, (u64)most + 1), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_MAX_VCPU_ID, 2), 0);
	CHECK_RESULT(enable(vm, KVM_CAP_MAX_VCPU_ID, 2), 0);
	CHECK_RESULT(enable(vm, KVM_CAP_MAX_VCPU_ID, 3), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_VCPU, 2), -EINVAL);
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));
	/* Without one set, the first vCPU sets what there can be. */
	vm = new_vm();
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(enable(vm, KVM_CAP_MAX_VCPU_ID, 2), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_MAX_VCPU_ID, (u64)most), 0);
}

static void caps_enforce_pv(void)
{
	int vm = new_vm(), vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(enable(vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1), 0);
	CHECK_RESULT(enable(vm, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1), -EINVAL);
}

/* IA32_PLATFORM_INFO can be taken from the guest, not from the control guest. */
static void caps_platform_info(void)
{
	struct machine m;

	machine_need_vmx("RDMSR");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rcx = 0xce;
	machine_do(&m, state_rdmsr);
	CHECK_EQUAL(machine_regs(&m).rax, machine_get_msr(&m, 0xce));
	CHECK_RESULT(enable(m.vm, KVM_CAP_MSR_PLATFORM_INFO, 0), 0);
	machine_do(&m, fault_rdmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 13);
	(void)machine_get_msr(&m, 0xce);
	CHECK_RESULT(enable(m.vm, KVM_CAP_MSR_PLATFORM_INFO, 1), 0);
	machine_do(&m, state_rdmsr);
}

static void caps_system_attribute(void)
{
	u64 value = 0;
	struct kvm_device_attr a = {.attr = KVM_X86_XCOMP_GUEST_SUPP,
				    .addr = (u64)(uintptr_t)&value};

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_SYS_ATTRIBUTES), 1);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_HAS_DEVICE_ATTR, &a), 0);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_DEVICE_ATTR, &a), 0);
	CHECK(!value || (value & 3) == 3);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_SET_DEVICE_ATTR, &a), -EINVAL);
	a.addr = T_BAD_ADDRESS;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_HAS_DEVICE_ATTR, &a), 0);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_DEVICE_ATTR, &a), -EFAULT);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_DEVICE_ATTR, T_BAD_ADDRESS), -EFAULT);
	a.attr = 99;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_HAS_DEVICE_ATTR, &a), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_DEVICE_ATTR, &a), -ENXIO);
	a.attr = 0;
	a.group = 1;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_DEVICE_ATTR, &a), -ENXIO);
}

static void caps_pmu_event_filter(void)
{
	struct kvm_pmu_event_filter *f = check_pages(4096);
	int vm = new_vm();

	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_PMU_EVENT_FILTER), 1);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PMU_EVENT_FILTER, f), 0);
	f->action = KVM_PMU_EVENT_DENY;
	f->nevents = 300;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PMU_EVENT_FILTER, f), 0);
	f->nevents = 301;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PMU_EVENT_FILTER, f), -E2BIG);
	f->nevents = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PMU_EVENT_FILTER, f), -E2BIG);
	f->action = 2;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PMU_EVENT_FILTER, f), -EINVAL);
	f->action = 0;
	f->flags = 0x80;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PMU_EVENT_FILTER, f), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_PMU_EVENT_FILTER, T_BAD_ADDRESS), -EFAULT);
}

/* What is gone from KVM is as unknown as any other request. */
static void caps_removed_requests(void)
{
	int vm = new_vm(), vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	u8 *argument = check_pages(4096);

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_MEMORY_REGION, argument), -ENOTTY);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_MEMORY_ALIAS, argument), -ENOTTY);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_DEBUG_GUEST, argument), -EINVAL);
}

SUITE(caps, TEST(caps_enable_arguments), TEST(caps_quirks), TEST(caps_disable_exits),
      TEST(caps_max_vcpu_id), TEST(caps_enforce_pv), TEST(caps_platform_info),
      TEST(caps_system_attribute), TEST(caps_pmu_event_filter), TEST(caps_removed_requests));
