/* SPDX-License-Identifier: MIT */
/* MSR filters, and a guest's accesses to MSRs that end in user space. */
#include "tests/abi/machine.h"

#define MSR_LSTAR       0xc0000082u
#define MSR_STAR        0xc0000081u
#define MSR_MISC_ENABLE 0x1a0u
#define MSR_UNKNOWN     0x0badbad0u

#define REASON_ALL                                                                                 \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)
#define READ_WRITE (KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

static long set_filter(int vm, const struct kvm_msr_filter *f)
{
	return t_ioctl_ptr(vm, KVM_X86_SET_MSR_FILTER, f);
}

static long enable(int vm, u64 reasons)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR, .args = {reasons}};

	return t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap);
}

static struct kvm_msr_filter_range range(u32 flags, u32 base, u32 nmsrs, void *bitmap)
{
	return (struct kvm_msr_filter_range){
		.flags = flags, .nmsrs = nmsrs, .base = base, .bitmap = bitmap};
}

static void filter_arguments(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	struct kvm_msr_filter f = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
	u8 *bitmap = check_pages(4096);

	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER), 1);
	CHECK_RESULT(set_filter(vm, &f), 0);
	CHECK_RESULT(t_ioctl(vm, KVM_X86_SET_MSR_FILTER, T_BAD_ADDRESS), -EFAULT);
	/* To deny everything is a mistake. */
	f.flags = KVM_MSR_FILTER_DEFAULT_DENY;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.flags = 2;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
	f.ranges[0] = range(0, 0, 8, bitmap);
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.ranges[0].flags = 4;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.ranges[0].flags = READ_WRITE | 4;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.ranges[0].flags = READ_WRITE;
	CHECK_RESULT(set_filter(vm, &f), 0);
	/* A range without MSRs is none. */
	f.ranges[0] = range(0xff, 0, 0, NULL);
	CHECK_RESULT(set_filter(vm, &f), 0);
	f.ranges[15] = range(KVM_MSR_FILTER_READ, 0, 1, bitmap);
	f.flags = KVM_MSR_FILTER_DEFAULT_DENY;
	CHECK_RESULT(set_filter(vm, &f), 0);
}

static void filter_sizes(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	struct kvm_msr_filter f = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
	u8 *bitmap = check_pages(4096);

	f.ranges[0] = range(READ_WRITE, 0, KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8, bitmap);
	CHECK_RESULT(set_filter(vm, &f), 0);
	f.ranges[0].nmsrs++;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.ranges[0].nmsrs = 0xffffffff;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
	f.ranges[0].nmsrs = 16;
	f.ranges[0].base = 0xfffffff8;
	CHECK_RESULT(set_filter(vm, &f), 0);
	f.ranges[0].bitmap = (u8 *)(uintptr_t)T_BAD_ADDRESS;
	CHECK_RESULT(set_filter(vm, &f), -EFAULT);
	/* All ranges as large as they can be. */
	for (u32 i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		f.ranges[i] =
			range(READ_WRITE, i << 16, KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8, bitmap);
	CHECK_RESULT(set_filter(vm, &f), 0);
	f.ranges[15].flags = 0;
	CHECK_RESULT(set_filter(vm, &f), -EINVAL);
}

static void user_msr_arguments(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR, .args = {REASON_ALL}};
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_X86_USER_SPACE_MSR), 1);
	CHECK_RESULT(enable(vm, 0), 0);
	CHECK_RESULT(enable(vm, REASON_ALL), 0);
	CHECK_RESULT(enable(vm, REASON_ALL + 1), -EINVAL);
	CHECK_RESULT(enable(vm, 1ull << 32), -EINVAL);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_ENABLE_CAP, &cap), -EINVAL);
	cap.flags = 1;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap), -EINVAL);
}

static void expect_exit(struct machine *m, u32 exit, u32 reason, u32 index)
{
	machine_run(m, exit);
	CHECK_EQUAL(m->run->msr.reason, reason);
	CHECK_EQUAL(m->run->msr.index, index);
	CHECK_EQUAL(m->run->msr.error, 0);
}

static void open(struct machine *m, u64 reasons)
{
	machine_need_vmx("RDMSR and WRMSR");
	machine_open(m, MODE_LONG, MACHINE_CPUID | MACHINE_IRQCHIP);
	CHECK_RESULT(enable(m->vm, reasons), 0);
}

/* The guest reads `index`, and gets what user space answers. */
static void read_answered(struct machine *m, u32 reason, u32 index)
{
	m->regs.rcx = index;
	machine_start(m, state_rdmsr);
	expect_exit(m, KVM_EXIT_X86_RDMSR, reason, index);
	m->run->msr.data = 0x1122334455667788;
	machine_run_out(m, PORT_DONE);
	CHECK_EQUAL(machine_regs(m).rax, 0x1122334455667788);
}

/* The same, refused: #GP. */
static void read_refused(struct machine *m, u32 reason, u32 index)
{
	*(u64 *)machine_at(m, GPA_VARS + VAR_FAULTS) = 0;
	m->regs.rcx = index;
	machine_start(m, fault_rdmsr);
	expect_exit(m, KVM_EXIT_X86_RDMSR, reason, index);
	m->run->msr.error = 1;
	machine_run_out(m, PORT_DONE);
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_VECTOR), 13);
}

static void gets_fault(struct machine *m, const char *routine, u32 index)
{
	*(u64 *)machine_at(m, GPA_VARS + VAR_FAULTS) = 0;
	m->regs.rcx = index;
	machine_do(m, routine);
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_VECTOR), 13);
}

