/* SPDX-License-Identifier: MIT */
/* guest/lib's pure parts: formatted text, multiboot2 information, free memory. */
/* sources: guest/lib/format.c guest/lib/boot.c guest/lib/memory.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "guest/lib/boot.h"
#include "guest/lib/format.h"
#include "guest/lib/memory.h"

void console_printf(const char *format, ...);
void console_printf(const char *format, ...)
{
	fail_msg("%s", format);
}

/* Against the C library's own. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char a[100], b[100];                                                               \
		memset(a, 1, sizeof(a));                                                           \
		size_t n = format_text(a, sizeof(a), __VA_ARGS__);                                 \
		assert_int_equal(n, snprintf(b, sizeof(b), __VA_ARGS__));                          \
		assert_string_equal(a, b);                                                         \
	} while (0)

static void test_format(void **state)
{
	(void)state;
	SAME("plain %% text");
	SAME("%d %i %u", -5, 2147483647, 4294967295u);
	SAME("%lld %llu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
	SAME("%x %X %08x %llx", 0xabcu, 0xabcu, 0xabcu, 0x123456789abcdefull);
	SAME("[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
	SAME("[%6s] [%-6s] [%.2s] [%*s]", "abc", "abc", "abc", 5, "x");
	SAME("%c%c", 'o', 'k');
	SAME("%.4x %hhu %hu %zu", 0x1u, (unsigned char)200, (unsigned short)60000, (size_t)7);
	SAME("%p", (void *)0x1234);
}

static void test_format_cuts(void **state)
{
	char to[5] = "xxxx";

	(void)state;
	assert_int_equal(format_text(to, sizeof(to), "%s", "123456"), 6);
	assert_string_equal(to, "1234");
	assert_int_equal(format_text(NULL, 0, "%d", 77), 2);
	assert_int_equal(format_text(to, 1, "abc"), 3);
	assert_string_equal(to, "");
}

static struct {
	_Alignas(8) u8 bytes[65536];
	u32 length;
} info;

static u8 *tag(u32 type, const void *data, u32 size)
{
	u32 total = size + 8;
	u8 *at = info.bytes + info.length;

	memcpy(at, &type, 4);
	memcpy(at + 4, &total, 4);
	memcpy(at + 8, data, size);
	info.length += ALIGN_UP(total, 8u);
	memcpy(info.bytes, &info.length, 4);
	return at;
}

static int setup(void **state)
{
	(void)state;
	memset(&info, 0, sizeof(info));
	info.length = 8;
	return 0;
}

static void add_module(u32 start, u32 end, const char *string)
{
	u8 data[200];

	memcpy(data, &start, 4);
	memcpy(data + 4, &end, 4);
	strcpy((char *)data + 8, string);
	tag(3, data, (u32)(8 + strlen(string) + 1));
}

static void add_map(const u64 (*ranges)[3], u32 count)
{
	u32 data[2 + 6 * 8] = {24, 0};

	for (u32 i = 0; i < count; i++)
		memcpy(&data[2 + 6 * i], ranges[i], 24);
	tag(6, data, 8 + 24 * count);
}

static void test_boot_parse(void **state)
{
	static struct boot boot;
	const u64 map[][3] = {{0, 0x9f000, 1}, {0x100000, 0x700000, 1}, {0x9f000, 0, 2}};

	(void)state;
	tag(1, "run x", 6);
	tag(2, "GRUB", 5);
	tag(999, "zz", 2);
	add_module(0x200000, 0x200123, " vmlinuz  a b");
	add_module(0x300000, 0x300000, "");
	add_map(map, 3);
	tag(0, "", 0);
	assert_int_equal(boot_parse(&boot, info.bytes), 0);
	assert_string_equal(boot.cmdline, "run x");
	assert_string_equal(boot.loader, "GRUB");
	assert_int_equal(boot.module_count, 2);
	assert_string_equal(boot.modules[0].name, "vmlinuz");
	assert_string_equal(boot.modules[0].args, "a b");
	assert_int_equal(boot.modules[0].size, 0x123);
	assert_ptr_equal(boot_find_module(&boot, "vmlinuz"), &boot.modules[0]);
	assert_null(boot_find_module(&boot, "vmlinu"));
	assert_int_equal(boot.range_count, 2);
	assert_int_equal(boot.ranges[1].end, 0x800000);
	assert_null(boot.rsdp);
}

static void test_boot_parse_refuses(void **state)
{
	static struct boot boot;
	u32 bad;

	(void)state;
	tag(1, "abc", 3); /* no NUL inside */
	tag(0, "", 0);
	assert_int_equal(boot_parse(&boot, info.bytes), -EINVAL);
	setup(NULL);
	tag(1, "abc", 4);
	assert_int_equal(boot_parse(&boot, info.bytes), -EINVAL); /* no end */
	setup(NULL);
	u8 *at = tag(1, "abc", 4);
	tag(0, "", 0);
	bad = 5000;
	memcpy(at + 4, &bad, 4);
	assert_int_equal(boot_parse(&boot, info.bytes), -EINVAL);
	bad = 4;
	memcpy(at + 4, &bad, 4);
	assert_int_equal(boot_parse(&boot, info.bytes), -EINVAL);
	setup(NULL);
	add_module(0x2000, 0x1000, "x");
	tag(0, "", 0);
	assert_int_equal(boot_parse(&boot, info.bytes), -EINVAL);
	bad = 8;
	memcpy(info.bytes, &bad, 4);
	assert_int_equal(boot_parse(&boot, info.bytes), -EINVAL);
}

