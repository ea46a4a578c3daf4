/* SPDX-License-Identifier: MIT */
/* What only kvm0's own calls show of paravirtual features in a guest's memory. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_halt.h"
#include "tests/abi/kvm0_pv.h"
#include "tests/abi/kvm0_smp.h"

#define STEAL_GPA GPA_BUFFER
#define SPIN_US   1000u
#define WAIT_US   2000u
#define SLOT      5

/* A machine that spins for ever, and whose steal time is at @gpa. */
static void open_spinning(struct machine *m, u64 gpa)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP);
	machine_set_msr(m, MSR_KVM_STEAL_TIME, gpa | KVM_MSR_ENABLED);
	m->regs.rflags = 0x202; /* or Bochs 2.7 lets no interrupt of the host end a run */
	machine_start(m, long_spin);
}

static s64 run(const struct machine *m, u64 *detail)
{
	return kvm0_run_once((u32)m->vcpu, 0, detail);
}

/* KVM_RUN, which an interrupt ends: not taken before it. */
static void run_cut_short(const struct machine *m)
{
	u64 detail;
	s64 r;

	cpu_irq_off();
	time_alarm(rdtsc() + time_us(SPIN_US));
	r = run(m, &detail);
	cpu_irq_on();
	CHECK_RESULT(r, KVM0_RUN_AGAIN);
}

/* A run that an interrupt cuts short leaves the flag, and the time until the next one is stolen. */
static void kvm0_steal_preempted(void)
{
	struct kvm_steal_time *s;
	struct machine m;
	u64 detail, stolen;

	open_spinning(&m, STEAL_GPA);
	s = machine_at(&m, STEAL_GPA);
	run_cut_short(&m);
	CHECK_EQUAL(s->preempted, KVM_VCPU_PREEMPTED);
	CHECK_EQUAL(s->steal, 0);
	time_delay_us(WAIT_US);
	CHECK_EQUAL(s->steal, 0);
	run_cut_short(&m);
	CHECK(s->steal >= WAIT_US * 1000ull && s->steal < 10 * WAIT_US * 1000ull);
	/* A run that does not reach the guest takes nothing of it away. */
	stolen = s->steal;
	m.run->immediate_exit = 1;
	time_delay_us(WAIT_US);
	CHECK_RESULT(run(&m, &detail), -EINTR);
	CHECK_EQUAL(s->preempted, KVM_VCPU_PREEMPTED);
	CHECK_EQUAL(s->steal, stolen);
	m.run->immediate_exit = 0;
	machine_do(&m, long_done);
	CHECK_EQUAL(s->preempted, 0);
	CHECK(s->steal >= stolen + WAIT_US * 1000ull);
	/* What user space does after an exit is the guest's own time. */
	stolen = s->steal;
	time_delay_us(WAIT_US);
	machine_do(&m, long_done);
	CHECK_EQUAL(s->steal, stolen);
}

/* A halted vCPU that is woken waits for its CPU; one that nobody wakes does not. */
static void kvm0_steal_woken(void)
{
	struct kvm_mp_state running = {KVM_MP_STATE_RUNNABLE};
	struct kvm_steal_time *s;
	struct machine m;
	u64 detail;

	open_spinning(&m, STEAL_GPA);
	s = machine_at(&m, STEAL_GPA);
	machine_start(&m, long_hlt);
	CHECK_RESULT(run_here(m.vcpu), KVM0_RUN_BLOCKED);
	CHECK_EQUAL(s->preempted, 0);
	time_delay_us(WAIT_US);
	CHECK_RESULT(run(&m, &detail), KVM0_RUN_BLOCKED);
	CHECK_EQUAL(s->steal, 0);
	CHECK_RESULT(kvm0_signal((u32)m.vcpu, 1), 0);
	time_delay_us(WAIT_US);
	CHECK_RESULT(run(&m, &detail), -EINTR);
	CHECK_EQUAL(kvm0_take_signals((u32)m.vcpu, 1), 1);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MP_STATE, &running), 0);
	machine_do(&m, long_done);
	CHECK(s->steal >= WAIT_US * 1000ull && s->steal < 10 * WAIT_US * 1000ull);
}

/* The page is not there: it is wanted before the guest runs, and its end of a run goes untold. */
static void kvm0_steal_absent(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct kvm_steal_time *s = (struct kvm_steal_time *)(void *)memory;
	struct machine m;
	u64 detail;

	open_spinning(&m, GPA_EXTRA);
	CHECK_RESULT(machine_slot(m.vm, SLOT, KVM0_MEM_ON_DEMAND, GPA_EXTRA, PAGE_SIZE, NULL), 0);
	machine_set_msr(&m, MSR_KVM_STEAL_TIME, GPA_EXTRA | KVM_MSR_ENABLED);
	CHECK_RESULT(run(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail, GPA_EXTRA | KVM0_WANTED_WRITE);
	CHECK_RESULT(run(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, KVM0_SUPPLY_WRITABLE), 1);
	run_cut_short(&m);
	CHECK_EQUAL(s->version, 2);
	CHECK_EQUAL(s->preempted, KVM_VCPU_PREEMPTED);
	CHECK_RESULT(kvm0_withdraw((u32)m.vm, GPA_EXTRA, 1), 0);
	CHECK_RESULT(run(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, KVM0_SUPPLY_WRITABLE), 1);
	machine_do(&m, long_done);
	CHECK_EQUAL(s->preempted, 0);
	CHECK(s->version > 2);
}

/* --- asynchronous page faults: the area is at GPA_BUFFER, the page that is absent at GPA_EXTRA ---
 */

static u32 woken;

static void note_wake(u32 handle)
{
	woken = handle;
}

s64 pv_run_later(const struct machine *m, u64 *detail)
{
	s64 r;

	do
		r = kvm0_run_once((u32)m->vcpu, KVM0_RUN_PAGES_LATER, detail);
	while (r == KVM0_RUN_AGAIN);
	return r;
}

void pv_open_loading(struct machine *m, u64 how)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP);
	CHECK_RESULT(machine_slot(m->vm, SLOT, KVM0_MEM_ON_DEMAND, GPA_EXTRA, 2 * PAGE_SIZE, NULL),
		     0);
	machine_enable_apic(m);
	machine_set_vector(m, 14, pv_apf_fault);
	machine_set_vector(m, VECTOR_XAPIC, pv_apf_ready);
	machine_set_msr(m, MSR_KVM_ASYNC_PF_INT, VECTOR_XAPIC);
	machine_set_msr(m, MSR_KVM_ASYNC_PF_EN, GPA_BUFFER | how);
	m->regs.rdi = GPA_EXTRA;
	m->regs.rflags = 0x202;
	machine_start(m, long_load);
	/* That all waits are over comes first, before it waits for anything. */
	*(u32 *)machine_at(m, GPA_VARS + VAR_IRQS) = 0;
}

