/* SPDX-License-Identifier: MIT */
/*
 * Slots whose pages are supplied on demand: what is refused, which page a run asks for, and
 * that a page which was withdrawn is out of the guest's reach.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_demand.h"
#include "tests/abi/kvm0_smp.h"

#define DEMAND    KVM0_MEM_ON_DEMAND
#define WRITABLE  KVM0_SUPPLY_WRITABLE
#define SLOT      5
#define BIG       (2 * SIZE_2M)
#define ROUNDS    20u
#define QUIET_US  500u /* long for a guest that would still count */
#define PAGE_MASK (~(PAGE_SIZE - 1))

static long slot(const struct machine *m, u32 flags, u64 gpa, u64 size)
{
	return machine_slot(m->vm, SLOT, DEMAND | flags, gpa, size, NULL);
}

/* A machine with a slot of this kind at GPA_EXTRA. */
static void open_with_slot(struct machine *m, u64 size)
{
	machine_open(m, MODE_LONG, 0);
	CHECK_RESULT(slot(m, 0, GPA_EXTRA, size), 0);
}

static long supply(const struct machine *m, u64 gpa, const void *memory, u64 size, u32 flags)
{
	return (long)kvm0_supply((u32)m->vm, gpa, memory, (u32)(size / PAGE_SIZE), flags);
}

static long withdraw(const struct machine *m, u64 gpa, u64 size)
{
	return (long)kvm0_withdraw((u32)m->vm, gpa, size / PAGE_SIZE);
}

/* KVM_RUN, which has to ask for that page. */
#define expect_wanted(m, gpa) expect_wanted_at(__FILE__, __LINE__, m, gpa)
static void expect_wanted_at(const char *file, int line, const struct machine *m, u64 gpa)
{
	u64 detail;
	s64 r;

	do
		r = kvm0_run_once((u32)m->vcpu, 0, &detail);
	while (r == KVM0_RUN_AGAIN);
	check_result(file, line, "KVM_RUN", (long)r, KVM0_RUN_PAGE_WANTED);
	check_equal(file, line, "the page that is wanted", detail, gpa);
}

static void kvm0_demand_errors(void)
{
	u8 *memory = check_pages(4 * PAGE_SIZE);
	struct machine m;

	open_with_slot(&m, 4 * PAGE_SIZE);
	CHECK_RESULT(supply(&m, GPA_EXTRA + 1, memory, PAGE_SIZE, 0), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory + 1, PAGE_SIZE, 0), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, 0, 0), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, 2), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, 5 * PAGE_SIZE, 0), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA - PAGE_SIZE, memory, 2 * PAGE_SIZE, 0), -EINVAL);
	CHECK_RESULT(supply(&m, ~PAGE_SIZE + 1, memory, 2 * PAGE_SIZE, 0), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_HIGH, memory, PAGE_SIZE, 0), -EINVAL); /* another kind */
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, ~0u, 0), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA, (void *)T_BAD_ADDRESS, PAGE_SIZE, 0), -EFAULT);
	CHECK_RESULT(supply(&m, GPA_EXTRA, (void *)(0 - PAGE_SIZE), 2 * PAGE_SIZE, 0), -EFAULT);
	CHECK_RESULT(kvm0_call(KVM0_CALL_SUPPLY, (u64)m.vm, T_BAD_ADDRESS, 0).value, -EFAULT);
	CHECK_RESULT(kvm0_supply((u32)m.vcpu, GPA_EXTRA, memory, 1, 0), -ENOTTY);
	CHECK_RESULT(kvm0_supply(0, GPA_EXTRA, memory, 1, 0), -ENOTTY);
	CHECK_RESULT(kvm0_supply(0x10000, GPA_EXTRA, memory, 1, 0), -EBADF);

	CHECK_RESULT(withdraw(&m, GPA_EXTRA + 1, PAGE_SIZE), -EINVAL);
	CHECK_RESULT(withdraw(&m, GPA_EXTRA, 0), -EINVAL);
	CHECK_RESULT(withdraw(&m, GPA_EXTRA, 5 * PAGE_SIZE), -EINVAL);
	CHECK_RESULT(withdraw(&m, GPA_HIGH, PAGE_SIZE), -EINVAL);
	CHECK_RESULT(kvm0_withdraw((u32)m.vm, GPA_EXTRA, ~0ull), -EINVAL);
	CHECK_RESULT(kvm0_withdraw((u32)m.vm, GPA_EXTRA, 1ull << 52), -EINVAL);
	CHECK_RESULT(kvm0_withdraw((u32)m.vcpu, GPA_EXTRA, 1), -ENOTTY);
	CHECK_RESULT(kvm0_withdraw(0x10000, GPA_EXTRA, 1), -EBADF);
	CHECK_RESULT(withdraw(&m, GPA_EXTRA, 4 * PAGE_SIZE), 0); /* nothing is there */
}

