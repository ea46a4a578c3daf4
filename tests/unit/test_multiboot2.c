/* SPDX-License-Identifier: MIT */
/* sources: boot/multiboot2.c boot/multiboot2_build.c */
/*
 * The boot information: everything that GRUB passes is kept, whatever is malformed
 * is refused without a read beyond its end (AddressSanitizer watches: each test's
 * input is a heap block of exactly its size), and the control guest's copy hides
 * kvm0 and can be parsed again.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "multiboot2.h"

static u8 mbi[64 * 1024] __attribute__((aligned(8)));
static u32 used;
static struct mb2_info info;

static int begin(void **state)
{
	(void)state;
	memset(mbi, 0, sizeof(mbi));
	used = 8;
	return 0;
}

/* Append a tag; returns where it starts. */
static u32 tag(u32 type, const void *body, u32 size)
{
	u32 at = used, header[2] = {type, size + 8};

	memcpy(mbi + at, header, 8);
	memcpy(mbi + at + 8, body, size);
	used += ALIGN_UP(size + 8, 8u);
	return at;
}

static u32 module_tag(u32 start, u32 end, const char *text)
{
	u8 body[256];
	u32 numbers[2] = {start, end};

	memcpy(body, numbers, 8);
	memcpy(body + 8, text, strlen(text) + 1);
	return tag(MB2_TAG_MODULE, body, 8 + (u32)strlen(text) + 1);
}

static u32 mmap_tag(const struct mb2_mmap_entry *e, u32 n)
{
	u8 body[8 + 24 * 300];
	u32 numbers[2] = {24, 0};

	memcpy(body, numbers, 8);
	memcpy(body + 8, e, n * sizeof(*e));
	return tag(MB2_TAG_MMAP, body, 8 + n * 24);
}

/* Parse the first @size bytes, copied to a heap block of that size. */
static int parse_bytes(u32 size)
{
	u8 *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, mbi, size);
	err = mb2_parse(copy, size, &info);
	free(copy);
	if (err)
		assert_non_null(info.problem);
	return err;
}

static int parse(void)
{
	tag(MB2_TAG_END, "", 0);
	memcpy(mbi, &used, 4);
	return parse_bytes(used);
}

static const struct mb2_mmap_entry map[] = {
	{.base = 0, .length = 0x9f000, .type = 1},
	{.base = 0x100000, .length = 0x3ff00000, .type = 1},
	{.base = 0x40000000, .length = 0x10000, .type = 3},
};

static void add_everything(void)
{
	static const u8 rsdp[36] = "RSD PTR ";
	u32 efi[2 + 2 * 12] = {48, 1};
	struct mb2_efi_entry *e = (void *)&efi[2];
	u32 meminfo[2] = {636, 0xffc00}, framebuffer[6] = {0xb8000}, base = 0x3fe00000;
	u64 table = 0x123456789;

	tag(MB2_TAG_LOAD_BASE, &base, 4);
	tag(MB2_TAG_CMDLINE, "loglevel=debug pool=8M", 23);
	tag(MB2_TAG_LOADER_NAME, "GRUB", 5);
	module_tag(0x200000, 0x280000, "control run /linux");
	module_tag(0x280000, 0x900000, "kernel");
	module_tag(0xfff00000, 0xffffffff, "");
	mmap_tag(map, 3);
	tag(MB2_TAG_MEMINFO, meminfo, 8);
	tag(MB2_TAG_FRAMEBUFFER, framebuffer, 24);
	tag(MB2_TAG_EFI64, &table, 8);
	tag(MB2_TAG_ACPI_OLD, rsdp, 20);
	tag(MB2_TAG_ACPI_NEW, rsdp, 36);
	memset(e, 0, 96);
	*e = (struct mb2_efi_entry){.type = 7, .base = 0x100000, .pages = 0x1000, .attributes = 15};
	e = (void *)((u8 *)e + 48);
	*e = (struct mb2_efi_entry){
		.type = 6, .base = 0x40000000, .virtual_base = 0x70000000, .pages = 16};
	tag(MB2_TAG_EFI_MMAP, efi, sizeof(efi));
	tag(99, "unknown", 7);
}

