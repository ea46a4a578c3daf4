/* SPDX-License-Identifier: MIT */
/* KVM_HC_MAP_GPA_RANGE, the hypercall that is user space's to carry out. */
#include <linux/kvm_para.h>
#include "tests/abi/pv.h"

#define BIT_OF_IT (1u << KVM_HC_MAP_GPA_RANGE)
#define HIGH      0xabcd00000000ull

static long enable(int vm, u64 which)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_HYPERCALL, .args = {which}};

	return t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap);
}

static void start(struct machine *m, u64 address, u64 pages, u64 attributes)
{
	m->regs.rax = KVM_HC_MAP_GPA_RANGE;
	m->regs.rbx = address;
	m->regs.rcx = pages;
	m->regs.rdx = attributes;
	machine_start(m, m->mode == MODE_LONG ? fault_vmcall : prot_vmcall);
}

/* One that KVM answers itself. */
static s64 answered(struct machine *m, u64 address, u64 pages)
{
	start(m, address, pages, 0);
	machine_run_out(m, PORT_DONE);
	return (s64)machine_regs(m).rax;
}

static void map_gpa_capability(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_EXIT_HYPERCALL), BIT_OF_IT);
	CHECK_RESULT(enable(vm, BIT_OF_IT), 0);
	CHECK_RESULT(enable(vm, 0), 0);
	CHECK_RESULT(enable(vm, BIT_OF_IT | 1), -EINVAL);
	CHECK_RESULT(enable(vm, 1ull << 63), -EINVAL);
}

static void map_gpa_arguments(void)
{
	struct machine m;

	machine_need_vmx("hypercalls");
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(answered(&m, 0, 1), -KVM_ENOSYS);
	CHECK_RESULT(answered(&m, 1, 0), -KVM_ENOSYS);
	CHECK_RESULT(enable(m.vm, BIT_OF_IT), 0);
	CHECK_RESULT(answered(&m, 0, 0), -EINVAL);
	CHECK_RESULT(answered(&m, 1, 1), -EINVAL);
	CHECK_RESULT(answered(&m, 0x1800, 1), -EINVAL);
	CHECK_RESULT(answered(&m, 0x1000, ~0ull), -EINVAL);
	CHECK_RESULT(answered(&m, 0, 0), -EINVAL);
	CHECK_RESULT(enable(m.vm, 0), 0);
	CHECK_RESULT(answered(&m, 0x1000, 1), -KVM_ENOSYS);
}

static void expect_exit(struct machine *m, u64 address, u64 pages, u64 attributes, bool wide)
{
	machine_run(m, KVM_EXIT_HYPERCALL);
	CHECK_EQUAL(m->run->hypercall.nr, KVM_HC_MAP_GPA_RANGE);
	CHECK_EQUAL(m->run->hypercall.args[0], address);
	CHECK_EQUAL(m->run->hypercall.args[1], pages);
	CHECK_EQUAL(m->run->hypercall.args[2], attributes);
	CHECK_EQUAL(m->run->hypercall.longmode, wide);
}

/* Neither attributes nor addresses are KVM's to judge; the answer is the guest's result. */
static void map_gpa_exit(void)
{
	struct machine m;
	u64 rip;

	machine_need_vmx("hypercalls");
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(enable(m.vm, BIT_OF_IT), 0);
	start(&m, GPA_HIGH_END, 1ull << 51, ~0ull);
	rip = machine_regs(&m).rip;
	expect_exit(&m, GPA_HIGH_END, 1ull << 51, ~0ull, true);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 0);
	CHECK(machine_regs(&m).rip > rip); /* LEA is behind it, VMCALL is not */
	CHECK_EQUAL(machine_regs(&m).rax, KVM_HC_MAP_GPA_RANGE);
	m.run->hypercall.ret = 0x123456789abcdefull;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x123456789abcdefull);
	/* It is finished before a run ends for what is told by immediate_exit. */
	start(&m, 0, 1, 0);
	expect_exit(&m, 0, 1, 0, true);
	m.run->hypercall.ret = 5;
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rax, 5);
	m.run->immediate_exit = 0;
	machine_run_out(&m, PORT_DONE);
}

static void map_gpa_32bit(void)
{
	struct machine m;

	machine_need_vmx("hypercalls");
	machine_open(&m, MODE_PROT, 0);
	CHECK_RESULT(enable(m.vm, BIT_OF_IT), 0);
	start(&m, HIGH | 0x3000, HIGH | 2, HIGH | 0x10);
	expect_exit(&m, 0x3000, 2, 0x10, false);
	m.run->hypercall.ret = (u64)-KVM_EINVAL;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, (u32)-KVM_EINVAL);
}

/* CPUID has no say in it. */
static void map_gpa_enforced(void)
{
	struct machine m;

	machine_need_vmx("hypercalls");
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(enable(m.vm, BIT_OF_IT), 0);
	pv_set_features(m.vcpu, KVM_CPUID_SIGNATURE, 0);
	pv_enforce(m.vcpu, true);
	start(&m, 0, 1, 0);
	expect_exit(&m, 0, 1, 0, true);
	machine_run_out(&m, PORT_DONE);
}

SUITE(map_gpa, TEST(map_gpa_capability), TEST(map_gpa_arguments), TEST(map_gpa_exit),
      TEST(map_gpa_32bit), TEST(map_gpa_enforced));
