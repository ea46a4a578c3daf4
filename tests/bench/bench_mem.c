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

#define LOG_BYTES  (64ull << 20)
#define LOG_PAGES  (u32)(LOG_BYTES / PAGE_SIZE)
#define LOG_ROUNDS 4

/* Writes to `count` pages, evenly spread, in pieces of as many samples as there is room for. */
static void dirty(struct machine *m, u32 count)
{
	u64 step = LOG_PAGES / count * PAGE_SIZE;

	for (u32 done = 0; done < count; done += RESULTS_MAX) {
		m->regs.r9 = GPA_EXTRA + done * step;
		m->regs.r10 = step;
		bench_start(m, time_touch, MIN(count - done, RESULTS_MAX));
		machine_run_out(m, PORT_DONE);
	}
}

static u32 bits_of(const u64 *bitmap)
{
	u32 n = 0;

	for (u32 i = 0; i < LOG_PAGES / 64; i++)
		for (u64 w = bitmap[i]; w; w &= w - 1)
			n++;
	return n;
}

/* KVM_GET_DIRTY_LOG of 64 MiB in 4K pages, `count` of which were written to. */
static void dirty_log(u32 count)
{
	u8 *memory = check_pages(LOG_BYTES + PAGE_SIZE);
	u64 *bitmap = check_pages(LOG_PAGES / 8);
	struct kvm_dirty_log log = {.slot = EXTRA_SLOT, .dirty_bitmap = bitmap};
	struct machine m;
	u64 t;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	memory += PAGE_SIZE; /* no large page fits */
	CHECK_RESULT(machine_slot(m.vm, EXTRA_SLOT, 0, GPA_EXTRA, LOG_BYTES, memory), 0);
	dirty(&m, LOG_PAGES);
	t = rdtsc();
	CHECK_RESULT(machine_slot(m.vm, EXTRA_SLOT, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, LOG_BYTES,
				  memory),
		     0);
	bench_samples[0] = rdtsc() - t;
	if (count == LOG_PAGES)
		bench_row("dirty_log_enable_64M", NULL, bench_samples, 1, "host");
	for (u32 i = 0; i < LOG_ROUNDS; i++) {
		dirty(&m, count);
		t = rdtsc();
		CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
		bench_samples[i] = rdtsc() - t;
		CHECK_EQUAL(bits_of(bitmap), count);
	}
	bench_row(NULL, NULL, bench_samples, LOG_ROUNDS, "host");
	bench_row(NULL, "touch", bench_results(&m, 0), MIN(count, RESULTS_MAX), "guest");
}

static void dirty_log_1pct(void)
{
	dirty_log(164);
}

static void dirty_log_100pct(void)
{
	dirty_log(LOG_PAGES);
}

SUITE(mem, TEST(touch_4k), TEST(touch_thp_by4k), TEST(touch_thp_by2m), TEST(memslot),
      TEST(teardown_16M), TEST(dirty_log_1pct), TEST(dirty_log_100pct));
