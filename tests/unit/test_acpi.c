/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/cpu/acpi.c arch/x86/cpu/acpi_s5.c */
/* Reading ACPI tables out of a small made-up physical memory, whole and damaged. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "cpu/acpi.h"

#define XSDT 0xe1000
#define RSDT 0xe1800
#define MADT 0xe2000
#define FADT 0xe3000
#define DMAR 0xe4000
#define DSDT 0xe5000
#define RSDP 0xe0010

static u8 memory[1 << 20];
static struct acpi_info info;

static const void *map(u64 at, u64 size)
{
	return at < sizeof(memory) && size <= sizeof(memory) - at ? memory + at : NULL;
}

static void put(u64 at, u64 v, u32 bytes)
{
	memcpy(memory + at, &v, bytes);
}

static void fix_sum(u64 at, u64 sum_at, u64 size)
{
	u8 sum = 0;

	memory[sum_at] = 0;
	for (u64 i = 0; i < size; i++)
		sum = (u8)(sum + memory[at + i]);
	memory[sum_at] = (u8)(0 - sum);
}

static void finish(u64 at, const char *signature, u32 size)
{
	memcpy(memory + at, signature, 4);
	put(at + 4, size, 4);
	fix_sum(at, at + 9, size);
}

static void finish_rsdp(u8 revision)
{
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = revision;
	put(RSDP + 16, RSDT, 4);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	fix_sum(RSDP, RSDP + 8, 20);
	fix_sum(RSDP, RSDP + 32, 36);
}

/* CPUs 0, 2 enabled, 4 disabled; 0 again and 300 as x2APIC. */
static u32 fill_madt(void)
{
	u64 at = MADT + 36;
	static const u8 lapic[][8] = {
		{0, 8, 0, 0, 1}, {0, 8, 1, 2, 1}, {0, 8, 2, 4, 0}, {0, 8, 3, 0xff, 1}};
	static const u8 x2apic[][16] = {{9, 16, 0, 0, 0, 0, 0, 0, 1},
					{9, 16, 0, 0, 0x2c, 1, 0, 0, 1}};

	put(at, 0xfee00000, 4);
	at += 8;
	memcpy(memory + at, lapic, sizeof(lapic));
	at += sizeof(lapic);
	put(at, 0x0c01, 2); /* an I/O APIC */
	at += 12;
	memcpy(memory + at, x2apic, sizeof(x2apic));
	at += sizeof(x2apic);
	finish(MADT, "APIC", (u32)(at - MADT));
	return (u32)(at - MADT);
}

static int build(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	fill_madt();
	put(FADT + 64, 0x604, 4);
	put(FADT + 76, 0x608, 4);
	memory[FADT + 91] = 4;
	put(FADT + 112, BIT(10) | BIT(8), 4);
	memory[FADT + 116] = 1;
	put(FADT + 120, 0xcf9, 8);
	memory[FADT + 128] = 6;
	memory[FADT + 184] = 1;
	put(FADT + 188, 0x704, 8);
	finish(FADT, "FACP", 244);
	finish(DMAR, "DMAR", 48);
	put(XSDT + 36, FADT, 8);
	put(XSDT + 44, MADT, 8);
	put(XSDT + 52, DMAR, 8);
	put(XSDT + 60, 0xfffffffffff00000, 8); /* one that cannot be mapped */
	finish(XSDT, "XSDT", 68);
	put(RSDT + 36, MADT, 4);
	put(RSDT + 40, FADT, 4);
	finish(RSDT, "RSDT", 44);
	finish_rsdp(2);
	return 0;
}

/* Name (_S5_, Package (4) {@a, @b, 0, 0}), both as bytes but 0 and 1. */
static u32 fill_dsdt(u8 a, u8 b)
{
	static const u8 before[] = {0x10, 0x20, 0x5c, 0x00, 0x08, '_', 'S', '5', '_', 0x12};
	u8 *at = memory + DSDT + 36, *start = at;

	memcpy(at, before, sizeof(before));
	at += sizeof(before);
	*at++ = 0x08;
	*at++ = 4;
	for (u32 i = 0; i < 2; i++) {
		u8 v = i ? b : a;

		if (v > 1)
			*at++ = 0x0a;
		*at++ = v;
	}
	*at++ = 0;
	*at++ = 0;
	finish(DSDT, "DSDT", 36 + (u32)(at - start));
	put(FADT + 40, DSDT, 4);
	finish(FADT, "FACP", 244);
	return 36 + (u32)(at - start);
}

