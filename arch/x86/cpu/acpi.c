/* SPDX-License-Identifier: MIT */
/* Reading the ACPI tables; see cpu/acpi.h. */
#include <linux/errno.h>

#include "cpu/acpi.h"
#include "lib/string.h"

#define RSDP_V1_SIZE 20u
#define RSDP_V2_SIZE 36u
#define HEADER_SIZE  36u
#define MADT_ENTRIES 44u        /* offset of the first */
#define TABLE_MAX    (1u << 20) /* far above any table read here */

#define MADT_LAPIC          0u
#define MADT_LAPIC_OVERRIDE 5u
#define MADT_X2APIC         9u
#define MADT_ENABLED        BIT(0)

/* Offsets in the FADT; those from 116 on are there since ACPI 2.0. */
#define FADT_DSDT          40u
#define FADT_SMI_CMD       48u
#define FADT_ACPI_ENABLE   52u
#define FADT_PM1A_CNT      64u
#define FADT_PM1B_CNT      68u
#define FADT_PM_TMR        76u
#define FADT_PM_TMR_LEN    91u
#define FADT_FLAGS         112u
#define FADT_RESET_REG     116u
#define FADT_RESET_VAL     128u
#define FADT_X_DSDT        140u
#define FADT_X_PM1A_CNT    172u
#define FADT_X_PM1B_CNT    184u
#define FADT_X_PM_TMR      208u
#define FADT_TMR_VAL_EXT   BIT(8)
#define FADT_RESET_REG_SUP BIT(10)

#define GAS_SIZE     12u
#define GAS_SPACE_IO 1u

struct table {
	const u8 *at;
	u32 size; /* all of it is readable and its checksum is right */
};

/* Little-endian, at any alignment; the caller knows that it lies inside. */
static u64 get(const u8 *at, unsigned bytes)
{
	u64 v = 0;

	memcpy(&v, at, bytes);
	return v;
}

static bool sums_to_zero(const u8 *at, u64 size)
{
	u8 sum = 0;

	for (u64 i = 0; i < size; i++)
		sum = (u8)(sum + at[i]);
	return sum == 0;
}

int acpi_check_rsdp(const void *rsdp, u32 size)
{
	const u8 *at = rsdp;
	u64 length;

	if (size < RSDP_V1_SIZE || memcmp(at, "RSD PTR ", 8) || !sums_to_zero(at, RSDP_V1_SIZE))
		return -EINVAL;
	if (at[15] < 2) /* revision */
		return 0;
	if (size < RSDP_V2_SIZE)
		return -EINVAL;
	length = get(at + 20, 4);
	return length >= RSDP_V2_SIZE && length <= size && sums_to_zero(at, length) ? 0 : -EINVAL;
}

static const void *scan_for_rsdp(acpi_map_fn map, u64 base, u64 size)
{
	const u8 *at = map(base, size);

	for (u64 i = 0; at && i + RSDP_V2_SIZE <= size; i += 16)
		if (!acpi_check_rsdp(at + i, RSDP_V2_SIZE))
			return at + i;
	return NULL;
}

const void *acpi_find_rsdp(acpi_map_fn map)
{
	const u8 *bda = map(0x400, 0x100);
	u64 ebda = bda ? get(bda + 0xe, 2) << 4 : 0;
	const void *found = NULL;

	if (ebda >= 0x80000 && ebda < 0xa0000)
		found = scan_for_rsdp(map, ebda, 1024);
	return found ? found : scan_for_rsdp(map, 0xe0000, 0x20000);
}

static int fail(struct acpi_info *out, const char *signature, const char *problem)
{
	memcpy(out->table, signature, 4);
	out->table[4] = 0;
	out->problem = problem;
	return -EINVAL;
}

/* The table at @at, checked.  Its signature has to be @signature. */
static int open_table(u64 at, const char *signature, acpi_map_fn map, struct acpi_info *out,
		      struct table *t)
{
	const u8 *header = map(at, HEADER_SIZE);

	if (!header)
		return fail(out, signature, "lies outside of memory");
	if (memcmp(header, signature, 4))
		return fail(out, signature, "has a wrong signature");
	t->size = (u32)get(header + 4, 4);
	if (t->size < HEADER_SIZE || t->size > TABLE_MAX)
		return fail(out, signature, "has an impossible length");
	t->at = map(at, t->size);
	if (!t->at)
		return fail(out, signature, "lies outside of memory");
	if (!sums_to_zero(t->at, t->size))
		return fail(out, signature, "has a wrong checksum");
	return 0;
}

/* One CPU may have an entry of each kind; the first that is enabled counts. */
static void add_cpu(struct acpi_info *out, u32 apic_id, bool enabled)
{
	for (u32 i = 0; i < out->cpu_count; i++) {
		if (out->cpu[i].apic_id == apic_id) {
			out->cpu[i].enabled |= enabled;
			return;
		}
	}
	if (out->cpu_count == ACPI_MAX_CPUS) {
		out->cpus_left_out += enabled;
		return;
	}
	out->cpu[out->cpu_count++] = (struct acpi_cpu){.apic_id = apic_id, .enabled = enabled};
}

static int parse_madt_entry(struct acpi_info *out, const u8 *e, u32 length)
{
	static const u8 needed[] = {
		[MADT_LAPIC] = 8, [MADT_LAPIC_OVERRIDE] = 12, [MADT_X2APIC] = 16};

	if (e[0] < ARRAY_SIZE(needed) && length < needed[e[0]])
		return fail(out, "APIC", "has an entry that is too short");
	switch (e[0]) {
	case MADT_LAPIC:
		/* 0xff is no CPU; firmware fills unused entries with it. */
		if (e[3] != 0xff)
			add_cpu(out, e[3], get(e + 4, 4) & MADT_ENABLED);
		break;
	case MADT_X2APIC:
		if (get(e + 4, 4) != 0xffffffff)
			add_cpu(out, (u32)get(e + 4, 4), get(e + 8, 4) & MADT_ENABLED);
		break;
	case MADT_LAPIC_OVERRIDE:
		out->lapic_base = get(e + 4, 8);
		break;
	}
	return 0;
}

