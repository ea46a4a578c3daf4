/* SPDX-License-Identifier: MIT */
/* KVM_SET_USER_MEMORY_REGION: what it refuses, and what becomes of a slot. */
#include "tests/abi/machine.h"

#define SIZE 0x10000ull

struct slots {
	int vm;
	u8 *memory;
};

static struct slots slots_new(void)
{
	struct slots s = {.vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0)),
			  .memory = check_pages(4 * SIZE)};
	return s;
}

static void memslot_alignment(void)
{
	struct slots s = slots_new();

	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0x800, SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE + 1, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, 0x800, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory + 1), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory + 0x800), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory), 0);
}

static void memslot_range(void)
{
	struct slots s = slots_new();

	/* Ends beyond 2^64, or beyond what a guest-physical address can be. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0ull - SIZE, 2 * SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0ull - SIZE, SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 1ull << 52, SIZE, s.memory), -EINVAL);
	if (target_is_kvm0) /* on Linux: MAXPHYADDR */
		CHECK_RESULT(
			machine_slot(s.vm, 0, 0, (1ull << 48) - SIZE + PAGE_SIZE, SIZE, s.memory),
			-EINVAL);
	/* More pages than a slot may have. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, 1ull << 43, s.memory), -EINVAL);
	/* Memory of the caller that ends beyond its address space. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, (void *)(uintptr_t)(0ull - PAGE_SIZE)),
		     -EINVAL);
	CHECK_RESULT(t_ioctl(s.vm, KVM_SET_USER_MEMORY_REGION, T_BAD_ADDRESS), -EFAULT);
}

static void memslot_numbers(void)
{
	struct slots s = slots_new();
	long slots = t_ioctl(s.vm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);

	CHECK(slots >= 32);
	CHECK_RESULT(machine_slot(s.vm, (u32)slots, 0, 0, SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0xffff, 0, 0, SIZE, s.memory), -EINVAL);
	/* The upper half is the number of an address space, and there are not so many. */
	CHECK_RESULT(machine_slot(s.vm, 0x7f0000, 0, 0, SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, (u32)slots - 1, 0, 0, SIZE, s.memory), 0);
}

static void memslot_flags(void)
{
	struct slots s = slots_new();

	CHECK_RESULT(machine_slot(s.vm, 0, 1u << 31, 0, SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 1u << 8, 0, SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, ~0u, 0, SIZE, s.memory), -EINVAL);
}

static void memslot_overlap(void)
{
	struct slots s = slots_new();

	CHECK_RESULT(machine_slot(s.vm, 0, 0, SIZE, SIZE, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 1, 0, SIZE, SIZE, s.memory), -EEXIST);
	CHECK_RESULT(machine_slot(s.vm, 1, 0, 0, 2 * SIZE, s.memory), -EEXIST);
	CHECK_RESULT(machine_slot(s.vm, 1, 0, SIZE - PAGE_SIZE, 2 * PAGE_SIZE, s.memory), -EEXIST);
	CHECK_RESULT(machine_slot(s.vm, 1, 0, 2 * SIZE - PAGE_SIZE, PAGE_SIZE, s.memory), -EEXIST);
	/* Neighbours do not overlap, and the same memory may be seen twice. */
	CHECK_RESULT(machine_slot(s.vm, 1, 0, 2 * SIZE, SIZE, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 2, 0, 0, SIZE, s.memory), 0);
	/* A slot cannot be moved onto another. */
	CHECK_RESULT(machine_slot(s.vm, 2, 0, SIZE, SIZE, s.memory), -EEXIST);
	/* A deleted slot is in nobody's way. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, SIZE, 0, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 2, 0, SIZE, SIZE, s.memory), 0);
}

static void memslot_delete(void)
{
	struct slots s = slots_new();

	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, 0, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, 0, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, 0, s.memory), -EINVAL);
	/* What the address is does not matter then. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, SIZE, 0, NULL), 0);
}

static void memslot_change(void)
{
	struct slots s = slots_new();

	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory), 0);
	/* The same again changes nothing. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory), 0);
	/* Neither the size nor the memory of a slot that is there can change. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, 2 * SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, PAGE_SIZE, s.memory), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 0, SIZE, s.memory + SIZE), -EINVAL);
	CHECK_RESULT(machine_slot(s.vm, 0, 0, SIZE, 2 * SIZE, s.memory), -EINVAL);
	/* Its place can. */
	CHECK_RESULT(machine_slot(s.vm, 0, 0, 4 * SIZE, SIZE, s.memory), 0);
	CHECK_RESULT(machine_slot(s.vm, 1, 0, 0, SIZE, s.memory + SIZE), 0);
}

