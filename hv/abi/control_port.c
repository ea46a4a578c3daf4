/* SPDX-License-Identifier: MIT */
/* Ports of the control guest's that kvm0 answers; see abi/control_port.h. */
#include "abi/control_port.h"
#include "abi/power.h"
#include "core/panic.h"
#include "cpu/io.h"

#define RANGES_MAX 4u

static const struct control_ports *ranges[RANGES_MAX]; /* written during boot only */
static u32 range_count;

void control_ports_add(const struct control_ports *ports)
{
	ASSERT(range_count < RANGES_MAX);
	ranges[range_count++] = ports;
	for (u32 i = 0; i < ports->count; i++)
		vmx_trap_port((u16)(ports->first + i));
}

static const struct control_ports *range_of(u32 port)
{
	for (u32 i = 0; i < range_count; i++)
		if (port - ranges[i]->first < ranges[i]->count)
			return ranges[i];
	return NULL;
}

/* A byte of an access that may reach beyond the range. */
static u8 byte_in(u16 port)
{
	const struct control_ports *r = range_of(port);

	if (!r)
		return io_in8(port);
	return r->in ? r->in((u16)(port - r->first)) : 0xff;
}

static void byte_out(u16 port, u8 v)
{
	const struct control_ports *r = range_of(port);

	if (!r)
		io_out8(port, v);
	else if (r->out)
		r->out((u16)(port - r->first), v);
}

static bool touches_range(const struct vmx_exit *exit)
{
	for (u32 i = 0; i < exit->io.size; i++)
		if (range_of(exit->io.port + i))
			return true;
	return false;
}

bool control_port_refused(struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	if (exit->io.string && !vmx_queue_exception(v, VECTOR_GP, 0))
		power_control_stopped("triple fault");
	return exit->io.string;
}

void control_port_answer(struct vmx_vcpu *v, const struct vmx_exit *exit, u32 value)
{
	u64 *rax = &v->gpr[GPR_RAX], mask = BIT(8 * exit->io.size) - 1;

	*rax = (exit->io.size == 4 ? 0 : *rax & ~mask) | value;
}

bool control_port(struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	u32 value = 0;

	if (!touches_range(exit))
		return false;
	if (control_port_refused(v, exit))
		return true;
	for (u32 i = 0; i < exit->io.size; i++) {
		u16 port = (u16)(exit->io.port + i);

		if (exit->io.in)
			value |= (u32)byte_in(port) << 8 * i;
		else
			byte_out(port, (u8)(v->gpr[GPR_RAX] >> 8 * i));
	}
	if (exit->io.in)
		control_port_answer(v, exit, value);
	vmx_skip_instruction();
	return true;
}
