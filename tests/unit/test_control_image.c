/* SPDX-License-Identifier: MIT */
/* sources: hv/abi/control_image.c hv/core/memmap.c boot/multiboot2.c boot/multiboot2_build.c */
/* The check of the control guest's image: what is refused and why, values that overflow,
 * and mutations of a good image, none of which may lead a loader out of bounds. */
#include "fake.h"

#include <errno.h>
#include <linux/elf.h>
#include <stdlib.h>
#include <string.h>

#include "abi/control_image.h"
#include "cpu/layout.h"

u64 image_phys_base;

#define SIZE     0x3000u
#define HEADER   0x400u /* of multiboot2 */
#define PHDRS    3u
#define SPAN_MAX SIZE_1G

static u8 file[SIZE] __attribute__((aligned(4096)));
static u64 span, entry;
static const char *why;

static Elf64_Ehdr *eh(void)
{
	return (void *)file;
}

static Elf64_Phdr *ph(u32 i)
{
	return (Elf64_Phdr *)(void *)(file + sizeof(Elf64_Ehdr)) + i;
}

static void put_header(u32 at)
{
	const u32 header[] = {0xe85250d6, 0, 24, 0 - (0xe85250d6 + 24), 0, 8};

	memcpy(file + at, header, sizeof(header));
}

/* Text, data with a bss, and a note that is not loaded. */
static int good(void **state)
{
	memset(file, 0, sizeof(file));
	*eh() = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_entry = 0x1010,
			     .e_phoff = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = PHDRS};
	*ph(0) = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = 0x1800, .p_memsz = 0x1800};
	*ph(1) = (Elf64_Phdr){.p_type = PT_LOAD,
			      .p_offset = 0x2000,
			      .p_vaddr = 0x4000,
			      .p_filesz = 0x1000,
			      .p_memsz = 0x5123};
	*ph(2) = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = ~0ull, .p_filesz = ~0ull};
	put_header(HEADER);
	return fake_reset(state);
}

/* Check a copy of exactly @size bytes, so that a sanitizer sees each byte too far. */
static int check(u64 size)
{
	u8 *copy = malloc(size ? size : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, file, size);
	span = entry = 0xdead;
	why = NULL;
	err = control_image_check(copy, size, &span, &entry, &why);
	free(copy);
	return err;
}

static void expect_refused(const char *text)
{
	assert_int_equal(check(SIZE), -EINVAL);
	assert_non_null(why);
	assert_string_equal(why, text);
}

#define NO_GUEST   "is no control guest (a multiboot2 ELF64 kernel)"
#define NOT_PIE    "is not position-independent"
#define TRUNCATED  "is truncated"
#define IMPOSSIBLE "has an impossible segment"
#define NO_ENTRY   "has an entry outside its segments"

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(check(SIZE), 0);
	assert_int_equal(span, 0x4000 + 0x5123);
	assert_int_equal(entry, 0x1010);
	eh()->e_entry = span - 1;
	assert_int_equal(check(SIZE), 0);
}

static void test_no_control_guest(void **state)
{
	(void)state;
	for (u32 i = 0; i < 5; i++) { /* the magic and the class */
		file[i] ^= 1;
		expect_refused(NO_GUEST);
		file[i] ^= 1;
	}
	eh()->e_ident[EI_CLASS] = ELFCLASS32;
	expect_refused(NO_GUEST);
	eh()->e_ident[EI_CLASS] = ELFCLASS64;
	eh()->e_machine = EM_386;
	expect_refused(NO_GUEST);
	eh()->e_machine = EM_X86_64;
	eh()->e_type = ET_EXEC;
	expect_refused(NOT_PIE);
	eh()->e_type = ET_REL;
	expect_refused(NOT_PIE);
}

static void test_multiboot2_header(void **state)
{
	(void)state;
	for (u32 i = 0; i < 16; i++) { /* magic, architecture, length, checksum */
		file[HEADER + i] ^= 0x10;
		expect_refused(NO_GUEST);
		file[HEADER + i] ^= 0x10;
	}
	memset(file + HEADER, 0, 24);
	expect_refused(NO_GUEST);
	put_header(HEADER + 4); /* not aligned */
	expect_refused(NO_GUEST);
	memset(file + HEADER, 0, 32);
	put_header(SIZE - 24);
	assert_int_equal(check(SIZE), 0);
	assert_int_equal(check(SIZE - 16), -EINVAL);
	assert_string_equal(why, NO_GUEST);
}

/* It counts in the first 32 KiB only (Multiboot2 Specification, "The layout of Multiboot2
 * header"). */
static void test_header_too_far(void **state)
{
	static u8 large[0x9000] __attribute__((aligned(4096)));

	(void)state;
	memcpy(large, file, HEADER);
	memcpy(large + 0x8000, file + HEADER, 24);
	assert_int_equal(control_image_check(large, sizeof(large), &span, &entry, &why), -EINVAL);
	assert_string_equal(why, NO_GUEST);
	memcpy(large + 0x7fe0, file + HEADER, 24);
	assert_int_equal(control_image_check(large, sizeof(large), &span, &entry, &why), 0);
}

