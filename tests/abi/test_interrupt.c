/* SPDX-License-Identifier: MIT */
/* Interrupts without an in-kernel controller: KVM_INTERRUPT and the interrupt window. */
#include "tests/abi/machine.h"

#define VECTOR_PF 14

static void inject(const struct machine *m, u32 vector)
{
	struct kvm_interrupt interrupt = {.irq = vector};

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_INTERRUPT, &interrupt), 0);
}

static u32 irqs(const struct machine *m)
{
	return machine_u32(m, GPA_VARS + VAR_IRQS);
}

/* Queued while the guest can take it: its handler runs first. */
static void interrupt_delivered(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_set_vector(&m, VECTOR_PLAIN, handler_plain);
	m.regs.rflags = 0x202;
	machine_start(&m, irq_queued);
	inject(&m, VECTOR_PLAIN);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 1);
	CHECK_EQUAL(machine_regs(&m).rax & 0xff, 1);
	CHECK_EQUAL(machine_sregs(&m).interrupt_bitmap[VECTOR_PLAIN / 64], 0);
}

static void window(struct machine *m, const char *routine, const char *handler)
{
	machine_set_vector(m, VECTOR_PLAIN, handler);
	machine_start(m, routine);
	CHECK_EQUAL(machine_run_out(m, PORT_READY), 1);
	CHECK_EQUAL(m->run->if_flag, 0);
	CHECK_EQUAL(m->run->ready_for_interrupt_injection, 0);
	m->run->request_interrupt_window = 1;
	machine_run(m, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQUAL(m->run->if_flag, 1);
	CHECK_EQUAL(m->run->ready_for_interrupt_injection, 1);
	m->run->request_interrupt_window = 0;
	inject(m, VECTOR_PLAIN);
	CHECK_EQUAL(machine_run_out(m, PORT_READY), 2);
	CHECK_EQUAL(irqs(m), 1);
	CHECK_EQUAL(machine_run_out(m, PORT_READY), 3);
	machine_run_out(m, PORT_DONE);
	CHECK_EQUAL(irqs(m), 1);
}

static void interrupt_window(void)
{
	struct machine m;

	machine_need_vmx("the interrupt window");
	machine_open(&m, MODE_LONG, 0);
	window(&m, irq_window, handler_plain);
}

static void interrupt_window_real(void)
{
	struct machine m;

	machine_need_vmx("the interrupt window");
	machine_open(&m, MODE_REAL, 0);
	window(&m, real_window, real_window_handler);
}

/* Ready at once: the window exit comes before the guest executes anything. */
static void interrupt_window_at_once(void)
{
	struct machine m;

	machine_need_vmx("the interrupt window");
	machine_open(&m, MODE_LONG, 0);
	m.regs.rflags = 0x202;
	machine_start(&m, long_done);
	m.run->request_interrupt_window = 1;
	machine_run(&m, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQUAL(machine_regs(&m).rip, m.regs.rip);
	m.run->request_interrupt_window = 0;
	machine_run_out(&m, PORT_DONE);
}

/* One queued before a HLT ends it in the guest; a HLT without one goes to the caller. */
static void interrupt_and_hlt(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_set_vector(&m, VECTOR_PLAIN, handler_plain);
	m.regs.rflags = 0x202;
	machine_start(&m, long_hlt);
	machine_run(&m, KVM_EXIT_HLT);
	CHECK_EQUAL(m.run->ready_for_interrupt_injection, 1);
	inject(&m, VECTOR_PLAIN);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 1);
}

/*
 * The handler's stack is memory that the guest has not touched: the delivery ends in an EPT
 * violation that brings the page, and has to be made again, once.
 */
static void interrupt_redelivered(void)
{
	struct machine m;
	u64 *page;

	machine_open(&m, MODE_LONG, 0);
	page = check_pages(PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	machine_set_vector(&m, VECTOR_PLAIN, handler_plain);
	m.regs.rflags = 0x202;
	m.regs.rsp = GPA_EXTRA + PAGE_SIZE;
	machine_start(&m, irq_queued);
	inject(&m, VECTOR_PLAIN);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 1);
	/* The frame: RIP, CS, RFLAGS, RSP, SS at its top. */
	CHECK_EQUAL(page[511], SEL_DATA);
	CHECK_EQUAL(page[510], GPA_EXTRA + PAGE_SIZE);
	CHECK_EQUAL(page[508], SEL_CODE);
	CHECK_EQUAL(page[507], machine_entry(irq_queued));
}

/* The same for an exception, and for one with an error code. */
static void interrupt_fault_redelivered(void)
{
	struct machine m;
	u64 *page;

	machine_open(&m, MODE_LONG, 0);
	page = check_pages(2 * PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 2 * PAGE_SIZE, page), 0);
	m.regs.rsp = GPA_EXTRA + PAGE_SIZE;
	machine_do(&m, fault_ud2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 6);
	m.regs.rsp = GPA_EXTRA + 2 * PAGE_SIZE;
	m.regs.rdi = GVA_UNMAPPED + 0x55;
	machine_do(&m, fault_store);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 14);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_ERROR), 2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_CR2), GVA_UNMAPPED + 0x55);
}

/* The handler's stack is no memory at all: told to the caller, not a crash. */
static void interrupt_stack_missing(void)
{
	struct machine m;

	machine_need_vmx("the report of an interrupted delivery");
	machine_open(&m, MODE_LONG, 0);
	machine_set_vector(&m, VECTOR_PLAIN, handler_plain);
	m.regs.rflags = 0x202;
	m.regs.rsp = GPA_MMIO;
	machine_start(&m, irq_queued);
	inject(&m, VECTOR_PLAIN);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQUAL(m.run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
}

/* A page fault that could not be delivered, for want of an IDT, waits; then the caller makes it
 * a processor in real mode, where an exception has no error code. */
static void interrupt_mode_changed(void)
{
	struct machine m;
	struct kvm_sregs s;
	int other;

	machine_need_vmx("the report of an interrupted delivery");
	machine_open(&m, MODE_LONG, 0);
	s = machine_sregs(&m);
	s.idt.base = GPA_MMIO;
	machine_set_sregs(&m, &s);
	m.regs.rdi = GVA_UNMAPPED;
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQUAL(m.run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
	other = CHECK_HANDLE(t_ioctl(m.vm, KVM_CREATE_VCPU, 1));
	CHECK_RESULT(t_ioctl_ptr(other, KVM_GET_SREGS, &s), 0);
	s.cs.base = GPA_CODE;
	s.cs.selector = GPA_CODE >> 4;
	machine_set_sregs(&m, &s);
	m.mode = MODE_REAL;
	m.regs.rsp = GPA_STACK_REAL;
	machine_set_vector(&m, VECTOR_PF, real_done);
	machine_start(&m, real_hlt);
	machine_run_out(&m, PORT_DONE);
}

SUITE(interrupt, TEST(interrupt_delivered), TEST(interrupt_window), TEST(interrupt_window_real),
      TEST(interrupt_window_at_once), TEST(interrupt_and_hlt), TEST(interrupt_redelivered),
      TEST(interrupt_fault_redelivered), TEST(interrupt_stack_missing),
      TEST(interrupt_mode_changed));
