/* SPDX-License-Identifier: MIT */
/* Machine checks: the banks that a vCPU has, and errors that are reported to it. */
#include "tests/abi/machine.h"

#define MCG_CAP    0x179u
#define MCG_STATUS 0x17au
#define MCG_CTL    0x17bu
#define MC_CTL(n)  (0x400u + 4 * (n))

#define CAP_CTL     (1ull << 8)
#define CAP_SER     (1ull << 24)
#define VALID       (1ull << 63)
#define OVERFLOW    (1ull << 62)
#define UNCORRECTED (1ull << 61)
#define ENABLED     (1ull << 60)
#define PCC         (1ull << 57)
#define SIGNALLED   (1ull << 56)
#define RIPV        1ull
#define EIPV        2ull
#define IN_PROGRESS 4ull
#define CR4_MCE     0x40ull
#define VECTOR_MC   18

static long setup(const struct machine *m, u64 cap)
{
	return t_ioctl_ptr(m->vcpu, KVM_X86_SETUP_MCE, &cap);
}

static void open(struct machine *m, enum machine_mode mode)
{
	u64 supported;

	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_X86_GET_MCE_CAP_SUPPORTED, &supported), 0);
	CHECK_EQUAL(supported & (CAP_CTL | CAP_SER), CAP_CTL | CAP_SER);
	machine_open(m, mode, MACHINE_CPUID);
	CHECK_RESULT(setup(m, CAP_CTL | CAP_SER | 4), 0);
}

static void set_cr4_mce(struct machine *m)
{
	struct kvm_sregs s = machine_sregs(m);

	s.cr4 |= CR4_MCE;
	machine_set_sregs(m, &s);
}

static long report(const struct machine *m, u8 bank, u64 status, u64 mcg_status)
{
	struct kvm_x86_mce e = {.status = status,
				.addr = 0x1234000,
				.misc = 0x8c,
				.mcg_status = mcg_status,
				.bank = bank};

	return t_ioctl_ptr(m->vcpu, KVM_X86_SET_MCE, &e);
}

static void mce_setup(void)
{
	struct machine m;
	u64 supported;

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_MCE), 32);
	CHECK_RESULT(t_ioctl(t_system(), KVM_X86_GET_MCE_CAP_SUPPORTED, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_X86_GET_MCE_CAP_SUPPORTED, &supported), 0);
	machine_open(&m, MODE_LONG, 0);
	/* All banks are there before, and none of the rest. */
	CHECK_EQUAL(machine_get_msr(&m, MCG_CAP), 32);
	CHECK_RESULT(setup(&m, 0), -EINVAL);
	CHECK_RESULT(setup(&m, supported), -EINVAL);
	CHECK_RESULT(setup(&m, supported | 33), -EINVAL);
	CHECK_RESULT(setup(&m, 10 | 1ull << 9), -EINVAL);
	CHECK_RESULT(setup(&m, 10 | 1ull << 63), -EINVAL);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_X86_SETUP_MCE, T_BAD_ADDRESS), -EFAULT);
	CHECK_EQUAL(machine_get_msr(&m, MCG_CAP), 32);
	CHECK_RESULT(setup(&m, supported | 32), 0);
	CHECK_EQUAL(machine_get_msr(&m, MCG_CAP), supported | 32);
	CHECK_RESULT(setup(&m, CAP_CTL | 10), 0);
	CHECK_EQUAL(machine_get_msr(&m, MCG_CAP), CAP_CTL | 10);
	CHECK_EQUAL(machine_get_msr(&m, MCG_CTL), ~0ull);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(9)), ~0ull);
}

/* Only banks that were set up, and only values that a bank can have. */
static void mce_banks(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1};
	struct machine m;

	open(&m, MODE_LONG);
	machine_set_msr(&m, MC_CTL(3) + 1, VALID | 5);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(3) + 1), VALID | 5);
	machine_set_msr(&m, MC_CTL(3), 0);
	machine_set_msr(&m, MC_CTL(3) + 2, 0x1000);
	machine_set_msr(&m, MC_CTL(3) + 3, 0x2000);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(3) + 3), 0x2000);
	msr.entry.index = MC_CTL(4);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_MSRS, &msr), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MSRS, &msr), 0);
	msr.entry.index = MC_CTL(2);
	msr.entry.data = 3;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MSRS, &msr), 0);
	msr.entry.index = MCG_CAP;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MSRS, &msr), 0);
	msr.entry.index = MCG_CTL;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MSRS, &msr), 0);
}

