/* SPDX-License-Identifier: MIT */
/* Reads the machine's ACPI tables; see acpi.h.  ACPI Specification, ACPI Software Programming
 * Model. */
#include "guest/lib/acpi.h"
#include "guest/lib/string.h"

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 checksum2, reserved[3];
} __packed;

struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;

struct fadt {
	struct header header;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	u8 middle[40];
	u32 flags;
	u8 reset_space, reset_width, reset_offset, reset_access;
	u64 reset_address;
	u8 reset_value;
	u8 reserved1[3];
	u64 x_facs, x_dsdt;
} __packed;

_Static_assert(sizeof(struct rsdp) == 36, "ACPI, RSDP");
_Static_assert(offsetof(struct fadt, flags) == 112, "ACPI, FADT");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI, FADT");

#define FADT_RESET_SUPPORTED 0x400u
#define RSDP_V1_SIZE         20u
#define MAX_TABLE            (16 * SIZE_1M)
#define BIOS_AREA            0xe0000ull

static struct acpi_info info;
static const struct rsdp *rsdp;

static bool sum_is_zero(const void *p, u64 size)
{
	const u8 *b = p;
	u8 sum = 0;

	for (u64 i = 0; i < size; i++)
		sum = (u8)(sum + b[i]);
	return !sum;
}

static bool rsdp_valid(const struct rsdp *r)
{
	return !memcmp(r->signature, "RSD PTR ", 8) && sum_is_zero(r, RSDP_V1_SIZE);
}

static const struct rsdp *find_rsdp(const struct boot *boot)
{
	if (boot->rsdp && rsdp_valid(boot->rsdp))
		return boot->rsdp;
	for (u64 at = BIOS_AREA; at < SIZE_1M; at += 16)
		if (rsdp_valid(ptr(at)))
			return ptr(at);
	return NULL;
}

static const struct header *check_table(u64 at)
{
	const struct header *h = ptr(at);

	if (!at || h->length < sizeof(*h) || h->length > MAX_TABLE || !sum_is_zero(h, h->length))
		return NULL;
	return h;
}

/* The n-th table that the root table lists; NULL for a bad one; *end past the last. */
static const struct header *root_entry(u32 n, bool *end)
{
	bool wide = rsdp->revision >= 2 && rsdp->xsdt;
	const struct header *root = check_table(wide ? rsdp->xsdt : rsdp->rsdt);
	u64 at = 0;

	*end = !root || sizeof(*root) + (n + 1ull) * (wide ? 8 : 4) > root->length;
	if (*end)
		return NULL;
	memcpy(&at, (const u8 *)(root + 1) + n * (wide ? 8ull : 4ull), wide ? 8 : 4);
	return check_table(at);
}

const void *acpi_find(const char signature[4])
{
	bool end = !rsdp;

	for (u32 n = 0; !end; n++) {
		const struct header *h = root_entry(n, &end);
		if (h && !memcmp(h->signature, signature, 4))
			return h;
	}
	return NULL;
}

/* One element of the \_S5 package: a small integer in AML.  Moves *at on. */
static u8 aml_byte(const u8 **at)
{
	u8 op = *(*at)++;

	if (op == 0x0a) /* BytePrefix */
		return *(*at)++;
	return op; /* ZeroOp, OneOp are their own values */
}

/* Looks for Name(_S5_, Package(){a, b, ...}) without a real AML parser. */
static void find_s5(const struct header *dsdt)
{
	const u8 *p = (const u8 *)(dsdt + 1), *end = (const u8 *)dsdt + dsdt->length;

	for (; p + 8 <= end; p++) {
		if (memcmp(p, "_S5_", 4) || p[4] != 0x12)
			continue;
		const u8 *at = p + 5;
		at += (*at >> 6) + 2; /* package length, number of elements */
		if (at + 4 > end)
			return;
		info.s5_a = aml_byte(&at);
		info.s5_b = aml_byte(&at);
		info.can_power_off = info.pm1a_control != 0;
		return;
	}
}

static void read_fadt(const struct fadt *f)
{
	info.pm1a_control = (u16)f->pm1a_control;
	info.pm1b_control = (u16)f->pm1b_control;
	info.smi_command = (u16)f->smi_command;
	info.acpi_enable = f->acpi_enable;
	info.reset_space = 0xff;
	if (f->header.length > offsetof(struct fadt, reset_value) &&
	    (f->flags & FADT_RESET_SUPPORTED)) {
		info.reset_space = f->reset_space;
		info.reset_address = f->reset_address;
		info.reset_value = f->reset_value;
	}
	u64 at = f->dsdt;
	if (f->header.length >= offsetof(struct fadt, x_dsdt) + 8 && f->x_dsdt)
		at = f->x_dsdt;
	const struct header *dsdt = check_table(at);
	if (dsdt)
		find_s5(dsdt);
}

/* MADT entries of the types 0 (local APIC) and 9 (local x2APIC). */
static void read_madt(const struct header *madt)
{
	const u8 *p = (const u8 *)(madt + 1) + 8, *end = (const u8 *)madt + madt->length;
	u32 id, flags;

	for (; p + 8 <= end && p[1] >= 2; p += p[1]) {
		if (p[0] == 0) {
			id = p[3];
			memcpy(&flags, p + 4, 4);
		} else if (p[0] == 9 && p + 16 <= end) {
			memcpy(&id, p + 4, 4);
			memcpy(&flags, p + 8, 4);
		} else {
			continue;
		}
		if ((flags & 1) && info.cpu_count < ARRAY_SIZE(info.apic_ids))
			info.apic_ids[info.cpu_count++] = id;
	}
}

void acpi_init(const struct boot *boot)
{
	info.reset_space = 0xff;
	rsdp = find_rsdp(boot);
	const struct header *fadt = acpi_find("FACP"), *madt = acpi_find("APIC");
	if (fadt && fadt->length >= offsetof(struct fadt, flags)) {
		info.found = true;
		read_fadt((const void *)fadt);
	}
	if (madt)
		read_madt(madt);
}

const struct acpi_info *acpi_info(void)
{
	return &info;
}
