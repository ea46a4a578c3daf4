/* SPDX-License-Identifier: MIT */
/* Exceptions inside a guest: its own handlers get them, with the right vector and error code. */
#include "tests/abi/machine.h"

#define DE 0
#define DB 1
#define BP 3
#define UD 6
#define NM 7
#define DF 8
#define GP 13
#define PF 14

#define NO_FAULT 0xff

/* Runs the routine; the vector that its handler saw has to be this one. */
static void expect_fault(struct machine *m, const char *routine, u64 vector, u64 error, int line)
{
	u64 *faults = machine_at(m, GPA_VARS + VAR_FAULTS);
	u64 got;

	*faults = 0;
	machine_do(m, routine);
	got = *faults ? machine_u64(m, GPA_VARS + VAR_VECTOR) : NO_FAULT;
	if (got != vector)
		check_fail(__FILE__, line, "vector %llu came (255: none), not %llu", got, vector);
	if (vector == NO_FAULT)
		return;
	if (*faults != 1)
		check_fail(__FILE__, line, "%llu faults came, not one", *faults);
	if (machine_u64(m, GPA_VARS + VAR_ERROR) != error)
		check_fail(__FILE__, line, "error code 0x%llx, not 0x%llx",
			   machine_u64(m, GPA_VARS + VAR_ERROR), error);
}
#define EXPECT_FAULT(m, routine, vector, error) expect_fault(m, routine, vector, error, __LINE__)

static void fault_basic(void)
{
	struct machine m;

	machine_need_vmx("privileged instructions");
	machine_open(&m, MODE_LONG, 0);
	m.regs.rax = 1;
	EXPECT_FAULT(&m, fault_divide, DE, 0);
	EXPECT_FAULT(&m, fault_int3, BP, 0);
	EXPECT_FAULT(&m, fault_ud2, UD, 0);
	m.regs.rdi = 0x8000000000000000; /* not canonical */
	EXPECT_FAULT(&m, fault_load, GP, 0);
	EXPECT_FAULT(&m, fault_store, GP, 0);
	/* The gate of INT 0x21 is empty: error code is its place in the IDT. */
	EXPECT_FAULT(&m, fault_int, GP, 0x21 * 8 + 2);
}

static void fault_page(void)
{
	struct machine m;
	u64 *pd;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rdi = GVA_UNMAPPED + 0x123;
	EXPECT_FAULT(&m, fault_load, PF, 0);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_CR2), GVA_UNMAPPED + 0x123);
	EXPECT_FAULT(&m, fault_store, PF, 2);
	EXPECT_FAULT(&m, fault_jump, PF, 0x10);
	/* A page that is there, but for reading only, and one that has no execution. */
	pd = machine_at(&m, GPA_PD);
	pd[8] = 0x1000000 | 0x81;
	m.regs.rdi = 0x1000000;
	EXPECT_FAULT(&m, fault_store, PF, 3);
	pd[9] = 0x1200000 | 0x8000000000000083;
	m.regs.rdi = 0x1200000;
	EXPECT_FAULT(&m, fault_jump, PF, 0x11);
	/* A reserved bit in the entry. */
	pd[10] = 0x1400000 | 1 << 13 | 0x83;
	m.regs.rdi = 0x1400000;
	EXPECT_FAULT(&m, fault_load, PF, 9);
}

/* A page fault on a page-table page that the guest lacks memory for is no crash. */
static void fault_tables_missing(void)
{
	struct machine m;
	u64 *pdpt;

	machine_open(&m, MODE_LONG, 0);
	pdpt = machine_at(&m, GPA_PDPT);
	pdpt[5] = GPA_EXTRA | 3;
	m.regs.rdi = 5ull << 30;
	machine_start(&m, fault_load);
	CHECK_RESULT(t_run(m.vcpu), 0);
	/* Linux takes it for MMIO of the instruction itself; a fault or an error is as good. */
	CHECK(m.run->exit_reason == KVM_EXIT_INTERNAL_ERROR ||
	      m.run->exit_reason == KVM_EXIT_SHUTDOWN || m.run->exit_reason == KVM_EXIT_IO ||
	      m.run->exit_reason == KVM_EXIT_MMIO);
}

static void fault_vmx(void)
{
	static const char *const routines[] = {
		fault_vmclear, fault_vmlaunch, fault_vmresume, fault_vmptrld,
		fault_vmptrst, fault_vmread,   fault_vmwrite,  fault_vmxoff,
		fault_vmxon,   fault_invept,   fault_invvpid,
	};
	struct machine m;

	machine_need_vmx("privileged instructions");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rdi = GPA_BUFFER;
	for (u32 i = 0; i < ARRAY_SIZE(routines); i++)
		EXPECT_FAULT(&m, routines[i], UD, 0);
}

