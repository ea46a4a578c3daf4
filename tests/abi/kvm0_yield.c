/* SPDX-License-Identifier: MIT */
/* vCPUs that spin, as the control guest sees them. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_halt.h"
#include "tests/abi/machine.h"

#define PAUSES 100000u

static bool log_has(const char *text)
{
	char *log = check_pages(1u << 16);
	u64 position = 0;
	s64 n = kvm0_read_log(log, 1u << 16, &position);

	for (s64 i = 0; i + (s64)strlen(text) <= n; i++)
		if (!memcmp(log + i, text, strlen(text)))
			return true;
	return false;
}

/* How often the guest gives the CPU back until it is done with @rounds of PAUSES. */
static u32 yields_in(struct machine *m, const char *routine, u64 rounds, u64 hints)
{
	u64 detail;
	u32 n = 0;
	s64 r;

	m->regs.rdi = rounds;
	m->regs.rsi = PAUSES;
	machine_start(m, routine);
	while ((r = kvm0_run_once((u32)m->vcpu, hints, &detail)) == KVM0_RUN_AGAIN)
		n++;
	CHECK_RESULT((long)r, 0);
	CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(m->run->io.port, PORT_DONE);
	return n;
}

static u32 yields(struct machine *m, const char *routine, u64 hints)
{
	return yields_in(m, routine, 1, hints);
}

static void open_without_pause_exits(struct machine *m, u32 flags)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_DISABLE_EXITS,
				     .args = {KVM_X86_DISABLE_EXITS_PAUSE}};

	machine_open(m, MODE_LONG, MACHINE_CPUID | MACHINE_BARE | flags);
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_ENABLE_CAP, &cap), 0);
	m->vcpu = machine_add_vcpu(m, 0, &m->run);
}

/* A guest that spins gives the CPU back where somebody else wants it, and only there. */
static void kvm0_yields(void)
{
	struct machine m;
	u32 n;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_EQUAL(yields(&m, halt_monitor_mwait, KVM0_RUN_NO_POLL), 1);
	CHECK_EQUAL(yields(&m, halt_monitor_mwait, 0), 0);
	if (!log_has(" PLE"))
		check_skip("no PAUSE-loop exiting on this machine");
	/* Each time as soon: three instructions a PAUSE, and the window is 4096 ticks. */
	n = yields(&m, halt_spin, KVM0_RUN_NO_POLL);
	CHECK(n > PAUSES * 3 / 4096 / 2 && n < PAUSES * 3 / 4096 * 2);
	CHECK_EQUAL(yields(&m, halt_spin, 0), 0);
	open_without_pause_exits(&m, 0);
	CHECK_EQUAL(yields(&m, halt_spin, KVM0_RUN_NO_POLL), 0);
}

/* One that has interrupts off, and no exits, gives it back every 10 ms. */
static void kvm0_turns(void)
{
	struct machine m;
	u64 start, turns;
	u32 n;

	open_without_pause_exits(&m, MACHINE_IRQCHIP);
	start = rdtsc();
	n = yields_in(&m, halt_spin, 10, KVM0_RUN_NO_POLL);
	turns = (rdtsc() - start) / (u64)t_ioctl(m.vcpu, KVM_GET_TSC_KHZ, 0) / 10;
	CHECK(turns > 2);
	CHECK(n > turns / 2 && n <= turns);
	CHECK_EQUAL(yields_in(&m, halt_spin, 10, 0), 0);
}

SUITE(kvm0_yield, TEST(kvm0_yields), TEST(kvm0_turns));
