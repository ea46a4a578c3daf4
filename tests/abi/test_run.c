/* SPDX-License-Identifier: MIT */
/* KVM_RUN itself: what it refuses, the exits that need no device, and kvm_run's fields. */
#include "tests/abi/machine.h"

#define INVALID_GUEST_STATE 0x80000021ull
#define INVALID_CONTROL     7ull

static void run_argument(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_done);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_RUN, 1), -EINVAL);
	machine_run_out(&m, PORT_DONE);
}

/* immediate_exit: no instruction of the guest is executed. */
static void run_immediate_exit(void)
{
	struct machine m;
	struct kvm_regs before;

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_done);
	before = machine_regs(&m);
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rip, before.rip);
	m.run->immediate_exit = 0;
	machine_run_out(&m, PORT_DONE);
}

/* Without a CPUID of its own a vCPU runs as well. */
static void run_without_cpuid(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_do(&m, long_done);
	m.regs.rax = m.regs.rcx = 0;
	machine_do(&m, state_cpuid);
	CHECK_EQUAL(machine_regs(&m).rax, 0);
	CHECK_EQUAL(machine_regs(&m).rbx, 0);
}

/*
 * No memory at the reset vector: nothing to execute, and nothing that breaks.  The VM has a slot
 * elsewhere because Linux sizes its page tables by the slots, and without any says -ENOSPC.
 */
static void run_without_memory(void)
{
	struct machine m;
	struct kvm_run *run;
	int vm, vcpu;

	machine_open(&m, MODE_REAL, 0); /* for hosts that cannot run it */
	vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	CHECK_RESULT(t_ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), 0);
	CHECK_RESULT(machine_slot(vm, 0, 0, 0, PAGE_SIZE, check_pages(PAGE_SIZE)), 0);
	vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	run = machine_map_run(vcpu);
	CHECK(run);
	CHECK_RESULT(t_run(vcpu), 0);
	CHECK_EQUAL(run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQUAL(run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
}

static void run_hlt(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_hlt);
	machine_run(&m, KVM_EXIT_HLT);
	CHECK_EQUAL(machine_regs(&m).rip, m.regs.rip + 1);
	CHECK_EQUAL(machine_run_out(&m, PORT_DONE), 0x5a);
}

static void run_hlt_long(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rax = 0x77;
	machine_start(&m, long_hlt);
	machine_run(&m, KVM_EXIT_HLT);
	CHECK_EQUAL(machine_run_out(&m, PORT_DONE), 0x77);
}

/* A fault whose handlers cannot be reached ends in KVM_EXIT_SHUTDOWN. */
static void run_triple_fault(void)
{
	struct machine m;
	struct kvm_sregs s;

	machine_open(&m, MODE_LONG, 0);
	s = machine_sregs(&m);
	s.idt.limit = 0;
	machine_set_sregs(&m, &s);
	machine_start(&m, fault_ud2);
	machine_run(&m, KVM_EXIT_SHUTDOWN);
	/* The VM is alive: with another state it runs again. */
	s.idt.limit = 0xfff;
	machine_set_sregs(&m, &s);
	machine_do(&m, fault_ud2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 6);
}

/* Registers that no processor can be in: refused by VM entry, told to the caller. */
static void run_fail_entry(void)
{
	struct machine m;
	struct kvm_sregs s, bad;

	machine_need_vmx("the checks of VM entry");
	machine_open(&m, MODE_LONG, 0);
	s = bad = machine_sregs(&m);
	bad.cs.db = 1; /* 64-bit and 32-bit code at once */
	machine_set_sregs(&m, &bad);
	machine_start(&m, long_done);
	machine_run(&m, KVM_EXIT_FAIL_ENTRY);
	CHECK_EQUAL(m.run->fail_entry.hardware_entry_failure_reason, INVALID_GUEST_STATE);
	machine_set_sregs(&m, &s);
	machine_do(&m, long_done);
}

/* An event that VM entry refuses, an error code where there is none: told in the same way.  Of
 * an error code, what hardware takes is used. */
static void run_fail_event(void)
{
	struct kvm_vcpu_events e = {
		.exception = {.injected = 1, .nr = 6, .has_error_code = 1, .error_code = 5}};
	struct machine m;

	machine_need_vmx("the checks of VM entry");
	machine_open(&m, MODE_LONG, 0);
	m.regs.r14 = machine_entry(long_done); /* where the handler goes on */
	machine_start(&m, long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_VCPU_EVENTS, &e), 0);
	machine_run(&m, KVM_EXIT_FAIL_ENTRY);
	CHECK_EQUAL(m.run->fail_entry.hardware_entry_failure_reason, INVALID_CONTROL);
	e.exception.nr = 13;
	e.exception.error_code = 0xffff0010;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_VCPU_EVENTS, &e), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 13);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_ERROR), 0x10);
}

