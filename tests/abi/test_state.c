/* SPDX-License-Identifier: MIT */
/* Processor state as a running guest sees it: CPUID, MSRs, control and debug registers, FPU, TSC.
 */
#include "tests/abi/machine.h"

static void set_entry(struct cpuid_table *t, u32 function, u32 index, u32 flags, u32 value)
{
	t->entries[t->head.nent++] = (struct kvm_cpuid_entry2){.function = function,
							       .index = index,
							       .flags = flags,
							       .eax = value,
							       .ebx = value + 1,
							       .ecx = value + 2,
							       .edx = value + 3};
}

static void expect_cpuid(struct machine *m, u32 function, u32 index, u32 value)
{
	struct kvm_regs r;

	m->regs.rax = function;
	m->regs.rcx = index;
	machine_do(m, state_cpuid);
	r = machine_regs(m);
	if (r.rax != value || r.rbx != value + (value ? 1 : 0) ||
	    r.rcx != value + (value ? 2 : 0) || r.rdx != value + (value ? 3 : 0))
		check_fail(__FILE__, __LINE__, "CPUID 0x%x.%u: %llx %llx %llx %llx, not from %x on",
			   function, index, (u64)r.rax, (u64)r.rbx, (u64)r.rcx, (u64)r.rdx, value);
}

/* A guest's CPUID is what KVM_SET_CPUID2 said. */
static void state_cpuid_as_set(void)
{
	struct machine m;
	struct cpuid_table *t;

	machine_open(&m, MODE_LONG, 0);
	t = check_pages(sizeof(*t));
	/* The highest leaf is 4; entry 0 keeps EAX alone in its range's meaning. */
	set_entry(t, 0, 0, 0, 4);
	set_entry(t, 2, 0, 0, 0x02000000);
	set_entry(t, 4, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 0x04000000);
	set_entry(t, 4, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 0x04010000);
	set_entry(t, 0x40000000, 0, 0, 0x40000001);
	set_entry(t, 0x40000001, 0, 0, 0x41000000);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, t), 0);
	expect_cpuid(&m, 0, 0, 4);
	expect_cpuid(&m, 2, 0, 0x02000000);
	expect_cpuid(&m, 4, 0, 0x04000000);
	expect_cpuid(&m, 4, 1, 0x04010000);
	/* An index that was not set is all zero, and so is a leaf that was not. */
	expect_cpuid(&m, 4, 7, 0);
	expect_cpuid(&m, 3, 0, 0);
	expect_cpuid(&m, 0x40000001, 0, 0x41000000);
	/* The index means nothing where the entry does not say so. */
	expect_cpuid(&m, 2, 9, 0x02000000);
}

/* OSXSAVE in leaf 1 follows the guest's own CR4. */
static void state_cpuid_osxsave(void)
{
	struct machine m;
	struct kvm_sregs s;
	struct cpuid_table *t;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	t = check_pages(sizeof(*t));
	machine_supported_cpuid(t);
	if (!(machine_cpuid(t, 1, 0)->ecx & 1u << 26))
		check_skip("no XSAVE for guests on this machine");
	m.regs.rax = 1;
	machine_do(&m, state_cpuid);
	CHECK_EQUAL(machine_regs(&m).rcx >> 27 & 1, 0);
	s = machine_sregs(&m);
	s.cr4 |= 1u << 18;
	machine_set_sregs(&m, &s);
	machine_do(&m, state_cpuid);
	CHECK_EQUAL(machine_regs(&m).rcx >> 27 & 1, 1);
	m.regs.rax = 3;
	machine_do(&m, state_xsetbv);
	CHECK_EQUAL(machine_regs(&m).rax, 3);
	m.regs.rax = 1;
	machine_do(&m, state_xsetbv);
	CHECK_EQUAL(machine_regs(&m).rax, 1);
}