static void test_keeps_everything(void **state)
{
	(void)state;
	add_everything();
	assert_int_equal(parse(), 0);
	assert_null(info.problem);
	memset(mbi, 0xff, sizeof(mbi)); /* the loader's memory is used again */
	assert_string_equal(info.cmdline, "loglevel=debug pool=8M");
	assert_int_equal(info.module_count, 3);
	assert_int_equal(info.module[0].start, 0x200000);
	assert_int_equal(info.module[0].end, 0x280000);
	assert_string_equal(info.module[0].text, "control run /linux");
	assert_string_equal(info.module[2].text, "");
	assert_int_equal(info.mmap_count, 3);
	assert_int_equal(info.mmap[2].type, 3);
	assert_int_equal(info.mem_upper, 0xffc00);
	assert_int_equal(info.efi_system_table, 0x123456789);
	assert_int_equal(info.efi_size, 96);
	assert_int_equal(info.efi_entry_size, 48);
	assert_int_equal(info.framebuffer_size, 24);
	assert_int_equal(info.rsdp_old.size, 20);
	assert_int_equal(info.rsdp_new.size, 36);
	assert_int_equal(info.load_base, 0x3fe00000);
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_string_equal(info.cmdline, "");
	assert_int_equal(info.module_count, 0);
}

/* Cut anywhere, with and without the total size following suit. */
static void test_every_truncation(void **state)
{
	u32 size;

	(void)state;
	add_everything();
	tag(MB2_TAG_END, "", 0);
	for (size = 0; size < used; size++) {
		memcpy(mbi, &used, 4);
		assert_int_equal(parse_bytes(size), -EINVAL);
		memcpy(mbi, &size, 4);
		assert_int_equal(parse_bytes(size), -EINVAL);
	}
}

/* Every 32-bit word replaced by values that lie about sizes: no crash, no read out
 * of bounds, and a failure names its reason. */
static void test_every_word_corrupted(void **state)
{
	static const u32 bad[] = {0, 1, 7, 9, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
	u32 kept, failed = 0;

	(void)state;
	add_everything();
	tag(MB2_TAG_END, "", 0);
	memcpy(mbi, &used, 4);
	for (u32 at = 0; at < used; at += 4) {
		memcpy(&kept, mbi + at, 4);
		for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
			memcpy(mbi + at, &bad[i], 4);
			failed += parse_bytes(used) != 0;
		}
		memcpy(mbi + at, &kept, 4);
	}
	assert_true(failed > 50);
	assert_int_equal(parse_bytes(used), 0);
}

static void test_total_size(void **state)
{
	u32 huge = 0xffffffff;

	(void)state;
	memcpy(mbi, &huge, 4);
	assert_int_equal(mb2_parse(mbi, ~0ull, &info), -EINVAL);
	assert_int_equal(mb2_parse(mbi, 0, &info), -EINVAL);
}

static void test_bad_modules(void **state)
{
	static const struct {
		u32 start, end;
	} bad[] = {{0x1000, 0x1000},     {0x2000, 0x1000},     {0xffffffff, 0},
		   {0x27ffff, 0x300000}, {0x1ff000, 0x200001}, {0x210000, 0x220000},
		   {0x100000, 0x900000}};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		begin(state);
		module_tag(0x200000, 0x280000, "first");
		module_tag(bad[i].start, bad[i].end, "second");
		assert_int_equal(parse(), -EINVAL);
	}
	begin(state);
	tag(MB2_TAG_MODULE, "\0\0\20\0\0\0\40", 8); /* no string */
	assert_int_equal(parse(), -EINVAL);
	begin(state);
	tag(MB2_TAG_MODULE, "\0\0\20\0\0\0\40\0unended", 15);
	assert_int_equal(parse(), -EINVAL);
}