/* The kind cannot be changed, and only pages that may be written are supplied so. */
static void kvm0_demand_slot(void)
{
	u8 *memory = check_pages(2 * PAGE_SIZE);
	struct machine m;

	open_with_slot(&m, PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, SLOT, 0, GPA_EXTRA, PAGE_SIZE, NULL), -EINVAL);
	CHECK_RESULT(slot(&m, KVM_MEM_READONLY, GPA_EXTRA, PAGE_SIZE), -EINVAL);
	CHECK_RESULT(slot(&m, 0, GPA_EXTRA, PAGE_SIZE), 0);
	CHECK_RESULT(slot(&m, 0, 0, 0), 0);
	CHECK_RESULT(slot(&m, KVM_MEM_READONLY, GPA_EXTRA, PAGE_SIZE), 0);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, WRITABLE), -EINVAL);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, 0), 1);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, 0), 1); /* again the same */
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory + PAGE_SIZE, PAGE_SIZE, 0), -EEXIST);
	m.regs.rdi = GPA_EXTRA;
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
}

/* A page that is read, then written. */
static void kvm0_demand_wanted(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;

	open_with_slot(&m, PAGE_SIZE);
	*(u64 *)(void *)memory = 0x1234567;
	m.regs.rdi = GPA_EXTRA + 0;
	machine_start(&m, long_load);
	expect_wanted(&m, GPA_EXTRA);
	expect_wanted(&m, GPA_EXTRA); /* for as long as it is not there */
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, 0), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x1234567);
	m.regs.rax = 0x99;
	machine_start(&m, long_store);
	expect_wanted(&m, GPA_EXTRA | KVM0_WANTED_WRITE);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, WRITABLE), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(*(u64 *)(void *)memory, 0x99);
	CHECK_RESULT(withdraw(&m, GPA_EXTRA, PAGE_SIZE), 0);
	machine_start(&m, long_store);
	expect_wanted(&m, GPA_EXTRA | KVM0_WANTED_WRITE);
	/* A slot that has moved knows nothing of its pages. */
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, WRITABLE), 1);
	CHECK_RESULT(slot(&m, 0, GPA_EXTRA + SIZE_2M, PAGE_SIZE), 0);
	m.regs.rdi = GPA_EXTRA + SIZE_2M;
	machine_start(&m, long_load);
	expect_wanted(&m, GPA_EXTRA + SIZE_2M);
}

/* One page in the midst of many that came in large pieces: the others stay. */
static void kvm0_demand_large(void)
{
	u8 *memory = check_pages(BIG), *other = check_pages(PAGE_SIZE);
	u64 hole = GPA_EXTRA + SIZE_2M + 5 * PAGE_SIZE;
	struct machine m;

	open_with_slot(&m, BIG);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, BIG, WRITABLE), BIG / PAGE_SIZE);
	CHECK_RESULT(withdraw(&m, hole, PAGE_SIZE), 0);
	m.regs.r9 = GPA_EXTRA;
	m.regs.r10 = PAGE_SIZE;
	m.regs.rdi = BIG / PAGE_SIZE;
	m.regs.rsi = GPA_RESULTS;
	machine_start(&m, time_touch);
	expect_wanted(&m, hole | KVM0_WANTED_WRITE);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, BIG, WRITABLE), BIG / PAGE_SIZE);
	CHECK_RESULT(withdraw(&m, hole, PAGE_SIZE), 0);
	CHECK_RESULT(supply(&m, hole, other, PAGE_SIZE, WRITABLE), 1);
	machine_run_out(&m, PORT_DONE);
	for (u64 at = 0; at < BIG; at += PAGE_SIZE)
		CHECK_EQUAL(*(u32 *)(void *)(memory + at), GPA_EXTRA + at != hole);
	CHECK_EQUAL(*(u32 *)(void *)other, 1);
	/* Only one of them gets the right to write. */
	CHECK_RESULT(withdraw(&m, GPA_EXTRA, BIG), 0);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, BIG, 0), BIG / PAGE_SIZE);
	CHECK_RESULT(supply(&m, hole, memory + (hole - GPA_EXTRA), PAGE_SIZE, WRITABLE), 1);
	m.regs.rdi = hole;
	machine_do(&m, long_store);
	m.regs.rdi = hole + PAGE_SIZE;
	machine_start(&m, long_store);
	expect_wanted(&m, (hole + PAGE_SIZE) | KVM0_WANTED_WRITE);
}

