/* SPDX-License-Identifier: MIT */
/* ACPI tables in a small physical memory, which is the input: nothing outside of it is
 * read, and what acpi_parse() tells is consistent. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/acpi.h"

#define RSDP 0u
#define ROOT 0x40u
#define MADT 0x100u
#define FADT 0x200u
#define END  0x300u

static const u8 *memory;
static u32 memory_size;
static struct acpi_info info;

static const void *map(u64 at, u64 size)
{
	return at < memory_size && size <= memory_size - at ? memory + at : NULL;
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void put32(u8 *at, u32 v)
{
	memcpy(at, &v, 4);
}

static void fix_sum(u8 *at, u32 sum_at, u32 size)
{
	u8 sum = 0;

	at[sum_at] = 0;
	for (u32 i = 0; i < size; i++)
		sum = (u8)(sum + at[i]);
	at[sum_at] = (u8)(0 - sum);
}

/* Right checksums, wherever the length lies in the input. */
static void mend(u8 *buf, u32 size)
{
	static const u32 tables[] = {ROOT, MADT, FADT};

	for (u32 i = 0; i < ARRAY_SIZE(tables); i++) {
		u32 length;

		if (tables[i] + 36 > size)
			continue;
		memcpy(&length, buf + tables[i] + 4, 4);
		if (length >= 36 && length <= size - tables[i])
			fix_sum(buf + tables[i], 9, length);
	}
	if (size >= 36) {
		fix_sum(buf + RSDP, 8, 20);
		fix_sum(buf + RSDP, 32, 36);
	}
}

static void put_header(u8 *at, const char *signature, u32 length)
{
	memcpy(at, signature, 4);
	put32(at + 4, length);
}

/* 0: RSDT; 1: XSDT. */
static u32 good(u32 which, u8 *buf)
{
	static const u8 entries[] = {0, 8, 0,  0,  1, 0,  0, 0, 0,    8,    1, 2, 0, 0, 0,
				     0, 9, 16, 0,  0, 44, 1, 0, 0,    1,    0, 0, 0, 0, 0,
				     0, 0, 5,  12, 0, 0,  0, 0, 0xe0, 0xfe, 0, 0, 0, 0};
	u32 step = which ? 8 : 4;

	memcpy(buf + RSDP, "RSD PTR ", 8);
	buf[RSDP + 15] = which ? 2 : 0;
	put32(buf + RSDP + 16, ROOT);
	put32(buf + RSDP + 20, 36);
	put32(buf + RSDP + 24, ROOT);
	put_header(buf + ROOT, which ? "XSDT" : "RSDT", 36 + 2 * step);
	put32(buf + ROOT + 36, FADT);
	put32(buf + ROOT + 36 + step, MADT);
	put_header(buf + MADT, "APIC", 44 + sizeof(entries));
	memcpy(buf + MADT + 44, entries, sizeof(entries));
	put_header(buf + FADT, "FACP", 244);
	put32(buf + FADT + 64, 0x604);
	put32(buf + FADT + 112, 0x400);
	buf[FADT + 91] = 4;
	mend(buf, END);
	return END;
}

static bool run(const u8 *data, u32 size)
{
	memory = data;
	memory_size = size;
	(void)acpi_find_rsdp(map);
	if (acpi_parse(data, MIN(size, 36u), map, &info)) {
		require(info.problem && strlen(info.table) == 4);
		return false;
	}
	require(info.cpu_count > 0 && info.cpu_count <= ACPI_MAX_CPUS);
	for (u32 i = 0; i < info.cpu_count; i++)
		for (u32 j = 0; j < i; j++)
			require(info.cpu[i].apic_id != info.cpu[j].apic_id);
	return true;
}

const struct fuzz_target fuzz_acpi = {"acpi", good, 2, mend, run};
