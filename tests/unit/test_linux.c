/* SPDX-License-Identifier: MIT */
/* What is checked of a bzImage, and where its parts go. */
/* sources: guest/control/vmm/linux.c guest/control/vmm/ram.c guest/control/vmm/demand.c
 * guest/control/vmm/pages.c guest/lib/format.c tests/unit/vmm_memory.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include "guest/control/vmm/linux.h"
#include "guest/lib/hypercall.h"
#include "tests/unit/vmm_memory.h"

#define SETUP_SECTS 3u
#define OFFSET      ((SETUP_SECTS + 1) * 512)
#define LENGTH      8192u

static struct kvm_userspace_memory_region slots[64];
static u32 slot_count;

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	assert_int_equal(handle, 7);
	assert_int_equal(request, KVM_SET_USER_MEMORY_REGION);
	memcpy(&slots[slot_count++], arg, sizeof(slots[0]));
	return 0;
}

static u8 file[OFFSET + LENGTH];
static struct setup_header *header = (void *)(file + 0x1f1);
static struct linux_image image;
static struct linux_entry entry;
static struct ram ram;
static char why[200];

static int setup(void **state)
{
	(void)state;
	memset(file, 0, sizeof(file));
	for (u32 i = OFFSET; i < sizeof(file); i++)
		file[i] = (u8)(i * 7 + 1);
	file[0x201] = 0x6a; /* length of the header's rest */
	*header = (struct setup_header){
		.setup_sects = SETUP_SECTS,
		.boot_flag = 0xaa55,
		.header = 0x53726448,
		.version = 0x20f,
		.jump = 0x6aeb,
		.syssize = LENGTH / 16,
		.loadflags = LOADED_HIGH,
		.xloadflags = XLF_KERNEL_64,
		.kernel_alignment = SIZE_2M,
		.relocatable_kernel = 1,
		.pref_address = 16 * SIZE_1M,
		.init_size = 4 * SIZE_1M,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 1000,
	};
	fake_memory_reset();
	slot_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ram_free(&ram);
	return fake_live != 0;
}

static int check(void)
{
	return linux_check(&image, file, sizeof(file), why, sizeof(why));
}

static int load(u64 mem, u64 initrd_size, const char *cmdline)
{
	static u8 initrd[8 * SIZE_1M];

	memset(initrd, 0x5a, sizeof(initrd));
	assert_int_equal(check(), 0);
	ram_free(&ram);
	assert_int_equal(ram_alloc(&ram, mem), 0);
	return linux_load(&ram, &image, initrd, initrd_size, cmdline, 0xf0000, &entry, why,
			  sizeof(why));
}

static const struct boot_params *params(void)
{
	return ram_at(&ram, LINUX_BOOT_PARAMS, 4096);
}

static void test_good_image(void **state)
{
	(void)state;
	assert_int_equal(check(), 0);
	assert_int_equal(image.kernel_offset, OFFSET);
	assert_int_equal(image.kernel_size, LENGTH);
	header->setup_sects = 0; /* means 4 */
	header->syssize = (LENGTH - 512) / 16;
	assert_int_equal(check(), 0);
	assert_int_equal(image.kernel_offset, 5 * 512);
}

static void refused(const char *text)
{
	assert_int_equal(check(), -ENOEXEC);
	if (!strstr(why, text))
		fail_msg("said: %s", why);
	setup(NULL);
}

static void test_bad_images(void **state)
{
	(void)state;
	assert_int_equal(linux_check(&image, file, 100, why, sizeof(why)), -ENOEXEC);
	assert_int_equal(linux_check(&image, file, 0, why, sizeof(why)), -ENOEXEC);
	header->boot_flag = 0;
	refused("not a Linux bzImage");
	header->header++;
	refused("not a Linux bzImage");
	header->version = 0x20b;
	refused("no 64-bit entry");
	header->xloadflags = 0;
	refused("no 64-bit entry");
	header->loadflags = 0;
	refused("no 64-bit entry");
	header->syssize++;
	refused("truncated: its header promises 10256 bytes, it has 10240");
	header->syssize = 0xffffffff;
	refused("truncated");
	header->syssize = 1;
	refused("truncated");
	header->kernel_alignment = 0x300000;
	refused("alignment");
}