/* kvm0 itself wants the page: an instruction that reads a device and stores what it said. */
static void kvm0_demand_emulated(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;

	open_with_slot(&m, PAGE_SIZE);
	m.regs.rsi = GPA_MMIO;
	m.regs.rdi = GPA_EXTRA;
	m.regs.rcx = 3;
	machine_start(&m, long_mmio_movsq);
	for (u64 i = 0; i < 3; i++) {
		machine_run(&m, KVM_EXIT_MMIO);
		CHECK_EQUAL(m.run->mmio.phys_addr, GPA_MMIO + 8 * i);
		*(u64 *)(void *)m.run->mmio.data = i + 1;
		CHECK_RESULT(withdraw(&m, GPA_EXTRA, PAGE_SIZE), 0);
		/* The device is not read again. */
		expect_wanted(&m, GPA_EXTRA | KVM0_WANTED_WRITE);
		CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, WRITABLE), 1);
	}
	machine_run_out(&m, PORT_DONE);
	for (u64 i = 0; i < 3; i++)
		CHECK_EQUAL(((u64 *)(void *)memory)[i], i + 1);
}

/* All of a guest: tables, stack, code and what an interrupt pushes come page by page. */
static void kvm0_demand_all(void)
{
	struct machine m;
	u32 wanted = 0;
	u64 page;
	s64 r;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	machine_start(&m, irq_self_xapic);
	for (u32 i = 0; i < 2; i++) {
		u64 base = i ? GPA_HIGH : 0, size = i ? GPA_HIGH_END - GPA_HIGH : GPA_LOW_END;

		CHECK_RESULT(machine_slot(m.vm, i, 0, 0, 0, NULL), 0);
		CHECK_RESULT(machine_slot(m.vm, i, DEMAND, base, size, NULL), 0);
	}
	for (;;) {
		r = kvm0_run_once((u32)m.vcpu, 0, &page);
		if (r == KVM0_RUN_AGAIN)
			continue;
		if (r != KVM0_RUN_PAGE_WANTED)
			break;
		wanted++;
		CHECK_RESULT(supply(&m, page & PAGE_MASK, machine_at(&m, page & PAGE_MASK),
				    PAGE_SIZE, page & KVM0_WANTED_WRITE ? WRITABLE : 0),
			     1);
	}
	CHECK_RESULT(r, 0);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.port, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
	CHECK(wanted > 5);
}

/* A page is taken away and given back while the other CPU's guest writes to it. */
static void kvm0_demand_running(void)
{
	u8 *memory = check_pages(SIZE_2M);
	volatile u64 *counter = (volatile u64 *)(void *)(memory + 3 * PAGE_SIZE);
	u64 gpa = GPA_EXTRA + 3 * PAGE_SIZE, last;
	struct machine m;

	cpu1_need();
	open_with_slot(&m, SIZE_2M);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, SIZE_2M, WRITABLE), SIZE_2M / PAGE_SIZE);
	start_at(m.vcpu, cpus_count, gpa, 0);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct runner *r = cpu1_run(m.vcpu);

		CHECK(cpu1_reaches(counter, *counter + 10));
		CHECK_RESULT(withdraw(&m, gpa, PAGE_SIZE), 0);
		last = *counter;
		cpu1_end();
		CHECK_RESULT(r->result, KVM0_RUN_PAGE_WANTED);
		CHECK_EQUAL(r->detail & PAGE_MASK, gpa);
		time_delay_us(QUIET_US);
		CHECK_EQUAL(*counter, last);
		CHECK_RESULT(supply(&m, gpa, memory + 3 * PAGE_SIZE, PAGE_SIZE, WRITABLE), 1);
	}
}

