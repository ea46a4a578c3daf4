/* SPDX-License-Identifier: MIT */
/* Slots that the guest may only read: KVM_MEM_READONLY. */
#include "tests/abi/machine.h"

#define SLOT 5u

/* A machine with a page at GPA_EXTRA that the guest may read. */
static u8 *open_readonly(struct machine *m, u32 flags)
{
	u8 *page = check_pages(PAGE_SIZE);

	machine_open(m, MODE_LONG, 0);
	CHECK_RESULT(
		machine_slot(m->vm, SLOT, KVM_MEM_READONLY | flags, GPA_EXTRA, PAGE_SIZE, page), 0);
	m->regs.rdi = GPA_EXTRA;
	return page;
}

static void readonly_flag(void)
{
	struct machine m;
	u8 *page = open_readonly(&m, 0);

	CHECK_RESULT(machine_slot(m.vm, SLOT, 0, GPA_EXTRA, PAGE_SIZE, page), -EINVAL);
	CHECK_RESULT(machine_slot(m.vm, SLOT, KVM_MEM_READONLY, GPA_EXTRA, PAGE_SIZE, page), 0);
	CHECK_RESULT(machine_slot(m.vm, SLOT, 0, 0, 0, NULL), 0);
	CHECK_RESULT(machine_slot(m.vm, SLOT, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	CHECK_RESULT(machine_slot(m.vm, SLOT, KVM_MEM_READONLY, GPA_EXTRA, PAGE_SIZE, page),
		     -EINVAL);
}

/* Reads bring memory, writes end in user space and change nothing, before a read and after. */
static void readonly_store(void)
{
	struct machine m;
	u8 *page = open_readonly(&m, 0);

	*(u64 *)(void *)page = 0x1122334455667788;
	for (u32 i = 0; i < 2; i++) {
		m.regs.rax = 0x99;
		machine_start(&m, long_store);
		machine_run(&m, KVM_EXIT_MMIO);
		CHECK_EQUAL(m.run->mmio.is_write, 1);
		CHECK_EQUAL(m.run->mmio.phys_addr, GPA_EXTRA);
		CHECK_EQUAL(m.run->mmio.len, 8);
		CHECK_EQUAL(*(u64 *)(void *)m.run->mmio.data, 0x99);
		machine_run_out(&m, PORT_DONE);
		CHECK_EQUAL(*(u64 *)(void *)page, 0x1122334455667788);
		m.regs.rax = 0;
		machine_do(&m, long_load);
		CHECK_EQUAL(machine_regs(&m).rax, 0x1122334455667788);
	}
	*(u64 *)(void *)page = 5; /* the caller may write */
	machine_do(&m, long_load);
	CHECK_EQUAL(machine_regs(&m).rax, 5);
}

/* An instruction that reads and writes: the memory is read, and the result is user space's. */
static void readonly_modify(void)
{
	struct machine m;
	u8 *page = open_readonly(&m, 0);

	*(u64 *)(void *)page = 41;
	machine_start(&m, cpus_count); /* INC */
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.is_write, 1);
	CHECK_EQUAL(*(u64 *)(void *)m.run->mmio.data, 42);
	CHECK_EQUAL(*(u64 *)(void *)page, 41);
}

/* Code runs from there. */
static void readonly_execute(void)
{
	struct machine m;
	u8 *page = open_readonly(&m, 0);

	memcpy(page, long_done, 16);
	machine_start(&m, long_jump);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rip & ~(PAGE_SIZE - 1), GPA_EXTRA);
}

/* A log of such a slot stays empty: nothing in it is ever written. */
static void readonly_logged(void)
{
	struct machine m;
	u64 *bits = check_pages(PAGE_SIZE);
	struct kvm_dirty_log log = {.slot = SLOT, .dirty_bitmap = bits};

	(void)open_readonly(&m, KVM_MEM_LOG_DIRTY_PAGES);
	machine_do(&m, long_load);
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits[0], 0);
}

SUITE(readonly, TEST(readonly_flag), TEST(readonly_store), TEST(readonly_modify),
      TEST(readonly_execute), TEST(readonly_logged));