/* The guest waits for the page in its own way, and goes on when it has been supplied. */
static void kvm0_apf_later(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;
	u64 detail;

	*(u64 *)(void *)memory = 0x12345678;
	pv_open_loading(&m, APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail, GPA_EXTRA | KVM0_WANTED_ASYNC);
	CHECK_EQUAL(machine_u32(&m, GPA_BUFFER), KVM_PV_REASON_PAGE_NOT_PRESENT);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1); /* ~0, for all */
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_BLOCKED);
	CHECK_EQUAL(detail, KVM0_NO_DEADLINE);
	CHECK_EQUAL(machine_u32(&m, GPA_BUFFER), 0);
	CHECK_RESULT(pv_run_later(&m, &detail),
		     KVM0_RUN_BLOCKED); /* for as long as it is not there */
	woken = 0;
	kvm0_on_wake(note_wake);
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
	kvm0_on_wake(NULL);
	CHECK_EQUAL(woken, m.vcpu);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x12345678);
	CHECK_EQUAL(machine_regs(&m).r13, KVM_PV_REASON_PAGE_NOT_PRESENT);
	CHECK_EQUAL(machine_regs(&m).r14, machine_regs(&m).r12);
	CHECK(machine_regs(&m).r14 != 0 && machine_regs(&m).r14 != 0xffffffff);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
	CHECK_EQUAL(machine_u32(&m, GPA_BUFFER + 4), 0);
}

/* Those that cannot be told wait as ever. */
static void kvm0_apf_not_told(void)
{
	static const struct {
		u64 how, rflags, hints;
	} cases[] = {
		{APF_ON | KVM_ASYNC_PF_SEND_ALWAYS, 0x202, 0},
		{APF_ON | KVM_ASYNC_PF_SEND_ALWAYS, 2, KVM0_RUN_PAGES_LATER},
		{APF_ON, 0x202, KVM0_RUN_PAGES_LATER}, /* CPL 0 */
		{KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_SEND_ALWAYS, 0x202, KVM0_RUN_PAGES_LATER},
		{0, 0x202, KVM0_RUN_PAGES_LATER},
	};
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;
	u64 detail;
	s64 r;

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		pv_open_loading(&m, cases[i].how);
		m.regs.rflags = cases[i].rflags;
		machine_start(&m, long_load);
		do
			r = kvm0_run_once((u32)m.vcpu, cases[i].hints, &detail);
		while (r == KVM0_RUN_AGAIN);
		CHECK_RESULT(r, KVM0_RUN_PAGE_WANTED);
		CHECK_EQUAL(detail, GPA_EXTRA);
		CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
		machine_run_out(&m, PORT_DONE);
		CHECK_EQUAL(machine_regs(&m).r12, 0);
	}
}

/* A page that is wanted twice is told of once; the wait ends when it is enabled anew as well, which
 * is what restoring the MSRs does. */
static void kvm0_apf_again(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;
	u64 detail;

	pv_open_loading(&m, APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_BLOCKED);
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_EN, GPA_BUFFER | APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail, GPA_EXTRA);
	CHECK_EQUAL(machine_regs(&m).r14, 0xffffffff);
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
	machine_run_out(&m, PORT_DONE);
}

/* It waits in HLT and is polled for when the page comes, by another CPU. */
static void kvm0_apf_polled(void)
{
	struct kvm_msi msi = {.address_lo = GPA_APIC, .data = VECTOR_XAPIC};
	u8 *memory = check_pages(PAGE_SIZE);
	struct runner *r;
	struct machine m;
	u64 detail;

	cpu1_need();
	halt_set_window("40000000");
	pv_open_loading(&m, APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_BLOCKED);
	/* After a halt that ends soon there is a window. */
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SIGNAL_MSI, &msi), 1);
	r = cpu1_run(m.vcpu);
	time_delay_us(1000);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
	cpu1_end();
	CHECK_RESULT(r->result, 0);
	CHECK_EQUAL(r->blocked, 0);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 3);
	halt_set_defaults();
}

SUITE(kvm0_pv, TEST(kvm0_steal_preempted), TEST(kvm0_steal_woken), TEST(kvm0_steal_absent),
      TEST(kvm0_apf_later), TEST(kvm0_apf_not_told), TEST(kvm0_apf_again), TEST(kvm0_apf_polled));
