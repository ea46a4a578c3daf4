/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/memslot.c */
/* Memory slots: each error, each kind of change, and random ones against a plain list. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include <kvm0/abi.h>

#include "kvm/memslot.h"

#define MIB (1ull << 20)

static struct memslots slots;

static int setup(void **state)
{
	fake_reset(state);
	return memslots_init(&slots);
}

static int teardown(void **state)
{
	memslots_destroy(&slots);
	return fake_check_leaks(state);
}

static int plan(u32 id, u64 base, u64 size, u64 hva, struct memslot_change *c)
{
	const struct kvm_userspace_memory_region r = {
		.slot = id,
		.guest_phys_addr = base,
		.memory_size = size,
		.userspace_addr = hva,
	};

	memset(c, 0xff, sizeof(*c));
	return memslots_plan(&slots, &r, c);
}

static void commit(const struct memslot_change *c)
{
	assert_int_equal(memslots_reserve(&slots, c), 0);
	memslots_commit(&slots, c);
}

static int set(u32 id, u64 base, u64 size, u64 hva)
{
	struct memslot_change c;
	int err = plan(id, base, size, hva, &c);

	if (!err && !c.none)
		commit(&c);
	return err;
}

static int id_at(u64 a)
{
	const struct memslot *m = memslots_find(&slots, gpa(a));

	return m ? (int)m->id : -1;
}

static void test_init(void **state)
{
	struct memslots none;

	(void)state;
	assert_int_equal(slots.count, 0);
	assert_int_equal(id_at(0), -1);
	fake_alloc_limit = 0;
	assert_int_equal(memslots_init(&none), -ENOMEM);
	memslots_destroy(&none);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(set(MEMSLOT_MAX, 0, MIB, MIB), -EINVAL);
	assert_int_equal(set(0x10000, 0, MIB, MIB), -EINVAL); /* another address space */
	assert_int_equal(set(~0u, 0, MIB, MIB), -EINVAL);
	assert_int_equal(set(MEMSLOT_MAX - 1, 0, MIB, MIB), 0);
	assert_int_equal(id_at(0), MEMSLOT_MAX - 1);
}

static void test_alignment(void **state)
{
	(void)state;
	for (u32 bit = 0; bit < PAGE_SHIFT; bit++) {
		assert_int_equal(set(0, BIT(bit), MIB, 0), -EINVAL);
		assert_int_equal(set(0, 0, MIB + BIT(bit), 0), -EINVAL);
		assert_int_equal(set(0, 0, MIB, BIT(bit)), -EINVAL);
	}
	assert_int_equal(slots.count, 0);
	assert_int_equal(set(0, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE), 0);
}

static void test_limits(void **state)
{
	const u64 most = ((1ull << 31) - 1) << PAGE_SHIFT;

	(void)state;
	assert_int_equal(set(0, 0, 1ull << 43, 0), -EINVAL);
	assert_int_equal(set(0, 0 - MIB, 2 * MIB, 0), -EINVAL);
	assert_int_equal(set(0, 0 - MIB, MIB, 0), -EINVAL);
	assert_int_equal(set(0, 0, 2 * MIB, 0 - MIB), -EINVAL);
	assert_int_equal(set(0, 0, MIB, 0 - MIB), -EINVAL);
	assert_int_equal(set(0, MEMSLOT_GPA_LIMIT, MIB, 0), -EINVAL);
	assert_int_equal(set(0, MEMSLOT_GPA_LIMIT - MIB, 2 * MIB, 0), -EINVAL);
	assert_int_equal(set(0, MEMSLOT_GPA_LIMIT - MIB, MIB, 0), 0);
	assert_int_equal(set(1, 0, most, 0), 0);
	assert_int_equal(id_at(most - 1), 1);
	assert_int_equal(id_at(most), -1);
}

static void test_flags(void **state)
{
	const u32 known = KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY | KVM0_MEM_ON_DEMAND;
	struct memslot_change c;

	(void)state;
	for (u32 bit = 0; bit < 32; bit++) {
		const struct kvm_userspace_memory_region r = {
			.flags = 1u << bit,
			.memory_size = MIB,
		};

		assert_int_equal(memslots_plan(&slots, &r, &c), r.flags & known ? 0 : -EINVAL);
	}
}

static int reflag(u32 flags, struct memslot_change *c)
{
	const struct kvm_userspace_memory_region r = {
		.slot = 1,
		.flags = flags,
		.guest_phys_addr = MIB,
		.memory_size = MIB,
	};

	return memslots_plan(&slots, &r, c);
}