static int parse_madt(u64 at, acpi_map_fn map, struct acpi_info *out)
{
	struct table t;
	u32 length;
	int err = open_table(at, "APIC", map, out, &t);

	if (err)
		return err;
	if (t.size < MADT_ENTRIES)
		return fail(out, "APIC", "is too short");
	out->lapic_base = get(t.at + HEADER_SIZE, 4);
	for (u32 i = MADT_ENTRIES; i < t.size; i += length) {
		if (t.size - i < 2)
			return fail(out, "APIC", "ends inside an entry");
		length = t.at[i + 1];
		if (length < 2 || length > t.size - i)
			return fail(out, "APIC", "has an entry of an impossible length");
		err = parse_madt_entry(out, t.at + i, length);
		if (err)
			return err;
	}
	if (!out->cpu_count)
		return fail(out, "APIC", "names no CPU");
	return 0;
}

/* A port: from the extended field if the table has one that is a port, else the old. */
static u16 fadt_port(const struct table *t, u32 old, u32 extended)
{
	u64 port = get(t->at + old, 4);

	if (extended + GAS_SIZE <= t->size && t->at[extended] == GAS_SPACE_IO &&
	    get(t->at + extended + 4, 8))
		port = get(t->at + extended + 4, 8);
	return port <= 0xffff ? (u16)port : 0;
}

/* How to switch the machine off.  One that does not tell can be used all the same. */
static void parse_dsdt(const struct table *fadt, acpi_map_fn map, struct acpi_info *out)
{
	struct table t;
	u64 at = get(fadt->at + FADT_DSDT, 4);

	if (fadt->size >= FADT_X_DSDT + 8 && get(fadt->at + FADT_X_DSDT, 8))
		at = get(fadt->at + FADT_X_DSDT, 8);
	if (!open_table(at, "DSDT", map, out, &t))
		out->can_power_off =
			out->pm1a_control &&
			acpi_find_s5(t.at + HEADER_SIZE, t.size - HEADER_SIZE, out->s5_type);
	out->problem = NULL;
}

static int parse_fadt(u64 at, acpi_map_fn map, struct acpi_info *out)
{
	struct table t;
	u64 flags;
	int err = open_table(at, "FACP", map, out, &t);

	if (err)
		return err;
	if (t.size < FADT_FLAGS + 4)
		return fail(out, "FACP", "is too short");
	flags = get(t.at + FADT_FLAGS, 4);
	out->pm1a_control = fadt_port(&t, FADT_PM1A_CNT, FADT_X_PM1A_CNT);
	out->pm1b_control = fadt_port(&t, FADT_PM1B_CNT, FADT_X_PM1B_CNT);
	if (t.at[FADT_PM_TMR_LEN] == 4)
		out->pm_timer = fadt_port(&t, FADT_PM_TMR, FADT_X_PM_TMR);
	out->pm_timer_32 = flags & FADT_TMR_VAL_EXT;
	if (flags & FADT_RESET_REG_SUP && t.size > FADT_RESET_VAL) {
		out->reset_space = t.at[FADT_RESET_REG];
		out->reset_address = get(t.at + FADT_RESET_REG + 4, 8);
		out->reset_value = t.at[FADT_RESET_VAL];
	}
	out->smi_command = (u16)get(t.at + FADT_SMI_CMD, 4);
	out->acpi_enable = t.at[FADT_ACPI_ENABLE];
	parse_dsdt(&t, map, out);
	return 0;
}

/* One table that the root names. */
static int visit(u64 at, acpi_map_fn map, struct acpi_info *out, bool *madt, bool *fadt)
{
	const u8 *header = at ? map(at, HEADER_SIZE) : NULL;

	if (!header)
		return 0; /* perhaps one of no interest; what is needed is missed below */
	if (!memcmp(header, "APIC", 4) && !*madt) {
		*madt = true;
		return parse_madt(at, map, out);
	}
	if (!memcmp(header, "FACP", 4) && !*fadt) {
		*fadt = true;
		return parse_fadt(at, map, out);
	}
	if (!memcmp(header, "DMAR", 4))
		out->dmar = hpa(at);
	if (!memcmp(header, "MCFG", 4))
		out->mcfg = hpa(at);
	return 0;
}

int acpi_parse(const void *rsdp, u32 size, acpi_map_fn map, struct acpi_info *out)
{
	const u8 *root = rsdp;
	bool madt = false, fadt = false;
	struct table t;
	u64 xsdt;
	int err;

	memset(out, 0, sizeof(*out));
	if (acpi_check_rsdp(rsdp, size))
		return fail(out, "RSDP", "is corrupt");
	xsdt = root[15] >= 2 ? get(root + 24, 8) : 0;
	if (xsdt)
		err = open_table(xsdt, "XSDT", map, out, &t);
	else
		err = open_table(get(root + 16, 4), "RSDT", map, out, &t);
	if (err)
		return err;
	for (u32 i = HEADER_SIZE, step = xsdt ? 8 : 4; i + step <= t.size; i += step) {
		err = visit(get(t.at + i, step), map, out, &madt, &fadt);
		if (err)
			return err;
	}
	if (!madt)
		return fail(out, "APIC", "is missing");
	if (!fadt)
		return fail(out, "FACP", "is missing");
	return 0;
}
