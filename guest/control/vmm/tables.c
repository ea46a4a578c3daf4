/* SPDX-License-Identifier: MIT */
/* The ACPI tables of a guest; see tables.h. */
#include <linux/errno.h>
#include "guest/control/vmm/tables.h"
#include "guest/control/vmm/vm.h"
#include "guest/lib/string.h"

struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __packed;

struct address {
	u8 space, bits, offset, access;
	u64 address;
} __packed;

struct fadt {
	struct header header;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	u8 pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length;
	u8 gpe0_length, gpe1_length, gpe1_base, cst;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct address reset;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor_version;
	u64 x_facs, x_dsdt;
	struct address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control;
	struct address x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
} __packed;

struct madt {
	struct header header;
	u32 lapic_address, flags;
	struct {
		u8 type, length, id, reserved;
		u32 address, gsi;
	} __packed ioapic;
	struct {
		u8 type, length, processor;
		u16 flags;
		u8 lint;
	} __packed nmi;
	struct {
		u8 type, length, processor, apic_id;
		u32 flags;
	} __packed cpus[VM_CPUS_MAX]; /* as many as there are; they end the table */
} __packed;

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 checksum2, reserved[3];
} __packed;

struct facs {
	char signature[4];
	u32 length, hardware_signature, vector, lock, flags;
	u64 x_vector;
	u8 version, reserved[31];
} __packed;

/* Name (_S5, Package (4) { 5, 0, 0, 0 }), assembled by hand. */
static const u8 aml[] = {
	0x08, '_',
	'S',  '5',
	'_', /* NameOp, name */
	0x12, 0x07,
	0x04, /* PackageOp, its length from here, 4 elements */
	0x0a, TABLES_SLP_TYP_S5,
	0x00, 0x00,
	0x00, /* BytePrefix 5, three times ZeroOp */
};

struct dsdt {
	struct header header;
	u8 code[sizeof(aml)];
} __packed;

struct xsdt {
	struct header header;
	u64 entries[2];
} __packed;

/* All of them, as they lie in the guest from TABLES_BASE on. */
struct tables {
	struct rsdp rsdp __attribute__((aligned(64)));
	struct facs facs __attribute__((aligned(64)));
	struct xsdt xsdt __attribute__((aligned(16)));
	struct fadt fadt __attribute__((aligned(16)));
	struct madt madt __attribute__((aligned(16)));
	struct dsdt dsdt __attribute__((aligned(16)));
};

_Static_assert(sizeof(struct rsdp) == 36, "ACPI, RSDP");
_Static_assert(sizeof(struct fadt) == 244, "ACPI, FADT of revision 4");
_Static_assert(sizeof(struct facs) == 64, "ACPI, FACS");
_Static_assert(offsetof(struct madt, cpus) == 44 + 12 + 6, "ACPI, MADT");

#define AT(member) (TABLES_BASE + offsetof(struct tables, member))

#define LAPIC_ADDRESS  0xfee00000u
#define IOAPIC_ADDRESS 0xfec00000u
#define MADT_PCAT      1u /* there is a pair of 8259 too */
#define SPACE_IO       1
#define NO_C2          101
#define NO_C3          1001
#define CMOS_CENTURY   0x32

/* boot_arch: legacy devices, no VGA, no MSI; and the 8042 is not announced. */
#define BOOT_ARCH (1u << 0 | 1u << 2 | 1u << 3)
/* flags: WBINVD works, C1 works, no fixed power and sleep buttons nor RTC wake-up, reset
 * register. */
#define FADT_FLAGS (1u << 0 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 10)

static u8 minus_sum(const void *p, u64 size)
{
	const u8 *b = p;
	u8 sum = 0;

	for (u64 i = 0; i < size; i++)
		sum = (u8)(sum + b[i]);
	return (u8)(0 - sum);
}

static void finish(struct header *h, const char *signature, u64 length, u8 revision)
{
	memcpy(h->signature, signature, 4);
	h->length = (u32)length;
	h->revision = revision;
	memcpy(h->oem, "KVM0  ", 6);
	memcpy(h->oem_table, "KVM0VM  ", 8);
	h->oem_revision = 1;
	memcpy(h->creator, "KVM0", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = minus_sum(h, length);
}

static struct address io(u32 port, u8 bits, u8 access)
{
	return (struct address){SPACE_IO, bits, 0, access, port};
}

static void fill_fadt(struct fadt *f)
{
	*f = (struct fadt){
		.facs = (u32)AT(facs),
		.dsdt = (u32)AT(dsdt),
		.sci = TABLES_SCI,
		.pm1a_event = TABLES_PM1_EVENT,
		.pm1a_control = TABLES_PM1_CONTROL,
		.pm_timer = TABLES_PM_TIMER,
		.pm1_event_length = 4,
		.pm1_control_length = 2,
		.pm_timer_length = 4,
		.c2_latency = NO_C2,
		.c3_latency = NO_C3,
		.century = CMOS_CENTURY,
		.boot_arch = BOOT_ARCH,
		.flags = FADT_FLAGS,
		.reset = io(TABLES_RESET, 8, 1),
		.reset_value = TABLES_RESET_VALUE,
		.x_dsdt = AT(dsdt),
		.x_pm1a_event = io(TABLES_PM1_EVENT, 32, 2),
		.x_pm1a_control = io(TABLES_PM1_CONTROL, 16, 2),
		.x_pm_timer = io(TABLES_PM_TIMER, 32, 3),
	};
	finish(&f->header, "FACP", sizeof(*f), 4);
}

static void fill_madt(struct madt *m, u8 cpus)
{
	*m = (struct madt){
		.lapic_address = LAPIC_ADDRESS,
		.flags = MADT_PCAT,
		.ioapic = {.type = 1, .length = sizeof(m->ioapic), .address = IOAPIC_ADDRESS},
		.nmi = {.type = 4, .length = sizeof(m->nmi), .processor = 0xff, .lint = 1},
	};
	for (u8 i = 0; i < cpus; i++) {
		m->cpus[i].length = sizeof(m->cpus[i]);
		m->cpus[i].processor = m->cpus[i].apic_id = i;
		m->cpus[i].flags = 1;
	}
	finish(&m->header, "APIC", offsetof(struct madt, cpus) + cpus * sizeof(m->cpus[0]), 3);
}

int tables_write(struct ram *ram, u32 cpus)
{
	struct tables t;

	memset(&t, 0, sizeof(t));
	memcpy(t.facs.signature, "FACS", 4);
	t.facs.length = sizeof(t.facs);
	t.facs.version = 1;
	fill_fadt(&t.fadt);
	fill_madt(&t.madt, (u8)cpus);
	memcpy(t.dsdt.code, aml, sizeof(aml));
	finish(&t.dsdt.header, "DSDT", sizeof(t.dsdt), 2);
	t.xsdt.entries[0] = AT(fadt);
	t.xsdt.entries[1] = AT(madt);
	finish(&t.xsdt.header, "XSDT", sizeof(t.xsdt), 1);
	memcpy(t.rsdp.signature, "RSD PTR ", 8);
	memcpy(t.rsdp.oem, "KVM0  ", 6);
	t.rsdp.revision = 2;
	t.rsdp.length = sizeof(t.rsdp);
	t.rsdp.xsdt = AT(xsdt);
	t.rsdp.checksum = minus_sum(&t.rsdp, 20);
	t.rsdp.checksum2 = minus_sum(&t.rsdp, sizeof(t.rsdp));
	return ram_write(ram, TABLES_BASE, &t, sizeof(t));
}