static void test_every_truncation(void **state)
{
	(void)state;
	for (u32 size = 0; size < SIZE; size += size < 0x600 ? 1 : 7) {
		assert_int_equal(check(size), -EINVAL);
		assert_string_equal(why, size < HEADER + 16 ? NO_GUEST : TRUNCATED);
	}
}

static void test_bad_program_headers(void **state)
{
	(void)state;
	eh()->e_phentsize = 32;
	expect_refused(TRUNCATED);
	eh()->e_phentsize = sizeof(Elf64_Phdr);
	eh()->e_phoff = 65;
	expect_refused(TRUNCATED);
	eh()->e_phoff = ~7ull;
	expect_refused(TRUNCATED);
	eh()->e_phoff = SIZE;
	expect_refused(TRUNCATED);
	eh()->e_phoff = SIZE - 8;
	expect_refused(TRUNCATED);
	eh()->e_phoff = 64;
	eh()->e_phnum = 0xffff;
	expect_refused(TRUNCATED);
	eh()->e_phnum = 0;
	expect_refused(NO_ENTRY);
	assert_int_equal(span, 0);
}

static void test_bad_segments(void **state)
{
	static const u64 huge[] = {SIZE + 1, 1ull << 31, 1ull << 63, ~0ull - 0xfff, ~0ull};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(huge); i++) {
		good(state);
		ph(1)->p_offset = huge[i];
		expect_refused(TRUNCATED);
		good(state);
		ph(1)->p_filesz = huge[i];
		expect_refused(TRUNCATED);
		good(state);
		ph(1)->p_offset = huge[i];
		ph(1)->p_filesz = 0 - huge[i]; /* the sum is 0 */
		expect_refused(TRUNCATED);
		if (i == 0)
			continue;
		good(state);
		ph(1)->p_memsz = huge[i];
		expect_refused(IMPOSSIBLE);
		good(state);
		ph(1)->p_vaddr = huge[i];
		expect_refused(IMPOSSIBLE);
		good(state);
		ph(1)->p_vaddr = huge[i];
		ph(1)->p_memsz = 0x1000 - huge[i];
		expect_refused(IMPOSSIBLE);
	}
	good(state);
	ph(1)->p_memsz = 0xfff; /* less than the file has */
	expect_refused(IMPOSSIBLE);
	good(state);
	ph(1)->p_vaddr = SPAN_MAX - 0x5123;
	assert_int_equal(check(SIZE), 0);
	assert_int_equal(span, SPAN_MAX);
	ph(1)->p_vaddr++;
	expect_refused(IMPOSSIBLE);
}

static void test_entry(void **state)
{
	(void)state;
	eh()->e_entry = 0x9123; /* the span */
	expect_refused(NO_ENTRY);
	eh()->e_entry = ~0ull;
	expect_refused(NO_ENTRY);
	eh()->e_entry = 0;
	assert_int_equal(check(SIZE), 0);
}

/* --- mutations --- */

static u32 seed = 5;

static u32 below(u32 n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* What a loader does with an image that passed: every byte of it is in the file, and all
 * of it in the span. */
static void check_loadable(u64 size)
{
	assert_in_range(span, 1, SPAN_MAX);
	assert_true(entry < span);
	for (u32 i = 0; i < eh()->e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, file + eh()->e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD)
			continue;
		assert_true((__uint128_t)p.p_offset + p.p_filesz <= size);
		assert_true((__uint128_t)p.p_vaddr + p.p_memsz <= span);
		assert_true(p.p_filesz <= p.p_memsz);
	}
}

static void mutate(void)
{
	static const u64 values[] = {0, 1, 8, 0x7fffffff, 0x80000000, 1ull << 63, ~0ull, SIZE};
	u32 end = sizeof(Elf64_Ehdr) + PHDRS * sizeof(Elf64_Phdr);
	u32 at = below(8) ? 16 + below(end - 16) : HEADER + below(24);
	u64 v = values[below(ARRAY_SIZE(values))] + below(3) - 1;

	if (below(2))
		file[at] ^= (u8)(1u << below(8));
	else
		memcpy(file + ALIGN_DOWN(at, 8u), &v, below(2) ? 8 : 4);
}

static void test_mutations(void **state)
{
	u32 passed = 0;

	for (u32 i = 0; i < 20000; i++) {
		u32 size = below(4) ? SIZE : below(SIZE + 1), n = 1 + below(4);

		good(state);
		while (n--)
			mutate();
		if (check(size)) {
			assert_non_null(why);
			continue;
		}
		check_loadable(size);
		passed++;
	}
	/* Both ways were taken often. */
	assert_in_range(passed, 1000, 19000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, good)
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_no_control_guest),
		TEST(test_multiboot2_header),
		TEST(test_header_too_far),
		TEST(test_every_truncation),
		TEST(test_bad_program_headers),
		TEST(test_bad_segments),
		TEST(test_entry),
		TEST(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