static void test_loads_at_the_preferred_address(void **state)
{
	(void)state;
	assert_int_equal(load(64 * SIZE_1M, 10000, "console=ttyS0"), 0);
	assert_int_equal(entry.load, 16 * SIZE_1M);
	assert_int_equal(entry.rip, 16 * SIZE_1M + 0x200);
	assert_int_equal(entry.rsi, LINUX_BOOT_PARAMS);
	assert_memory_equal(ram_at(&ram, entry.load, LENGTH), file + OFFSET, LENGTH);
	assert_string_equal(ram_at(&ram, LINUX_CMDLINE, 100), "console=ttyS0");
	const struct boot_params *p = params();
	assert_int_equal(p->hdr.header, 0x53726448);
	assert_int_equal(p->hdr.cmd_line_ptr, LINUX_CMDLINE);
	assert_int_equal(p->hdr.type_of_loader, 0xff);
	assert_int_equal(p->hdr.ramdisk_size, 10000);
	assert_int_equal(p->hdr.ramdisk_image, 64 * SIZE_1M - 3 * 4096);
	assert_int_equal(*(u8 *)ram_at(&ram, p->hdr.ramdisk_image + 9999, 1), 0x5a);
	assert_int_equal(p->acpi_rsdp_addr, 0xf0000);
	assert_int_equal(p->sentinel, 0);
}

static void test_memory_behind_the_kernel_is_clear(void **state)
{
	(void)state;
	assert_int_equal(check(), 0);
	assert_int_equal(ram_alloc(&ram, 64 * SIZE_1M), 0);
	memset(ram_at(&ram, 16 * SIZE_1M, 5 * SIZE_1M), 0xee, 5 * SIZE_1M);
	assert_int_equal(linux_load(&ram, &image, NULL, 0, "", 0, &entry, why, sizeof(why)), 0);
	assert_int_equal(*(u8 *)ram_at(&ram, entry.load + LENGTH, 1), 0);
	assert_int_equal(*(u8 *)ram_at(&ram, entry.load + 4 * SIZE_1M - 1, 1), 0);
	assert_int_equal(*(u8 *)ram_at(&ram, entry.load + 4 * SIZE_1M, 1), 0xee);
}

static void test_moves_down_in_little_memory(void **state)
{
	(void)state;
	assert_int_equal(load(8 * SIZE_1M, 0, ""), 0);
	assert_int_equal(entry.load, 2 * SIZE_1M);
	assert_int_equal(params()->hdr.ramdisk_image, 0);
	header->relocatable_kernel = 0;
	assert_int_equal(load(8 * SIZE_1M, 0, ""), -ENOMEM);
	assert_non_null(strstr(why, "mem=20M"));
}

static void test_what_does_not_fit(void **state)
{
	(void)state;
	assert_int_equal(load(4 * SIZE_1M, 0, ""), -ENOMEM);
	assert_non_null(strstr(why, "does not fit into 4 MiB: give it mem=6M"));
	assert_int_equal(load(6 * SIZE_1M, 0, ""), 0);
	assert_int_equal(load(6 * SIZE_1M, 1, ""), -ENOMEM);
	assert_non_null(strstr(why, "initrd"));
	assert_int_equal(load(8 * SIZE_1M, 2 * SIZE_1M, ""), 0);
	assert_int_equal(load(8 * SIZE_1M, 2 * SIZE_1M + 1, ""), -ENOMEM);
}

static void test_initrd_stays_below_its_limit(void **state)
{
	(void)state;
	header->initrd_addr_max = 0x1ffffff;
	assert_int_equal(load(64 * SIZE_1M, 4096, ""), 0);
	assert_int_equal(params()->hdr.ramdisk_image, 0x1fff000);
}

static void test_command_line_limit(void **state)
{
	static char text[1002];

	(void)state;
	memset(text, 'x', 1001);
	assert_int_equal(load(64 * SIZE_1M, 0, text), -E2BIG);
	text[1000] = 0;
	assert_int_equal(load(64 * SIZE_1M, 0, text), 0);
}

