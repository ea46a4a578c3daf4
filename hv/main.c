/* SPDX-License-Identifier: MIT */
/* The order in which kvm0 boots. */
#include "core/console.h"
#include "core/log.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/params.h"
#include "cpu/acpi.h"
#include "cpu/apic.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "main.h"
#include "mm/cpus.h"
#include "mm/memory.h"
#include "mm/paging.h"
#include "multiboot2.h"

static struct mb2_info boot_info;
static struct acpi_info acpi;

static void read_boot_info(u32 magic, u32 mbi)
{
	const void *at = phys_to_virt(hpa(mbi));

	if (magic != MB2_BOOT_MAGIC || mb2_parse(at, SIZE_4G - mbi, &boot_info))
		refuse(boot_info.problem ? boot_info.problem : "not loaded by multiboot2",
		       "boot by GRUB 2.02 or newer, with fewer or shorter modules and options");
}

static void read_params(void)
{
	const struct param_table tables[] = {log_params, memory_params, cpus_params};

	(void)params_parse(boot_info.cmdline, tables, ARRAY_SIZE(tables));
	if (boot_info.problem)
		log_warn("boot", "%s", boot_info.problem);
}

static void read_acpi(void)
{
	const struct mb2_blob *copy =
		boot_info.rsdp_new.size ? &boot_info.rsdp_new : &boot_info.rsdp_old;
	const void *rsdp = copy->size ? copy->data : acpi_find_rsdp(memory_map_firmware);
	u32 size = copy->size ? copy->size : 36;

	if (!rsdp)
		refuse("there are no ACPI tables", "turn on ACPI in the firmware's setup");
	if (acpi_parse(rsdp, size, memory_map_firmware, &acpi))
		refuse("the ACPI tables are unusable", "update the firmware (the table %s %s)",
		       acpi.table, acpi.problem);
}

static void init_apic(void)
{
	if (paging_map_direct(apic_base(), PAGE_SIZE, true))
		refuse("the local APIC cannot be mapped",
		       "update the firmware (IA32_APIC_BASE %#llx)", apic_base().v);
	apic_init(apic_base());
}

static void init_clock(void)
{
	enum tsc_source source;

	if (tsc_calibrate(acpi.pm_timer, &source))
		refuse("the TSC's frequency cannot be measured",
		       "turn on the 8254 timer or the ACPI PM timer in the firmware's setup");
	if (source == TSC_FROM_CPUID)
		log_warn("clock", "neither PIT nor ACPI PM timer runs: trusting CPUID");
}

static void print_summary(void)
{
	u64 kept = memmap_bytes(&memmap, MEM_KVM0);

	log_info("boot", "%u CPUs up, TSC %llu kHz, %llu MiB of memory, %llu MiB kept by kvm0",
		 percpu_count, tsc_khz, memory_total() >> 20, (kept + SIZE_1M - 1) >> 20);
}

/* The second half, on the boot CPU's own stack. */
static void boot(void)
{
	read_acpi();
	init_apic();
	init_clock();
	cpus_start(&acpi, cpu_main);
	print_summary();
	halt_forever();
}

void cpu_main(struct percpu *p)
{
	(void)p;
	halt_forever();
}

void kvm0_main(u32 magic, u32 mbi)
{
	cpus_init_boot();
	(void)console_init(CONSOLE_DEFAULT_PORT, CONSOLE_DEFAULT_SPEED);
	read_boot_info(magic, mbi);
	read_params();
	memory_init(&boot_info);
	cpus_init_stacks(boot);
}
