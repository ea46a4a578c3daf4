/* SPDX-License-Identifier: MIT */
/* A VM's clock, and the rate and the offset of its vCPUs' TSCs. */
#include "tests/abi/machine.h"

#define MSR_TSC        0x10u
#define MSR_TSC_ADJUST 0x3bu

static int new_vm(void)
{
	return CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
}

static u64 clock_of(int vm, u32 *flags)
{
	struct kvm_clock_data d;

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_CLOCK, &d), 0);
	if (flags)
		*flags = d.flags;
	return d.clock;
}

static void time_clock(void)
{
	long known = t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK);
	struct kvm_clock_data d = {.clock = 5000000000ull};
	int vm = new_vm();
	u64 first = clock_of(vm, NULL);
	u32 flags;

	CHECK(known & KVM_CLOCK_TSC_STABLE);
	CHECK(first < 5000000000ull);
	CHECK(clock_of(vm, &flags) > first);
	CHECK_EQUAL(flags & ~(u32)known, 0);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_CLOCK, &d), 0);
	first = clock_of(vm, NULL);
	CHECK(first >= d.clock && first < d.clock + 5000000000ull);
	/* Backwards too. */
	d.clock = 0;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_CLOCK, &d), 0);
	CHECK(clock_of(vm, NULL) < first);
	CHECK_RESULT(t_ioctl(vm, KVM_GET_CLOCK, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_CLOCK, T_BAD_ADDRESS), -EFAULT);
}

/* Each flag that the capability has can be set, and no other. */
static void time_clock_flags(void)
{
	long known = t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK);
	struct kvm_clock_data d = {.clock = 1000};
	int vm = new_vm();

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_CLOCK, &d), 0);
	for (u32 i = 0; i < 32; i++) {
		d.flags = 1u << i;
		CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_CLOCK, &d), known & 1l << i ? 0 : -EINVAL);
	}
}

static void time_khz(void)
{
	int vm = new_vm(), vcpu;
	long host = t_ioctl(vm, KVM_GET_TSC_KHZ, 0), khz;

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_GET_TSC_KHZ), 1);
	CHECK(host > 0);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSC_KHZ, (u64)host), 0);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSC_KHZ, 0), 0);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_TSC_KHZ, 0), host);
	/* Not any more, now that there are vCPUs; Linux 6.1 does not mind. */
	khz = t_ioctl(vm, KVM_SET_TSC_KHZ, (u64)host);
	CHECK(khz == -EINVAL || (khz == 0 && !target_is_kvm0));
	/* What is near enough needs no scaling: 250 parts of a million. */
	khz = host + host / 10000;
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_TSC_KHZ, (u64)khz), 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_TSC_KHZ, 0), khz);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_TSC_KHZ, 0), 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_TSC_KHZ, 0), host);
	/* The argument has 32 bits. */
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_TSC_KHZ, (u64)host + (1ull << 32)), 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_TSC_KHZ, 0), host);
	if (!t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL))
		CHECK_RESULT(t_ioctl(vcpu, KVM_SET_TSC_KHZ, (u64)host / 2), -EINVAL);
}

/* How far the guest's TSC goes while the clock goes on by a millisecond, in kHz. */
static u64 measured_khz(const struct machine *m)
{
	u64 start = clock_of(m->vm, NULL), tsc = machine_get_msr(m, MSR_TSC), now;

	do
		now = clock_of(m->vm, NULL);
	while (now < start + 2000000);
	return (machine_get_msr(m, MSR_TSC) - tsc) * 1000000 / (now - start);
}

/* A guest whose TSC runs at another rate than the machine's, its deadline timer too. */
static void time_scaled(void)
{
	struct machine m;
	u64 host, got;

	if (!t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL))
		check_skip("no TSC scaling on this machine");
	machine_open(&m, MODE_LONG, MACHINE_CPUID | MACHINE_IRQCHIP);
	host = (u64)t_ioctl(m.vcpu, KVM_GET_TSC_KHZ, 0);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_SET_TSC_KHZ, 0x80000000), -EINVAL);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_SET_TSC_KHZ, host * 3), 0);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_GET_TSC_KHZ, 0), (long)host * 3);
	got = measured_khz(&m);
	if (got < host * 2 || got > host * 4)
		check_fail(__FILE__, __LINE__, "%llu kHz, not %llu", got, host * 3);
	/* RDTSC of the guest is what the call reads. */
	machine_set_msr(&m, MSR_TSC, 1ull << 50);
	machine_start(&m, state_tsc);
	machine_run_out(&m, PORT_READY);
	CHECK(machine_regs(&m).r9 >= 1ull << 50);
	CHECK(machine_regs(&m).r9 <= machine_get_msr(&m, MSR_TSC));
	machine_run_out(&m, PORT_DONE);
	/* A deadline: from RDTSC + RAX, r9, to when it had come, RAX. */
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = host * 3;
	machine_do(&m, irq_timer_deadline);
	CHECK(machine_regs(&m).rax >= machine_regs(&m).r9);
	CHECK(machine_regs(&m).rax < machine_regs(&m).r9 + host * 300);
}

