/* SPDX-License-Identifier: MIT */
/* One vCPU and two CPUs: moving it, and what a call does while the other CPU runs it. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_smp.h"

#define LINE     10
#define MOVES    200u
#define ROUNDS   20u
#define MANY     1000u
#define COUNTER  GPA_BUFFER
#define QUIET_US 500u /* long for a guest that would still count */

/* A machine whose vCPU runs on CPU 1, counting up the eight bytes at COUNTER. */
static struct runner *open_counting(struct machine *m, u64 counter)
{
	cpu1_need();
	machine_open(m, MODE_LONG, 0);
	start_at(m->vcpu, cpus_count, counter, 0);
	return cpu1_run(m->vcpu);
}

static bool counts(const volatile u64 *counter)
{
	return cpu1_reaches(counter, *counter + 10);
}

/* cpus_mix's exits in order, on CPU 0 and on CPU 1 by turns; the state comes along. */
static void kvm0_smp_move(void)
{
	struct kvm_fpu fpu = {.fcw = 0x37f, .xmm[3] = {1, 2, 3, 4, 5}}, fpu2;
	struct machine m;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	start_at(m.vcpu, cpus_mix, GPA_MMIO, MOVES);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_FPU, &fpu), 0);
	for (u64 i = 0; i < MOVES; i++) {
		machine_run(&m, KVM_EXIT_IO);
		CHECK_EQUAL(*(u32 *)(void *)machine_io_data(&m), i);
		struct runner *r = cpu1_run(m.vcpu);
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_MMIO);
		CHECK_EQUAL(*(u64 *)(void *)m.run->mmio.data, i);
		/* Active there still, and not running. */
		if (i & 1)
			CHECK_EQUAL(machine_regs(&m).r8, i);
	}
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).r8, MOVES);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_FPU, &fpu2), 0);
	CHECK_EQUAL(memcmp(fpu.xmm, fpu2.xmm, sizeof(fpu.xmm)), 0);
}

/* The last handles are closed here while the VMCS is active on CPU 1, which idles. */
static void kvm0_smp_close_moved(void)
{
	u64 pages;

	cpu1_need();
	pages = pool_pages();
	for (u32 i = 0; i < ROUNDS; i++) {
		int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
		int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
		struct kvm_run *run = machine_map_run(vcpu);
		CHECK(run);
		struct runner *r = cpu1_run(vcpu);
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
		check_close(vm);
		check_close(vcpu);
	}
	CHECK_EQUAL(pool_pages(), pages);
}

/* -EAGAIN to every request on a vCPU that runs, and the run goes on. */
static void kvm0_smp_busy(void)
{
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	struct machine m;
	volatile u64 *counter;

	open_counting(&m, COUNTER);
	counter = machine_at(&m, COUNTER);
	CHECK(counts(counter));
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_RUN, 0), -EAGAIN);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_REGS, &regs), -EAGAIN);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_REGS, &regs), -EAGAIN);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_MP_STATE, &mp), -EAGAIN);
	CHECK_RESULT(kvm0_set_page((u32)m.vcpu, 0, m.run), -EAGAIN);
	CHECK(counts(counter));
	cpu1_stop_run(m.run);
	CHECK_EQUAL(machine_regs(&m).rdi, COUNTER);
	machine_do(&m, long_done);
}

/* An MSR filter that comes while the vCPU runs: its next access is denied. */
static void kvm0_smp_msr_filter(void)
{
	struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
				     .args = {KVM_MSR_EXIT_REASON_FILTER}};
	u64 *none = check_pages(PAGE_SIZE);
	struct machine m;

	filter.ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ, .base = 0xc0000080, .nmsrs = 8, .bitmap = (u8 *)none};
	cpu1_need();
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	start_at(m.vcpu, cpus_rdmsr, COUNTER, 0);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct runner *r = cpu1_run(m.vcpu);

		CHECK(counts(machine_at(&m, COUNTER)));
		CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_X86_SET_MSR_FILTER, &filter), 0);
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_X86_RDMSR);
		CHECK_EQUAL(m.run->msr.index, 0xc0000081);
		filter.ranges[0].nmsrs = 0;
		CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_X86_SET_MSR_FILTER, &filter), 0);
		filter.ranges[0].nmsrs = 8;
	}
}

/* An interrupt of the machine ends a run, and what the VMM then does starts it again. */
static void kvm0_smp_doorbell(void)
{
	struct machine m;
	struct runner *r = open_counting(&m, COUNTER);
	volatile u64 *counter = machine_at(&m, COUNTER);

	for (u32 i = 0; i < ROUNDS; i++) {
		CHECK(counts(counter));
		smp_kick(1);
	}
	CHECK(counts(counter));
	r->stop = 1;
	smp_kick(1);
	cpu1_end();
	CHECK_RESULT(r->result, KVM0_RUN_AGAIN);
}

static void set_line(const struct machine *m, u32 level)
{
	struct kvm_irq_level line = {.irq = LINE, .level = level};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE, &line), 0);
}

