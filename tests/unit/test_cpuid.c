/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/cpuid.c */
/* The table of CPUID entries of a vCPU, and what is offered of this machine's CPUID. */
#include "fake.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/regs.h"
#include "kvm/cpuid.h"
#include "kvm/pv/pv.h"

#define ROOM CPUID_MAX_ENTRIES

static struct cpuid_table table;
static u64 xcr0;

u64 vmx_host_xcr0(void);
u64 vmx_host_xcr0(void)
{
	return xcr0;
}

static int setup(void **state)
{
	memset(&table, 0, sizeof(table));
	xcr0 = 3;
	return fake_reset(state);
}

static int teardown(void **state)
{
	cpuid_destroy(&table);
	return fake_check_leaks(state);
}

static struct kvm_cpuid_entry2 entry(u32 leaf, u32 eax)
{
	return (struct kvm_cpuid_entry2){.function = leaf, .eax = eax};
}

static struct kvm_cpuid_entry2 indexed(u32 leaf, u32 index, u32 eax)
{
	return (struct kvm_cpuid_entry2){.function = leaf,
					 .index = index,
					 .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
					 .eax = eax};
}

/* EAX of what was found, -1: nothing. */
static s64 found(u32 leaf, u32 subleaf)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(&table, leaf, subleaf);

	return e ? (s64)e->eax : -1;
}

static s64 answered(u32 leaf, u32 subleaf)
{
	const struct kvm_cpuid_entry2 *e = cpuid_answer(&table, leaf, subleaf);

	return e ? (s64)e->eax : -1;
}

static void test_empty(void **state)
{
	struct kvm_cpuid_entry2 none = entry(0, 0);

	(void)state;
	assert_int_equal(found(0, 0), -1);
	assert_int_equal(answered(0, 0), -1);
	assert_int_equal(answered(0x80000001, 5), -1);
	assert_true(cpuid_equal(&table, &none, 0));
	assert_int_equal(cpuid_set(&table, &none, 0), 0);
	assert_int_equal(found(0, 0), -1);
	assert_true(cpuid_equal(&table, &none, 0));
	assert_false(cpuid_equal(&table, &none, 1));
}

static void test_no_memory(void **state)
{
	const struct kvm_cpuid_entry2 e = entry(0, 1);

	(void)state;
	fake_alloc_limit = 0;
	assert_int_equal(cpuid_set(&table, &e, 1), -ENOMEM);
	assert_int_equal(found(0, 0), -1);
	fake_alloc_limit = 1;
	assert_int_equal(cpuid_set(&table, &e, 1), 0);
	assert_int_equal(cpuid_set(&table, &e, 1), 0); /* keeps what it has */
	assert_int_equal(fake_objects_live, 1);
}

static void test_find(void **state)
{
	const struct kvm_cpuid_entry2 e[] = {
		entry(0, 0xd),         indexed(4, 1, 41),
		indexed(4, 0, 40),     entry(1, 10),
		entry(1, 11),          entry(0x80000000, 0x80000001),
		entry(0x40000000, 4),  entry(0x80000001, 81),
		entry(0xc0000000, 12), entry(0x3f, 63),
		entry(0x40, 64),       entry(0x4000003f, 463),
		entry(0x40000100, 5),  entry(0x8000003f, 0x83),
	};

	(void)state;
	assert_int_equal(cpuid_set(&table, e, ARRAY_SIZE(e)), 0);
	assert_int_equal(found(0, 0), 0xd);
	assert_int_equal(found(0, 7), 0xd); /* the subleaf does not count without the flag */
	assert_int_equal(found(1, 0), 10);  /* the first of two */
	assert_int_equal(found(4, 0), 40);
	assert_int_equal(found(4, 1), 41);
	assert_int_equal(found(4, 2), -1);
	assert_int_equal(found(5, 0), -1);
	for (u32 i = 8; i < ARRAY_SIZE(e); i++)
		assert_int_equal(found(e[i].function, 0), e[i].eax);
	assert_int_equal(found(0x80000001, 0), 81);
	assert_int_equal(found(0xc0000001, 0), -1);
	assert_int_equal(found(0xffffffff, 0), -1);
}