/* For the VM, before there are vCPUs. */
static void time_scaled_vm(void)
{
	int vm = new_vm(), vcpu;
	long host = t_ioctl(vm, KVM_GET_TSC_KHZ, 0);

	if (!t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_VM_TSC_CONTROL))
		check_skip("no TSC scaling on this machine");
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSC_KHZ, 0x80000000), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSC_KHZ, (u64)host / 2), 0);
	CHECK_RESULT(t_ioctl(vm, KVM_GET_TSC_KHZ, 0), host / 2);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_TSC_KHZ, 0), host / 2);
}

static long offset_attr(int vcpu, u64 request, u64 *offset)
{
	struct kvm_device_attr a = {.group = KVM_VCPU_TSC_CTRL,
				    .attr = KVM_VCPU_TSC_OFFSET,
				    .addr = (u64)(uintptr_t)offset};

	return t_ioctl_ptr(vcpu, request, &a);
}

static void time_offset_attribute(void)
{
	int vm = new_vm(), vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	struct kvm_device_attr a = {.addr = T_BAD_ADDRESS};
	u64 offset = 0, again = 1;

	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_VCPU_ATTRIBUTES), 1);
	CHECK_RESULT(offset_attr(vcpu, KVM_HAS_DEVICE_ATTR, NULL), 0);
	CHECK_RESULT(offset_attr(vcpu, KVM_GET_DEVICE_ATTR, &offset), 0);
	CHECK_RESULT(offset_attr(vcpu, KVM_SET_DEVICE_ATTR, &offset), 0);
	CHECK_RESULT(offset_attr(vcpu, KVM_GET_DEVICE_ATTR, &again), 0);
	CHECK_EQUAL(again, offset);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_DEVICE_ATTR, &a), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_DEVICE_ATTR, &a), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_DEVICE_ATTR, T_BAD_ADDRESS), -EFAULT);
	a.attr = 1;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_HAS_DEVICE_ATTR, &a), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_DEVICE_ATTR, &a), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_DEVICE_ATTR, &a), -ENXIO);
	a.attr = 0;
	a.group = 1;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_HAS_DEVICE_ATTR, &a), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_DEVICE_ATTR, &a), -ENXIO);
}

/* The offset moves the TSC; TSC_ADJUST is the guest's own business. */
static void time_offset(void)
{
	struct machine m;
	u64 offset, before;

	machine_need_vmx("the offset of a guest's TSC");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(offset_attr(m.vcpu, KVM_GET_DEVICE_ATTR, &offset), 0);
	before = machine_get_msr(&m, MSR_TSC);
	offset += 1ull << 40;
	CHECK_RESULT(offset_attr(m.vcpu, KVM_SET_DEVICE_ATTR, &offset), 0);
	CHECK(machine_get_msr(&m, MSR_TSC) - before >= 1ull << 40);
	CHECK(machine_get_msr(&m, MSR_TSC) - before < 2ull << 40);
	CHECK_EQUAL(machine_get_msr(&m, MSR_TSC_ADJUST), 0);
	/* The host's write to TSC_ADJUST moves nothing, the guest's does. */
	machine_set_msr(&m, MSR_TSC_ADJUST, 5ull << 40);
	CHECK(machine_get_msr(&m, MSR_TSC) - before < 2ull << 40);
	m.regs.rcx = MSR_TSC_ADJUST;
	m.regs.rax = 8ull << 40;
	machine_do(&m, state_wrmsr);
	CHECK_EQUAL(machine_regs(&m).rax, 8ull << 40);
	CHECK(machine_get_msr(&m, MSR_TSC) - before >= 4ull << 40);
}

/* vCPUs that are made, or set, one after the other have one TSC. */
static void time_synchronized(void)
{
	int vm = new_vm(), vcpu[2];
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = MSR_TSC}};
	u64 offset[2];

	machine_need_vmx("the offset of a guest's TSC");
	for (u32 i = 0; i < 2; i++) {
		vcpu[i] = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, i));
		CHECK_RESULT(offset_attr(vcpu[i], KVM_GET_DEVICE_ATTR, &offset[i]), 0);
	}
	CHECK_EQUAL(offset[0], offset[1]);
	for (u32 n = 0; n < 2; n++) {
		msr.entry.data = n ? 0 : 1ull << 50;
		for (u32 i = 0; i < 2; i++) {
			CHECK_RESULT(t_ioctl_ptr(vcpu[i], KVM_SET_MSRS, &msr), 1);
			CHECK_RESULT(offset_attr(vcpu[i], KVM_GET_DEVICE_ATTR, &offset[i]), 0);
		}
		CHECK_EQUAL(offset[0], offset[1]);
	}
}

/* The guest has no clock of KVM's. */
static void time_kvmclock_ctrl(void)
{
	int vm = new_vm(), vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(t_ioctl(vcpu, KVM_KVMCLOCK_CTRL, 0), -EINVAL);
}

SUITE(time, TEST(time_clock), TEST(time_clock_flags), TEST(time_khz), TEST(time_scaled),
      TEST(time_scaled_vm), TEST(time_offset_attribute), TEST(time_offset), TEST(time_synchronized),
      TEST(time_kvmclock_ctrl));