/* MSRs: what the calls set the guest reads, and what it writes they give. */
static void state_msrs(void)
{
	static const struct {
		u32 index;
		u64 set, written;
	} msrs[] = {
		{0x174, 0x18, 0x118},
		{0x175, 0x11112222, 0xffff800000001000},
		{0x176, 0x33334444, 0xffff800000002000},
		{0x277, 0x0007010600070106, 0x0606060606060606},
		{0xc0000081, 0x001b000800000000, 0x0023001000000000},
		{0xc0000082, 0x7fff00001000, 0xffffffff81000000},
		{0xc0000084, 0x47700, 0x200},
		{0xc0000100, 0x7fff00002000, 0x1000},
		{0xc0000101, 0xffff800000003000, 0x2000},
		{0xc0000102, 0xffff800000004000, 0x3000},
	};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++) {
		machine_set_msr(&m, msrs[i].index, msrs[i].set);
		m.regs.rcx = msrs[i].index;
		machine_do(&m, state_rdmsr);
		CHECK_EQUAL(machine_regs(&m).rax, msrs[i].set);
		m.regs.rax = msrs[i].written;
		machine_do(&m, state_wrmsr);
		CHECK_EQUAL(machine_regs(&m).rax, msrs[i].written);
		CHECK_EQUAL(machine_get_msr(&m, msrs[i].index), msrs[i].written);
	}
}

static void control(struct machine *m, const char *routine, u64 value)
{
	struct kvm_regs r;

	m->regs.rax = value;
	machine_start(m, routine);
	machine_run_out(m, PORT_READY);
	machine_run_out(m, PORT_DONE);
	r = machine_regs(m);
	CHECK_EQUAL(r.rbx, value);
	CHECK_EQUAL(r.rcx, value);
}

static void state_control_registers(void)
{
	static const u64 cr0[] = {0x80010033, 0x80000033, 0x8001003b, 0x80050033,
				  0xc0010033, 0x80010031, 0x80010013};
	static const u64 cr4[] = {0x620, 0x6a0, 0x624, 0x628, 0x220, 0x020};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	for (u32 i = 0; i < ARRAY_SIZE(cr0); i++) {
		control(&m, state_cr0, cr0[i] | 0x10);
		CHECK_EQUAL(machine_sregs(&m).cr0, cr0[i] | 0x10);
	}
	for (u32 i = 0; i < ARRAY_SIZE(cr4); i++) {
		control(&m, state_cr4, cr4[i]);
		CHECK_EQUAL(machine_sregs(&m).cr4, cr4[i]);
	}
	m.regs.rax = 0x0a; /* LMSW sets MP, EM, TS; it cannot clear PE */
	control(&m, state_cr0, 0x80010033);
	m.regs.rax = 0x0a;
	machine_do(&m, state_msw);
	CHECK_EQUAL(machine_regs(&m).rbx, 0x80010033);
	CHECK_EQUAL(machine_regs(&m).rcx, 0x80010039 | 2);
	CHECK_EQUAL(machine_regs(&m).rdx & 0xffff, 0x3b);
}

/* Debug registers over exits; ours are untouched by theirs. */
static void state_debug_registers(void)
{
	struct machine m;
	struct kvm_regs r;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rax = 0x1111000;
	m.regs.rbx = 0x2222000;
	m.regs.rcx = 0x3333000;
	m.regs.rdx = 0x7fff44440000;
	m.regs.rsi = 0x455; /* four local breakpoints on execution */
	machine_start(&m, state_debug);
	machine_run_out(&m, PORT_READY);
	machine_run_out(&m, PORT_DONE);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rax, 0x1111000);
	CHECK_EQUAL(r.rbx, 0x2222000);
	CHECK_EQUAL(r.rcx, 0x3333000);
	CHECK_EQUAL(r.rdx, 0x7fff44440000);
	CHECK_EQUAL(r.rsi, 0x455);
	CHECK_EQUAL(r.rdi & 0xf, 0);
}

