/* SPDX-License-Identifier: MIT */
/* The walk of guest page tables: all paging modes, rights, accessed and dirty bits, errors. */
/* sources: hv/kvm/gva.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "kvm/gva.h"

#define MEM_SIZE 0x10000u
#define P        BIT(0)
#define W        BIT(1)
#define U        BIT(2)
#define A        BIT(5)
#define D        BIT(6)
#define PS       BIT(7)
#define NX       BIT(63)
#define ALL      (P | W | U)

#define CR0_WP   BIT(16)
#define CR0_PG   BIT(31)
#define CR4_PSE  BIT(4)
#define CR4_PAE  BIT(5)
#define CR4_LA57 BIT(12)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)
#define FLAG_AC  BIT(18)

static u8 memory[MEM_SIZE];
static u32 races;     /* exchanges that are to fail because another CPU was faster */
static u32 exchanges; /* that were made */
static bool read_only;

static int mem_read(void *ctx, gpa_t at, void *buf, u32 len)
{
	(void)ctx;
	if (at.v >= MEM_SIZE)
		return EMU_MMIO;
	assert_true(at.v + len <= MEM_SIZE);
	memcpy(buf, memory + at.v, len);
	return 0;
}

static int mem_write(void *ctx, gpa_t at, const void *buf, u32 len)
{
	(void)ctx;
	(void)at;
	(void)buf;
	(void)len;
	fail_msg("the walk writes without an exchange");
	return 0;
}

static int mem_cmpxchg(void *ctx, gpa_t at, u64 *old, u64 new, u32 len)
{
	u64 now = 0;

	(void)ctx;
	assert_true(at.v + len <= MEM_SIZE);
	assert_true(len == 4 || len == 8);
	if (read_only)
		return EMU_MMIO;
	if (races) {
		races--;
		memory[at.v] ^= 1 << 3; /* another CPU changes the caching bit */
	}
	memcpy(&now, memory + at.v, len);
	if (now != *old) {
		*old = now;
		return 0;
	}
	exchanges++;
	memcpy(memory + at.v, &new, len);
	return 0;
}

static const struct guest_mem mem = {.read_gpa = mem_read,
				     .write_gpa = mem_write,
				     .cmpxchg_gpa = mem_cmpxchg,
				     .window = memory,
				     .window_size = MEM_SIZE / 2}; /* so both ways are taken */

static u64 *entry(u64 table, u64 index)
{
	return (u64 *)(void *)(memory + table + index * 8);
}

static u32 *entry32(u64 table, u64 index)
{
	return (u32 *)(void *)(memory + table + index * 4);
}

static int set_up(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	races = exchanges = 0;
	read_only = false;
	return 0;
}

/* Paging registers of 4-level mode with its root at 0x1000. */
static struct gva_paging long_mode(void)
{
	return (struct gva_paging){
		.cr0 = CR0_PG | CR0_WP | 1,
		.cr3 = 0x1000,
		.cr4 = CR4_PAE,
		.efer = EFER_LMA | EFER_NXE,
		.maxphyaddr = 40,
	};
}

/* Map LINEAR through four levels, all rights above the entry `leaf`. */
#define LINEAR 0x0000123456789abcull
static u64 *map4k(u64 leaf)
{
	*entry(0x1000, LINEAR >> 39 & 511) = 0x2000 | ALL;
	*entry(0x2000, LINEAR >> 30 & 511) = 0x3000 | ALL;
	*entry(0x3000, LINEAR >> 21 & 511) = 0x4000 | ALL;
	*entry(0x4000, LINEAR >> 12 & 511) = leaf;
	return entry(0x4000, LINEAR >> 12 & 511);
}

static void expect(const struct gva_paging *pg, u64 linear, u64 access, u64 want)
{
	u32 error = 0;
	gpa_t at = gpa(0);

	assert_int_equal(gva_walk(pg, &mem, gva(linear), access, &at, &error), 0);
	assert_int_equal(at.v, want);
}

static void expect_fault(const struct gva_paging *pg, u64 linear, u64 access, u32 want)
{
	u32 error = 0xdead;
	gpa_t at = gpa(0);

	assert_int_equal(gva_walk(pg, &mem, gva(linear), access, &at, &error), -EFAULT);
	assert_int_equal(error, want);
}

static void test_no_paging(void **state)
{
	struct gva_paging pg = {.cr0 = 1, .maxphyaddr = 36};

	(void)state;
	expect(&pg, 0x12345678, GVA_WRITE | GVA_USER, 0x12345678);
	expect(&pg, 0x112345678ull, 0, 0x12345678);
}

