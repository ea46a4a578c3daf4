/* SPDX-License-Identifier: MIT */
/* The dirty log: the bitmap has what the guest wrote to since it was read, and nothing else. */
#include "tests/abi/dirty.h"

#define BIG (4 * SIZE_2M)

static void dirty_errors(void)
{
	struct logged d;
	struct kvm_dirty_log log = {.slot = LOG_SLOT};
	long slots;

	dirty_open(&d, PAGE_SIZE, 0);
	slots = t_ioctl(d.m.vm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	CHECK_RESULT(dirty_get(&d), -ENOENT);
	CHECK_RESULT(dirty_clear(&d, 0, 1), -ENOENT);
	CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA), 0);
	log.dirty_bitmap = (void *)T_BAD_ADDRESS;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_GET_DIRTY_LOG, &log), -EFAULT);
	CHECK_RESULT(t_ioctl(d.m.vm, KVM_GET_DIRTY_LOG, T_BAD_ADDRESS), -EFAULT);
	log.dirty_bitmap = d.bits;
	log.slot = LOG_SLOT + 1;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_GET_DIRTY_LOG, &log), -ENOENT);
	log.slot = (u32)slots;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_GET_DIRTY_LOG, &log), -EINVAL);
	log.slot = LOG_SLOT | 0x7f0000;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_GET_DIRTY_LOG, &log), -EINVAL);
	log.slot = ~0u;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_GET_DIRTY_LOG, &log), -EINVAL);
	CHECK_RESULT(dirty_get(&d), 0);
}

static void dirty_clear_errors(void)
{
	struct kvm_clear_dirty_log log = {.slot = LOG_SLOT, .num_pages = 64};
	struct logged d;

	dirty_open(&d, 200 * PAGE_SIZE, LOG);
	memset(d.bits, 0, PAGE_SIZE);
	CHECK_RESULT(dirty_clear(&d, 1, 64), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 32, 64), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 0, 63), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 0, 199), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 0, 256), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 192, 64), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 256, 0), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 0, ~0u), -EINVAL);
	CHECK_RESULT(dirty_clear(&d, 192, 8), 0);
	CHECK_RESULT(dirty_clear(&d, 128, 72), 0);
	CHECK_RESULT(dirty_clear(&d, 64, 64), 0);
	CHECK_RESULT(dirty_clear(&d, 0, 200), 0);
	CHECK_RESULT(dirty_clear(&d, 0, 0), 0);
	log.first_page = 1ull << 63;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_CLEAR_DIRTY_LOG, &log), -EINVAL);
	log.first_page = 0;
	log.dirty_bitmap = (void *)T_BAD_ADDRESS;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_CLEAR_DIRTY_LOG, &log), -EFAULT);
	log.slot = LOG_SLOT + 1;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_CLEAR_DIRTY_LOG, &log), -ENOENT);
	log.slot = ~0u;
	CHECK_RESULT(t_ioctl_ptr(d.m.vm, KVM_CLEAR_DIRTY_LOG, &log), -EINVAL);
	CHECK_RESULT(t_ioctl(d.m.vm, KVM_CLEAR_DIRTY_LOG, T_BAD_ADDRESS), -EFAULT);
}

static void dirty_patterns(void)
{
	static const struct {
		u32 first, step, count;
	} patterns[] = {
		{0, 1, 1},
		{BIG / PAGE_SIZE - 1, 1, 1},
		{63, 1, 2},           /* across a word of the bitmap */
		{PAGES_2M - 1, 1, 2}, /* across a large page */
		{0, PAGES_2M, 4},
		{7, 99, 20},
		{0, 1, 2 * PAGES_2M},
		{0, 1, BIG / PAGE_SIZE},
	};
	struct logged d;

	dirty_open(&d, BIG, LOG);
	for (u32 round = 0; round < 2; round++)
		for (u32 i = 0; i < ARRAY_SIZE(patterns); i++) {
			u32 first = patterns[i].first, step = patterns[i].step;

			dirty_touch(&d, first, step, patterns[i].count);
			dirty_expect(&d, first, step, patterns[i].count);
			dirty_expect(&d, 0, 1, 0);
		}
}