/* Two vCPUs run in turn: each keeps its SSE and x87 state, and sees nothing of the other's. */
static void state_fpu(void)
{
	struct machine a, b;
	u64 *stored;

	machine_need_vmx("SSE in a guest");
	machine_open(&a, MODE_LONG, 0);
	machine_open(&b, MODE_LONG, 0);
	a.regs.rdi = b.regs.rdi = GPA_BUFFER;
	a.regs.rax = 0x1234567890abcdef;
	machine_start(&a, state_sse_set);
	machine_run_out(&a, PORT_READY);

	machine_do(&b, state_sse_store);
	stored = machine_at(&b, GPA_BUFFER);
	for (u32 i = 0; i < 32; i++)
		CHECK_EQUAL(stored[i], 0);
	b.regs.rax = 0x5555;
	machine_start(&b, state_sse_set);
	machine_run_out(&b, PORT_READY);

	machine_run_out(&a, PORT_DONE);
	stored = machine_at(&a, GPA_BUFFER);
	for (u32 i = 0; i < 16; i++) {
		CHECK_EQUAL(stored[2 * i], 0x1234567890abcdef);
		CHECK_EQUAL(stored[2 * i + 1], ~0x1234567890abcdefull);
	}
	CHECK_EQUAL(stored[32], 0x1234567890abcdef);
	machine_run_out(&b, PORT_DONE);
	stored = machine_at(&b, GPA_BUFFER);
	CHECK_EQUAL(stored[0], 0x5555);
	CHECK_EQUAL(stored[32], 0x5555);
}

/* KVM_GET_FPU and KVM_SET_FPU on a guest that has run. */
static void state_fpu_calls(void)
{
	struct machine m;
	struct kvm_fpu f;
	u64 low, *stored;

	machine_need_vmx("SSE in a guest");
	machine_open(&m, MODE_LONG, 0);
	m.regs.rdi = GPA_BUFFER;
	m.regs.rax = 0x77;
	machine_start(&m, state_sse_set);
	machine_run_out(&m, PORT_READY);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_FPU, &f), 0);
	memcpy(&low, f.xmm[15], 8);
	CHECK_EQUAL(low, 0x77);
	CHECK_EQUAL(f.fcw, 0x37f);
	low = 0x99;
	memcpy(f.xmm[3], &low, 8);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_FPU, &f), 0);
	machine_run_out(&m, PORT_DONE);
	stored = machine_at(&m, GPA_BUFFER);
	CHECK_EQUAL(stored[6], 0x99);
	CHECK_EQUAL(stored[30], 0x77);
	CHECK_EQUAL(stored[32], 0x77);
}

static void state_tsc_monotonic(void)
{
	struct machine m;
	struct kvm_regs r;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, state_tsc);
	machine_run_out(&m, PORT_READY);
	machine_run_out(&m, PORT_DONE);
	r = machine_regs(&m);
	CHECK(r.r10 > r.r9);
	CHECK_EQUAL(r.rsi, 0);
}

/* The TSC that KVM_SET_MSRS sets is the one that the guest reads. */
static void state_tsc_as_set(void)
{
	struct machine m;
	u64 start = 1ull << 50;

	machine_need_vmx("the offset of a guest's TSC");
	machine_open(&m, MODE_LONG, 0);
	machine_set_msr(&m, 0x10, start);
	machine_start(&m, state_tsc);
	machine_run_out(&m, PORT_READY);
	CHECK(machine_regs(&m).r9 >= start && machine_regs(&m).r9 < start + (1ull << 40));
}

SUITE(state, TEST(state_cpuid_as_set), TEST(state_cpuid_osxsave), TEST(state_msrs),
      TEST(state_control_registers), TEST(state_debug_registers), TEST(state_fpu),
      TEST(state_fpu_calls), TEST(state_tsc_monotonic), TEST(state_tsc_as_set));