static void test_4_level(void **state)
{
	struct gva_paging pg = long_mode();

	(void)state;
	map4k(0xff12345000ull | ALL);
	expect(&pg, LINEAR, 0, 0xff12345abcull);
	*entry(0x3000, LINEAR >> 21 & 511) = 0xff12200000ull | ALL | PS | BIT(12);
	expect(&pg, LINEAR, GVA_WRITE, 0xff12200000ull | (LINEAR & 0x1fffff));
	*entry(0x2000, LINEAR >> 30 & 511) = 0xffc0000000ull | ALL | PS;
	expect(&pg, LINEAR, GVA_FETCH, 0xffc0000000ull | (LINEAR & 0x3fffffff));
	pg.cr3 |= 0x18; /* caching bits are no address */
	expect(&pg, LINEAR, 0, 0xffc0000000ull | (LINEAR & 0x3fffffff));
}

static void test_5_level(void **state)
{
	struct gva_paging pg = long_mode();
	u64 linear = LINEAR | 5ull << 48;

	(void)state;
	map4k(0x7000 | ALL);
	*entry(0x5000, 5) = 0x1000 | ALL;
	pg.cr3 = 0x5000;
	pg.cr4 |= CR4_LA57;
	expect(&pg, linear, 0, 0x7abc);
	expect_fault(&pg, LINEAR, 0, 0);
	assert_int_equal(*entry(0x5000, 5), 0x1000 | ALL | A);
}

static void test_pae(void **state)
{
	struct gva_paging pg = long_mode();
	u64 roots[4] = {0, 0, 0x3000 | P, 0};

	(void)state;
	pg.efer = EFER_NXE;
	pg.cr3 = 0x1020;
	*entry(0x1020, 2) = 0x2000 | P;
	*entry(0x2000, 3) = 0x4000 | ALL;
	*entry(0x4000, 4) = 0x9912345000ull | ALL;
	expect(&pg, 0x80604567, GVA_WRITE, 0x9912345567ull);
	assert_int_equal(*entry(0x1020, 2), 0x2000 | P); /* no accessed bit there */
	*entry(0x2000, 3) = 0x9912400000ull | ALL | PS;
	expect(&pg, 0x80604567, 0, 0x9912404567ull);
	expect_fault(&pg, 0x40604567, GVA_WRITE, 2);
	*entry(0x1020, 2) |= W; /* reserved in this mode */
	expect_fault(&pg, 0x80604567, 0, 9);

	pg.pdpte = roots; /* those of the VMCS go before those in memory */
	*entry(0x3000, 3) = 0x8800000000ull | ALL | PS;
	expect(&pg, 0x80604567, 0, 0x8800004567ull);
}

static void test_32_bit(void **state)
{
	struct gva_paging pg = {.cr0 = CR0_PG | CR0_WP | 1, .cr3 = 0x1000, .maxphyaddr = 36};

	(void)state;
	*entry32(0x1000, 0x301) = 0x2000 | ALL;
	*entry32(0x2000, 0x234) = 0xfeed5000 | ALL;
	expect(&pg, 0xc0634567, GVA_WRITE | GVA_USER, 0xfeed5567);
	assert_int_equal(*entry32(0x1000, 0x301), 0x2000 | ALL | A);
	assert_int_equal(*entry32(0x2000, 0x234), 0xfeed5000 | ALL | A | D);
	assert_int_equal(*entry32(0x2000, 0x235), 0); /* its neighbour is not touched */
	expect_fault(&pg, 0xc0635567, GVA_FETCH, 0);  /* no I/D bit without NX and SMEP */

	*entry32(0x1000, 0x301) = (u32)(0x2000 | ALL | PS);
	expect(&pg, 0xc0634567, 0, 0xfeed5567); /* PS means nothing without CR4.PSE */
	pg.cr4 = CR4_PSE;
	*entry32(0x1000, 0x301) = (u32)(0xff400000 | 0xd << 13 | ALL | PS);
	expect(&pg, 0xc0634567, 0, 0xdff634567ull);
	*entry32(0x1000, 0x301) = (u32)(0xff400000 | 1 << 17 | ALL | PS);
	expect_fault(&pg, 0xc0634567, 0, 9); /* bit 36 of the address */
	*entry32(0x1000, 0x301) = (u32)(0xff400000 | 1 << 21 | ALL | PS);
	expect_fault(&pg, 0xc0634567, 0, 9);
}