/* The log may come and go; what else a slot is stays. */
static void test_change_of_flags(void **state)
{
	const u32 fixed[] = {0, KVM_MEM_READONLY, KVM0_MEM_ON_DEMAND,
			     KVM_MEM_READONLY | KVM0_MEM_ON_DEMAND};
	struct memslot_change c;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(fixed); i++) {
		assert_int_equal(reflag(fixed[i], &c), 0);
		assert_true(c.insert);
		commit(&c);
		for (u32 j = 0; j < ARRAY_SIZE(fixed); j++)
			assert_int_equal(reflag(fixed[j], &c), i == j ? 0 : -EINVAL);
		assert_int_equal(reflag(fixed[i] | KVM_MEM_LOG_DIRTY_PAGES, &c), 0);
		assert_true(c.reflag && !c.none && !c.insert && !c.remove);
		commit(&c);
		assert_int_equal(memslots_get(&slots, 1)->flags, fixed[i] | 1);
		assert_int_equal(set(1, 0, 0, 0), 0);
	}
}

/* Slots are found by number, also where none was ever used. */
static void test_get(void **state)
{
	struct memslot_change c;

	(void)state;
	for (u32 id = 0; id < MEMSLOT_MAX + 100; id += 7)
		assert_null(memslots_get(&slots, id));
	assert_int_equal(set(70, MIB, MIB, 0), 0);
	assert_int_equal(memslots_get(&slots, 70)->base.v, MIB);
	assert_null(memslots_get(&slots, 69));
	assert_int_equal(set(70, 0, 0, 0), 0);
	assert_null(memslots_get(&slots, 70));
	/* No memory for a number, or for one more: nothing has changed. */
	assert_int_equal(plan(700, MIB, MIB, 0, &c), 0);
	fake_alloc_limit = 0;
	assert_int_equal(memslots_reserve(&slots, &c), -ENOMEM);
	fake_alloc_limit = -1;
	for (u32 id = 0; id < 32; id++)
		assert_int_equal(set(id, id * MIB, MIB, 0), 0);
	assert_int_equal(plan(33, 40 * MIB, MIB, 0, &c), 0);
	fake_alloc_limit = 0;
	assert_int_equal(memslots_reserve(&slots, &c), -ENOMEM);
	fake_alloc_limit = -1;
	assert_int_equal(slots.count, 32);
	assert_int_equal(id_at(31 * MIB), 31);
}

static void test_plan_changes_nothing(void **state)
{
	struct memslot_change c;

	(void)state;
	assert_int_equal(plan(3, MIB, MIB, 5 * MIB, &c), 0);
	assert_true(c.insert && !c.remove && !c.none);
	assert_int_equal(c.new.base.v, MIB);
	assert_int_equal(c.new.size, MIB);
	assert_int_equal(c.new.hva, 5 * MIB);
	assert_int_equal(c.new.id, 3);
	assert_int_equal(slots.count, 0);
	commit(&c);
	assert_int_equal(slots.count, 1);

	assert_int_equal(plan(3, 0, 0, 0, &c), 0); /* deletion; base and address do not count */
	assert_true(c.remove && !c.insert && !c.none);
	assert_int_equal(c.old.base.v, MIB);
	assert_int_equal(c.old.size, MIB);
	assert_int_equal(id_at(MIB), 3);
	commit(&c);
	assert_int_equal(id_at(MIB), -1);
	assert_int_equal(plan(3, 0, 0, 0, &c), -EINVAL); /* is not there any more */
}

static void test_change_of_a_slot(void **state)
{
	struct memslot_change c;

	(void)state;
	assert_int_equal(set(1, MIB, MIB, 8 * MIB), 0);
	assert_int_equal(plan(1, MIB, MIB, 8 * MIB, &c), 0);
	assert_true(c.none && !c.insert && !c.remove);
	assert_int_equal(set(1, MIB, 2 * MIB, 8 * MIB), -EINVAL);
	assert_int_equal(set(1, MIB, MIB / 2, 8 * MIB), -EINVAL);
	assert_int_equal(set(1, MIB, MIB, 9 * MIB), -EINVAL);
	assert_int_equal(set(1, 4 * MIB, MIB, 9 * MIB), -EINVAL);
	assert_int_equal(id_at(MIB), 1);

	assert_int_equal(plan(1, MIB + MIB / 2, MIB, 8 * MIB, &c), 0); /* onto itself */
	assert_true(c.insert && c.remove && !c.none);
	commit(&c);
	assert_int_equal(slots.count, 1);
	assert_int_equal(id_at(MIB), -1);
	assert_int_equal(id_at(2 * MIB), 1);
}