static void test_many_modules(void **state)
{
	(void)state;
	for (u32 i = 0; i < MB2_MAX_MODULES; i++)
		module_tag(0x100000 + i * 0x1000, 0x101000 + i * 0x1000, "m");
	assert_int_equal(parse(), 0);
	assert_int_equal(info.module_count, MB2_MAX_MODULES);
	used -= 8; /* over the end tag */
	module_tag(0x10000000, 0x10001000, "one too many");
	assert_int_equal(parse(), -ENOSPC);
}

static void test_long_strings(void **state)
{
	static char text[MB2_MAX_TEXT + 1];

	(void)state;
	memset(text, 'x', MB2_MAX_TEXT - 1);
	tag(MB2_TAG_CMDLINE, text, MB2_MAX_TEXT);
	assert_int_equal(parse(), 0);
	assert_int_equal(strlen(info.cmdline), MB2_MAX_TEXT - 1);
	begin(state);
	text[MB2_MAX_TEXT - 1] = 'x';
	tag(MB2_TAG_CMDLINE, text, MB2_MAX_TEXT + 1);
	assert_int_equal(parse(), -ENOSPC);
	begin(state);
	tag(MB2_TAG_CMDLINE, "no end", 6);
	assert_int_equal(parse(), -EINVAL);
	begin(state);
	tag(MB2_TAG_CMDLINE, "", 0);
	assert_int_equal(parse(), -EINVAL);
}

static void test_bad_memory_maps(void **state)
{
	static struct mb2_mmap_entry many[MB2_MAX_MMAP + 1];
	struct mb2_mmap_entry wraps = {.base = ~0ull - 0xfff, .length = 0x2000, .type = 1};
	u32 at, size;

	mmap_tag(&wraps, 1);
	assert_int_equal(parse(), -EINVAL);
	begin(state);
	mmap_tag(many, MB2_MAX_MMAP + 1);
	assert_int_equal(parse(), -ENOSPC);
	for (size = 0; size < 24; size++) {
		begin(state);
		at = mmap_tag(map, 3);
		memcpy(mbi + at + 8, &size, 4);
		assert_int_equal(parse(), -EINVAL);
	}
	begin(state);
	at = mmap_tag(map, 3);
	size = 8 + 8 + 3 * 24 - 1;
	memcpy(mbi + at + 4, &size, 4);
	assert_int_equal(parse(), -EINVAL);
}

/* --- mb2_build --- */

static u8 built[8192] __attribute__((aligned(8)));
static struct mb2_info again;

static void build(const struct mb2_range *hidden, u32 count)
{
	int n;

	add_everything();
	assert_int_equal(parse(), 0);
	n = mb2_build(&info, 0, hidden, count, built, sizeof(built));
	assert_true(n > 0 && n % 8 == 0);
	assert_int_equal(mb2_parse(built, (u64)n, &again), 0);
}

static void test_build_carries_on(void **state)
{
	(void)state;
	build(NULL, 0);
	assert_string_equal(again.cmdline, "run /linux");
	assert_int_equal(again.module_count, 2);
	assert_int_equal(again.module[0].start, 0x280000);
	assert_string_equal(again.module[0].text, "kernel");
	assert_int_equal(again.module[1].end, 0xffffffff);
	assert_int_equal(again.mmap_count, 3);
	assert_memory_equal(again.mmap, map, sizeof(map));
	assert_int_equal(again.efi_size, info.efi_size);
	assert_memory_equal(again.efi_map, info.efi_map, info.efi_size);
	assert_int_equal(again.efi_system_table, 0x123456789);
	assert_int_equal(again.mem_lower, 636);
	assert_int_equal(again.mem_upper, 0xffc00);
	assert_memory_equal(again.rsdp_new.data, info.rsdp_new.data, 36);
	assert_int_equal(again.framebuffer_size, 24);
}