/* A guest that counts on CPU 1 with interrupts on: at once, or with an exit each time. */
static void open_interruptible(struct machine *m, bool exiting)
{
	cpu1_need();
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	m->regs.rax = LINE;
	m->regs.rbx = exiting;
	m->regs.rdi = COUNTER;
	machine_start(m, cpus_ioapic_count);
	cpu1_run(m->vcpu);
	CHECK(counts(machine_at(m, COUNTER)));
}

static void interrupt_running(struct machine *m, u32 rounds)
{
	for (u32 i = 1; i <= rounds; i++) {
		set_line(m, 1);
		set_line(m, 0);
		CHECK(cpu1_reaches(machine_at(m, GPA_VARS + VAR_IRQS), i));
		CHECK_EQUAL(machine_u32(m, GPA_VARS + VAR_IRQS), i);
	}
	CHECK(counts(machine_at(m, COUNTER)));
	cpu1_stop_run(m->run);
}

/* The running guest takes each interrupt at once: nothing else makes it exit. */
static void kvm0_smp_irq_line(void)
{
	struct machine m;

	open_interruptible(&m, false);
	interrupt_running(&m, ROUNDS);
}

/* The same while it enters and exits all the time: no kick is taken for an NMI of the machine. */
static void kvm0_smp_irq_line_exiting(void)
{
	struct machine m;

	open_interruptible(&m, true);
	interrupt_running(&m, MANY);
}

/* A slot goes while the guest writes to it: when the call is back nothing is written any more. */
static void kvm0_smp_delete_slot(void)
{
	u8 *page = check_pages(PAGE_SIZE);
	volatile u64 *counter = (volatile u64 *)(void *)page;
	struct machine m;
	struct runner *r;
	u64 last;

	cpu1_need();
	machine_open(&m, MODE_LONG, 0);
	start_at(m.vcpu, cpus_count, GPA_EXTRA, 0);
	for (u32 i = 0; i < ROUNDS; i++) {
		CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
		r = cpu1_run(m.vcpu);
		CHECK(counts(counter));
		CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, page), 0);
		last = *counter;
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		time_delay_us(QUIET_US);
		CHECK_EQUAL(*counter, last);
		CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_MMIO);
		CHECK_EQUAL(m.run->mmio.phys_addr, GPA_EXTRA);
		CHECK_EQUAL(m.run->mmio.is_write, 0);
		*(u64 *)(void *)m.run->mmio.data = 41;
		machine_run(&m, KVM_EXIT_MMIO);
		CHECK_EQUAL(m.run->mmio.is_write, 1);
		CHECK_EQUAL(*(u64 *)(void *)m.run->mmio.data, 42);
	}
}

/* Handles are closed under a run: it goes on, and the VM goes when it ends. */
static void kvm0_smp_close_running(void)
{
	volatile u64 *counter;
	struct machine m;
	struct runner *r;
	u64 pages;

	cpu1_need();
	pages = pool_pages();
	r = open_counting(&m, COUNTER);
	counter = machine_at(&m, COUNTER);
	CHECK(counts(counter));
	check_close(m.vm);
	check_close(m.vcpu);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_RUN, 0), -EBADF);
	CHECK(counts(counter));
	smp_kick(1);
	cpu1_end();
	CHECK_RESULT(r->result, -EBADF);
	CHECK_EQUAL(pool_pages(), pages);
}

static volatile u64 wakes;
static volatile u32 woken;

static void note_wake(u32 handle)
{
	woken = handle;
	wakes++;
}

/* A guest that halts on CPU 1 is woken from here: two interrupts later it is still one wake-up. */
static void wake_rounds(struct machine *m)
{
	struct runner *r = cpu1_run(m->vcpu);

	for (u32 i = 1; i <= ROUNDS; i++) {
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
		CHECK_EQUAL(machine_u32(m, GPA_VARS + VAR_IRQS), i - 1);
		r = cpu1_run(m->vcpu);
		for (u64 start = rdtsc(); !r->blocked; cpu_pause())
			CHECK(rdtsc() - start < time_us(500000));
		CHECK_EQUAL(r->detail, KVM0_NO_DEADLINE);
		CHECK_EQUAL(wakes, i - 1);
		set_line(m, 1);
		CHECK_EQUAL(wakes, i);
		CHECK_EQUAL(woken, m->vcpu);
		set_line(m, 0);
		set_line(m, 1);
		set_line(m, 0);
		CHECK_EQUAL(wakes, i);
		r->resumed = 1;
		smp_kick(1);
	}
	cpu1_end();
}

static void kvm0_smp_wake(void)
{
	struct machine m;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = LINE;
	m.regs.rcx = ROUNDS;
	machine_start(&m, irq_ioapic);
	wakes = 0;
	kvm0_on_wake(note_wake);
	wake_rounds(&m);
	kvm0_on_wake(NULL);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), ROUNDS);
}

SUITE(kvm0_smp, TEST(kvm0_smp_move), TEST(kvm0_smp_close_moved), TEST(kvm0_smp_busy),
      TEST(kvm0_smp_msr_filter), TEST(kvm0_smp_doorbell), TEST(kvm0_smp_irq_line),
      TEST(kvm0_smp_irq_line_exiting), TEST(kvm0_smp_delete_slot), TEST(kvm0_smp_close_running),
      TEST(kvm0_smp_wake));
