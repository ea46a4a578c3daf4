/* SPDX-License-Identifier: MIT */
/* The dirty ring: a list of each vCPU of the pages that it wrote to. */
#include "tests/abi/dirty.h"
#include "tests/abi/kvmclock.h"

#define BIG (4 * SIZE_2M)

struct ringed {
	struct logged d;
	struct kvm_dirty_gfn *ring;
	u32 entries;
	u32 next; /* the entry that is read next; counts up for ever */
};

static long enable(int vm, u64 cap, u64 bytes)
{
	struct kvm_enable_cap c = {.cap = (u32)cap, .args[0] = bytes};

	return t_ioctl_ptr(vm, KVM_ENABLE_CAP, &c);
}

static long reset(const struct ringed *r)
{
	return t_ioctl(r->d.m.vm, KVM_RESET_DIRTY_RINGS, 0);
}

static void ring_open(struct ringed *r, u64 size, u32 flags)
{
	u32 pages;

	machine_open(&r->d.m, MODE_LONG, MACHINE_RING);
	r->entries = (u32)(r->d.m.ring_bytes / sizeof(*r->ring));
	pages = r->d.m.ring_bytes / PAGE_SIZE;
	r->ring = t_map(r->d.m.vcpu, KVM_DIRTY_LOG_PAGE_OFFSET, pages,
			check_pages(r->d.m.ring_bytes));
	CHECK(r->ring);
	r->next = 0;
	r->d.size = size;
	r->d.memory = check_pages(size);
	r->d.bits = check_pages(BITS_BYTES);
	CHECK_RESULT(dirty_slot(&r->d, flags, GPA_EXTRA), 0);
}

/* Reads what is new, marks it as seen, and sets its bits; how many there were. */
static u32 harvest(struct ringed *r)
{
	u32 count = 0;

	for (;; count++) {
		struct kvm_dirty_gfn *e = &r->ring[r->next % r->entries];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			return count;
		CHECK_EQUAL(e->slot, LOG_SLOT);
		CHECK(e->offset < r->d.size / PAGE_SIZE);
		r->d.bits[e->offset / 64] |= 1ull << e->offset % 64;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		r->next++;
	}
}

static void ring_errors(void)
{
	u64 most = (u64)t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING);
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_EQUAL(most, 65536 * sizeof(struct kvm_dirty_gfn));
	CHECK_RESULT(t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING_ACQ_REL), (long)most);
	CHECK_RESULT(t_ioctl(vm, KVM_RESET_DIRTY_RINGS, 0), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, 0), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, 2048), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, most - PAGE_SIZE), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, most + 1), -EINVAL);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, 2 * most), -E2BIG);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, 1ull << 63), -EINVAL); /* 32 bits count */
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, most), 0);
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, most), -EINVAL); /* once only */
	CHECK_RESULT(t_ioctl(vm, KVM_RESET_DIRTY_RINGS, 0), 0);
	vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(enable(vm, KVM_CAP_DIRTY_LOG_RING, most), -EINVAL);
}

/* There is no bitmap then. */
static void ring_no_bitmap(void)
{
	struct ringed r;

	ring_open(&r, SIZE_2M, LOG);
	CHECK_RESULT(dirty_get(&r.d), -ENXIO);
	CHECK_RESULT(dirty_clear(&r.d, 0, 64), -ENXIO);
}

static void ring_entries(void)
{
	struct ringed r;
	u32 read;

	ring_open(&r, BIG, LOG);
	dirty_touch(&r.d, 3, PAGES_2M - 1, 4);
	for (u32 i = 0; i < 4; i++) {
		CHECK_EQUAL(r.ring[i].flags, KVM_DIRTY_GFN_F_DIRTY);
		CHECK_EQUAL(r.ring[i].slot, LOG_SLOT);
		CHECK_EQUAL(r.ring[i].offset, 3 + i * (PAGES_2M - 1));
	}
	CHECK_EQUAL(r.ring[4].flags, 0);
	CHECK_RESULT(reset(&r), 0); /* not seen yet */
	CHECK_EQUAL(r.ring[0].flags, KVM_DIRTY_GFN_F_DIRTY);
	if (t_has_vmx()) { /* these are dirty already */
		dirty_touch(&r.d, 3, PAGES_2M - 1, 4);
		CHECK_EQUAL(r.ring[4].flags, 0);
	}
	CHECK_EQUAL(harvest(&r), 4);
	CHECK_RESULT(reset(&r), 4);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQUAL(r.ring[i].flags, 0);
	CHECK_RESULT(reset(&r), 0);
	dirty_touch(&r.d, 3, PAGES_2M - 1, 4);
	CHECK_EQUAL(harvest(&r), 4);
	CHECK_EQUAL(r.next, 8);
	dirty_load(&r.d, 0);
	read = harvest(&r);
	CHECK(!read || !target_is_kvm0); /* Linux may take a page's first read for a write */
	/* Not logged any more. */
	CHECK_RESULT(dirty_slot(&r.d, 0, GPA_EXTRA), 0);
	dirty_touch(&r.d, 50, 1, 20);
	CHECK_EQUAL(harvest(&r), 0);
}