static void test_more_modules_than_room(void **state)
{
	static struct boot boot;

	(void)state;
	for (u32 i = 0; i < BOOT_MAX_MODULES + 2; i++)
		add_module(0x1000, 0x2000, "m");
	tag(0, "", 0);
	assert_int_equal(boot_parse(&boot, info.bytes), 0);
	assert_int_equal(boot.module_count, BOOT_MAX_MODULES);
	assert_int_equal(boot.modules_dropped, 2);
}

static void test_memory(void **state)
{
	static struct boot boot = {
		.ranges = {{0, 0x9fc00, 1}, {0x100000, 0x4000000, 1}, {0x3ff0000, 0x4000000, 3}},
		.range_count = 3,
		.image_start = 0x200000,
		.image_end = 0x234567,
		.info_start = 0x150010,
		.info_end = 0x150800,
		.module_count = 1,
	};

	(void)state;
	boot.modules[0].start = ptr(0x1000001);
	boot.modules[0].size = 0x1000;
	memory_init(&boot);
	u64 all = memory_free_bytes();
	/* all RAM above 1 MiB less the ACPI range, the image, one page and two pages */
	assert_int_equal(all, 0x3f00000 - 0x10000 - 0x35000 - 0x1000 - 0x2000);
	assert_int_equal(memory_low_page(), 0x9e000);
	u64 largest = memory_largest_block();
	assert_int_equal(largest, 0x3e00000 - 0x1200000);

	void *a = memory_alloc_raw(0x1234, 4096);
	assert_int_equal(addr(a), 0x3ff0000 - 0x2000);
	void *b = memory_alloc_raw(SIZE_2M, SIZE_2M);
	assert_int_equal(addr(b), 0x3c00000);
	void *c = memory_alloc_below(SIZE_2M, 4096, 0x1000000);
	assert_int_equal(addr(c), 0xe00000);
	assert_null(memory_alloc_raw(0x4000000, 4096));
	assert_null(memory_alloc_raw(0, 4096));
	assert_int_equal(memory_free_bytes(), all - 0x2000 - 2 * SIZE_2M);
	memory_free(a, 0x1234);
	memory_free(c, SIZE_2M);
	memory_free(NULL, 5);
	memory_free(b, SIZE_2M);
	assert_int_equal(memory_free_bytes(), all);
	assert_int_equal(memory_largest_block(), largest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_cuts),
		cmocka_unit_test_setup(test_boot_parse, setup),
		cmocka_unit_test_setup(test_boot_parse_refuses, setup),
		cmocka_unit_test_setup(test_more_modules_than_room, setup),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("guest_lib", tests, NULL, NULL);
}