static int parse(void)
{
	return acpi_parse(memory + RSDP, 36, map, &info);
}

static void test_xsdt(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_int_equal(info.cpu_count, 4);
	assert_int_equal(info.cpu[0].apic_id, 0);
	assert_true(info.cpu[0].enabled);
	assert_int_equal(info.cpu[1].apic_id, 2);
	assert_false(info.cpu[2].enabled);
	assert_int_equal(info.cpu[3].apic_id, 300);
	assert_int_equal(info.lapic_base, 0xfee00000);
	assert_int_equal(info.pm1a_control, 0x604);
	assert_int_equal(info.pm1b_control, 0x704); /* only in the extended field */
	assert_int_equal(info.pm_timer, 0x608);
	assert_true(info.pm_timer_32);
	assert_int_equal(info.reset_space, 1);
	assert_int_equal(info.reset_address, 0xcf9);
	assert_int_equal(info.reset_value, 6);
	assert_int_equal(info.dmar.v, DMAR);
	assert_int_equal(info.mcfg.v, 0);
}

static void test_rsdt(void **state)
{
	(void)state;
	finish_rsdp(0);
	assert_int_equal(acpi_parse(memory + RSDP, 20, map, &info), 0);
	assert_int_equal(info.cpu_count, 4);
	assert_int_equal(info.dmar.v, 0); /* not in this root */
}

static void test_old_short_fadt(void **state)
{
	(void)state;
	finish(FADT, "FACP", 116);
	assert_int_equal(parse(), 0);
	assert_int_equal(info.reset_address, 0);
	assert_int_equal(info.pm1b_control, 0);
	finish(FADT, "FACP", 115);
	assert_int_equal(parse(), -EINVAL);
	assert_string_equal(info.table, "FACP");
}

/* How the machine is switched off: known, or not, and then the tables are as good. */
static void test_power_off(void **state)
{
	u32 size;

	(void)state;
	assert_int_equal(parse(), 0);
	assert_false(info.can_power_off); /* no DSDT */
	assert_null(info.problem);
	fill_dsdt(5, 1);
	assert_int_equal(parse(), 0);
	assert_true(info.can_power_off);
	assert_int_equal(info.s5_type[0], 5);
	assert_int_equal(info.s5_type[1], 1);
	fill_dsdt(0, 7);
	put(FADT + 140, DSDT, 8); /* the extended field alone */
	put(FADT + 40, 0, 4);
	finish(FADT, "FACP", 244);
	assert_int_equal(parse(), 0);
	assert_true(info.can_power_off);
	assert_int_equal(info.s5_type[0], 0);
	assert_int_equal(info.s5_type[1], 7);
	/* Cut short anywhere: nothing behind its end is used. */
	size = fill_dsdt(5, 7);
	for (u32 n = size - 3; n > 36; n--) {
		finish(DSDT, "DSDT", n);
		assert_int_equal(parse(), 0);
		assert_false(info.can_power_off);
	}
	fill_dsdt(5, 7);
	memory[DSDT + 9]++; /* its checksum */
	assert_int_equal(parse(), 0);
	assert_false(info.can_power_off);
	assert_null(info.problem);
}

static void test_lapic_override(void **state)
{
	u32 size = fill_madt();

	(void)state;
	put(MADT + size, 0x0c05, 2);
	put(MADT + size + 4, 0x1fee00000, 8);
	finish(MADT, "APIC", size + 12);
	assert_int_equal(parse(), 0);
	assert_int_equal(info.lapic_base, 0x1fee00000);
	put(MADT + size, 0x0a05, 2); /* too short for what it is */
	finish(MADT, "APIC", size + 12);
	assert_int_equal(parse(), -EINVAL);
}

/* Each byte of each table that is needed, changed: the checksum finds it. */
static void test_every_byte_corrupted(void **state)
{
	static const struct {
		u64 at;
		u32 size;
		const char *name;
	} table[] = {{XSDT, 68, "XSDT"}, {MADT, 44, "APIC"}, {FADT, 244, "FACP"}};

	(void)state;
	for (u32 t = 0; t < ARRAY_SIZE(table); t++) {
		for (u32 i = 0; i < table[t].size; i++) {
			memory[table[t].at + i] ^= 0x10;
			assert_int_equal(parse(), -EINVAL);
			assert_non_null(info.problem);
			if (i >= 8)
				assert_string_equal(info.table, table[t].name);
			memory[table[t].at + i] ^= 0x10;
		}
	}
	assert_int_equal(parse(), 0);
}