/* The same in memory that no large page can map, and that ends within a word. */
static void dirty_small(void)
{
	struct logged d;

	dirty_open(&d, SIZE_2M, 0);
	CHECK_RESULT(machine_slot(d.m.vm, LOG_SLOT, 0, 0, 0, NULL), 0);
	d.memory += PAGE_SIZE;
	d.size = 70 * PAGE_SIZE;
	CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA), 0);
	dirty_touch(&d, 0, 3, 24);
	dirty_expect(&d, 0, 3, 24);
	dirty_touch(&d, 69, 1, 1);
	dirty_expect(&d, 69, 1, 1);
}

/* A write into two pages, and reads. */
static void dirty_crossing(void)
{
	struct logged d;

	dirty_open(&d, 2 * SIZE_2M, LOG);
	dirty_load(&d, 0);
	dirty_load(&d, SIZE_2M);
	/* Linux maps a page for writing when it is read first, and takes that for a write. */
	if (target_is_kvm0)
		dirty_expect(&d, 0, 1, 0);
	else
		CHECK_RESULT(dirty_get(&d), 0);
	dirty_store(&d, 4 * PAGE_SIZE - 4);
	dirty_expect(&d, 3, 1, 2);
	dirty_store(&d, SIZE_2M - 4);
	dirty_expect(&d, PAGES_2M - 1, 1, 2);
	dirty_load(&d, 4 * PAGE_SIZE - 4);
	dirty_expect(&d, 0, 1, 0);
}

/* The log starts clean, whatever was written before, and forgets when it stops. */
static void dirty_on_and_off(void)
{
	struct logged d;

	dirty_open(&d, BIG, 0);
	dirty_touch(&d, 0, 1, BIG / PAGE_SIZE);
	for (u32 i = 0; i < 3; i++) {
		CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA), 0);
		dirty_expect(&d, 0, 1, 0);
		dirty_touch(&d, i, 100, 20);
		dirty_expect(&d, i, 100, 20);
		dirty_touch(&d, 5, 1, 1);
		CHECK_RESULT(dirty_slot(&d, 0, GPA_EXTRA), 0);
		CHECK_RESULT(dirty_get(&d), -ENOENT);
		dirty_touch(&d, 0, 1, BIG / PAGE_SIZE);
	}
	for (u32 i = 0; i < BIG / PAGE_SIZE; i++)
		CHECK_EQUAL(*(u32 *)(void *)(d.memory + i * PAGE_SIZE), 1);
}

/* Instructions that KVM carries out itself write to the log as well. */
static void dirty_emulated(void)
{
	struct logged d;

	dirty_open(&d, SIZE_2M, LOG);
	d.m.regs.rsi = GPA_MMIO;
	d.m.regs.rdi = GPA_EXTRA + 9 * PAGE_SIZE - 4;
	d.m.regs.rcx = 1;
	machine_start(&d.m, long_mmio_movsq);
	machine_run(&d.m, KVM_EXIT_MMIO);
	*(u64 *)(void *)d.m.run->mmio.data = 0x1122334455667788;
	machine_run_out(&d.m, PORT_DONE);
	CHECK_EQUAL(*(u32 *)(void *)(d.memory + 9 * PAGE_SIZE), 0x11223344);
	dirty_expect(&d, 8, 1, 2);
	dirty_expect(&d, 0, 1, 0);
}

static void dirty_manual_protect(void)
{
	struct logged d;

	dirty_open(&d, BIG, LOG);
	CHECK_RESULT(dirty_manual(&d, 2), -EINVAL); /* initially set, without the other */
	CHECK_RESULT(dirty_manual(&d, 4), -EINVAL);
	CHECK_RESULT(dirty_manual(&d, 5), -EINVAL);
	CHECK_RESULT(dirty_manual(&d, 1), 0);
	dirty_touch(&d, 0, 64, 32);
	dirty_expect(&d, 0, 64, 32);
	dirty_expect(&d, 0, 64, 32); /* it stays until it is cleared */
	CHECK_RESULT(dirty_clear(&d, 0, BIG / PAGE_SIZE / 2), 0);
	dirty_expect(&d, 16 * 64, 64, 16);
	dirty_touch(&d, 15 * 64, 64, 1);
	dirty_expect(&d, 15 * 64, 64, 17);
	/* Only what the caller names. */
	memset(d.bits, 0, BITS_BYTES);
	d.bits[0] = 1; /* the first bit is that of the first page */
	d.bits[1] = ~1ull;
	CHECK_RESULT(dirty_clear(&d, 16 * 64, 128), 0);
	CHECK_RESULT(dirty_get(&d), 0);
	CHECK_EQUAL(d.bits[15], 1);
	CHECK_EQUAL(d.bits[16], 0);
	CHECK_EQUAL(d.bits[17], 1);
	memset(d.bits, 0xff, BITS_BYTES);
	CHECK_RESULT(dirty_clear(&d, 0, BIG / PAGE_SIZE), 0);
	dirty_expect(&d, 0, 1, 0);
	dirty_touch(&d, 3, 64, 32);
	dirty_expect(&d, 3, 64, 32);
	/* Reading clears again when that is off. */
	CHECK_RESULT(dirty_manual(&d, 0), 0);
	dirty_expect(&d, 3, 64, 32);
	dirty_expect(&d, 0, 1, 0);
}