static void user_msr_unknown(void)
{
	struct machine m;

	open(&m, KVM_MSR_EXIT_REASON_UNKNOWN);
	read_answered(&m, KVM_MSR_EXIT_REASON_UNKNOWN, MSR_UNKNOWN);
	read_refused(&m, KVM_MSR_EXIT_REASON_UNKNOWN, MSR_UNKNOWN);
	m.regs.rcx = MSR_UNKNOWN;
	m.regs.rax = 0x55667788;
	m.regs.rdx = 0x11223344;
	machine_start(&m, fault_wrmsr);
	expect_exit(&m, KVM_EXIT_X86_WRMSR, KVM_MSR_EXIT_REASON_UNKNOWN, MSR_UNKNOWN);
	CHECK_EQUAL(m.run->msr.data, 0x1122334455667788);
	machine_run_out(&m, PORT_DONE);
	/* Other reasons were not asked for, and these no more. */
	m.regs.rax = 2;
	gets_fault(&m, fault_wrmsr, 0x2ff);
	CHECK_RESULT(enable(m.vm, 0), 0);
	gets_fault(&m, fault_rdmsr, MSR_UNKNOWN);
}

static void user_msr_invalid(void)
{
	struct machine m;

	open(&m, KVM_MSR_EXIT_REASON_INVAL);
	gets_fault(&m, fault_rdmsr, MSR_UNKNOWN);
	m.regs.rcx = 0x2ff; /* IA32_MTRR_DEF_TYPE */
	m.regs.rax = 2;
	machine_start(&m, fault_wrmsr);
	expect_exit(&m, KVM_EXIT_X86_WRMSR, KVM_MSR_EXIT_REASON_INVAL, 0x2ff);
	CHECK_EQUAL(m.run->msr.data, 2);
	m.run->msr.error = 1;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 13);
}

/* Also MSRs that need no exit otherwise. */
static void filter_denies(void)
{
	struct kvm_msr_filter f = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
	struct machine m;
	u64 *bitmap = check_pages(4096);

	open(&m, KVM_MSR_EXIT_REASON_FILTER);
	machine_set_msr(&m, MSR_LSTAR, 0x1000);
	bitmap[0] = ~0ull & ~(1ull << 2); /* all but LSTAR */
	f.ranges[0] = range(READ_WRITE, 0xc0000080, 64, bitmap);
	CHECK_RESULT(set_filter(m.vm, &f), 0);
	read_answered(&m, KVM_MSR_EXIT_REASON_FILTER, MSR_LSTAR);
	read_refused(&m, KVM_MSR_EXIT_REASON_FILTER, MSR_LSTAR);
	m.regs.rcx = MSR_LSTAR;
	m.regs.rax = 0x2000;
	m.regs.rdx = 0;
	machine_start(&m, fault_wrmsr);
	expect_exit(&m, KVM_EXIT_X86_WRMSR, KVM_MSR_EXIT_REASON_FILTER, MSR_LSTAR);
	machine_run_out(&m, PORT_DONE);
	/* Calls are not filtered. */
	CHECK_EQUAL(machine_get_msr(&m, MSR_LSTAR), 0x1000);
	/* Without the reason: #GP. */
	CHECK_RESULT(enable(m.vm, KVM_MSR_EXIT_REASON_UNKNOWN), 0);
	gets_fault(&m, fault_rdmsr, MSR_LSTAR);
	gets_fault(&m, fault_wrmsr, MSR_LSTAR);
	/* Away with it. */
	f.ranges[0].nmsrs = 0;
	CHECK_RESULT(set_filter(m.vm, &f), 0);
	m.regs.rcx = MSR_LSTAR;
	machine_do(&m, state_rdmsr);
	CHECK_EQUAL(machine_regs(&m).rax, 0x1000);
}

/* Reads and writes apart; the first range that has the MSR decides; the others by default. */
static void filter_kinds(void)
{
	struct kvm_msr_filter f = {.flags = KVM_MSR_FILTER_DEFAULT_DENY};
	struct machine m;
	u64 *none = check_pages(4096), *all = check_pages(4096);

	open(&m, 0);
	machine_set_msr(&m, MSR_STAR, 0x5500000000);
	*all = ~0ull;
	f.ranges[0] = range(KVM_MSR_FILTER_WRITE, 0xc0000080, 8, none);
	f.ranges[1] = range(READ_WRITE, 0xc0000080, 8, all);
	CHECK_RESULT(set_filter(m.vm, &f), 0);
	m.regs.rcx = MSR_STAR;
	machine_do(&m, state_rdmsr);
	CHECK_EQUAL(machine_regs(&m).rax, 0x5500000000);
	gets_fault(&m, fault_wrmsr, MSR_STAR);
	gets_fault(&m, fault_rdmsr, MSR_MISC_ENABLE);
	gets_fault(&m, fault_rdmsr, 0x10);
	gets_fault(&m, fault_rdmsr, 0xc0000102);
	/* A vCPU that is made afterwards obeys it too, and x2APIC's MSRs are not filtered. */
	machine_set_msr(&m, 0x1b, 0xfee00d00);
	m.regs.rcx = 0x802;
	machine_do(&m, state_rdmsr);
	CHECK_EQUAL(machine_regs(&m).rax, 0);
}

SUITE(msr_filter, TEST(filter_arguments), TEST(filter_sizes), TEST(user_msr_arguments),
      TEST(user_msr_unknown), TEST(user_msr_invalid), TEST(filter_denies), TEST(filter_kinds));
