/* SPDX-License-Identifier: MIT */
/* Refusing to start, and panic; see core/panic.h. */
#include <stdarg.h>

#include "core/log.h"
#include "core/panic.h"
#include "core/symbols.h"
#include "cpu/apic.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "lib/printf.h"

#define BACKTRACE_MAX 32u

static u32 panic_owner; /* CPU index + 1 of the first CPU to panic; 0: none */

/* Only the first CPU goes on.  A panic inside a panic ends here too. */
static void claim_panic(void)
{
	u32 nobody = 0, me = this_cpu()->index + 1;

	if (__atomic_compare_exchange_n(&panic_owner, &nobody, me, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return;
	if (nobody == me)
		log_emergency("panic: another one inside this panic");
	halt_forever();
}

static void stop_other_cpus(void)
{
	u32 me = this_cpu()->index;

	log_seize(); /* first, so that nobody is stopped inside a line */
	__atomic_store_n(&trap_stop_all, me + 1, __ATOMIC_RELEASE); /* pairs with nmi_receive() */
	for (u32 i = 0; i < MAX_CPUS; i++)
		if (i != me && percpu_by_index[i])
			(void)apic_send_nmi(percpu_by_index[i]->apic_id);
}

static void print_address(const char *what, u64 address)
{
	u64 offset;
	const char *name = symbols_find(address, &offset);

	if (name)
		log_emergency("panic:   %s %016llx %s+%#llx", what, address, name, offset);
	else
		log_emergency("panic:   %s %016llx", what, address);
}

/* Follow frame pointers for as long as they go upwards inside this CPU's stacks. */
static void print_backtrace(u64 rip, u64 rbp)
{
	u64 last = 0;

	log_emergency("panic: back-trace:");
	print_address("at  ", rip);
	for (u32 n = 0; n < BACKTRACE_MAX && rbp % 8 == 0; n++) {
		const u64 *frame = (const u64 *)(uintptr_t)rbp;

		if (!percpu_on_stack(this_cpu(), rbp, 16) || rbp <= last || !frame[1])
			return;
		/* A call is looked up by its last byte, so that one that ends a
		 * function, because it does not return, gets the right name. */
		print_address("from", frame[1] - 1);
		last = rbp;
		rbp = frame[0];
	}
}

/* A function that calls no other keeps no frame, and then its caller is not in the
 * back-trace; its return address is the last word on the stack, as a rule. */
static void print_top_of_stack(u64 rsp)
{
	u64 offset;

	if (rsp % 8 == 0 && percpu_on_stack(this_cpu(), rsp, 8) &&
	    symbols_find(*(const u64 *)(uintptr_t)rsp, &offset))
		print_address("top ", *(const u64 *)(uintptr_t)rsp - 1);
}

static void print_registers(const struct trap_frame *f)
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

static void print_control_registers(void)
{
	log_emergency("panic: cr0 %llx cr2 %016llx cr3 %llx cr4 %llx efer %llx", read_cr0(),
		      read_cr2(), read_cr3(), read_cr4(), rdmsr(MSR_EFER));
}

static __noreturn void finish(void)
{
	log_emergency("panic: halted; this is a defect of kvm0: please report the lines above");
	halt_forever();
}

void panic(const char *fmt, ...)
{
	u64 rbp = (u64)(uintptr_t)__builtin_frame_address(0);
	char text[160];
	va_list ap;

	__asm__ volatile("cli");
	claim_panic();
	stop_other_cpus();
	va_start(ap, fmt);
	(void)printf_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_emergency("panic: CPU %u: %s", this_cpu()->index, text);
	print_control_registers();
	print_backtrace((u64)(uintptr_t)__builtin_return_address(0) - 1,
			*(const u64 *)(uintptr_t)rbp);
	finish();
}

void panic_trap(const struct trap_frame *f, const char *name)
{
	struct percpu *p = this_cpu();

	claim_panic();
	stop_other_cpus();
	if (f->vector == TRAP_DF && percpu_in_guard(p, read_cr2()))
		log_emergency("panic: CPU %u: stack overflow (#DF, guard page %016llx)", p->index,
			      read_cr2() & PAGE_MASK);
	else
		log_emergency("panic: CPU %u: exception %s, vector %llu, error code %#llx",
			      p->index, name, f->vector, f->error);
	print_registers(f);
	print_control_registers();
	print_backtrace(f->rip, f->rbp);
	print_top_of_stack(f->rsp);
	finish();
}

void refuse(const char *cause, const char *remedy_fmt, ...)
{
	char remedy[160];
	va_list ap;

	va_start(ap, remedy_fmt);
	(void)printf_vformat(remedy, sizeof(remedy), remedy_fmt, ap);
	va_end(ap);
	claim_panic();
	stop_other_cpus();
	log_emergency("cannot start: %s; %s", cause, remedy);
	halt_forever();
}