/* SDM vol. 2, CPUID: beyond the last leaf it answers with the highest basic one. */
static void test_answer(void **state)
{
	const struct kvm_cpuid_entry2 e[] = {
		entry(0, 0xd),
		indexed(0xd, 0, 130),
		indexed(0xd, 1, 131),
		entry(0x40000000, 0x40000001),
		entry(0x80000000, 0x80000008),
		entry(0x80000008, 88),
	};

	(void)state;
	assert_int_equal(cpuid_set(&table, e, ARRAY_SIZE(e)), 0);
	assert_int_equal(answered(0xd, 1), 131);
	assert_int_equal(answered(0xd, 9), -1); /* in range, not there: zeroes */
	assert_int_equal(answered(7, 0), -1);
	assert_int_equal(answered(0x80000001, 0), -1);
	assert_int_equal(answered(0x40000001, 0), -1);
	assert_int_equal(answered(0xe, 0), 130); /* the subleaf counts there too */
	assert_int_equal(answered(0xe, 1), 131);
	assert_int_equal(answered(0xe, 2), -1);
	assert_int_equal(answered(0x80000009, 0), 130);
	assert_int_equal(answered(0x40000002, 1), 131);
	assert_int_equal(answered(0xc0000000, 0), 130);
	assert_int_equal(answered(0xffffffff, 0), 130);
	assert_int_equal(answered(0x80000008, 0), 88);
}

static void test_equal(void **state)
{
	struct kvm_cpuid_entry2 e[] = {entry(0, 1), entry(1, 2)};

	(void)state;
	assert_int_equal(cpuid_set(&table, e, 2), 0);
	assert_true(cpuid_equal(&table, e, 2));
	assert_false(cpuid_equal(&table, e, 1));
	e[1].edx = 1;
	assert_false(cpuid_equal(&table, e, 2));
	e[1].edx = 0;
	e[0].flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	assert_false(cpuid_equal(&table, e, 2));
}

static void test_set_again(void **state)
{
	const struct kvm_cpuid_entry2 one = entry(1, 2), other = entry(0x80000001, 3);

	(void)state;
	assert_int_equal(cpuid_set(&table, &one, 1), 0);
	assert_int_equal(cpuid_set(&table, &other, 1), 0);
	assert_int_equal(found(1, 0), -1);
	assert_int_equal(found(0x80000001, 0), 3);
}

static u32 seed = 3;

static u32 below(u32 n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Every number of entries, those round the limit of the quick way included, is found as
 * by a plain search. */
static void test_find_random(void **state)
{
	static const u32 ranges[] = {0, 0x40000000, 0x80000000, 0xc0000000};
	static struct kvm_cpuid_entry2 e[ROOM];
	static const u32 counts[] = {1, 7, 40, 253, 254, 255, 256};

	(void)state;
	for (u32 round = 0; round < 70; round++) {
		u32 count = counts[round % ARRAY_SIZE(counts)];

		for (u32 i = 0; i < count; i++) {
			u32 leaf = ranges[below(4)] + below(CPUID_SMALL + 8);

			e[i] = below(2) ? indexed(leaf, below(4), i) : entry(leaf, i);
		}
		assert_int_equal(cpuid_set(&table, e, count), 0);
		for (u32 n = 0; n < 2000; n++) {
			u32 leaf = ranges[below(4)] + below(CPUID_SMALL + 8), sub = below(4), i = 0;

			while (i < count &&
			       (e[i].function != leaf || (e[i].flags && e[i].index != sub)))
				i++;
			assert_int_equal(found(leaf, sub), i < count ? (s64)i : -1);
		}
	}
}

/* --- what is offered --- */

static struct kvm_cpuid_entry2 offered[ROOM];
static u32 offer(void)
{
	u32 count = cpuid_supported(offered, ROOM);

	assert_in_range(count, 10, ROOM);
	assert_int_equal(cpuid_set(&table, offered, count), 0);
	return count;
}

static const struct kvm_cpuid_entry2 *leaf_of(u32 leaf, u32 subleaf)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(&table, leaf, subleaf);

	assert_non_null(e);
	return e;
}

