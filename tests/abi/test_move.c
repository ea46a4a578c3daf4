/* SPDX-License-Identifier: MIT */
/*
 * All of a VM's state, read with every KVM_GET_* and put into a new VM with every KVM_SET_*, in
 * the order that the control guest has (guest/control/vmm/state.c), time and again while a guest
 * works.
 */
#include "guest/control/vmm/state.h"
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

#define MOVES 20u

static struct state state, again;

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
	s64 result = state_get(to, (u32)m->vm, (u32)m->vcpu, &step);

	if (result < 0)
		check_fail(__FILE__, __LINE__, "reading %s: %lld", step, result);
}

static void set(const struct machine *m)
{
	const char *step = "";
	s64 result = state_set(&state, (u32)m->vm, (u32)m->vcpu, &step);

	if (result < 0)
		check_fail(__FILE__, __LINE__, "setting %s: %lld", step, result);
}

/* What has to read back as it was set.  Counters and clocks go on. */
static void compare(void)
{
	CHECK(!memcmp(&again.regs, &state.regs, sizeof(state.regs)));
	CHECK(!memcmp(&again.sregs, &state.sregs, sizeof(state.sregs)));
	CHECK(!memcmp(&again.xcrs, &state.xcrs, sizeof(state.xcrs)));
	CHECK(!memcmp(&again.debugregs, &state.debugregs, sizeof(state.debugregs)));
	CHECK(!memcmp(&again.events, &state.events, sizeof(state.events)));
	CHECK(!memcmp(&again.irqchips, &state.irqchips, sizeof(state.irqchips)));
	CHECK(!memcmp(again.xsave, state.xsave, sizeof(state.xsave)));
	CHECK_EQUAL(again.mp_state.mp_state, state.mp_state.mp_state);
	CHECK_EQUAL(again.pit.channels[0].count, state.pit.channels[0].count);
	CHECK_EQUAL(again.pit.channels[0].mode, state.pit.channels[0].mode);
	CHECK_EQUAL(again.tsc_khz, state.tsc_khz);
	CHECK_EQUAL(again.cpuid.head.nent, state.cpuid.head.nent);
	CHECK_EQUAL(again.msrs.head.nmsrs, state.msrs.head.nmsrs);
	CHECK(again.clock.clock >= state.clock.clock);
	/* The guest's TSC goes on from where it was. */
	CHECK(again.taken_at + again.tsc_offset >= state.taken_at + state.tsc_offset);
}

/* Another VM takes the machine's place, with the same memory. */
static void move(struct machine *m)
{
	int old_vm = m->vm, old_vcpu = m->vcpu;

	pause(m);
	get(m, &state);
	machine_reopen(m);
	set(m);
	get(m, &again);
	compare();
	check_close(old_vcpu);
	check_close(old_vm);
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

SUITE(move, TEST(move_at_work));
