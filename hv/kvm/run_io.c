/* SPDX-License-Identifier: MIT */
/* Port I/O of a guest: the interrupt controllers' ports and writes that the I/O bus takes
 * here, all others in user space. */
#include "cpu/tsc.h"
#include "kvm/run.h"
#include "lib/string.h"

static void fill_io(struct vcpu *c, bool in, u16 port, u8 size, u32 count)
{
	struct kvm_run *run = c->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = c->io_offset;
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

	c->stats.io_exits++;
	if (exit->io.string)
		return run_emulate(c, NULL, false);
	if (c->vm->chip && irqchip_pio(c->vm->chip, exit->io.port, size, !in, &value, rdtsc())) {
		if (in)
			write_rax(c, value, size);
		vmx_skip_instruction();
		return vm_deliver_wakes(c->vm) ? GO_AGAIN : GO_ON;
	}
	if (!in && iobus_takes(&c->vm->io, IOBUS_PIO) &&
	    iobus_write(&c->vm->io, IOBUS_PIO, exit->io.port, size, iobus_value(value, size))) {
		vmx_skip_instruction();
		return wake_any() ? GO_AGAIN : GO_ON;
	}
	fill_io(c, in, exit->io.port, size, 1);
	c->completion = in ? COMPLETE_IN : COMPLETE_OUT;
	if (!in)
		memcpy(c->io_data, &value, sizeof(value));
	return TO_USER;
}

/* Does anybody here take the write? */
static bool write_port(struct vcpu *c, u16 port, u8 size, const u8 *data)
{
	u32 value = 0;

	memcpy(&value, data, size);
	if (c->vm->chip && irqchip_pio(c->vm->chip, port, size, true, &value, rdtsc())) {
		vm_deliver_wakes(c->vm);
		return true;
	}
	return iobus_takes(&c->vm->io, IOBUS_PIO) &&
	       iobus_write(&c->vm->io, IOBUS_PIO, port, size, value);
}

/* String I/O, which the emulator has taken apart: what is left when the first item that nobody
 * here takes comes is user space's. */
enum exit_action run_string_out(struct vcpu *c, const struct emu_pio *p)
{
	u16 done = 0;

	while (done < p->count && write_port(c, p->port, p->size, p->data + done * p->size))
		done++;
	if (done == p->count)
		return wake_any() ? GO_AGAIN : GO_ON;
	fill_io(c, false, p->port, p->size, p->count - done);
	memcpy(c->io_data, p->data + done * p->size, (size_t)(p->count - done) * p->size);
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
	memcpy(p->data, c->io_data, (size_t)p->count * p->size);
}

/* The answer to a plain IN. */
void run_complete_in(struct vcpu *c)
{
	u32 value;
	u8 size = READ_ONCE(c->run->io.size);

	memcpy(&value, c->io_data, sizeof(value));
	/* The page is the control guest's: it may have put anything there. */
	write_rax(c, value, size == 1 || size == 2 ? size : 4);
	vmx_skip_instruction();
}
