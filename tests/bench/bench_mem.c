/* SPDX-License-Identifier: MIT */
/* First touches of guest memory, and memory slots. */
#include "tests/bench/bench.h"

#define TEST_BYTES  (16ull << 20)
#define SLOT_ROUNDS 50
#define TEARDOWNS   5
#define PAGES_OF_IT (u32)(TEST_BYTES / PAGE_SIZE)
#define EXTRA_SLOT  5

/*
 * Memory for EXTRA_SLOT.  With an odd offset no large page fits: guest and caller addresses
 * then differ within 2 MiB.
 */
static u8 *test_memory(u64 offset)
{
	u8 *memory = check_pages(TEST_BYTES + SIZE_2M);
	return memory + offset;
}

static void touch(u64 offset, u64 stride)
{
	u32 n = (u32)(TEST_BYTES / stride);
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(machine_slot(m.vm, EXTRA_SLOT, 0, GPA_EXTRA, TEST_BYTES, test_memory(offset)),
		     0);
	bench_start(&m, time_empty, n);
	machine_run_out(&m, PORT_DONE);
	m.regs.r9 = GPA_EXTRA;
	m.regs.r10 = stride;
	bench_start(&m, time_touch, n);
	machine_run_out(&m, PORT_DONE);
	bench_row(NULL, NULL, bench_results(&m, 0), n, "guest");
}

static void touch_4k(void)
{
	touch(PAGE_SIZE, PAGE_SIZE);
}

static void touch_thp_by4k(void)
{
	touch(0, PAGE_SIZE);
}

static void touch_thp_by2m(void)
{
	touch(0, SIZE_2M);
}

static void memslot(void)
{
	static u64 deletions[SLOT_ROUNDS];
	struct machine m;
	u8 *memory;
	u64 t;
	long r;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	memory = test_memory(0);
	for (u32 i = 0; i < SLOT_ROUNDS; i++) {
		t = rdtsc();
		r = machine_slot(m.vm, EXTRA_SLOT, 0, GPA_EXTRA, TEST_BYTES, memory);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r, 0);
		t = rdtsc();
		r = machine_slot(m.vm, EXTRA_SLOT, 0, GPA_EXTRA, 0, memory);
		deletions[i] = rdtsc() - t;
		CHECK_RESULT(r, 0);
	}
	bench_row("memslot_add", NULL, bench_samples, SLOT_ROUNDS, "host");
	bench_row("memslot_delete", NULL, deletions, SLOT_ROUNDS, "host");
	if (target_is_kvm0) /* nothing of it waits */
		bench_row("memslot_delete", "cpu", deletions, SLOT_ROUNDS, "host");
}

/* The last close of a VM with one vCPU that has touched 16 MiB by 4K pages. */
static void teardown_16M(void)
{
	u8 *memory = test_memory(PAGE_SIZE);
	struct machine m;
	u64 t;

	for (u32 i = 0; i < TEARDOWNS; i++) {
		machine_open(&m, MODE_LONG, MACHINE_CPUID);
		CHECK_RESULT(machine_slot(m.vm, EXTRA_SLOT, 0, GPA_EXTRA, TEST_BYTES, memory), 0);
		m.regs.r9 = GPA_EXTRA;
		m.regs.r10 = PAGE_SIZE;
		bench_start(&m, time_touch, PAGES_OF_IT);
		machine_run_out(&m, PORT_DONE);
		t = rdtsc();
		check_close(m.vcpu);
		check_close(m.vm);
		bench_samples[i] = rdtsc() - t;
	}
	bench_row(NULL, NULL, bench_samples, TEARDOWNS, "host");
	if (target_is_kvm0) /* nothing of it waits */
		bench_row(NULL, "cpu", bench_samples, TEARDOWNS, "host");
}

SUITE(mem, TEST(touch_4k), TEST(touch_thp_by4k), TEST(touch_thp_by2m), TEST(memslot),
      TEST(teardown_16M));
