/* SPDX-License-Identifier: MIT */
/* The walk of guest page tables step by step: what it shows of each mode, where it ends, and that
 * it agrees with the translation. */
/* sources: hv/kvm/gva.c hv/kvm/gva_steps.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/bits.h"
#include "kvm/gva.h"

#define MEM_SIZE 0x8000u
#define ABSENT   0x5000u /* this page has to be supplied */
#define P        BIT(0)
#define PS       BIT(7)
#define LINEAR   0x0000123456789abcull

static u64 memory[MEM_SIZE / 8];
static struct gva_step steps[GVA_STEPS_MAX];
static gpa_t out;

static int mem_read(void *ctx, gpa_t at, void *buf, u32 len)
{
	(void)ctx;
	if (at.v >= MEM_SIZE)
		return EMU_MMIO;
	if ((at.v & PAGE_MASK) == ABSENT)
		return GUEST_MEM_ABSENT;
	memcpy(buf, (u8 *)memory + at.v, len);
	return 0;
}

static const struct guest_mem mem = {.read_gpa = mem_read};

static u64 *entry(u64 table, u64 index)
{
	return &memory[table / 8 + index];
}

static void expect_step(u32 n, u64 at, u64 value, u32 shift, enum gva_step_kind kind)
{
	assert_int_equal(steps[n].at, at);
	assert_int_equal(steps[n].entry, value);
	assert_int_equal(steps[n].shift, shift);
	assert_int_equal(steps[n].kind, kind);
}

static struct gva_paging long_mode(void)
{
	return (struct gva_paging){.cr0 = CR0_PG | CR0_PE,
				   .cr3 = 0x1000,
				   .cr4 = CR4_PAE,
				   .efer = EFER_LMA | EFER_NXE,
				   .maxphyaddr = 40};
}

static u32 walk(const struct gva_paging *pg, u64 linear)
{
	memset(steps, 0xee, sizeof(steps));
	out = gpa(0);
	return gva_steps(pg, &mem, gva(linear), steps, &out);
}

static void test_long_mode(void **state)
{
	struct gva_paging pg = long_mode();

	(void)state;
	memset(memory, 0, sizeof(memory));
	*entry(0x1000, LINEAR >> 39 & 511) = 0x2000 | P;
	*entry(0x2000, LINEAR >> 30 & 511) = 0x3000 | P;
	*entry(0x3000, LINEAR >> 21 & 511) = 0x4000 | P;
	*entry(0x4000, LINEAR >> 12 & 511) = 0xff12345000 | P;
	assert_int_equal(walk(&pg, LINEAR), 4);
	expect_step(0, 0x1000 + (LINEAR >> 39 & 511) * 8, 0x2001, 39, GVA_STEP_TABLE);
	expect_step(1, 0x2000 + (LINEAR >> 30 & 511) * 8, 0x3001, 30, GVA_STEP_TABLE);
	expect_step(2, 0x3000 + (LINEAR >> 21 & 511) * 8, 0x4001, 21, GVA_STEP_TABLE);
	expect_step(3, 0x4000 + (LINEAR >> 12 & 511) * 8, 0xff12345001, 12, GVA_STEP_PAGE);
	assert_int_equal(out.v, 0xff12345abc);

	*entry(0x3000, LINEAR >> 21 & 511) = 0xff12200000 | PS | P;
	assert_int_equal(walk(&pg, LINEAR), 3);
	expect_step(2, 0x3000 + (LINEAR >> 21 & 511) * 8, 0xff12200081, 21, GVA_STEP_PAGE);
	assert_int_equal(out.v, 0xff12200000 | (LINEAR & (SIZE_2M - 1)));
}

static void test_ends(void **state)
{
	struct gva_paging pg = long_mode();

	(void)state;
	memset(memory, 0, sizeof(memory));
	assert_int_equal(walk(&pg, LINEAR), 1);
	expect_step(0, 0x1000 + (LINEAR >> 39 & 511) * 8, 0, 39, GVA_STEP_NOT_PRESENT);
	*entry(0x1000, LINEAR >> 39 & 511) = 0x2000 | P;
	*entry(0x2000, LINEAR >> 30 & 511) = 0x7ffe; /* of an address that is swapped out, say */
	assert_int_equal(walk(&pg, LINEAR), 2);
	expect_step(1, 0x2000 + (LINEAR >> 30 & 511) * 8, 0x7ffe, 30, GVA_STEP_NOT_PRESENT);
	*entry(0x2000, LINEAR >> 30 & 511) = BIT(45) | P;
	assert_int_equal(walk(&pg, LINEAR), 2);
	expect_step(1, 0x2000 + (LINEAR >> 30 & 511) * 8, BIT(45) | P, 30, GVA_STEP_RESERVED);
	*entry(0x2000, LINEAR >> 30 & 511) = MEM_SIZE | P;
	assert_int_equal(walk(&pg, LINEAR), 3);
	expect_step(2, MEM_SIZE + (LINEAR >> 21 & 511) * 8, 0, 21, GVA_STEP_LOST);
	*entry(0x2000, LINEAR >> 30 & 511) = ABSENT | P;
	assert_int_equal(walk(&pg, LINEAR), 3);
	expect_step(2, ABSENT + (LINEAR >> 21 & 511) * 8, 0, 21, GVA_STEP_ABSENT);
}