static void test_e820(void **state)
{
	(void)state;
	assert_int_equal(load(64 * SIZE_1M, 0, ""), 0);
	const struct boot_params *p = params();
	assert_int_equal(p->e820_entries, 5);
	u64 usable = 0;
	for (u32 i = 0; i < p->e820_entries; i++) {
		const struct boot_e820_entry *e = &p->e820_table[i];
		if (e->type == 1) {
			usable += e->size;
			/* what is called RAM is RAM */
			assert_non_null(ram_at(&ram, e->addr, e->size));
		}
	}
	assert_int_equal(usable, 0x9fc00 + 63 * SIZE_1M);
}

static void test_ram_in_parts(void **state)
{
	(void)state;
	fake_largest = 6 * SIZE_1M;
	assert_int_equal(load(32 * SIZE_1M, 8 * SIZE_1M, "x"), 0);
	assert_int_equal(ram.part_count, 6);
	assert_null(ram_at(&ram, 5 * SIZE_1M, 2 * SIZE_1M));
	assert_int_equal(ram_map(&ram, 7, 0), 0);
	u64 sum = 0;
	for (u32 i = 0; i < slot_count; i++) {
		assert_int_equal(slots[i].slot, i);
		assert_ptr_equal(ram_at(&ram, slots[i].guest_phys_addr, slots[i].memory_size),
				 slots[i].userspace_addr);
		sum += slots[i].memory_size;
	}
	assert_int_equal(sum, 32 * SIZE_1M - 0x20000);
	fake_largest = SIZE_2M;
	ram_free(&ram);
	assert_int_equal(ram_alloc(&ram, 64 * SIZE_1M), -ENOMEM);
	assert_int_equal(ram.part_count, 0);
}

static void test_ram_above_the_hole(void **state)
{
	(void)state;
	static u8 block[4096];
	struct ram big = {.size = 4 * SIZE_1G, .part_count = 1};

	big.parts[0] = (struct ram_part){0, 4 * SIZE_1G, block};
	assert_int_equal(ram_low_top(&big), 3 * SIZE_1G);
	assert_int_equal(ram_high_end(&big), 5 * SIZE_1G);
	assert_null(ram_at(&big, 3 * SIZE_1G, 1));
	assert_null(ram_at(&big, 0xa0000, 1));
	assert_null(ram_at(&big, 0x9ffff, 2));
	assert_null(ram_at(&big, 5 * SIZE_1G, 1));
	assert_int_equal((u8 *)ram_at(&big, 4 * SIZE_1G, 1) - block, 3 * SIZE_1G);
	assert_int_equal(ram_map(&big, 7, 0), 0);
	assert_int_equal(slot_count, 3);
	assert_int_equal(slots[2].guest_phys_addr, SIZE_4G);
	assert_int_equal(slots[2].memory_size, SIZE_1G);
}

static void test_ram_is_copied_and_freed_in_pieces(void **state)
{
	(void)state;
	struct ram copy;

	assert_int_equal(ram_alloc(&ram, 8 * SIZE_1M), 0);
	fake_largest = SIZE_2M;
	assert_int_equal(ram_alloc(&copy, 8 * SIZE_1M), 0);
	assert_int_equal(copy.part_count, 4);
	for (u64 at = SIZE_1M; at < 8 * SIZE_1M; at += 8)
		*(u64 *)ram_at(&ram, at, 8) = at * 5;
	assert_int_equal(ram_copy(&copy, &ram), 0);
	for (u64 at = SIZE_1M; at < 8 * SIZE_1M; at += 8)
		assert_int_equal(*(u64 *)ram_at(&copy, at, 8), at * 5);
	for (u32 i = 4; i-- > 0;) {
		assert_int_equal(copy.part_count, i + 1);
		assert_true(ram_free_some(&copy, SIZE_2M) == !i);
	}
	assert_int_equal(fake_live, ram.size);
	assert_true(ram_free_some(&copy, SIZE_2M));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good_image),
		TEST(test_bad_images),
		TEST(test_loads_at_the_preferred_address),
		TEST(test_memory_behind_the_kernel_is_clear),
		TEST(test_moves_down_in_little_memory),
		TEST(test_what_does_not_fit),
		TEST(test_initrd_stays_below_its_limit),
		TEST(test_command_line_limit),
		TEST(test_e820),
		TEST(test_ram_in_parts),
		TEST(test_ram_above_the_hole),
		TEST(test_ram_is_copied_and_freed_in_pieces),
	};
	return cmocka_run_group_tests_name("linux", tests, NULL, NULL);
}