static void test_accessed_dirty(void **state)
{
	struct gva_paging pg = long_mode();
	u64 *leaf = map4k(0x7000 | ALL);

	(void)state;
	expect(&pg, LINEAR, GVA_PEEK, 0x7abc);
	assert_int_equal(exchanges, 0);
	expect(&pg, LINEAR, 0, 0x7abc);
	assert_int_equal(exchanges, 4);
	assert_int_equal(*leaf, 0x7000 | ALL | A);
	expect(&pg, LINEAR, GVA_WRITE, 0x7abc);
	assert_int_equal(exchanges, 5);
	assert_int_equal(*leaf, 0x7000 | ALL | A | D);
	assert_int_equal(*entry(0x3000, LINEAR >> 21 & 511), 0x4000 | ALL | A);
	expect(&pg, LINEAR, GVA_WRITE, 0x7abc);
	assert_int_equal(exchanges, 5);
}

static void test_fault_marks_nothing(void **state)
{
	struct gva_paging pg = long_mode();
	u64 *leaf = map4k(0x7000 | P | U);

	(void)state;
	expect_fault(&pg, LINEAR, GVA_WRITE, 3);
	assert_int_equal(*leaf, 0x7000 | P | U);
	assert_int_equal(exchanges, 0);
}

static void test_race(void **state)
{
	struct gva_paging pg = long_mode();
	u64 *leaf = map4k(0x7000 | ALL);

	(void)state;
	races = 3;
	expect(&pg, LINEAR, GVA_WRITE, 0x7abc);
	assert_int_equal(*leaf & (A | D), A | D);
	set_up(NULL);
	map4k(0x7000 | ALL);
	races = 1000; /* never ends: a spurious fault, and a bounded number of attempts */
	expect_fault(&pg, LINEAR, GVA_WRITE, 2);
	assert_true(races > 900);
}

static void test_tables_elsewhere(void **state)
{
	struct gva_paging pg = long_mode();

	(void)state;
	map4k(0x7000 | ALL);
	read_only = true;
	expect(&pg, LINEAR, GVA_WRITE, 0x7abc);              /* in ROM: bits stay as they are */
	*entry(0x2000, LINEAR >> 30 & 511) = 0x800000 | ALL; /* not memory */
	expect_fault(&pg, LINEAR, GVA_USER, 4);
}

/* With entries marked already, the quick walk sees them, and else the careful one. */
static void check_reserved(u64 marks)
{
	const u64 rights = ALL | marks;
	struct gva_paging pg = long_mode();
	u64 *leaf = map4k(0x7000 | ALL);

	for (u32 t = 1; t < 4; t++)
		for (u32 k = 0; k < 512; k++)
			if (*entry(t * 0x1000, k))
				*entry(t * 0x1000, k) |= marks;
	*leaf = 0x7000 | rights | BIT(40);
	expect_fault(&pg, LINEAR, GVA_USER | GVA_WRITE, 0xf);
	*leaf = 0x7000 | rights | BIT(39) | BIT(52) | BIT(62) | PS; /* none of these is reserved */
	expect(&pg, LINEAR, 0, 0x8000007abcull);
	*leaf = 0x7000 | rights | NX;
	pg.efer &= ~EFER_NXE;
	expect_fault(&pg, LINEAR, GVA_FETCH, 9);
	*leaf = (0x7000 | rights | NX | BIT(41)) & ~P;
	expect_fault(&pg, LINEAR, GVA_FETCH, 0); /* not present goes first */
	*leaf = 0x7000 | rights;
	*entry(0x3000, LINEAR >> 21 & 511) = 0x400000 | rights | PS | BIT(13);
	expect_fault(&pg, LINEAR, 0, 9);
	*entry(0x2000, LINEAR >> 30 & 511) = 0x40000000 | rights | PS | BIT(29);
	expect_fault(&pg, LINEAR, 0, 9);
	*entry(0x1000, LINEAR >> 39 & 511) = 0x1000 | rights | PS;
	expect_fault(&pg, LINEAR, 0, 9);
	pg = long_mode();
	pg.efer = 0; /* PAE: bits 52 to 62 are reserved */
	*entry(0x1000, 0) = 0x2000 | P;
	*entry(0x2000, 0) = 0x3000 | rights;
	*entry(0x3000, 0) = 0x7000 | rights | BIT(52);
	expect_fault(&pg, 0, 0, 9);
}

static void test_reserved(void **state)
{
	check_reserved(0);
	set_up(state);
	check_reserved(A | D);
}

