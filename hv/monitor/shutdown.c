/* SPDX-License-Identifier: MIT */
/* Power-off and reset; see monitor/shutdown.h. */
#include "monitor/shutdown.h"
#include "core/console.h"
#include "core/log.h"
#include "cpu/io.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "vmx/vmx.h"

#define PORT_KEYBOARD  0x64u
#define PORT_RESET     0xcf9u
#define KEYBOARD_RESET 0xfeu
#define RESET_SYSTEM   0x02u /* of 0xcf9: the whole machine, */
#define RESET_CPU      0x04u /* now */
#define RESET_PORT     1u    /* acpi_info.reset_space */
/* ACPI Specification, "PM1 Control Registers". */
#define PM1_SCI_EN  BIT(0)
#define PM1_SLP_TYP 10
#define PM1_SLP_EN  BIT(13)

static const struct acpi_info *acpi; /* written during boot only */

static u16 reset_port(void)
{
	return acpi && acpi->reset_space == RESET_PORT && acpi->reset_address <= 0xffff
		       ? (u16)acpi->reset_address
		       : 0;
}

void shutdown_init(const struct acpi_info *info)
{
	const u16 ports[] = {info->pm1a_control, info->pm1b_control, PORT_KEYBOARD, PORT_RESET};

	acpi = info;
	for (u32 i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i])
			vmx_trap_port(ports[i]);
	if (reset_port())
		vmx_trap_port(reset_port());
}

bool shutdown_is_end(u16 port, u32 value)
{
	if (port == acpi->pm1a_control || port == acpi->pm1b_control)
		return value & PM1_SLP_EN;
	if (port == PORT_KEYBOARD)
		return (value & 0xff) == KEYBOARD_RESET;
	if (port == PORT_RESET && (value & RESET_CPU))
		return true;
	return port && port == reset_port() && (value & 0xff) == acpi->reset_value;
}

__noreturn void shutdown_this_cpu(void)
{
	vmx_cpu_disable();
	halt_forever();
}

void shutdown_other_cpus(void)
{
	u64 limit;

	for (u32 i = 0; i < percpu_count; i++)
		if (i != this_cpu()->index)
			cpu_want(percpu_by_index[i], CPU_STOP);
	limit = rdtsc() + tsc_khz; /* 1 ms */
	for (u32 i = 0; i < percpu_count; i++)
		while (i != this_cpu()->index && READ_ONCE(percpu_by_index[i]->vmxon_region.v) &&
		       rdtsc() < limit)
			__builtin_ia32_pause();
}

__noreturn void shutdown_after(void)
{
	udelay(1000000);
	log_error("power", "the machine did not react");
	halt_forever();
}

__noreturn void shutdown_reset(void)
{
	console_flush();
	shutdown_other_cpus();
	vmx_cpu_disable();
	if (reset_port()) {
		io_out8(reset_port(), acpi->reset_value);
		udelay(10000);
	}
	io_out8(PORT_RESET, RESET_SYSTEM);
	io_out8(PORT_RESET, RESET_SYSTEM | RESET_CPU);
	udelay(10000);
	io_out8(PORT_KEYBOARD, KEYBOARD_RESET);
	shutdown_after();
}

bool shutdown_can_power_off(void)
{
	return acpi->can_power_off;
}

/* The control guest may have turned ACPI on, or not. */
static void turn_acpi_on(void)
{
	if ((io_in16(acpi->pm1a_control) & PM1_SCI_EN) || !acpi->smi_command || !acpi->acpi_enable)
		return;
	io_out8(acpi->smi_command, acpi->acpi_enable);
	for (u32 ms = 0; ms < 300 && !(io_in16(acpi->pm1a_control) & PM1_SCI_EN); ms++)
		udelay(1000);
}

static void sleep_by(u16 port, u8 type)
{
	u32 value = io_in16(port) & ~(7u << PM1_SLP_TYP);

	io_out16(port, (u16)(value | (type & 7u) << PM1_SLP_TYP));
	io_out16(port, (u16)(value | (type & 7u) << PM1_SLP_TYP | PM1_SLP_EN));
}

__noreturn void shutdown_power_off(void)
{
	console_flush();
	shutdown_other_cpus();
	vmx_cpu_disable();
	turn_acpi_on();
	sleep_by(acpi->pm1a_control, acpi->s5_type[0]);
	if (acpi->pm1b_control)
		sleep_by(acpi->pm1b_control, acpi->s5_type[1]);
	shutdown_after();
}
