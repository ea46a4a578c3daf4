/* SPDX-License-Identifier: MIT */
/* The control guest's accesses to ports that end the run, and its own end. */
#include "abi/power.h"
#include <stdarg.h>
#include "abi/control_port.h"
#include "core/console.h"
#include "core/log.h"
#include "cpu/io.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "lib/printf.h"
#include "monitor/shutdown.h"

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
	u32 value = (u32)v->gpr[GPR_RAX];

	if (control_port_refused(v, exit))
		return;
	if (exit->io.in) {
		control_port_answer(v, exit, port_in(exit->io.port, exit->io.size));
	} else if (shutdown_is_end(exit->io.port, value)) {
		log_info("power", "the control guest ends the run by port 0x%x", exit->io.port);
		console_flush();
		shutdown_other_cpus();
		vmx_cpu_disable();
		port_out(exit->io.port, exit->io.size, value);
		shutdown_after();
	} else {
		port_out(exit->io.port, exit->io.size, value);
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
	shutdown_other_cpus(); /* first: so that nothing of theirs comes into the line */
	log_error("control", "the control guest is stopped: %s (CPU %u, rip 0x%llx)", text,
		  this_cpu()->index, vmx_rip());
	shutdown_this_cpu();
}