/* What the SDM's section on access rights says, in its own order. */
static bool may(u64 up, u64 leaf, u64 access, u64 cr0, u64 cr4, u64 flags)
{
	bool user_page = (up & U) && (leaf & U);
	bool writable = (up & W) && (leaf & W);
	bool nx = (up & NX) || (leaf & NX);

	if (!(access & GVA_USER)) {
		if (access & GVA_FETCH)
			return !nx && !(user_page && (cr4 & CR4_SMEP));
		if (user_page && (cr4 & CR4_SMAP) && !(flags & FLAG_AC))
			return false;
		if (access & GVA_WRITE)
			return writable || !(cr0 & CR0_WP);
		return true;
	}
	if (!user_page)
		return false;
	if (access & GVA_FETCH)
		return !nx;
	return !(access & GVA_WRITE) || writable;
}

static void test_rights(void **state)
{
	static const u64 kinds[] = {0, GVA_WRITE, GVA_FETCH};
	struct gva_paging pg = long_mode();

	(void)state;
	for (u32 i = 0; i < 3 * 2 * 8 * 8 * 16; i++) {
		u32 n = i;
		u64 access = kinds[n % 3];
		u64 up, leaf;

		n /= 3;
		access |= n & 1 ? GVA_USER : 0;
		up = P | (n & 2 ? W : 0) | (n & 4 ? U : 0) | (n & 8 ? NX : 0);
		leaf = P | (n & 16 ? W : 0) | (n & 32 ? U : 0) | (n & 64 ? NX : 0);
		pg.cr0 = CR0_PG | 1 | (n & 128 ? CR0_WP : 0);
		pg.cr4 = CR4_PAE | (n & 256 ? CR4_SMEP : 0) | (n & 512 ? CR4_SMAP : 0);
		pg.rflags = n & 1024 ? FLAG_AC : 0;
		map4k(0x7000 | leaf);
		*entry(0x2000, LINEAR >> 30 & 511) = 0x3000 | up;
		if (may(up, leaf, access, pg.cr0, pg.cr4, pg.rflags))
			expect(&pg, LINEAR, access, 0x7abc);
		else
			expect_fault(&pg, LINEAR, access, (u32)(access | 1));
	}
}

static void test_fetch_bit(void **state)
{
	struct gva_paging pg = long_mode();

	(void)state;
	expect_fault(&pg, LINEAR, GVA_FETCH, 0x10);
	pg.efer = EFER_LMA;
	expect_fault(&pg, LINEAR, GVA_FETCH, 0);
	pg.cr4 |= CR4_SMEP;
	expect_fault(&pg, LINEAR, GVA_FETCH | GVA_USER, 0x14);
}

static void test_gva_to_gpa(void **state)
{
	struct gva_paging pg = long_mode();
	u64 *leaf = map4k(0x7000 | P | U | NX);
	gpa_t at;

	(void)state;
	pg.cr4 |= CR4_SMAP | CR4_SMEP;
	assert_true(gva_to_gpa(&pg, &mem, gva(LINEAR), &at));
	assert_int_equal(at.v, 0x7abc);
	assert_int_equal(*leaf, 0x7000 | P | U | NX);
	assert_false(gva_to_gpa(&pg, &mem, gva(LINEAR + 0x1000), &at));
	assert_false(gva_to_gpa(&pg, &mem, gva(LINEAR | 1ull << 48), &at));
	assert_true(gva_canonical(0, 0xffff800000000000ull));
	assert_false(gva_canonical(0, 0x0000800000000000ull));
	assert_true(gva_canonical(CR4_LA57, 0x0000800000000000ull));
	assert_false(gva_canonical(CR4_LA57, 0x0100000000000000ull));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_paging, set_up),
		cmocka_unit_test_setup(test_4_level, set_up),
		cmocka_unit_test_setup(test_5_level, set_up),
		cmocka_unit_test_setup(test_pae, set_up),
		cmocka_unit_test_setup(test_32_bit, set_up),
		cmocka_unit_test_setup(test_accessed_dirty, set_up),
		cmocka_unit_test_setup(test_fault_marks_nothing, set_up),
		cmocka_unit_test_setup(test_race, set_up),
		cmocka_unit_test_setup(test_tables_elsewhere, set_up),
		cmocka_unit_test_setup(test_reserved, set_up),
		cmocka_unit_test_setup(test_rights, set_up),
		cmocka_unit_test_setup(test_fetch_bit, set_up),
		cmocka_unit_test_setup(test_gva_to_gpa, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
