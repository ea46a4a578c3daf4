/* SPDX-License-Identifier: MIT */
/*
 * All of a VM's state, read with every KVM_GET_* and put into a new VM with every KVM_SET_*, in
 * the order that the control guest has (guest/control/vmm/state.c): time and again while a guest
 * works, and in the moments in which most of it is under way.
 */
#include "guest/control/vmm/state.h"
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

#define MOVES 20u

static struct vcpu_state vcpu, vcpu_again;
static struct state state = {.count = 1, .vcpus = &vcpu};
static struct state again = {.count = 1, .vcpus = &vcpu_again};

/* Completes the port access that the vCPU was about, and does no more. */
static void pause(struct machine *m)
{
	m->run->immediate_exit = 1;
	CHECK_RESULT(t_run(m->vcpu), -EINTR);
	m->run->immediate_exit = 0;
}

static void get(const struct machine *m, struct state *to)
{
	const char *step = "";
	u32 handle = (u32)m->vcpu;
	s64 result = state_get(to, (u32)m->vm, &handle, &step);

	if (result < 0)
		check_fail(__FILE__, __LINE__, "reading %s: %lld", step, result);
}

static void set(const struct machine *m)
{
	const char *step = "";
	u32 handle = (u32)m->vcpu;
	s64 result = state_set(&state, (u32)m->vm, &handle, &step);

	if (result < 0)
		check_fail(__FILE__, __LINE__, "setting %s: %lld", step, result);
}

/* What has to read back as it was set.  Counters and clocks go on. */
static void compare(void)
{
	CHECK(!memcmp(&vcpu_again.regs, &vcpu.regs, sizeof(vcpu.regs)));
	CHECK(!memcmp(&vcpu_again.sregs, &vcpu.sregs, sizeof(vcpu.sregs)));
	CHECK(!memcmp(&vcpu_again.xcrs, &vcpu.xcrs, sizeof(vcpu.xcrs)));
	CHECK(!memcmp(&vcpu_again.debugregs, &vcpu.debugregs, sizeof(vcpu.debugregs)));
	CHECK(!memcmp(&vcpu_again.events, &vcpu.events, sizeof(vcpu.events)));
	CHECK(!memcmp(&again.irqchips, &state.irqchips, sizeof(state.irqchips)));
	CHECK(!memcmp(vcpu_again.xsave, vcpu.xsave, sizeof(vcpu.xsave)));
	CHECK_EQUAL(vcpu_again.mp_state.mp_state, vcpu.mp_state.mp_state);
	CHECK_EQUAL(again.pit.channels[0].count, state.pit.channels[0].count);
	CHECK_EQUAL(again.pit.channels[0].mode, state.pit.channels[0].mode);
	CHECK_EQUAL(vcpu_again.tsc_khz, vcpu.tsc_khz);
	CHECK_EQUAL(vcpu_again.cpuid.head.nent, vcpu.cpuid.head.nent);
	CHECK_EQUAL(vcpu_again.msrs.head.nmsrs, vcpu.msrs.head.nmsrs);
	CHECK(again.clock.clock >= state.clock.clock);
	/* The guest's TSC goes on from where it was. */
	CHECK(again.taken_at + vcpu_again.tsc_offset >= state.taken_at + vcpu.tsc_offset);
}

static void enable(const struct machine *m, u32 cap)
{
	struct kvm_enable_cap c = {.cap = cap, .args = {1}};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_ENABLE_CAP, &c), 0);
}

/* Another VM takes the machine's place, with the same memory; `cap` is enabled, if it is not 0. */
static void move_with(struct machine *m, u32 cap)
{
	int old_vm = m->vm, old_vcpu = m->vcpu;

	pause(m);
	get(m, &state);
	machine_reopen(m);
	if (cap)
		enable(m, cap);
	set(m);
	get(m, &again);
	compare();
	check_close(old_vcpu);
	check_close(old_vm);
}

static void move(struct machine *m)
{
	move_with(m, 0);
}

static void move_at_work(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_PIT | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rsi = MOVES;
	machine_start(&m, move_work);
	for (u32 i = 1; i <= MOVES; i++) {
		machine_run(&m, KVM_EXIT_IO);
		if (m.run->io.port == PORT_DONE)
			break;
		CHECK_EQUAL(*(u32 *)(void *)machine_io_data(&m), i);
		move(&m);
	}
	if (m.run->io.port != PORT_DONE || m.run->exit_reason != KVM_EXIT_IO)
		machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.port, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0); /* else: what was wrong, see move.asm */
	CHECK_EQUAL(machine_regs(&m).r12, MOVES);
	CHECK(machine_u32(&m, GPA_VARS + VAR_IRQS) >= MOVES);
}

static void open_at(struct machine *m, const char *routine)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_PIT | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	machine_start(m, routine);
}

static void interrupt(const struct machine *m)
{
	struct kvm_msi msi = {.address_lo = GPA_APIC, .data = VECTOR_XAPIC};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SIGNAL_MSI, &msi), 1);
}

