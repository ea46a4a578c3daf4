/* SPDX-License-Identifier: MIT */
/* The ACPI tables that a guest gets, read back by the reader that the control guest uses itself. */
/* sources: guest/control/vmm/tables.c guest/control/vmm/ram.c guest/control/vmm/demand.c
 * guest/control/vmm/pages.c guest/lib/acpi.c tests/unit/vmm_memory.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "guest/control/vmm/tables.h"
#include "guest/lib/acpi.h"
#include "guest/lib/hypercall.h"

/* ram.c's other functions are not used here. */
s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	(void)handle;
	(void)request;
	(void)arg;
	return 0;
}

#define CPUS 64u

static u8 *area;

static int setup(void **state)
{
	static struct ram ram;

	(void)state;
	/* Tables hold physical addresses, so the guest's memory lies at its own address. */
	area = mmap(ptr(RAM_BIOS), SIZE_1M, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (area != ptr(RAM_BIOS))
		return -1;
	ram = (struct ram){.size = SIZE_2M, .part_count = 1};
	ram.parts[0] = (struct ram_part){0, SIZE_2M, NULL};
	return tables_write(&ram, CPUS);
}

static void test_found_by_a_scan(void **state)
{
	struct boot boot = {0};

	(void)state;
	acpi_init(&boot);
	const struct acpi_info *info = acpi_info();
	assert_true(info->found);
	assert_true(info->can_power_off);
	assert_int_equal(info->pm1a_control, TABLES_PM1_CONTROL);
	assert_int_equal(info->pm1b_control, 0);
	assert_int_equal(info->s5_a, TABLES_SLP_TYP_S5);
	assert_int_equal(info->s5_b, 0);
	assert_int_equal(info->smi_command, 0);
	assert_int_equal(info->reset_space, 1);
	assert_int_equal(info->reset_address, TABLES_RESET);
	assert_int_equal(info->reset_value, TABLES_RESET_VALUE);
	assert_int_equal(info->cpu_count, CPUS);
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(info->apic_ids[i], i);
}

static void test_a_wrong_checksum_hides_a_table(void **state)
{
	(void)state;
	u8 *fadt = (u8 *)(uintptr_t)addr(acpi_find("FACP"));
	assert_non_null(fadt);
	fadt[50]++;
	assert_null(acpi_find("FACP"));
	fadt[50]--;
	assert_non_null(acpi_find("FACP"));
	assert_non_null(acpi_find("APIC"));
	assert_null(acpi_find("HPET"));
}

static void test_no_interrupt_override(void **state)
{
	(void)state;
	const u8 *madt = acpi_find("APIC");
	u32 length, seen = 0;
	memcpy(&length, madt + 4, 4);
	for (u32 at = 44; at < length; at += madt[at + 1]) {
		assert_true(madt[at + 1] >= 2);
		assert_int_not_equal(madt[at], 2);
		seen |= 1u << madt[at];
	}
	assert_int_equal(seen, 1u << 0 | 1u << 1 | 1u << 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_a_scan),
		cmocka_unit_test(test_a_wrong_checksum_hides_a_table),
		cmocka_unit_test(test_no_interrupt_override),
	};
	return cmocka_run_group_tests_name("tables", tests, setup, NULL);
}