static void test_build_hides(void **state)
{
	static const struct mb2_range hidden[] = {
		{0x700000, 0x800000},     /* inside of an entry */
		{0x3ff00000, 0x40000000}, /* the end of one */
		{0x9e000, 0x9f000},
		{0x40000000, 0x40001000}, /* of ACPI memory: stays what it is */
	};
	static const struct mb2_mmap_entry expected[] = {
		{.base = 0, .length = 0x9e000, .type = 1},
		{.base = 0x9e000, .length = 0x1000, .type = 2},
		{.base = 0x100000, .length = 0x600000, .type = 1},
		{.base = 0x700000, .length = 0x100000, .type = 2},
		{.base = 0x800000, .length = 0x3f700000, .type = 1},
		{.base = 0x3ff00000, .length = 0x100000, .type = 2},
		{.base = 0x40000000, .length = 0x1000, .type = 3},
		{.base = 0x40001000, .length = 0xf000, .type = 3},
	};
	const struct mb2_efi_entry *e;

	(void)state;
	build(hidden, 4);
	assert_int_equal(again.mmap_count, 8);
	assert_memory_equal(again.mmap, expected, sizeof(expected));
	assert_int_equal(again.mem_lower, 0x9e000 / 1024);
	assert_int_equal(again.mem_upper, 0x600000 / 1024);

	assert_int_equal(again.efi_size, 5 * 48);
	e = (const void *)(again.efi_map + 48);
	assert_int_equal(e->type, MB2_EFI_RESERVED);
	assert_int_equal(e->base, 0x700000);
	assert_int_equal(e->pages, 0x100);
	assert_int_equal(e->attributes, 15);
	e = (const void *)(again.efi_map + 2 * 48);
	assert_int_equal(e->type, 7);
	assert_int_equal(e->base, 0x800000);
	assert_int_equal(e->pages, 0x900);
	e = (const void *)(again.efi_map + 4 * 48);
	assert_int_equal(e->base, 0x40001000);
	assert_int_equal(e->virtual_base, 0x70001000);
}

static void test_build_hides_overlapping(void **state)
{
	static const struct mb2_range hidden[] = {
		{0x300000, 0x500000}, {0x400000, 0x600000}, {0x500000, 0x500000}, {0, 0x1000}};

	(void)state;
	build(hidden, 4);
	for (u32 i = 0; i < again.mmap_count; i++) {
		const struct mb2_mmap_entry *e = &again.mmap[i];
		u64 end = e->base + e->length;

		assert_true(e->length > 0);
		if (e->type == 1)
			for (u32 h = 0; h < 4; h++)
				assert_false(e->base < hidden[h].end && hidden[h].base < end &&
					     hidden[h].base < hidden[h].end);
	}
	assert_int_equal(again.mmap[0].length, 0x1000);
	assert_int_equal(again.mem_lower, 0);
}

static void test_build_bounds(void **state)
{
	int n;

	(void)state;
	add_everything();
	assert_int_equal(parse(), 0);
	n = mb2_build(&info, 0, NULL, 0, built, sizeof(built));
	for (u32 size = 0; size < (u32)n; size++) {
		u8 *exact = malloc(size ? size : 1);

		assert_int_equal(mb2_build(&info, 0, NULL, 0, exact, size), -ENOSPC);
		free(exact);
	}
	assert_int_equal(mb2_build(&info, 0, NULL, 0, built, (u32)n), n);
	assert_int_equal(mb2_build(&info, 3, NULL, 0, built, sizeof(built)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_keeps_everything, begin),
		cmocka_unit_test_setup(test_empty, begin),
		cmocka_unit_test_setup(test_every_truncation, begin),
		cmocka_unit_test_setup(test_every_word_corrupted, begin),
		cmocka_unit_test_setup(test_total_size, begin),
		cmocka_unit_test_setup(test_bad_modules, begin),
		cmocka_unit_test_setup(test_many_modules, begin),
		cmocka_unit_test_setup(test_long_strings, begin),
		cmocka_unit_test_setup(test_bad_memory_maps, begin),
		cmocka_unit_test_setup(test_build_carries_on, begin),
		cmocka_unit_test_setup(test_build_hides, begin),
		cmocka_unit_test_setup(test_build_hides_overlapping, begin),
		cmocka_unit_test_setup(test_build_bounds, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
