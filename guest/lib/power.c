/* SPDX-License-Identifier: MIT */
/* Power-off and reset; see power.h. */
#include "guest/lib/power.h"
#include "guest/lib/acpi.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/time.h"

/* ACPI Specification, PM1 Control Registers. */
#define PM1_SCI_EN       0x0001u
#define PM1_SLP_TYP      10
#define PM1_SLP_TYP_MASK 0x1c00u
#define PM1_SLP_EN       0x2000u

#define PORT_EMULATOR  0x8900
#define PORT_RESET     0xcf9
#define PORT_KEYBOARD  0x64
#define KEYBOARD_RESET 0xfe
#define RESET_SPACE_IO 1

static void acpi_on(const struct acpi_info *a)
{
	if (inw(a->pm1a_control) & PM1_SCI_EN || !a->smi_command || !a->acpi_enable)
		return;
	outb(a->smi_command, a->acpi_enable);
	for (u32 i = 0; i < 300 && !(inw(a->pm1a_control) & PM1_SCI_EN); i++)
		time_delay_us(1000);
}

static void sleep(u16 port, u8 type)
{
	u32 value = (inw(port) & ~PM1_SLP_TYP_MASK) | (u32)type << PM1_SLP_TYP;

	outw(port, (u16)value);
	outw(port, (u16)(value | PM1_SLP_EN));
}

void __noreturn power_off(void)
{
	const struct acpi_info *a = acpi_info();

	console_flush();
	if (a->can_power_off) {
		acpi_on(a);
		cpu_irq_off();
		sleep(a->pm1a_control, a->s5_a);
		if (a->pm1b_control)
			sleep(a->pm1b_control, a->s5_b);
		time_delay_us(100000);
	}
	for (const char *c = "Shutdown"; *c; c++)
		outb(PORT_EMULATOR, (u8)*c);
	time_delay_us(10000);
	console_printf("this machine does not power itself off: switch it off now\n");
	cpu_stop();
}

void __noreturn power_reset(void)
{
	const struct acpi_info *a = acpi_info();

	console_flush();
	cpu_irq_off();
	if (a->reset_space == RESET_SPACE_IO)
		outb((u16)a->reset_address, a->reset_value);
	else if (a->reset_space == 0)
		*(volatile u8 *)ptr(a->reset_address) = a->reset_value;
	time_delay_us(10000);
	outb(PORT_RESET, 0x02);
	outb(PORT_RESET, 0x06);
	time_delay_us(10000);
	outb(PORT_KEYBOARD, KEYBOARD_RESET);
	time_delay_us(100000);
	console_printf("this machine does not reset itself: press its reset button\n");
	cpu_stop();
}
