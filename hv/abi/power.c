/* SPDX-License-Identifier: MIT */
/* Ports that end the machine's run, and the end of the control guest. */
#include "abi/power.h"
#include "core/console.h"
#include "core/log.h"
#include "core/panic.h"
#include "cpu/io.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "lib/printf.h"
#include <stdarg.h>

#define PORT_KEYBOARD  0x64u
#define PORT_RESET     0xcf9u
#define KEYBOARD_RESET 0xfeu
#define RESET_CPU      BIT(2)  /* of 0xcf9 */
#define PM1_SLP_EN     BIT(13) /* ACPI Specification, "PM1 Control Registers" */

static u16 pm1_ports[2]; /* written during boot only */
static u16 reset_port;
static u8 reset_value;

void power_init(const struct acpi_info *acpi)
{
	pm1_ports[0] = acpi->pm1a_control;
	pm1_ports[1] = acpi->pm1b_control;
	for (u32 i = 0; i < ARRAY_SIZE(pm1_ports); i++)
		if (pm1_ports[i])
			vmx_trap_port(pm1_ports[i]);
	if (acpi->reset_space == 1 && acpi->reset_address && acpi->reset_address <= 0xffff) {
		reset_port = (u16)acpi->reset_address;
		reset_value = acpi->reset_value;
		vmx_trap_port(reset_port);
	}
	vmx_trap_port(PORT_KEYBOARD);
	vmx_trap_port(PORT_RESET);
}

__noreturn void power_stop_this_cpu(void)
{
	vmx_cpu_disable();
	halt_forever();
}

/* Get the other CPUs out of VMX operation.  One that waits for SIPI hears no kick, and
 * is left alone after a while. */
static void stop_others(void)
{
	u64 limit;

	for (u32 i = 0; i < percpu_count; i++) {
		if (i == this_cpu()->index)
			continue;
		cpu_want(percpu_by_index[i], CPU_STOP);
	}
	limit = rdtsc() + tsc_khz; /* 1 ms */
	for (u32 i = 0; i < percpu_count; i++)
		while (i != this_cpu()->index && READ_ONCE(percpu_by_index[i]->vmxon_region.v) &&
		       rdtsc() < limit)
			__builtin_ia32_pause();
}

static bool ends_the_run(u16 port, u32 value)
{
	if (port == pm1_ports[0] || port == pm1_ports[1])
		return value & PM1_SLP_EN;
	if (port == PORT_KEYBOARD)
		return (value & 0xff) == KEYBOARD_RESET;
	if (port == PORT_RESET && (value & RESET_CPU))
		return true;
	return port == reset_port && reset_port && (value & 0xff) == reset_value;
}

static u32 port_in(u16 port, u8 size)
{
	return size == 1 ? io_in8(port) : size == 2 ? io_in16(port) : io_in32(port);
}

static void port_out(u16 port, u8 size, u32 value)
{
	if (size == 1)
		io_out8(port, (u8)value);
	else if (size == 2)
		io_out16(port, (u16)value);
	else
		io_out32(port, value);
}

void power_port(struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	u64 *rax = &v->gpr[GPR_RAX];
	u64 mask = exit->io.size == 4 ? 0xffffffff : exit->io.size == 2 ? 0xffff : 0xff;

	if (exit->io.string) { /* nobody does that with these ports */
		if (!vmx_queue_exception(v, VECTOR_GP, 0))
			power_control_stopped("triple fault");
		return;
	}
	if (exit->io.in) {
		*rax = (exit->io.size == 4 ? 0 : *rax & ~mask) |
		       port_in(exit->io.port, exit->io.size);
	} else if (ends_the_run(exit->io.port, (u32)*rax)) {
		u32 value = (u32)*rax;

		log_info("power", "the control guest ends the run by port 0x%x", exit->io.port);
		console_flush();
		stop_others();
		vmx_cpu_disable();
		port_out(exit->io.port, exit->io.size, value);
		/* The machine goes; if it does not, there is no way back into VMX. */
		udelay(1000000);
		log_error("power", "the machine did not react");
		halt_forever();
	} else {
		port_out(exit->io.port, exit->io.size, (u32)*rax);
	}
	vmx_skip_instruction();
}

__noreturn void power_control_stopped(const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	printf_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	stop_others(); /* first: so that nothing of theirs comes into the line */
	log_error("control", "the control guest is stopped: %s (CPU %u, rip 0x%llx)", text,
		  this_cpu()->index, vmx_rip());
	power_stop_this_cpu();
}