/* A slot that was logged before there were rings is in the rings, too. */
static void ring_after_bitmap(void)
{
	struct kvm_dirty_gfn *ring;
	struct machine m;
	bool found = false;

	machine_open(&m, MODE_LONG, MACHINE_RING | MACHINE_LOGGED);
	ring = t_map(m.vcpu, KVM_DIRTY_LOG_PAGE_OFFSET, m.ring_bytes / PAGE_SIZE,
		     check_pages(m.ring_bytes));
	CHECK(ring);
	m.regs.rdi = GPA_BUFFER;
	machine_do(&m, long_store);
	for (u32 i = 0; i < m.ring_bytes / sizeof(*ring) && ring[i].flags; i++)
		found |= ring[i].slot == 0 && ring[i].offset == GPA_BUFFER / PAGE_SIZE;
	CHECK(found);
}

/* The guest is to touch all the pages of BIG bytes. */
static void touch_all(struct ringed *r)
{
	machine_need_vmx(
		"a ring that runs full"); /* where page tables are shadowed it may not end */
	ring_open(r, BIG, LOG);
	r->d.m.regs.r9 = GPA_EXTRA;
	r->d.m.regs.r10 = PAGE_SIZE;
	r->d.m.regs.rdi = BIG / PAGE_SIZE;
	r->d.m.regs.rsi = GPA_RESULTS;
	machine_start(&r->d.m, time_touch);
}

/* The ring is full again and again, and no page is lost. */
static void ring_full(void)
{
	u32 pages = BIG / PAGE_SIZE, count = 0, full = 0;
	struct ringed r;

	touch_all(&r);
	for (;;) {
		CHECK_RESULT(t_run(r.d.m.vcpu), 0);
		if (r.d.m.run->exit_reason != KVM_EXIT_DIRTY_RING_FULL)
			break;
		full++;
		CHECK(full <= pages);
		if (full == 1) { /* for as long as nothing is taken back */
			machine_run(&r.d.m, KVM_EXIT_DIRTY_RING_FULL);
			machine_run(&r.d.m, KVM_EXIT_DIRTY_RING_FULL);
		}
		u32 n = harvest(&r);
		CHECK_RESULT(reset(&r), n);
		count += n;
	}
	CHECK_EQUAL(r.d.m.run->exit_reason, KVM_EXIT_IO);
	count += harvest(&r);
	CHECK(full >= pages / r.entries);
	CHECK(count >= pages); /* one that was noted, cleaned, and only then written comes twice */
	for (u32 i = 0; i < pages / 64; i++)
		CHECK_EQUAL(r.d.bits[i], ~0ull);
}

/* While it is full KVM itself writes nothing either, as that would be lost in the end. */
static void ring_full_clock(void)
{
	struct ringed r;
	u64 a = 0;
	u32 n;

	touch_all(&r);
	machine_run(&r.d.m, KVM_EXIT_DIRTY_RING_FULL);
	for (u32 i = 0; i < r.entries; i++) {
		a = BIG - (1 + i % 2) * PAGE_SIZE;
		machine_set_msr(&r.d.m, MSR_KVM_SYSTEM_TIME_NEW, (GPA_EXTRA + a) | 1);
		machine_run(&r.d.m, KVM_EXIT_DIRTY_RING_FULL);
	}
	CHECK_EQUAL(((struct clock_page *)(r.d.memory + a))->version, 0);
	n = harvest(&r);
	CHECK_RESULT(reset(&r), n);
	machine_run(&r.d.m, KVM_EXIT_DIRTY_RING_FULL);
	CHECK(((struct clock_page *)(r.d.memory + a))->version != 0);
	CHECK(harvest(&r) > 0);
	CHECK(r.d.bits[a / PAGE_SIZE / 64] >> a / PAGE_SIZE % 64 & 1);
}

/* Instructions that KVM carries out itself. */
static void ring_emulated(void)
{
	struct ringed r;

	ring_open(&r, SIZE_2M, LOG);
	r.d.m.regs.rsi = GPA_MMIO;
	r.d.m.regs.rdi = GPA_EXTRA + 9 * PAGE_SIZE;
	r.d.m.regs.rcx = 2;
	machine_start(&r.d.m, long_mmio_movsq);
	machine_run(&r.d.m, KVM_EXIT_MMIO);
	machine_run(&r.d.m, KVM_EXIT_MMIO);
	machine_run_out(&r.d.m, PORT_DONE);
	CHECK(harvest(&r) >= 1);
	CHECK_EQUAL(r.d.bits[0], 1 << 9);
}

/* What the VMM writes into the ring cannot harm KVM; only on kvm0, as Linux may warn of it. */
static void ring_garbage(void)
{
	struct ringed r;

	if (!target_is_kvm0)
		check_skip("rings that were tampered with");
	ring_open(&r, BIG, LOG);
	for (u32 round = 0; round < 4; round++) {
		for (u32 i = 0; i < r.entries; i++)
			r.ring[i] = (struct kvm_dirty_gfn){.flags = KVM_DIRTY_GFN_F_RESET | round,
							   .slot = round ? LOG_SLOT : ~0u,
							   .offset = ~0ull >> (round * 15)};
		CHECK_RESULT(reset(&r), 0); /* none of them was given out */
		dirty_touch(&r.d, 0, 1, 10);
		for (u32 i = 0; i < r.entries; i++)
			r.ring[i] = (struct kvm_dirty_gfn){.flags = ~0u,
							   .slot = round ? LOG_SLOT : ~0u,
							   .offset = ~0ull >> (round * 15)};
		CHECK(reset(&r) <= 10);
		CHECK_RESULT(reset(&r), 0);
	}
}

SUITE(dirty_ring, TEST(ring_errors), TEST(ring_no_bitmap), TEST(ring_entries),
      TEST(ring_after_bitmap), TEST(ring_full), TEST(ring_full_clock), TEST(ring_emulated),
      TEST(ring_garbage));