/* All pages are dirty at first, and are looked at when they have been cleared. */
static void dirty_initially_set(void)
{
	struct logged d;

	dirty_open(&d, BIG + 3 * PAGE_SIZE, 0);
	CHECK_RESULT(dirty_manual(&d, 3), 0);
	dirty_touch(&d, 0, 1, BIG / PAGE_SIZE);
	CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA), 0);
	dirty_expect(&d, 0, 1, BIG / PAGE_SIZE + 3);
	CHECK_RESULT(dirty_clear(&d, 0, 64), 0);
	dirty_touch(&d, 2, 1, 3);
	dirty_touch(&d, 100, 1, 3);
	CHECK_RESULT(dirty_get(&d), 0);
	CHECK_EQUAL(d.bits[0], 7 << 2);
	CHECK_EQUAL(d.bits[1], ~0ull);
	memset(d.bits, 0xff, BITS_BYTES);
	CHECK_RESULT(dirty_clear(&d, 0, BIG / PAGE_SIZE + 3), 0);
	dirty_expect(&d, 0, 1, 0);
	dirty_touch(&d, BIG / PAGE_SIZE, 1, 3);
	dirty_expect(&d, BIG / PAGE_SIZE, 1, 3);
	/* Pages that were never cleared, when reading clears again.  Linux 6.1 loses writes to
	 * large pages then, which it splits only while they are set initially. */
	if (!target_is_kvm0)
		return;
	CHECK_RESULT(dirty_slot(&d, 0, GPA_EXTRA), 0);
	dirty_touch(&d, 0, 1, BIG / PAGE_SIZE);
	CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA), 0);
	CHECK_RESULT(dirty_manual(&d, 0), 0);
	dirty_expect(&d, 0, 1, BIG / PAGE_SIZE + 3);
	dirty_touch(&d, 7, 50, 30);
	dirty_expect(&d, 7, 50, 30);
}

/* A slot takes its log along; one that is made anew does not. */
static void dirty_moved(void)
{
	struct logged d;

	dirty_open(&d, SIZE_2M, LOG);
	dirty_touch(&d, 1, 7, 10);
	CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA + SIZE_2M), 0);
	dirty_expect(&d, 1, 7, 10);
	dirty_touch(&d, PAGES_2M + 5, 1, 1);
	dirty_expect(&d, 5, 1, 1);
	dirty_touch(&d, PAGES_2M + 6, 1, 1);
	CHECK_RESULT(machine_slot(d.m.vm, LOG_SLOT, 0, 0, 0, NULL), 0);
	CHECK_RESULT(dirty_get(&d), -ENOENT);
	CHECK_RESULT(dirty_slot(&d, LOG, GPA_EXTRA), 0);
	dirty_expect(&d, 0, 1, 0);
}

/* The same memory in two slots: the log is that of the slot, not of the memory. */
static void dirty_alias(void)
{
	struct logged d;

	dirty_open(&d, SIZE_2M, LOG);
	CHECK_RESULT(machine_slot(d.m.vm, 6, 0, GPA_EXTRA + BIG, SIZE_2M, d.memory), 0);
	dirty_touch(&d, BIG / PAGE_SIZE + 3, 1, 1);
	CHECK_EQUAL(*(u32 *)(void *)(d.memory + 3 * PAGE_SIZE), 1);
	dirty_expect(&d, 0, 1, 0);
	dirty_touch(&d, 4, 1, 1);
	dirty_expect(&d, 4, 1, 1);
}

SUITE(dirty, TEST(dirty_errors), TEST(dirty_clear_errors), TEST(dirty_patterns), TEST(dirty_small),
      TEST(dirty_crossing), TEST(dirty_on_and_off), TEST(dirty_emulated),
      TEST(dirty_manual_protect), TEST(dirty_initially_set), TEST(dirty_moved), TEST(dirty_alias));