static void test_supported_counts(void **state)
{
	static struct kvm_cpuid_entry2 some[ROOM];
	u32 count = offer();

	(void)state;
	assert_int_equal(cpuid_supported(NULL, 0), count);
	for (u32 max = 1; max <= count + 1; max++) {
		memset(some, 0xee, sizeof(some));
		assert_int_equal(cpuid_supported(some, max), count);
		for (u32 i = 0; i < ROOM; i++)
			if (i >= max || i >= count)
				assert_int_equal(some[i].padding[0], 0xeeeeeeee);
			else
				assert_int_equal(some[i].function, offered[i].function);
	}
}

static void test_supported_features(void **state)
{
	const struct cpuid one = cpuid(1, 0);
	const struct kvm_cpuid_entry2 *e;

	(void)state;
	offer();
	e = leaf_of(1, 0);
	assert_true(e->ecx & BIT(31));                            /* hypervisor */
	assert_true(e->ecx & BIT(21));                            /* x2APIC */
	assert_int_equal(e->ecx & (BIT(5) | BIT(6) | BIT(3)), 0); /* VMX, SMX, MONITOR */
	assert_int_equal(e->ecx & ~one.ecx & ~(BIT(31) | BIT(21)), 0);
	assert_int_equal(e->edx & ~one.edx, 0);
	assert_int_equal(e->eax, one.eax);
	e = leaf_of(0, 0);
	assert_int_equal(e->ebx, cpuid(0, 0).ebx);
	assert_true(e->eax <= 0xd && e->eax <= cpuid(0, 0).eax);
	assert_int_equal(leaf_of(0x80000000, 0)->eax, MIN(cpuid(0x80000000, 0).eax, 0x80000008u));
	assert_int_equal(leaf_of(0x80000001, 0)->edx & BIT(29), BIT(29)); /* long mode */
	if (cpuid(0, 0).eax >= 7)
		assert_int_equal(leaf_of(7, 0)->eax, 0);
	if (cpuid(0, 0).eax >= 0xa)
		assert_int_equal(leaf_of(0xa, 0)->eax, 0); /* no performance counters */
}

static void test_supported_kvm(void **state)
{
	const struct kvm_cpuid_entry2 *e;
	char text[13] = "";

	(void)state;
	offer();
	e = leaf_of(KVM_CPUID_SIGNATURE, 0);
	memcpy(text, &e->ebx, 12);
	assert_string_equal(text, "KVMKVMKVM");
	assert_int_equal(e->eax, KVM_CPUID_FEATURES);
	e = leaf_of(KVM_CPUID_FEATURES, 0);
	assert_int_equal(e->eax, PV_FEATURES);
	assert_int_equal(e->ebx | e->ecx | e->edx, 0);
}

/* No leaf and subleaf twice, and everything of a leaf with subleaves is indexed. */
static void test_supported_is_unambiguous(void **state)
{
	u32 count = offer();

	(void)state;
	for (u32 i = 0; i < count; i++)
		assert_ptr_equal(cpuid_find(&table, offered[i].function, offered[i].index),
				 &table.entries[i]);
}

static void test_xsave(void **state)
{
	const struct cpuid avx = cpuid(0xd, 2);

	(void)state;
	if (cpuid(0, 0).eax < 0xd || !(cpuid(0xd, 0).eax & 4))
		skip();
	assert_int_equal(cpuid_xsave_size(0), 576);
	assert_int_equal(cpuid_xsave_size(3), 576);
	assert_int_equal(cpuid_xsave_size(7), avx.ebx + avx.eax);
	xcr0 = 0;
	offer();
	assert_int_equal(leaf_of(0xd, 0)->eax, 0);
	assert_int_equal(found(0xd, 1), -1);
	xcr0 = 7;
	offer();
	assert_int_equal(leaf_of(0xd, 0)->eax, 7);
	assert_int_equal(leaf_of(0xd, 0)->ecx, avx.ebx + avx.eax);
	assert_int_equal(leaf_of(0xd, 1)->eax & ~7u, 0); /* XSAVES is not offered */
	assert_int_equal(leaf_of(0xd, 2)->ebx, avx.ebx);
	assert_int_equal(found(0xd, 3), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_no_memory),
		TEST(test_find),
		TEST(test_answer),
		TEST(test_equal),
		TEST(test_set_again),
		TEST(test_find_random),
		TEST(test_supported_counts),
		TEST(test_supported_features),
		TEST(test_supported_kvm),
		TEST(test_supported_is_unambiguous),
		TEST(test_xsave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
