/* SPDX-License-Identifier: MIT */
/* What ends a KVM_RUN from outside: signals with KVM_SET_SIGNAL_MASK, and immediate_exit. */
#include "tests/abi/machine.h"

#define BOTH (T_SIGNAL_BIT(T_SIGNAL_A) | T_SIGNAL_BIT(T_SIGNAL_B))

struct mask {
	u32 len;
	u32 set[3]; /* the structure has no padding */
};

static void set_mask(int vcpu, u64 blocked)
{
	struct mask mask = {.len = 8, .set = {(u32)blocked, (u32)(blocked >> 32)}};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), 0);
}

static void signal_mask_refused(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	struct mask mask = {.len = 8};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), 0);
	mask.len = 4;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), -EINVAL);
	mask.len = 12;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), -EINVAL);
	mask.len = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), -EINVAL);
	mask.len = ~0u;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SIGNAL_MASK, &mask), -EINVAL);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_SIGNAL_MASK, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_SIGNAL_MASK, 0), 0);
}

/* A signal that is pending before the run: the guest does nothing, and the signal stays. */
static void signal_before_run(void)
{
	struct machine m;
	u64 rip;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, long_done);
	rip = machine_regs(&m).rip;
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_A));
	t_signal(m.vcpu, T_SIGNAL_A, 0);
	for (u32 i = 0; i < 2; i++) {
		m.run->exit_reason = KVM_EXIT_UNKNOWN;
		CHECK_RESULT(t_run(m.vcpu), -EINTR);
		CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_INTR);
		CHECK_EQUAL(machine_regs(&m).rip, rip);
	}
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_A));
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), 0);
	machine_run_out(&m, PORT_DONE);
}

/* One that the mask blocks does not end the run, until the mask lets it through. */
static void signal_blocked(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_A));
	t_signal(m.vcpu, T_SIGNAL_B, 0);
	machine_do(&m, long_done);
	set_mask(m.vcpu, ~BOTH);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_B));
	machine_do(&m, long_done);
}

/* What the last exit left open is finished first: the answer of a port is in the register. */
static void signal_completes(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, long_in);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.direction, KVM_EXIT_IO_IN);
	memset(machine_io_data(&m), 0x5a, m.run->io.size);
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_A));
	t_signal(m.vcpu, T_SIGNAL_A, 0);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rax & 0xff, 0x5a);
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_A));
}

/* It ends a run of a guest that never exits by itself (for RFLAGS.IF see run_endless()) ... */
static void signal_running(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rflags = 0x202;
	machine_start(&m, long_spin);
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_A));
	t_signal(m.vcpu, T_SIGNAL_A, 5);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_INTR);
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_A));
}

/* ... of one whose one instruction reads a register of the local APIC 2^30 times, all of a
 * gigabyte leading there ... */
static void signal_long_instruction(void)
{
	struct machine m;
	u64 *table, *directory;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	table = machine_at(&m, GPA_RESULTS);
	directory = (u64 *)machine_at(&m, GPA_PD) + 2 * 512;
	for (u32 i = 0; i < 512; i++) {
		table[i] = GPA_APIC | 3;
		directory[i] = GPA_RESULTS | 3;
	}
	m.regs.rflags = 0x202;
	m.regs.rsi = 2ull << 30;
	m.regs.rcx = 1u << 30;
	machine_start(&m, long_rep_load);
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_A));
	t_signal(m.vcpu, T_SIGNAL_A, 10);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rcx + machine_regs(&m).rsi, 3ull << 30);
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_A));
}

/* ... and of one that halts, which is halted still. */
static void signal_halted(void)
{
	struct kvm_mp_state mp;
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	machine_start(&m, long_hlt);
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_B));
	t_signal(m.vcpu, T_SIGNAL_B, 5);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_INTR);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_MP_STATE, &mp), 0);
	CHECK_EQUAL(mp.mp_state, KVM_MP_STATE_HALTED);
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_B));
}

/* immediate_exit says nothing in exit_reason, unlike a signal, and takes any value but 0. */
static void signal_immediate_exit(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, long_done);
	m.run->exit_reason = KVM_EXIT_DCR;
	m.run->immediate_exit = 0xff;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_DCR);
	set_mask(m.vcpu, ~T_SIGNAL_BIT(T_SIGNAL_A));
	t_signal(m.vcpu, T_SIGNAL_A, 0);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_DCR);
	CHECK_EQUAL(t_take_signals(m.vcpu, BOTH), T_SIGNAL_BIT(T_SIGNAL_A));
	m.run->immediate_exit = 0;
	machine_run_out(&m, PORT_DONE);
}

SUITE(signal, TEST(signal_mask_refused), TEST(signal_before_run), TEST(signal_blocked),
      TEST(signal_completes), TEST(signal_running), TEST(signal_long_instruction),
      TEST(signal_halted), TEST(signal_immediate_exit));