static void test_pae(void **state)
{
	u64 pdpte[4] = {0, 0x2000 | P, 0, 0x2000 | P | BIT(1)};
	struct gva_paging pg = {
		.cr0 = CR0_PG | CR0_PE, .cr4 = CR4_PAE, .maxphyaddr = 36, .pdpte = pdpte};

	(void)state;
	memset(memory, 0, sizeof(memory));
	*entry(0x2000, 5) = 0xc00000 | PS | P;
	assert_int_equal(walk(&pg, 0x40abcdef), 2);
	expect_step(0, 0, 0x2001, 30, GVA_STEP_TABLE);
	expect_step(1, 0x2028, 0xc00081, 21, GVA_STEP_PAGE);
	assert_int_equal(out.v, 0xcbcdef);
	assert_int_equal(walk(&pg, 0x123), 1);
	expect_step(0, 0, 0, 30, GVA_STEP_NOT_PRESENT);
	assert_int_equal(walk(&pg, 0xc0000123), 1);
	expect_step(0, 0, 0x2003, 30, GVA_STEP_RESERVED);
}

static void test_32_bit(void **state)
{
	struct gva_paging pg = {
		.cr0 = CR0_PG | CR0_PE, .cr3 = 0x1000, .cr4 = CR4_PSE, .maxphyaddr = 36};

	(void)state;
	memset(memory, 0, sizeof(memory));
	*entry(0x1000, 0) = (u64)(0x2000 | P) << 32 | 0x00800000 | PS | P;
	*entry(0x2000, 0) = 0x00345000 | P;
	assert_int_equal(walk(&pg, 0x123456), 1);
	expect_step(0, 0x1000, 0x00800081, 22, GVA_STEP_PAGE);
	assert_int_equal(out.v, 0x923456);
	assert_int_equal(walk(&pg, 0x00400789), 2);
	expect_step(0, 0x1004, 0x2001, 22, GVA_STEP_TABLE);
	expect_step(1, 0x2000, 0x345001, 12, GVA_STEP_PAGE);
	assert_int_equal(out.v, 0x345789);
}

/* Tables of nonsense: it ends at a page exactly where there is a translation, and with that. */
static void test_agrees(void **state)
{
	static const u64 modes[][2] = {
		{0, CR4_PSE}, {0, CR4_PAE}, {EFER_LMA, CR4_PAE}, {EFER_LMA, CR4_PAE | CR4_LA57}};
	u32 pages = 0;

	(void)state;
	srand(1);
	for (u32 i = 0; i < 20000; i++) {
		const u64 *mode = modes[i % 4];
		struct gva_paging pg = {.cr0 = CR0_PG | CR0_PE,
					.cr3 = 0x1000,
					.cr4 = mode[1],
					.efer = mode[0] | EFER_NXE,
					.maxphyaddr = 40};
		u64 linear = ((u64)rand() << 16 ^ (u64)rand()) & (BIT(47) - 1);
		gpa_t expected = gpa(0);
		bool found;
		u32 n;

		for (u32 k = 0; k < MEM_SIZE / 8 && i % 64 == 0; k++)
			memory[k] = ((u64)rand() % 16 << 12) | (rand() % 8 ? P : 0) |
				    (rand() % 8 ? 0 : PS) | (rand() % 16 ? 0 : BIT(45));
		found = gva_to_gpa(&pg, &mem, gva(linear), &expected);
		n = walk(&pg, linear);
		assert_in_range(n, 1, GVA_STEPS_MAX);
		assert_int_equal(steps[n - 1].kind == GVA_STEP_PAGE, found);
		assert_int_equal(out.v, expected.v);
		for (u32 k = 0; k + 1 < n; k++)
			assert_int_equal(steps[k].kind, GVA_STEP_TABLE);
		pages += found;
	}
	assert_in_range(pages, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_mode), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_pae),       cmocka_unit_test(test_32_bit),
		cmocka_unit_test(test_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