/* KVM's own hypercalls: an unknown one is -1000 (KVM_ENOSYS) in RAX, no fault and no exit. */
static void fault_hypercall(void)
{
	struct machine m;

	machine_need_vmx("privileged instructions");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rax = 0x7ffe;
	EXPECT_FAULT(&m, fault_vmcall, NO_FAULT, 0);
	CHECK_EQUAL(machine_regs(&m).rax, -1000ll);
	/* What would be an ioctl for a control guest is nothing of the kind here. */
	m.regs.rax = 0;
	m.regs.rdi = 0;
	m.regs.rsi = KVM_GET_API_VERSION;
	m.regs.rdx = 0;
	EXPECT_FAULT(&m, fault_vmcall, NO_FAULT, 0);
	CHECK_EQUAL(machine_regs(&m).rax, -1000ll);
}

static void fault_msr(void)
{
	struct machine m;

	machine_need_vmx("privileged instructions");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rcx = 0x12345678; /* no such MSR */
	EXPECT_FAULT(&m, fault_rdmsr, GP, 0);
	EXPECT_FAULT(&m, fault_wrmsr, GP, 0);
	m.regs.rcx = 0xc0000082; /* LSTAR: not canonical */
	m.regs.rax = 0;
	m.regs.rdx = 0x80000000;
	EXPECT_FAULT(&m, fault_wrmsr, GP, 0);
	m.regs.rcx = 0x277; /* PAT: memory type 2 is none */
	m.regs.rax = 0x00070402;
	m.regs.rdx = 0x00070406;
	EXPECT_FAULT(&m, fault_wrmsr, GP, 0);
	m.regs.rcx = 0xc0000080; /* EFER: reserved bit; LME while paging is on */
	m.regs.rax = 0xd02;
	m.regs.rdx = 0;
	EXPECT_FAULT(&m, fault_wrmsr, GP, 0);
	m.regs.rax = 0xc00;
	EXPECT_FAULT(&m, fault_wrmsr, GP, 0);
	m.regs.rcx = 0x480; /* VMX_BASIC: no VMX for guests */
	EXPECT_FAULT(&m, fault_wrmsr, GP, 0);
	/* And the guest's MSRs are as before. */
	CHECK_EQUAL(machine_sregs(&m).efer, 0xd00);
	CHECK_EQUAL(machine_get_msr(&m, 0xc0000082), 0);
}

static void fault_control_registers(void)
{
	struct machine m;

	machine_need_vmx("privileged instructions");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rax = 1ull << 32 | 0x80010033;
	EXPECT_FAULT(&m, fault_set_cr0, GP, 0);
	m.regs.rax = 0x80010032; /* paging without protection */
	EXPECT_FAULT(&m, fault_set_cr0, GP, 0);
	m.regs.rax = 0xa0010033; /* NW without CD */
	EXPECT_FAULT(&m, fault_set_cr0, GP, 0);
	m.regs.rax = 0x10033; /* no paging in 64-bit code */
	EXPECT_FAULT(&m, fault_set_cr0, GP, 0);
	m.regs.rax = 0x620 | 1u << 31;
	EXPECT_FAULT(&m, fault_set_cr4, GP, 0);
	m.regs.rax = 0x620 | 1u << 13; /* VMXE */
	EXPECT_FAULT(&m, fault_set_cr4, GP, 0);
	m.regs.rax = 0x600; /* no PAE in long mode */
	EXPECT_FAULT(&m, fault_set_cr4, GP, 0);
	m.regs.rax = 1ull << 60 | GPA_PML4;
	EXPECT_FAULT(&m, fault_set_cr3, GP, 0);
	m.regs.rax = 16;
	EXPECT_FAULT(&m, fault_set_cr8, GP, 0);
	m.regs.rax = 1ull << 32;
	EXPECT_FAULT(&m, fault_set_dr6, GP, 0);
	CHECK_EQUAL(machine_sregs(&m).cr0, 0x80010033);
	CHECK_EQUAL(machine_sregs(&m).cr4, 0x620);
	CHECK_EQUAL(machine_sregs(&m).cr3, GPA_PML4);
}