static void memslot_many(void)
{
	struct slots s = slots_new();
	long slots = t_ioctl(s.vm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	u32 count = (u32)MIN(slots, 64);

	for (u32 i = 0; i < count; i++)
		CHECK_RESULT(machine_slot(s.vm, i, 0, i * 2 * PAGE_SIZE, PAGE_SIZE, s.memory), 0);
	for (u32 i = 0; i < count; i++)
		CHECK_RESULT(machine_slot(s.vm, count - 1 - i, 0, 0, 0, s.memory), 0);
}

/* A guest sees a slot that comes, moves and goes between its runs. */
static void memslot_seen_by_guest(void)
{
	struct machine m;
	u8 *page;

	machine_open(&m, MODE_LONG, 0);
	page = check_pages(PAGE_SIZE);
	*(u64 *)(void *)page = 0x1122334455667788;
	m.regs.rdi = GPA_EXTRA;
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_MMIO);
	memset(m.run->mmio.data, 0xee, 8);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0xeeeeeeeeeeeeeeee);

	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	machine_do(&m, long_load);
	CHECK_EQUAL(machine_regs(&m).rax, 0x1122334455667788);

	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA + SIZE, PAGE_SIZE, page), 0);
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.phys_addr, GPA_EXTRA);
	machine_run_out(&m, PORT_DONE);
	m.regs.rdi = GPA_EXTRA + SIZE;
	m.regs.rax = 0x99;
	machine_do(&m, long_store);
	CHECK_EQUAL(*(u64 *)(void *)page, 0x99);

	CHECK_RESULT(machine_slot(m.vm, 5, 0, 0, 0, NULL), 0);
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.is_write, 1);
	machine_run_out(&m, PORT_DONE);
}

#define SPREAD 100u

/* The limit of KVM_SET_NR_MMU_PAGES; the guest finds its memory also when it is reached. */
static void memslot_mmu_pages(void)
{
	struct machine m;
	u8 *memory;
	long r;

	machine_open(&m, MODE_LONG, 0);
	memory = check_pages(SPREAD * PAGE_SIZE);
	CHECK_RESULT(t_ioctl(m.vm, KVM_SET_NR_MMU_PAGES, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(m.vm, KVM_SET_NR_MMU_PAGES, 63), -EINVAL);
	r = t_ioctl(m.vm, KVM_GET_NR_MMU_PAGES, 0);
	CHECK(r >= 64 || (!target_is_kvm0 && r == -ENOTTY)); /* gone from later Linux */
	CHECK_RESULT(t_ioctl(m.vm, KVM_SET_NR_MMU_PAGES, 64), 0);
	CHECK(t_ioctl(m.vm, KVM_GET_NR_MMU_PAGES, 0) == (r < 0 ? r : 64));
	/* A page each that needs a table of its own. */
	for (u32 i = 0; i < SPREAD; i++)
		CHECK_RESULT(machine_slot(m.vm, 5 + i, 0, GPA_EXTRA + i * SIZE_2M, PAGE_SIZE,
					  memory + i * PAGE_SIZE),
			     0);
	for (u32 round = 0; round < 3; round++) {
		memset(memory, 0, SPREAD * PAGE_SIZE);
		m.regs.r9 = GPA_EXTRA;
		m.regs.r10 = SIZE_2M;
		m.regs.rdi = SPREAD;
		m.regs.rsi = GPA_RESULTS;
		machine_do(&m, time_touch);
		for (u32 i = 0; i < SPREAD; i++)
			CHECK_EQUAL(*(u32 *)(void *)(memory + i * PAGE_SIZE), 1);
		if (round == 1)
			CHECK_RESULT(t_ioctl(m.vm, KVM_SET_NR_MMU_PAGES, 1000), 0);
	}
	CHECK_RESULT(t_ioctl(m.vm, KVM_SET_NR_MMU_PAGES, 64), 0);
	machine_do(&m, long_done);
}

SUITE(memslot, TEST(memslot_alignment), TEST(memslot_range), TEST(memslot_numbers),
      TEST(memslot_flags), TEST(memslot_overlap), TEST(memslot_delete), TEST(memslot_change),
      TEST(memslot_many), TEST(memslot_seen_by_guest), TEST(memslot_mmu_pages));