/* Fields of kvm_run that every exit fills. */
static void run_fields(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	m.run->if_flag = m.run->ready_for_interrupt_injection = 0xff;
	m.run->apic_base = m.run->cr8 = 0;
	machine_do(&m, long_done);
	CHECK_EQUAL(m.run->if_flag, 0);
	CHECK_EQUAL(m.run->ready_for_interrupt_injection, 0);
	CHECK_EQUAL(m.run->apic_base, 0xfee00900);
	m.regs.rflags = 0x202;
	machine_do(&m, long_done);
	CHECK_EQUAL(m.run->if_flag, 1);
	CHECK_EQUAL(m.run->cr8, 0);
	/* CR8 both ways: kvm_run's is the guest's without an irqchip. */
	m.run->cr8 = 7;
	m.regs.rax = 9;
	machine_start(&m, state_cr8);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(m.run->cr8, 9);
	m.run->cr8 = 4;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rcx, 4);
	CHECK_EQUAL(machine_sregs(&m).cr8, 4);
}

static void run_cr8_refused(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, long_done);
	m.run->cr8 = 16;
	CHECK_RESULT(t_run(m.vcpu), -EINVAL);
	m.run->cr8 = 0;
	machine_run_out(&m, PORT_DONE);
}

/*
 * A guest that never exits is left when the caller is interrupted, and can be gone on with.  Its
 * interrupts are on: entered with IF clear, Bochs 2.7 lets no interrupt of the host end the run.
 */
static void run_endless(void)
{
	struct machine m;
	u64 at;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rflags = 0x202;
	machine_start(&m, long_spin);
	t_start_watchdog(50);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	at = machine_regs(&m).rip;
	CHECK(at >= machine_entry(long_spin) && at < machine_entry(long_spin) + 4);
	t_start_watchdog(1000);
	machine_do(&m, long_done);
}

/* All general registers come out of a guest and go into it. */
static void run_registers(void)
{
	struct machine m;
	struct kvm_regs r;
	u64 unit = 0x0101010101010101;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, state_registers);
	machine_run_out(&m, PORT_READY);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rax, unit);
	CHECK_EQUAL(r.rbx, unit * 2);
	CHECK_EQUAL(r.rcx, unit * 3);
	CHECK_EQUAL(r.rdx, unit * 4);
	CHECK_EQUAL(r.rsi, unit * 5);
	CHECK_EQUAL(r.rdi, unit * 6);
	CHECK_EQUAL(r.rbp, unit * 7);
	CHECK_EQUAL(r.r8, unit * 8);
	CHECK_EQUAL(r.r9, unit * 9);
	CHECK_EQUAL(r.r10, unit * 10);
	CHECK_EQUAL(r.r11, unit * 11);
	CHECK_EQUAL(r.r12, unit * 12);
	CHECK_EQUAL(r.r13, unit * 13);
	CHECK_EQUAL(r.r14, unit * 14);
	CHECK_EQUAL(r.r15, unit * 15);
	CHECK_EQUAL(r.rsp, GPA_STACK);
	machine_run_out(&m, PORT_DONE);
	r.r15 = ~0ull;
	r.rsp = 0x27000;
	r.rip = machine_entry(long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_REGS, &r), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).r15, ~0ull);
	CHECK_EQUAL(machine_regs(&m).rsp, 0x27000);
}

static void run_real_mode(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_set_vector(&m, 0, real_divide_handler);
	machine_start(&m, real_divide);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 0xd0);
	machine_run_out(&m, PORT_DONE);
	machine_set_vector(&m, 0x21, real_int_handler);
	machine_start(&m, real_int);
	CHECK_EQUAL(machine_run_out(&m, PORT_DONE), 0x11);
}

/* The way of a PC's start: real mode, 32-bit protected mode, 64-bit mode. */
static void run_mode_changes(void)
{
	struct machine m;
	u64 *gdt;

	machine_open(&m, MODE_LONG, 0);
	machine_open(&m, MODE_REAL, MACHINE_CPUID);
	*(u32 *)machine_at(&m, GPA_HIGH) = 0xcafe1234;
	machine_start(&m, real_to_prot);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.port, PORT_TEST);
	CHECK_EQUAL(*(u32 *)(void *)machine_io_data(&m), 0xcafe1234);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_sregs(&m).cs.selector, SEL_CODE);
	CHECK_EQUAL(machine_sregs(&m).cs.db, 1);
	CHECK_EQUAL(machine_sregs(&m).cr0 & 1, 1);
	gdt = machine_at(&m, GPA_GDT);
	gdt[1] = 0x00af9b000000ffff;
	m.mode = MODE_LONG;
	machine_start(&m, prot_to_long);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS), 0x8877665544332211);
	CHECK_EQUAL(machine_sregs(&m).efer, 0x500);
	CHECK_EQUAL(machine_sregs(&m).cs.l, 1);
}

SUITE(run, TEST(run_argument), TEST(run_immediate_exit), TEST(run_without_cpuid),
      TEST(run_without_memory), TEST(run_hlt), TEST(run_hlt_long), TEST(run_triple_fault),
      TEST(run_fail_entry), TEST(run_fail_event), TEST(run_fields), TEST(run_cr8_refused),
      TEST(run_endless), TEST(run_registers), TEST(run_real_mode), TEST(run_mode_changes));
