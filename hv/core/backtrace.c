/* SPDX-License-Identifier: MIT */
/* Registers and callers, with names; see core/backtrace.h. */
#include "core/backtrace.h"
#include "core/log.h"
#include "core/symbols.h"
#include "cpu/regs.h"

#define BACKTRACE_MAX 32u

static void print_address(const char *what, u64 address)
{
	u64 offset;
	const char *name = symbols_find(address, &offset);

	if (name)
		log_emergency("panic:   %s %016llx %s+%#llx", what, address, name, offset);
	else
		log_emergency("panic:   %s %016llx", what, address);
}

void backtrace_print(const struct percpu *p, u64 rip, u64 rbp)
{
	u64 last = 0;

	print_address("at  ", rip);
	for (u32 n = 0; n < BACKTRACE_MAX && rbp % 8 == 0; n++) {
		const u64 *frame = (const u64 *)(uintptr_t)rbp;

		if (!percpu_on_stack(p, rbp, 16) || rbp <= last || !frame[1])
			return;
		/* A call is looked up by its last byte, so that one that ends a
		 * function, because it does not return, gets the right name. */
		print_address("from", frame[1] - 1);
		last = rbp;
		rbp = frame[0];
	}
}

void backtrace_top(u64 rsp)
{
	u64 offset;

	if (rsp % 8 == 0 && percpu_on_stack(this_cpu(), rsp, 8) &&
	    symbols_find(*(const u64 *)(uintptr_t)rsp, &offset))
		print_address("top ", *(const u64 *)(uintptr_t)rsp - 1);
}

void backtrace_registers(const struct trap_frame *f)
{
	log_emergency("panic: rip %016llx rsp %016llx rbp %016llx flags %llx", f->rip, f->rsp,
		      f->rbp, f->rflags);
	log_emergency("panic: rax %016llx rbx %016llx rcx %016llx rdx %016llx", f->rax, f->rbx,
		      f->rcx, f->rdx);
	log_emergency("panic: rsi %016llx rdi %016llx r8  %016llx r9  %016llx", f->rsi, f->rdi,
		      f->r8, f->r9);
	log_emergency("panic: r10 %016llx r11 %016llx r12 %016llx r13 %016llx", f->r10, f->r11,
		      f->r12, f->r13);
	log_emergency("panic: r14 %016llx r15 %016llx cs %llx ss %llx", f->r14, f->r15, f->cs,
		      f->ss);
}

void backtrace_control_registers(void)
{
	log_emergency("panic: cr0 %llx cr2 %016llx cr3 %llx cr4 %llx efer %llx", read_cr0(),
		      read_cr2(), read_cr3(), read_cr4(), rdmsr(MSR_EFER));
}
