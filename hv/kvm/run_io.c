/* SPDX-License-Identifier: MIT */
/* Port I/O of a guest: the interrupt controllers' ports here, all others in user space. */
#include "cpu/tsc.h"
#include "kvm/run.h"
#include "lib/string.h"

static u8 *io_data(struct vcpu *c)
{
	return (u8 *)c->run + RUN_IO_DATA_OFFSET;
}

static void fill_io(struct vcpu *c, bool in, u16 port, u8 size, u32 count)
{
	c->run->exit_reason = KVM_EXIT_IO;
	c->run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	c->run->io.size = size;
	c->run->io.port = port;
	c->run->io.count = count;
	c->run->io.data_offset = RUN_IO_DATA_OFFSET;
}

/* IN's destination: AL, AX or EAX (a 32-bit write clears the upper half). */
static void write_rax(struct vcpu *c, u32 value, u8 size)
{
	u64 *rax = &c->vmx.gpr[GPR_RAX];

	if (size == 4)
		*rax = value;
	else
		memcpy(rax, &value, size);
}

enum exit_action run_exit_io(struct vcpu *c, const struct vmx_exit *exit)
{
	bool in = exit->io.in;
	u8 size = exit->io.size;
	u32 value = (u32)c->vmx.gpr[GPR_RAX];

	if (exit->io.string)
		return run_emulate(c, NULL, false);
	if (c->vm->chip && irqchip_pio(c->vm->chip, exit->io.port, size, !in, &value, rdtsc())) {
		if (in)
			write_rax(c, value, size);
		vmx_skip_instruction();
		vm_deliver_wakes(c->vm);
		return GO_ON;
	}
	fill_io(c, in, exit->io.port, size, 1);
	c->completion = in ? COMPLETE_IN : COMPLETE_OUT;
	if (!in)
		memcpy(io_data(c), &value, sizeof(value));
	return TO_USER;
}

/* String I/O, which the emulator has taken apart: to a port of the interrupt controllers
 * at once, else to user space. */
enum exit_action run_string_out(struct vcpu *c, const struct emu_pio *p)
{
	for (u32 i = 0; i < p->count && c->vm->chip; i++) {
		u32 value = 0;

		memcpy(&value, p->data + i * p->size, p->size);
		if (!irqchip_pio(c->vm->chip, p->port, p->size, true, &value, rdtsc()))
			break;
		if (i == p->count - 1u)
			return GO_ON;
	}
	fill_io(c, false, p->port, p->size, p->count);
	memcpy(io_data(c), p->data, (size_t)p->count * p->size);
	return TO_USER;
}

bool run_string_in(struct vcpu *c, struct emu_pio *p)
{
	for (u32 i = 0; i < p->count && c->vm->chip; i++) {
		u32 value = 0;

		if (!irqchip_pio(c->vm->chip, p->port, p->size, false, &value, rdtsc()))
			break;
		memcpy(p->data + i * p->size, &value, p->size);
		if (i == p->count - 1u)
			return true;
	}
	fill_io(c, true, p->port, p->size, p->count);
	return false;
}

void run_string_in_answer(struct vcpu *c, struct emu_pio *p)
{
	memcpy(p->data, io_data(c), (size_t)p->count * p->size);
}

/* The answer to a plain IN. */
void run_complete_in(struct vcpu *c)
{
	u32 value;
	u8 size = READ_ONCE(c->run->io.size);

	memcpy(&value, io_data(c), sizeof(value));
	/* The page is the control guest's: it may have put anything there. */
	write_rax(c, value, size == 1 || size == 2 ? size : 4);
	vmx_skip_instruction();
}