/* Behind STI, where an interrupt that is pending has to wait for one instruction more. */
static void move_in_shadow(void)
{
	struct kvm_vcpu_events e = {.flags = KVM_VCPUEVENT_VALID_SHADOW,
				    .interrupt.shadow = KVM_X86_SHADOW_INT_STI};
	struct kvm_regs regs;
	struct machine m;

	machine_need_vmx("interrupt shadows");
	open_at(&m, move_shadow);
	machine_run_out(&m, PORT_READY);
	pause(&m);
	regs = machine_regs(&m);
	regs.rflags |= 0x200;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_REGS, &regs), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_VCPU_EVENTS, &e), 0);
	interrupt(&m);
	move(&m);
	CHECK_EQUAL(vcpu.events.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rbx, 0);
	CHECK_EQUAL(machine_regs(&m).rax, 1);
}

/* In the handler of an NMI, with the next one behind it. */
static void move_in_nmi(void)
{
	struct machine m;

	machine_need_vmx("NMIs in a guest");
	open_at(&m, long_done);
	machine_set_vector(&m, 2, debug_nmi);
	machine_run_out(&m, PORT_DONE);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_NMI, 0), 0);
	machine_run_out(&m, PORT_TEST);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_NMI, 0), 0);
	move(&m);
	CHECK_EQUAL(vcpu.events.nmi.masked, 1);
	CHECK_EQUAL(vcpu.events.nmi.pending, 1);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 0);
	machine_run_out(&m, PORT_TEST);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
}

/* An exception that waits for the next run has its address still with it. */
static void move_with_exception(void)
{
	struct kvm_vcpu_events e = {
		.flags = KVM_VCPUEVENT_VALID_PAYLOAD,
		.exception = {.pending = 1, .nr = 14, .has_error_code = 1, .error_code = 2},
		.exception_has_payload = 1,
		.exception_payload = 0x1234000};
	struct machine m;

	machine_need_vmx("page faults");
	open_at(&m, long_done);
	enable(&m, KVM_CAP_EXCEPTION_PAYLOAD);
	m.regs.r14 = m.regs.rip;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_REGS, &m.regs), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_VCPU_EVENTS, &e), 0);
	move_with(&m, KVM_CAP_EXCEPTION_PAYLOAD);
	CHECK_EQUAL(vcpu.events.exception.pending, 1);
	CHECK_EQUAL(vcpu.events.exception_payload, 0x1234000);
	CHECK_EQUAL(vcpu.sregs.cr2, 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 14);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_ERROR), 2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_CR2), 0x1234000);
}

/* A port has been read, and what it gave is in the register before the state is. */
static void move_in_port_read(void)
{
	struct machine m;

	open_at(&m, long_in);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.direction, KVM_EXIT_IO_IN);
	*(u32 *)(void *)machine_io_data(&m) = 0x12345678;
	move(&m);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x12345678);
}

/* Halted; the interrupt comes where it is now. */
static void move_while_halted(void)
{
	struct {
		u32 len, set[2];
	} mask = {.len = 8, .set = {~(u32)T_SIGNAL_BIT(T_SIGNAL_A), ~0u}};
	struct machine m;

	open_at(&m, move_halted);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_SIGNAL_MASK, &mask), 0);
	t_signal(m.vcpu, T_SIGNAL_A, 20);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(t_take_signals(m.vcpu, T_SIGNAL_BIT(T_SIGNAL_A)), T_SIGNAL_BIT(T_SIGNAL_A));
	move(&m);
	CHECK_EQUAL(vcpu.mp_state.mp_state, KVM_MP_STATE_HALTED);
	interrupt(&m);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
}

/* User space single-steps: that is its own to say again, and no part of the state. */
static void move_between_steps(void)
{
	struct kvm_guest_debug d = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP};
	struct machine m;

	machine_need_vmx("single-stepping");
	open_at(&m, debug_steps);
	m.regs.rdi = GPA_MMIO;
	machine_start(&m, debug_steps);
	machine_run(&m, KVM_EXIT_MMIO); /* once without: see test_debug.c */
	pause(&m);
	machine_start(&m, debug_steps);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_GUEST_DEBUG, &d), 0);
	machine_run(&m, KVM_EXIT_DEBUG);
	CHECK_EQUAL(machine_regs(&m).rip, machine_entry(debug_steps_mmio));
	move(&m);
	CHECK_EQUAL(vcpu.regs.rflags & 0x100, 0);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_GUEST_DEBUG, &d), 0);
	machine_run(&m, KVM_EXIT_DEBUG);
	CHECK_EQUAL(machine_regs(&m).rip, machine_entry(debug_steps_mmio) + 2);
}

SUITE(move, TEST(move_at_work), TEST(move_in_shadow), TEST(move_in_nmi), TEST(move_with_exception),
      TEST(move_in_port_read), TEST(move_while_halted), TEST(move_between_steps));