/* The log is read while the other CPU's guest counts: what it writes after that is seen again. */
static void kvm0_log_running(void)
{
	u64 *bits = check_pages(PAGE_SIZE);
	struct kvm_dirty_log log = {.slot = SLOT, .dirty_bitmap = bits};
	u8 *memory = check_pages(SIZE_2M);
	volatile u64 *counter = (volatile u64 *)(void *)(memory + 5 * PAGE_SIZE);
	struct machine m;
	u64 before;

	cpu1_need();
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(machine_slot(m.vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, SIZE_2M, memory),
		     0);
	start_at(m.vcpu, cpus_count, GPA_EXTRA + 5 * PAGE_SIZE, 0);
	cpu1_run(m.vcpu);
	for (u32 i = 0; i < ROUNDS; i++) {
		CHECK(cpu1_reaches(counter, *counter + 10));
		CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
		CHECK_EQUAL(bits[0], 1 << 5);
		for (u32 word = 1; word < SIZE_2M / PAGE_SIZE / 64; word++)
			CHECK_EQUAL(bits[word], 0);
	}
	cpu1_stop_run(m.run);
	before = *counter;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits[0], 0);
	CHECK_EQUAL(*counter, before);
}

/* The log of a slot whose pages are supplied keeps what was written to a page that has gone. */
static void kvm0_demand_logged(void)
{
	u64 *bits = check_pages(PAGE_SIZE);
	struct kvm_dirty_log log = {.slot = SLOT, .dirty_bitmap = bits};
	u8 *memory = check_pages(SIZE_2M);
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(slot(&m, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, SIZE_2M), 0);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, SIZE_2M, WRITABLE), SIZE_2M / PAGE_SIZE);
	m.regs.rdi = GPA_EXTRA + 70 * PAGE_SIZE;
	machine_do(&m, long_store);
	m.regs.rdi = GPA_EXTRA + 3 * PAGE_SIZE;
	machine_do(&m, long_store);
	CHECK_RESULT(withdraw(&m, GPA_EXTRA + 65 * PAGE_SIZE, 10 * PAGE_SIZE), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits[0], 1 << 3);
	CHECK_EQUAL(bits[1], 1 << 6);
	m.regs.rdi = GPA_EXTRA + 70 * PAGE_SIZE;
	machine_start(&m, long_store);
	expect_wanted(&m, (GPA_EXTRA + 70 * PAGE_SIZE) | KVM0_WANTED_WRITE);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits[0] | bits[1], 0);
}

/* The page of KVM_SET_VAPIC_ADDR: wanted before the guest runs, and again when it has gone. */
static void kvm0_demand_vapic(void)
{
	struct kvm_vapic_addr vapic = {.vapic_addr = GPA_EXTRA + 8};
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	CHECK_RESULT(slot(&m, 0, GPA_EXTRA, PAGE_SIZE), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_VAPIC_ADDR, &vapic), 0);
	memory[8] = 0x30;
	machine_enable_apic(&m);
	machine_start(&m, long_done);
	expect_wanted(&m, GPA_EXTRA | KVM0_WANTED_WRITE);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, 0), 1);
	expect_wanted(&m, GPA_EXTRA | KVM0_WANTED_WRITE);
	CHECK_EQUAL(memory[8], 0x30);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, WRITABLE), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(memory[8], 0);
	CHECK_RESULT(withdraw(&m, GPA_EXTRA, PAGE_SIZE), 0);
	expect_wanted(&m, GPA_EXTRA | KVM0_WANTED_WRITE);
	CHECK_RESULT(supply(&m, GPA_EXTRA, memory, PAGE_SIZE, WRITABLE), 1);
	machine_run_out(&m, PORT_DONE);
}

SUITE(kvm0_demand, TEST(kvm0_demand_vapic), TEST(kvm0_demand_errors), TEST(kvm0_demand_slot),
      TEST(kvm0_demand_wanted), TEST(kvm0_demand_large), TEST(kvm0_demand_emulated),
      TEST(kvm0_demand_all), TEST(kvm0_demand_running), TEST(kvm0_demand_logged),
      TEST(kvm0_log_running));
