/* SPDX-License-Identifier: MIT */
/* The I/O ports of a guest: power-off, reset, clock, and what is not there. */
/* sources: guest/control/vmm/ports.c guest/control/vmm/pm.c guest/control/vmm/cmos.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "guest/control/vmm/ports.h"
#include "guest/lib/rtc.h"
#include "guest/lib/time.h"

static struct vm vm;
static u32 reports;
static char sent;

u64 time_tsc_hz(void)
{
	return 1000000000ull;
}
u8 rtc_read(u8 index)
{
	return index == 0x0b ? 0x7f : (u8)(index + 0x20);
}

void vm_report(struct vm *v, const char *format, ...)
{
	assert_ptr_equal(v, &vm);
	assert_non_null(format);
	reports++;
}

u8 serial_read(struct serial *s, u32 offset)
{
	assert_ptr_equal(s, &vm.devices.serial);
	return (u8)(0x50 + offset);
}

void serial_write(struct serial *s, u32 offset, u8 value)
{
	assert_ptr_equal(s, &vm.devices.serial);
	assert_int_equal(offset, 0);
	sent = (char)value;
}

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	reports = 0;
	return 0;
}

static void test_acpi_power_off(void **state)
{
	(void)state;
	assert_int_equal(ports_read(&vm, 0x604, 2), 1); /* ACPI is on */
	ports_write(&vm, 0x604, 2, 5u << 10);
	ports_write(&vm, 0x604, 2, 1u << 10 | 1u << 13); /* another sleep state */
	assert_int_equal(vm.state, VM_RUNS);
	ports_write(&vm, 0x604, 2, 5u << 10 | 1u << 13);
	assert_int_equal(vm.state, VM_POWERED_OFF);
}

static void test_resets(void **state)
{
	(void)state;
	ports_write(&vm, 0xcf9, 1, 0x02);
	ports_write(&vm, 0x64, 1, 0xd1);
	ports_write(&vm, 0x60, 1, 0xfe);
	assert_int_equal(vm.state, VM_RUNS);
	ports_write(&vm, 0xcf9, 1, 0x06);
	assert_int_equal(vm.state, VM_RESET);
	vm.state = VM_RUNS;
	ports_write(&vm, 0x64, 1, 0xfe);
	assert_int_equal(vm.state, VM_RESET);
}

static void test_no_pci(void **state)
{
	(void)state;
	ports_write(&vm, 0xcf8, 4, 0x80000000);
	assert_int_equal(ports_read(&vm, 0xcf8, 4), 0xffffffff);
	assert_int_equal(ports_read(&vm, 0xcfc, 4), 0xffffffff);
	assert_int_equal(vm.unknown_ports, 0);
}

static void test_clock(void **state)
{
	(void)state;
	ports_write(&vm, 0x70, 1, 0x84); /* hours; the top bit is the NMI's */
	assert_int_equal(ports_read(&vm, 0x71, 1), 0x24);
	ports_write(&vm, 0x71, 1, 0);
	assert_int_equal(ports_read(&vm, 0x71, 1), 0x24);
	ports_write(&vm, 0x70, 1, 0x0b);
	assert_int_equal(ports_read(&vm, 0x71, 1), 0x06);
	ports_write(&vm, 0x70, 1, 0x0d);
	assert_int_equal(ports_read(&vm, 0x71, 1), 0x80);
	ports_write(&vm, 0x70, 1, 0x40);
	assert_int_equal(ports_read(&vm, 0x71, 1), 0);
}

static void test_pm_timer(void **state)
{
	(void)state;
	u32 a = ports_read(&vm, 0x608, 4);
	u64 start = rdtsc();
	while (rdtsc() - start < 10000000)
		;
	u32 ticks = (ports_read(&vm, 0x608, 4) - a) & 0xffffff;
	assert_true(a < 0x1000000);
	assert_in_range(ticks, 35795, 3579545);
}

static void test_pm1_registers(void **state)
{
	(void)state;
	vm.devices.pm1_status = 0x0121;
	ports_write(&vm, 0x600, 2, 0x0020);
	assert_int_equal(ports_read(&vm, 0x600, 2) & 0xffff, 0x0101);
	ports_write(&vm, 0x602, 2, 0x0320);
	assert_int_equal(ports_read(&vm, 0x602, 2), 0x0320);
	assert_int_equal(ports_read(&vm, 0x600, 4), 0x03200101);
}

static void test_console(void **state)
{
	(void)state;
	ports_write(&vm, 0x3f8, 1, 'A');
	assert_int_equal(sent, 'A');
	assert_int_equal(ports_read(&vm, 0x3fd, 1), 0x55);
}

static void test_absent_ports(void **state)
{
	(void)state;
	assert_int_equal((u8)ports_read(&vm, 0x2fd, 1), 0xff);
	assert_int_equal(vm.unknown_ports, 0);
	assert_int_equal(ports_read(&vm, 0x1234, 4), 0xffffffff);
	ports_write(&vm, 0x1234, 4, 0);
	assert_int_equal(vm.unknown_ports, 2);
	assert_int_equal(reports, 0);
}

static void test_unknown_ports_are_named_once(void **state)
{
	(void)state;
	vm.named = true;
	for (u32 i = 0; i < 3; i++)
		ports_read(&vm, 0x1234, 1);
	assert_int_equal(reports, 1);
	for (u16 port = 0x2000; port < 0x2100; port++)
		ports_write(&vm, port, 1, 0);
	assert_int_equal(reports, VM_NAMED_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_acpi_power_off, setup),
		cmocka_unit_test_setup(test_resets, setup),
		cmocka_unit_test_setup(test_no_pci, setup),
		cmocka_unit_test_setup(test_clock, setup),
		cmocka_unit_test_setup(test_pm_timer, setup),
		cmocka_unit_test_setup(test_pm1_registers, setup),
		cmocka_unit_test_setup(test_console, setup),
		cmocka_unit_test_setup(test_absent_ports, setup),
		cmocka_unit_test_setup(test_unknown_ports_are_named_once, setup),
	};
	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