static void test_overlap(void **state)
{
	(void)state;
	assert_int_equal(set(0, 2 * MIB, MIB, 0), 0);
	assert_int_equal(set(1, 2 * MIB, MIB, 0), -EEXIST);
	assert_int_equal(set(1, MIB, MIB + PAGE_SIZE, 0), -EEXIST);
	assert_int_equal(set(1, 3 * MIB - PAGE_SIZE, MIB, 0), -EEXIST);
	assert_int_equal(set(1, 2 * MIB + PAGE_SIZE, PAGE_SIZE, 0), -EEXIST);
	assert_int_equal(set(1, 0, 8 * MIB, 0), -EEXIST);
	assert_int_equal(set(1, MIB, MIB, 0), 0);
	assert_int_equal(set(2, 3 * MIB, MIB, 0), 0);
	assert_int_equal(set(2, MIB + PAGE_SIZE, MIB, 0), -EEXIST); /* a move onto others */
	assert_int_equal(id_at(2 * MIB - 1), 1);
	assert_int_equal(id_at(2 * MIB), 0);
	assert_int_equal(id_at(3 * MIB), 2);
}

static void test_all_slots(void **state)
{
	(void)state;
	for (u32 i = 0; i < MEMSLOT_MAX; i++) { /* the odd ones first, and backwards */
		u32 id = i < MEMSLOT_MAX / 2 ? MEMSLOT_MAX - 1 - 2 * i : 2 * i - MEMSLOT_MAX;

		assert_int_equal(set(id, id * 2 * PAGE_SIZE, PAGE_SIZE, 0), 0);
	}
	assert_int_equal(slots.count, MEMSLOT_MAX);
	for (u32 i = 0; i < MEMSLOT_MAX; i++) {
		assert_int_equal(slots.sorted[i], i);
		assert_int_equal(id_at(i * 2 * PAGE_SIZE), i);
		assert_int_equal(id_at((i * 2 + 1) * PAGE_SIZE), -1);
	}
	/* A move while every slot is taken. */
	assert_int_equal(set(0, (u64)MEMSLOT_MAX * 2 * PAGE_SIZE, PAGE_SIZE, 0), 0);
	assert_int_equal(slots.count, MEMSLOT_MAX);
	assert_int_equal(id_at(0), -1);
	assert_int_equal(slots.sorted[MEMSLOT_MAX - 1], 0);
}

/* --- random changes --- */

#define IDS   12u
#define PAGES 64u

static struct {
	u64 base, size, hva; /* in pages; size 0: not there */
} model[IDS];

static u32 seed;

static u32 below(u32 n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* What KVM's documentation says of this change. */
static int expected(u32 id, u64 base, u64 size, u64 hva)
{
	bool there = model[id].size;

	if (!size)
		return there ? 0 : -EINVAL;
	if (there && (model[id].size != size || model[id].hva != hva))
		return -EINVAL;
	for (u32 i = 0; i < IDS; i++)
		if (i != id && model[i].size && model[i].base < base + size &&
		    base < model[i].base + model[i].size)
			return -EEXIST;
	return 0;
}

static void random_change(void)
{
	u32 id = below(IDS);
	u64 base = below(PAGES), size = below(3) ? 1 + below(6) : 0, hva = below(4);
	int want, err;

	if (model[id].size && size && below(2)) { /* else hardly anything ever moves */
		size = model[id].size;
		hva = model[id].hva;
	}
	want = expected(id, base, size, hva);
	err = set(id, base * PAGE_SIZE, size * PAGE_SIZE, hva * PAGE_SIZE);
	assert_int_equal(err, want);
	if (err)
		return;
	model[id].base = base;
	model[id].size = size;
	model[id].hva = hva;
}

static void check_page(u64 page)
{
	const struct memslot *m = memslots_find(&slots, gpa(page * PAGE_SIZE + below(4096)));
	u32 id = 0;

	while (id < IDS && (page < model[id].base || page >= model[id].base + model[id].size))
		id++;
	if (id == IDS) {
		assert_null(m);
		return;
	}
	assert_non_null(m);
	assert_int_equal(m->id, id);
	assert_int_equal(m->base.v, model[id].base * PAGE_SIZE);
	assert_int_equal(m->size, model[id].size * PAGE_SIZE);
	assert_int_equal(m->hva, model[id].hva * PAGE_SIZE);
}

static void test_random(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	seed = 7;
	for (u32 i = 0; i < 20000; i++) {
		random_change();
		for (u32 n = 0; n < 4; n++)
			check_page(below(PAGES + 8));
		if (i % 64)
			continue;
		for (u32 n = 1; n < slots.count; n++)
			assert_true(memslots_at(&slots, n - 1)->base.v <
				    memslots_at(&slots, n)->base.v);
		for (u32 page = 0; page < PAGES + 8; page++)
			check_page(page);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_init),
		TEST(test_numbers),
		TEST(test_alignment),
		TEST(test_limits),
		TEST(test_flags),
		TEST(test_plan_changes_nothing),
		TEST(test_change_of_a_slot),
		TEST(test_change_of_flags),
		TEST(test_get),
		TEST(test_overlap),
		TEST(test_all_slots),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