static void test_bad_lengths(void **state)
{
	static const u32 bad[] = {0, 35, 0x100001, 0xffffffff};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		put(XSDT + 4, bad[i], 4);
		assert_int_equal(parse(), -EINVAL);
	}
	build(NULL);
	for (u32 size = 36; size < 44; size++) {
		finish(MADT, "APIC", size);
		assert_int_equal(parse(), -EINVAL);
	}
	finish(MADT, "APIC", 45); /* half an entry header */
	assert_int_equal(parse(), -EINVAL);
	finish(MADT, "APIC", 51); /* an entry cut off */
	assert_int_equal(parse(), -EINVAL);
	fill_madt();
	memory[MADT + 45] = 0; /* an entry that would never end */
	finish(MADT, "APIC", 60);
	assert_int_equal(parse(), -EINVAL);
	memory[MADT + 45] = 7;
	finish(MADT, "APIC", 60);
	assert_int_equal(parse(), -EINVAL);
	finish(MADT, "APIC", 44); /* no CPU at all */
	assert_int_equal(parse(), -EINVAL);
}

static void test_missing_tables(void **state)
{
	(void)state;
	finish(XSDT, "XSDT", 44); /* only the FADT is left */
	assert_int_equal(parse(), -EINVAL);
	assert_string_equal(info.table, "APIC");
	assert_string_equal(info.problem, "is missing");
	finish(XSDT, "XSDT", 36);
	assert_int_equal(parse(), -EINVAL);
	put(XSDT + 36, MADT, 8);
	finish(XSDT, "XSDT", 44);
	assert_int_equal(parse(), -EINVAL);
	assert_string_equal(info.table, "FACP");
	put(RSDP + 24, 0x10000000, 8); /* the root is nowhere */
	fix_sum(RSDP, RSDP + 32, 36);
	assert_int_equal(parse(), -EINVAL);
	assert_string_equal(info.table, "XSDT");
}

static void test_rsdp(void **state)
{
	(void)state;
	for (u32 i = 0; i < 36; i++) {
		memory[RSDP + i] ^= 0x20;
		assert_int_equal(acpi_check_rsdp(memory + RSDP, 36), -EINVAL);
		memory[RSDP + i] ^= 0x20;
	}
	for (u32 size = 0; size < 36; size++)
		assert_int_equal(acpi_check_rsdp(memory + RSDP, size), -EINVAL);
	assert_int_equal(acpi_check_rsdp(memory + RSDP, 36), 0);
	memory[RSDP] = 0;
	assert_int_equal(parse(), -EINVAL);
	assert_string_equal(info.table, "RSDP");
}

static void test_find_rsdp(void **state)
{
	(void)state;
	assert_ptr_equal(acpi_find_rsdp(map), memory + RSDP);
	put(0x40e, 0x9fc0, 2);
	assert_ptr_equal(acpi_find_rsdp(map), memory + RSDP);
	memcpy(memory + 0x9fc20, memory + RSDP, 36);
	assert_ptr_equal(acpi_find_rsdp(map), memory + 0x9fc20);
	memory[0x9fc20] = 0;
	memory[RSDP] = 0;
	assert_null(acpi_find_rsdp(map));
}

static void test_too_many_cpus(void **state)
{
	const u64 madt = 0xe8000;
	u64 at = madt + 44;

	(void)state;
	for (u32 i = 0; i < ACPI_MAX_CPUS + 5; i++, at += 16) {
		put(at, 0x1009, 2);
		put(at + 4, 1000 + i, 4);
		put(at + 8, 1, 4);
	}
	finish(madt, "APIC", (u32)(at - madt));
	put(XSDT + 44, madt, 8);
	finish(XSDT, "XSDT", 68);
	assert_int_equal(parse(), 0);
	assert_int_equal(info.cpu_count, ACPI_MAX_CPUS);
	assert_int_equal(info.cpus_left_out, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_xsdt, build),
		cmocka_unit_test_setup(test_rsdt, build),
		cmocka_unit_test_setup(test_old_short_fadt, build),
		cmocka_unit_test_setup(test_power_off, build),
		cmocka_unit_test_setup(test_lapic_override, build),
		cmocka_unit_test_setup(test_every_byte_corrupted, build),
		cmocka_unit_test_setup(test_bad_lengths, build),
		cmocka_unit_test_setup(test_missing_tables, build),
		cmocka_unit_test_setup(test_rsdp, build),
		cmocka_unit_test_setup(test_find_rsdp, build),
		cmocka_unit_test_setup(test_too_many_cpus, build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
