/* SPDX-License-Identifier: MIT */
/* Guest memory: pages that come on first touch, code that changes, memory that is not there. */
#include "tests/abi/machine.h"

#define BIG (4ull << 20)

static void memory_self_modify(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_do(&m, real_self_modify);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS) & 0xff, 0x77);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS) >> 8 & 0xff, 0x33);
}

static void memory_self_modify_long(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_do(&m, state_self_modify);
	CHECK_EQUAL(machine_regs(&m).rbx & 0xff, 0x77);
}

/* Code that the caller changes between two runs. */
static void memory_changed_outside(void)
{
	struct machine m;
	u8 *code;

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_hlt);
	machine_run(&m, KVM_EXIT_HLT);
	code = machine_at(&m, machine_entry(real_hlt) + 1);
	CHECK_EQUAL(code[0], 0xb0); /* MOV AL, 0x5a */
	code[1] = 0xa5;
	CHECK_EQUAL(machine_run_out(&m, PORT_DONE), 0xa5);
}

/* Each page of a slot of 4 MiB is written and is the caller's page with the same offset. */
static void memory_every_page(void)
{
	struct machine m;
	u8 *memory;

	machine_open(&m, MODE_LONG, 0);
	memory = check_pages(BIG);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, BIG, memory), 0);
	m.regs.r9 = GPA_EXTRA + 0x10;
	m.regs.r10 = PAGE_SIZE;
	m.regs.rdi = BIG / PAGE_SIZE;
	m.regs.rsi = GPA_RESULTS;
	machine_do(&m, time_touch);
	for (u64 at = 0; at < BIG; at += PAGE_SIZE) {
		CHECK_EQUAL(*(u32 *)(void *)(memory + at + 0x10), 1);
		CHECK_EQUAL(*(u32 *)(void *)(memory + at), 0);
	}
}

/* A slot whose guest and caller addresses differ within 2 MiB, and that is not all of a 2M page. */
static void memory_odd_offset(void)
{
	struct machine m;
	u8 *memory;
	u64 size = BIG - 3 * PAGE_SIZE;

	machine_open(&m, MODE_LONG, 0);
	memory = check_pages(BIG + PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA + 5 * PAGE_SIZE, size, memory + PAGE_SIZE),
		     0);
	m.regs.r9 = GPA_EXTRA + 5 * PAGE_SIZE;
	m.regs.r10 = PAGE_SIZE;
	m.regs.rdi = size / PAGE_SIZE;
	m.regs.rsi = GPA_RESULTS;
	machine_do(&m, time_touch);
	CHECK_EQUAL(*(u32 *)(void *)memory, 0);
	for (u64 at = PAGE_SIZE; at < size + PAGE_SIZE; at += PAGE_SIZE)
		CHECK_EQUAL(*(u32 *)(void *)(memory + at), 1);
	CHECK_EQUAL(*(u32 *)(void *)(memory + size + PAGE_SIZE), 0);
	/* Just below and just above it there is nothing. */
	m.regs.rdi = GPA_EXTRA + 5 * PAGE_SIZE - 8;
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	m.regs.rdi = GPA_EXTRA + 5 * PAGE_SIZE + size;
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
}

/* The same memory in two slots: one view sees what the other writes. */
static void memory_seen_twice(void)
{
	struct machine m;
	u8 *page;

	machine_open(&m, MODE_LONG, 0);
	page = check_pages(PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	CHECK_RESULT(machine_slot(m.vm, 6, 0, GPA_EXTRA + 0x100000, PAGE_SIZE, page), 0);
	m.regs.rdi = GPA_EXTRA;
	m.regs.rax = 0xfeedbeef;
	machine_do(&m, long_store);
	m.regs.rdi = GPA_EXTRA + 0x100000;
	m.regs.rax = 0;
	machine_do(&m, long_load);
	CHECK_EQUAL(machine_regs(&m).rax, 0xfeedbeef);
}

/* Instructions cannot be fetched from where there is no memory: an error, not a crash. */
static void memory_execute_nothing(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rdi = GPA_MMIO;
	machine_start(&m, long_jump);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQUAL(m.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK_EQUAL(machine_regs(&m).rip, GPA_MMIO);
	machine_do(&m, long_done);
}

#define OTHER_PML4 0x130000
#define OTHER_PDPT 0x131000
#define OTHER_PD   0x132000

/* Other page tables by KVM_SET_SREGS: what the old ones had is forgotten. */
static void memory_tables_by_sregs(void)
{
	struct machine m;
	struct kvm_sregs s;
	u8 *memory;

	machine_open(&m, MODE_LONG, 0);
	memory = check_pages(BIG);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, BIG, memory), 0);
	*(u32 *)(void *)memory = 0x11111111;
	*(u32 *)(void *)(memory + SIZE_2M) = 0x22222222;
	memcpy(machine_at(&m, OTHER_PDPT), machine_at(&m, GPA_PDPT), PAGE_SIZE);
	*(u64 *)machine_at(&m, OTHER_PML4) = OTHER_PDPT | 3;
	((u64 *)machine_at(&m, OTHER_PDPT))[GPA_EXTRA >> 30] = OTHER_PD | 3;
	*(u64 *)machine_at(&m, OTHER_PD) = (GPA_EXTRA + SIZE_2M) | 0x83;
	m.regs.rdi = GPA_EXTRA;
	machine_do(&m, long_load);
	CHECK_EQUAL(machine_regs(&m).rax, 0x11111111);
	s = machine_sregs(&m);
	s.cr3 = OTHER_PML4;
	machine_set_sregs(&m, &s);
	machine_do(&m, long_load);
	CHECK_EQUAL(machine_regs(&m).rax, 0x22222222);
}

SUITE(memory, TEST(memory_self_modify), TEST(memory_self_modify_long), TEST(memory_changed_outside),
      TEST(memory_every_page), TEST(memory_odd_offset), TEST(memory_seen_twice),
      TEST(memory_execute_nothing), TEST(memory_tables_by_sregs));