static void fault_xsetbv_values(void)
{
	struct machine m;
	struct kvm_sregs s;
	struct cpuid_table *cpuid;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.rax = 3;
	EXPECT_FAULT(&m, fault_xsetbv, UD, 0); /* CR4.OSXSAVE is clear */
	cpuid = check_pages(sizeof(*cpuid));
	machine_supported_cpuid(cpuid);
	if (!(machine_cpuid(cpuid, 1, 0)->ecx & 1u << 26))
		check_skip("no XSAVE for guests on this machine");
	s = machine_sregs(&m);
	s.cr4 |= 1u << 18;
	machine_set_sregs(&m, &s);
	EXPECT_FAULT(&m, fault_xsetbv, NO_FAULT, 0);
	m.regs.rax = 0; /* x87 is not optional */
	EXPECT_FAULT(&m, fault_xsetbv, GP, 0);
	m.regs.rax = 5; /* nor SSE under AVX */
	EXPECT_FAULT(&m, fault_xsetbv, GP, 0);
	m.regs.rax = 3;
	m.regs.rdx = 0x40000000;
	EXPECT_FAULT(&m, fault_xsetbv, GP, 0);
	m.regs.rdx = 0;
	m.regs.rcx = 1; /* XCR1 is none */
	EXPECT_FAULT(&m, fault_xsetbv, GP, 0);
}

static void fault_no_fpu(void)
{
	struct machine m;
	struct kvm_sregs s;

	machine_open(&m, MODE_LONG, 0);
	EXPECT_FAULT(&m, fault_fninit, NO_FAULT, 0);
	s = machine_sregs(&m);
	s.cr0 |= 1u << 3; /* TS */
	machine_set_sregs(&m, &s);
	EXPECT_FAULT(&m, fault_fninit, NM, 0);
}

static void fault_stepping(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_set_vector(&m, DB, fault_debug_handler);
	EXPECT_FAULT(&m, fault_single_step, DB, 0);
}

/* The trap ends a HLT for which nothing else would. */
static void fault_step_over_halt(void)
{
	struct machine m;

	machine_need_vmx("single-stepping");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	machine_set_vector(&m, DB, fault_debug_handler);
	EXPECT_FAULT(&m, fault_step_halt, DB, 0);
}

/* The guest's own breakpoints: on an instruction, before it; on a write, behind it.  INT1's #DB
 * is not in DR6. */
static void fault_breakpoints(void)
{
	struct kvm_debugregs d = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
	struct machine m;

	machine_need_vmx("breakpoints");
	machine_open(&m, MODE_LONG, 0);
	EXPECT_FAULT(&m, fault_int1, DB, 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_DEBUGREGS, &d), 0);
	CHECK_EQUAL(d.dr6, 0xffff0ff0);
	d.db[0] = machine_entry(fault_load);
	d.db[1] = GPA_VARS + 0x800;
	d.dr7 = 0x400 | 0x5 | 1u << 20 | 2u << 22; /* L0, L1: 8 bytes written */
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_DEBUGREGS, &d), 0);
	m.regs.r14 = machine_entry(long_done);
	EXPECT_FAULT(&m, fault_load, DB, 0);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_RIP), d.db[0]);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_DEBUGREGS, &d), 0);
	CHECK_EQUAL(d.dr6, 0xffff0ff1);
	m.regs.rdi = d.db[1];
	m.regs.rax = 0x1234;
	EXPECT_FAULT(&m, fault_store, DB, 0);
	CHECK_EQUAL(machine_u64(&m, d.db[1]), 0x1234);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_RIP), machine_regs(&m).r14);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_DEBUGREGS, &d), 0);
	CHECK_EQUAL(d.dr6, 0xffff0ff2);
}

static void fault_two_in_a_row(void)
{
	struct machine m;
	u64 *faults;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rdi = GVA_UNMAPPED;
	machine_do(&m, fault_twice);
	faults = machine_at(&m, GPA_VARS + VAR_FAULTS);
	CHECK_EQUAL(*faults, 2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), PF);
}

/* A fault whose gate is missing is a double fault, and has a handler of its own. */
static void fault_double(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	memset(machine_at(&m, GPA_IDT + PF * 16), 0, 16);
	memset(machine_at(&m, GPA_IDT + GP * 16), 0, 16);
	m.regs.rdi = GVA_UNMAPPED;
	EXPECT_FAULT(&m, fault_load, DF, 0);
	memset(machine_at(&m, GPA_IDT + DF * 16), 0, 16);
	machine_start(&m, fault_load);
	machine_run(&m, KVM_EXIT_SHUTDOWN);
}

SUITE(fault, TEST(fault_basic), TEST(fault_page), TEST(fault_tables_missing), TEST(fault_vmx),
      TEST(fault_hypercall), TEST(fault_msr), TEST(fault_control_registers),
      TEST(fault_xsetbv_values), TEST(fault_no_fpu), TEST(fault_stepping),
      TEST(fault_step_over_halt), TEST(fault_breakpoints), TEST(fault_two_in_a_row),
      TEST(fault_double));