static void mce_report_refused(void)
{
	struct machine m;

	open(&m, MODE_LONG);
	CHECK_RESULT(report(&m, 4, VALID, 0), -EINVAL);
	CHECK_RESULT(report(&m, 255, VALID, 0), -EINVAL);
	CHECK_RESULT(report(&m, 0, UNCORRECTED, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_X86_SET_MCE, T_BAD_ADDRESS), -EFAULT);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(0) + 1), 0);
}

static void mce_corrected(void)
{
	struct machine m;

	open(&m, MODE_LONG);
	CHECK_RESULT(report(&m, 1, VALID | 7, 0), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(1) + 1), VALID | 7);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(1) + 2), 0x1234000);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(1) + 3), 0x8c);
	CHECK_RESULT(report(&m, 1, VALID | 8, 0), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(1) + 1), VALID | OVERFLOW | 8);
	/* An uncorrected one is not overwritten by a corrected one. */
	machine_set_msr(&m, MC_CTL(1) + 1, VALID | UNCORRECTED | 9);
	CHECK_RESULT(report(&m, 1, VALID | 10, 0), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(1) + 1), VALID | OVERFLOW | UNCORRECTED | 9);
}

/* Uncorrected, no action required: noted, without an exception. */
static void mce_no_action(void)
{
	struct machine m;

	open(&m, MODE_LONG);
	CHECK_RESULT(report(&m, 2, VALID | UNCORRECTED | ENABLED | 3, 0), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(2) + 1), VALID | UNCORRECTED | ENABLED | 3);
	CHECK_EQUAL(machine_get_msr(&m, MCG_STATUS), 0);
	machine_do(&m, long_done);
}

/* The guest gets #MC. */
static void mce_uncorrected(void)
{
	struct machine m;
	u64 status = VALID | UNCORRECTED | ENABLED | SIGNALLED | 0xcf;
	struct kvm_vcpu_events e;

	machine_need_vmx("the delivery of #MC");
	open(&m, MODE_LONG);
	set_cr4_mce(&m);
	m.regs.r14 = machine_entry(long_done); /* where the handler goes on */
	machine_start(&m, long_done);          /* before it: KVM_SET_REGS drops exceptions */
	CHECK_RESULT(report(&m, 2, status, RIPV | EIPV | IN_PROGRESS), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(2) + 1), status);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(2) + 2), 0x1234000);
	CHECK_EQUAL(machine_get_msr(&m, MCG_STATUS), RIPV | EIPV | IN_PROGRESS);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_VCPU_EVENTS, &e), 0);
	CHECK_EQUAL(e.exception.pending, 1);
	CHECK_EQUAL(e.exception.nr, VECTOR_MC);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), VECTOR_MC);
}

/* The guest has turned it off, for all banks or for one: nothing happens. */
static void mce_turned_off(void)
{
	struct machine m;
	u64 status = VALID | UNCORRECTED | SIGNALLED;

	open(&m, MODE_LONG);
	machine_set_msr(&m, MCG_CTL, 0);
	CHECK_RESULT(report(&m, 0, status, RIPV), 0);
	machine_set_msr(&m, MCG_CTL, ~0ull);
	machine_set_msr(&m, MC_CTL(0), 0);
	CHECK_RESULT(report(&m, 0, status, RIPV), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(0) + 1), 0);
	CHECK_EQUAL(machine_get_msr(&m, MCG_STATUS), 0);
	machine_do(&m, long_done);
}

/* While one is being handled, or with CR4.MCE off, it shuts the guest down. */
static void mce_shutdown(void)
{
	struct machine m;
	u64 status = VALID | UNCORRECTED | PCC;

	open(&m, MODE_LONG);
	CHECK_RESULT(report(&m, 0, status, IN_PROGRESS), 0);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL(0) + 1), 0);
	machine_start(&m, long_done);
	machine_run(&m, KVM_EXIT_SHUTDOWN);
	set_cr4_mce(&m);
	machine_set_msr(&m, MCG_STATUS, IN_PROGRESS);
	CHECK_RESULT(report(&m, 0, status, IN_PROGRESS), 0);
	machine_run(&m, KVM_EXIT_SHUTDOWN);
	machine_run_out(&m, PORT_DONE);
}

SUITE(mce, TEST(mce_setup), TEST(mce_banks), TEST(mce_report_refused), TEST(mce_corrected),
      TEST(mce_no_action), TEST(mce_uncorrected), TEST(mce_turned_off), TEST(mce_shutdown));
