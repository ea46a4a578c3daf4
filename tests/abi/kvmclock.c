/* SPDX-License-Identifier: MIT */
/* What the tests of kvmclock share: see kvmclock.h. */
#include "tests/abi/kvmclock.h"

/* Linux makes a page and the answer of KVM_GET_CLOCK of different clocks. */
#define LINUX_SLACK_NS 5000000u

void clock_machine(struct machine *m, u32 options)
{
	machine_open(m, MODE_LONG, MACHINE_CPUID | options);
}

void clock_wrmsr(struct machine *m, u32 msr, u64 value)
{
	m->regs.rcx = msr;
	m->regs.rax = value;
	machine_do(m, state_wrmsr);
	CHECK_EQUAL(machine_regs(m).rax, value);
}

void clock_start(struct machine *m)
{
	clock_wrmsr(m, MSR_KVM_SYSTEM_TIME_NEW, GPA_CLOCK | 1);
	m->regs.rdi = GPA_CLOCK;
	m->regs.rsi = 0;
	machine_start(m, clock_read);
}

struct kvm_clock_data clock_get(const struct machine *m)
{
	struct kvm_clock_data d;

	memset(&d, 0, sizeof(d));
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_CLOCK, &d), 0);
	return d;
}

void clock_set(const struct machine *m, u64 clock, u32 flags, u64 realtime)
{
	struct kvm_clock_data d = {.clock = clock, .flags = flags, .realtime = realtime};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_CLOCK, &d), 0);
}

u64 clock_read_at(const char *file, int line, struct machine *m)
{
	u64 slack = target_is_kvm0 ? 0 : LINUX_SLACK_NS, before = clock_get(m).clock, now, after;

	machine_run_out_at(file, line, m, PORT_READY);
	now = machine_regs(m).rax;
	after = clock_get(m).clock;
	if (now + slack < before || now > after + slack)
		check_fail(file, line, "the guest's time is %llu, and %llu before, %llu after", now,
			   before, after);
	return now;
}

struct clock_page clock_page(const struct machine *m, u64 gpa)
{
	struct clock_page p;

	memcpy(&p, machine_at(m, gpa), sizeof(p));
	CHECK_EQUAL(p.version & 1, 0);
	return p;
}
