/* SPDX-License-Identifier: MIT */
/*
 * The log of a guest that counts in its pages on CPU 1 is read by this CPU, which copies what it
 * says, as a migration does: at the guest's end the copy is the same.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/dirty.h"
#include "tests/abi/kvm0_smp.h"

#define SIZE   (SIZE_2M + 40 * PAGE_SIZE)
#define FIRST  490u /* of the pages that the guest counts in: on both sides of 2 MiB */
#define PAGES  60u
#define ROUNDS 1200u

/* Static: a job that does not end outlives its test. */
static struct {
	struct logged d;
	u8 *copy;
	struct kvm_dirty_gfn *ring; /* NULL: bitmaps */
	u32 entries, next;
	bool manual;
	u64 copied; /* pages */
	s64 result;
	volatile u32 ended;
} t;

static void run_job(void *unused)
{
	(void)unused;
	do
		t.result = run_here(t.d.m.vcpu);
	while (!t.result && t.d.m.run->exit_reason == KVM_EXIT_DIRTY_RING_FULL);
	__atomic_store_n(&t.ended, 1, __ATOMIC_RELEASE);
}

/* Those whose bits are set. */
static void copy_pages(void)
{
	for (u32 i = 0; i < SIZE / PAGE_SIZE; i++)
		if (t.d.bits[i / 64] >> i % 64 & 1) {
			memcpy(t.copy + i * PAGE_SIZE, t.d.memory + i * PAGE_SIZE, PAGE_SIZE);
			t.copied++;
		}
}

static void collect_ring(void)
{
	memset(t.d.bits, 0, BITS_BYTES);
	for (;; t.next++) {
		struct kvm_dirty_gfn *e = &t.ring[t.next % t.entries];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		CHECK_EQUAL(e->slot, LOG_SLOT);
		t.d.bits[e->offset / 64] |= 1ull << e->offset % 64;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
	CHECK(t_ioctl(t.d.m.vm, KVM_RESET_DIRTY_RINGS, 0) >= 0);
	copy_pages();
}

static void collect(void)
{
	if (t.ring) {
		collect_ring();
		return;
	}
	CHECK_RESULT(dirty_get(&t.d), 0);
	if (t.manual)
		CHECK_RESULT(dirty_clear(&t.d, 0, SIZE / PAGE_SIZE), 0);
	copy_pages();
}

static void open(u32 options, u64 manual)
{
	cpu1_need();
	memset(&t, 0, sizeof(t));
	machine_open(&t.d.m, MODE_LONG, options);
	t.d.size = SIZE;
	t.d.memory = check_pages(SIZE);
	t.d.bits = check_pages(BITS_BYTES);
	t.copy = check_pages(SIZE);
	if (options & MACHINE_RING) {
		t.entries = (u32)(t.d.m.ring_bytes / sizeof(*t.ring));
		t.ring = t_map(t.d.m.vcpu, KVM_DIRTY_LOG_PAGE_OFFSET, t.d.m.ring_bytes / PAGE_SIZE,
			       check_pages(t.d.m.ring_bytes));
		CHECK(t.ring);
	} else if (manual) {
		t.manual = true;
		CHECK_RESULT(dirty_manual(&t.d, manual), 0);
	}
	CHECK_RESULT(dirty_slot(&t.d, 0, GPA_EXTRA), 0);
	dirty_touch(&t.d, 0, 1, SIZE / PAGE_SIZE); /* what is mapped now is so in large pages */
	memset(t.d.memory, 0, SIZE);
	CHECK_RESULT(dirty_slot(&t.d, LOG, GPA_EXTRA), 0);
}

/* @drop: all that is mapped goes, now and then. */
static void count_and_copy(bool drop)
{
	struct machine *m = &t.d.m;

	m->regs.rdi = GPA_EXTRA + FIRST * PAGE_SIZE;
	m->regs.rsi = PAGES;
	m->regs.r9 = ROUNDS;
	machine_start(m, cpus_check);
	cpu1_begin(run_job, NULL);
	for (u32 i = 0; !__atomic_load_n(&t.ended, __ATOMIC_ACQUIRE); i++) {
		collect();
		if (drop && i % 8 == 7) {
			CHECK_RESULT(t_ioctl(m->vm, KVM_SET_NR_MMU_PAGES, 64), 0);
			CHECK_RESULT(t_ioctl(m->vm, KVM_SET_NR_MMU_PAGES, 1000), 0);
		}
	}
	cpu1_end();
	CHECK_RESULT((long)t.result, 0);
	CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(machine_regs(m).rdi, 0);
	collect();
	/* A ring may get all of it only now, from the CPU's own list. */
	CHECK(t.copied >= (t.ring ? 1 : 2) * PAGES);
	for (u32 i = 0; i < SIZE / PAGE_SIZE; i++)
		if (memcmp(t.copy + i * PAGE_SIZE, t.d.memory + i * PAGE_SIZE, PAGE_SIZE))
			check_fail(__FILE__, __LINE__, "page %u is not what the guest left", i);
}

static void kvm0_dirty_bitmap(void)
{
	open(0, 0);
	count_and_copy(false);
}

static void kvm0_dirty_dropped(void)
{
	open(0, 0);
	count_and_copy(true);
}

static void kvm0_dirty_manual(void)
{
	open(0, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
	count_and_copy(true);
}

static void kvm0_dirty_all_at_first(void)
{
	open(0, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET);
	count_and_copy(false);
}

static void kvm0_dirty_ring(void)
{
	open(MACHINE_RING, 0);
	count_and_copy(true);
}

SUITE(kvm0_smp_dirty, TEST(kvm0_dirty_bitmap), TEST(kvm0_dirty_dropped), TEST(kvm0_dirty_manual),
      TEST(kvm0_dirty_all_at_first), TEST(kvm0_dirty_ring));
