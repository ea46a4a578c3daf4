/* SPDX-License-Identifier: MIT */
/* KVM_EXIT_MMIO by instructions that are no plain moves, and faults in the middle of them. */
#include "tests/abi/machine.h"

#define DE 0
#define UD 6
#define GP 13
#define PF 14
#define AC 17

#define SEL_USER_CODE 0x18
#define SEL_USER_DATA 0x20
#define GPA_TSS       (GPA_VARS + 0x800)

static void emulate_open(struct machine *m, u32 options)
{
	machine_open(m, MODE_LONG, options);
	m->regs.rdi = GPA_MMIO;
	m->regs.rsi = GPA_BUFFER;
	for (u32 i = 0; i < 64; i++)
		((u8 *)machine_at(m, GPA_BUFFER))[i] = (u8)(i + 1);
}

/* The guest's handler has seen this fault, and only it. */
static void check_fault(const struct machine *m, u64 vector, u64 error)
{
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_VECTOR), vector);
	CHECK_EQUAL(machine_u64(m, GPA_VARS + VAR_ERROR), error);
}

/* An access has at most 8 bytes, and none goes over the end of a page. */
static void emulate_sse(void)
{
	struct machine m;

	machine_need_vmx("SSE in a guest");
	emulate_open(&m, 0);
	machine_start(&m, long_sse_store);
	machine_mmio_write(&m, GPA_MMIO, 8, 0x0807060504030201);
	machine_mmio_write(&m, GPA_MMIO + 8, 8, 0x100f0e0d0c0b0a09);
	machine_mmio_write(&m, GPA_MMIO + 0x18, 8, 0x0807060504030201);
	machine_mmio_write(&m, GPA_MMIO + 0x20, 8, 0x100f0e0d0c0b0a09);
	machine_mmio_write(&m, GPA_MMIO + 0x20, 8, 0x0807060504030201);
	machine_mmio_write(&m, GPA_MMIO + 0x28, 8, 0x100f0e0d0c0b0a09);
	machine_mmio_write(&m, GPA_MMIO + 0xff4, 8, 0x0807060504030201);
	machine_mmio_write(&m, GPA_MMIO + 0xffc, 4, 0x0c0b0a09);
	machine_mmio_write(&m, GPA_MMIO + 0x1000, 4, 0x100f0e0d);
	machine_run_out(&m, PORT_DONE);
	machine_start(&m, long_sse_load);
	machine_mmio_read(&m, GPA_MMIO, 8, 0x1111111122222222);
	machine_mmio_read(&m, GPA_MMIO + 8, 8, 0x3333333344444444);
	machine_mmio_read(&m, GPA_MMIO + 8, 8, 0x5555555566666666);
	machine_mmio_read(&m, GPA_MMIO + 16, 8, 0x7777777788888888);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER), 0x1111111122222222);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 8), 0x3333333344444444);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 16), 0x5555555566666666);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 24), 0x7777777788888888);
	machine_do(&m, long_sse_misaligned);
	check_fault(&m, GP, 0);
}

static void emulate_scalar(void)
{
	struct machine m;

	emulate_open(&m, 0);
	machine_start(&m, long_sse_scalar);
	CHECK_RESULT(t_run(m.vcpu), 0);
	if (!target_is_kvm0 && m.run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		check_skip("this host's KVM emulates no such move");
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.len, 8);
	CHECK(!memcmp(m.run->mmio.data, "\1\2\3\4\5\6\7\10", 8));
	machine_mmio_write(&m, GPA_MMIO, 4, 0x04030201);
	machine_mmio_write(&m, GPA_MMIO, 8, 0x0807060504030201);
	machine_mmio_write(&m, GPA_MMIO, 8, 0x0807060504030201);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x11223344);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER), 0x11223344); /* a load clears the rest */
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 8), 0);
}

static void emulate_avx(void)
{
	struct cpuid_table *cpuid = check_pages(sizeof(*cpuid));
	struct machine m;

	machine_guest_cpuid(cpuid);
	if (!(machine_cpuid(cpuid, 1, 0)->ecx & 1u << 28))
		check_skip("this CPU has no AVX");
	emulate_open(&m, MACHINE_CPUID);
	machine_start(&m, long_avx);
	CHECK_RESULT(t_run(m.vcpu), 0);
	if (!target_is_kvm0 && m.run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		check_skip("this host's KVM emulates no AVX");
	for (u32 i = 0; i < 4; i++) {
		CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_MMIO);
		CHECK_EQUAL(m.run->mmio.phys_addr, GPA_MMIO + i * 8);
		CHECK_EQUAL(m.run->mmio.len, 8);
		CHECK(!memcmp(m.run->mmio.data, (u8 *)machine_at(&m, GPA_BUFFER) + i * 8, 8));
		if (i < 3)
			CHECK_RESULT(t_run(m.vcpu), 0);
	}
	for (u32 i = 0; i < 4; i++)
		machine_mmio_read(&m, GPA_MMIO + i * 8, 8, i * 0x1111111111111111);
	machine_mmio_read(&m, GPA_MMIO, 8, 0xaaaaaaaaaaaaaaaa);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 32 + i * 8), i * 0x1111111111111111);
	machine_mmio_read(&m, GPA_MMIO + 8, 8, 0xbbbbbbbbbbbbbbbb);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 40), 0xbbbbbbbbbbbbbbbb);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 48), 0); /* the upper half is cleared */
}

static void emulate_movbe(void)
{
	struct cpuid_table *cpuid = check_pages(sizeof(*cpuid));
	struct machine m;

	machine_need_vmx("MOVBE");
	machine_guest_cpuid(cpuid);
	if (!(machine_cpuid(cpuid, 1, 0)->ecx & 1u << 22))
		check_skip("this CPU has no MOVBE");
	emulate_open(&m, MACHINE_CPUID);
	machine_start(&m, long_movbe);
	machine_mmio_write(&m, GPA_MMIO, 4, 0x44332211);
	machine_mmio_read(&m, GPA_MMIO, 8, 0x0102030405060708);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rbx, 0x0807060504030201);
}

static void emulate_locked(void)
{
	struct machine m;
	struct kvm_regs r;

	emulate_open(&m, MACHINE_CPUID);
	machine_start(&m, long_locked);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x100); /* xadd */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x105);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x10); /* cmpxchg: equal */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x20);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x99); /* not equal: written all the same */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x99);
	machine_mmio_read(&m, GPA_MMIO, 8, 0x200000001);
	machine_mmio_write(&m, GPA_MMIO, 8, 0x8877665544332211);
	machine_run_out(&m, PORT_DONE);
	r = machine_regs(&m);
	CHECK_EQUAL(r.r8, 0x100);
	CHECK_EQUAL(r.r9 & 0xff, 1);
	CHECK_EQUAL(r.r10 & 0xff, 0);
	CHECK_EQUAL(r.r11, 0x99);
	CHECK_EQUAL(r.r12 & 0xff, 1);
}

static void emulate_arithmetic(void)
{
	struct machine m;
	struct kvm_regs r;

	emulate_open(&m, 0);
	machine_start(&m, long_arithmetic);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x12345678); /* shl 4 */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x23456780);
	machine_mmio_read(&m, GPA_MMIO + 4, 4, 0); /* bts 35 */
	machine_mmio_write(&m, GPA_MMIO + 4, 4, 8);
	machine_mmio_read(&m, GPA_MMIO, 2, 0x00ff); /* not */
	machine_mmio_write(&m, GPA_MMIO, 2, 0xff00);
	machine_mmio_read(&m, GPA_MMIO, 1, 1); /* neg */
	machine_mmio_write(&m, GPA_MMIO, 1, 0xff);
	machine_mmio_read(&m, GPA_MMIO, 8, 0xffffffff); /* inc */
	machine_mmio_write(&m, GPA_MMIO, 8, 0x100000000);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x80000000); /* mul */
	machine_mmio_read(&m, GPA_MMIO, 4, 21);         /* imul */
	machine_mmio_read(&m, GPA_MMIO, 4, 0x40);       /* bsf */
	machine_mmio_write(&m, GPA_MMIO, 1, 1);         /* setc */
	machine_mmio_read(&m, GPA_MMIO, 8, 0x1234);     /* push */
	machine_mmio_write(&m, GPA_MMIO + 8, 8, 0x1234);
	machine_mmio_write(&m, GPA_MMIO, 2, SEL_DATA);
	machine_mmio_write(&m, GPA_MMIO, 4, 0x11223344); /* movnti */
	machine_run_out(&m, PORT_DONE);
	r = machine_regs(&m);
	CHECK_EQUAL(r.r8, 1);
	CHECK_EQUAL(r.r9, 0xffffffd6);
	CHECK_EQUAL(r.r10, 6);
}

static void emulate_divide(void)
{
	struct machine m;

	emulate_open(&m, 0);
	m.regs.rax = 100;
	machine_start(&m, long_divide);
	machine_mmio_read(&m, GPA_MMIO, 4, 7);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 14);
	CHECK_EQUAL(machine_regs(&m).rdx, 2);
	machine_start(&m, long_divide);
	machine_mmio_read(&m, GPA_MMIO, 4, 0);
	machine_run_out(&m, PORT_DONE);
	check_fault(&m, DE, 0);
	CHECK_EQUAL(machine_regs(&m).rax, 100);
}

/* What is done before a fault stays done, and the registers say how far it went. */
static void emulate_rep_fault(void)
{
	struct machine m;
	u64 *pd;

	emulate_open(&m, 0);
	pd = machine_at(&m, GPA_PD);
	pd[(GPA_MMIO >> 21) + 1] = 0;
	m.regs.rdi = GPA_MMIO + 0x1ffffe;
	m.regs.rcx = 5;
	m.regs.rax = 0x77;
	machine_start(&m, long_rep_fault);
	machine_mmio_write(&m, GPA_MMIO + 0x1ffffe, 1, 0x77);
	machine_mmio_write(&m, GPA_MMIO + 0x1fffff, 1, 0x77);
	machine_run_out(&m, PORT_DONE);
	check_fault(&m, PF, 2);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_CR2), GPA_MMIO + 0x200000);
	CHECK_EQUAL(machine_regs(&m).rcx, 3);
	CHECK_EQUAL(machine_regs(&m).rdi, GPA_MMIO + 0x200000);
}

/* Accesses of two pages: nothing happens in the first if the second one faults. */
static void emulate_crossing(void)
{
	struct machine m;
	u64 *pd;

	emulate_open(&m, 0);
	m.regs.rdi = GPA_MMIO + 0xffd;
	machine_start(&m, long_load);
	machine_mmio_read(&m, GPA_MMIO + 0xffd, 3, 0x332211);
	machine_mmio_read(&m, GPA_MMIO + 0x1000, 5, 0x8877665544);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x8877665544332211);
	pd = machine_at(&m, GPA_PD);
	pd[(GPA_MMIO >> 21) + 1] = (GPA_MMIO + 0x200000) | 0x81; /* read-only */
	m.regs.rdi = GPA_MMIO + 0x1ffffc;
	machine_do(&m, fault_store);
	check_fault(&m, PF, 3);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_CR2), GPA_MMIO + 0x200000);
}

static void emulate_clflush(void)
{
	struct machine m;

	emulate_open(&m, MACHINE_CPUID);
	machine_start(&m, long_clflush);
	machine_mmio_read(&m, GPA_MMIO, 1, 0);
	machine_run_out(&m, PORT_DONE);
}

/* An instruction that is not emulated: its bytes are told, and #UD is what the guest gets if it
 * is run on. */
static void emulate_failure(void)
{
	struct kvm_vcpu_events events;
	struct machine m;

	machine_need_vmx("#UD for what it does not emulate");
	emulate_open(&m, 0);
	m.regs.r14 = machine_entry(long_done);
	machine_start(&m, long_mmio_undecodable);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQUAL(m.run->emulation_failure.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK(m.run->emulation_failure.ndata >= 3);
	CHECK_EQUAL(m.run->emulation_failure.flags,
		    KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES);
	CHECK(m.run->emulation_failure.insn_size >= 3 && m.run->emulation_failure.insn_size <= 15);
	CHECK(!memcmp(m.run->emulation_failure.insn_bytes, "\x0f\x58\x07", 3));
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_VCPU_EVENTS, &events), 0);
	CHECK_EQUAL(events.exception.injected, 1);
	CHECK_EQUAL(events.exception.nr, UD);
	machine_run_out(&m, PORT_DONE);
	check_fault(&m, UD, 0);
}

/* To CPL 3, with ports allowed, and a stack for the handlers of faults. */
static void user_mode(struct machine *m)
{
	struct kvm_sregs s = machine_sregs(m);
	u64 *gdt = machine_at(m, GPA_GDT), stack = GPA_STACK;

	gdt[SEL_USER_CODE / 8] = 0x00affb000000ffffull;
	gdt[SEL_USER_DATA / 8] = 0x00cff3000000ffffull;
	s.gdt.limit = SEL_USER_DATA + 7;
	s.cs.selector = SEL_USER_CODE | 3;
	s.ss.selector = SEL_USER_DATA | 3;
	s.cs.dpl = s.ss.dpl = 3;
	s.tr.base = GPA_TSS;
	memcpy(machine_at(m, GPA_TSS + 4), &stack, sizeof(stack));
	machine_set_sregs(m, &s);
	m->regs.rflags = 0x3002;
	m->regs.rsp = GPA_STACK - 0x1000;
	*(u64 *)machine_at(m, GPA_PML4) |= 4;
	for (u64 i = 0; i < 4; i++)
		((u64 *)machine_at(m, GPA_PDPT))[i] |= 4;
	for (u64 i = 0; i < 4 * 512; i++)
		((u64 *)machine_at(m, GPA_PD))[i] |= 4;
}

/* #AC is the guest's, whoever finds that out: in memory, the CPU. */
static void emulate_user_alignment(void)
{
	struct kvm_sregs s;
	struct machine m;

	machine_need_vmx("privileged instructions");
	emulate_open(&m, 0);
	user_mode(&m);
	s = machine_sregs(&m);
	s.cr0 |= 1u << 18; /* AM */
	machine_set_sregs(&m, &s);
	m.regs.rflags |= 1u << 18; /* AC */
	m.regs.rdi = GPA_VARS + 0x801;
	machine_do(&m, fault_store);
	check_fault(&m, AC, 0);
}

/* A program of the guest's does not end its machine, unless that is asked for. */
static void emulate_user(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = {1}};
	struct machine m;
	u64 *pd;

	machine_need_vmx("#UD for what it does not emulate");
	emulate_open(&m, 0);
	user_mode(&m);
	m.regs.r14 = machine_entry(long_done);
	machine_do(&m, long_mmio_undecodable);
	check_fault(&m, UD, 0);
	pd = machine_at(&m, GPA_PD);
	pd[(GPA_MMIO >> 21) + 1] = 0x83; /* the kernel's */
	m.regs.rdi = GPA_MMIO + 0x1ffffc;
	*(u64 *)machine_at(&m, GPA_VARS + VAR_FAULTS) = 0;
	machine_do(&m, fault_store);
	check_fault(&m, PF, 7);
	m.regs.rdi = GPA_MMIO;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	machine_start(&m, long_mmio_undecodable);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	cap.args[0] = 2;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), -EINVAL);
	cap.args[0] = 0;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	machine_run_out(&m, PORT_DONE);
}

static void expect_rep(struct machine *m)
{
	machine_mmio_write(m, GPA_HOLE, 2, 0x0201);
	machine_mmio_write(m, GPA_HOLE + 2, 2, 0x0403);
	machine_mmio_write(m, GPA_HOLE + 4, 4, 0x44332211);
	machine_mmio_write(m, GPA_HOLE + 8, 4, 0x44332211);
	machine_run_out(m, PORT_DONE);
	CHECK_EQUAL(machine_regs(m).rcx, 0);
}

static void emulate_rep_protected(void)
{
	struct machine m;

	machine_open(&m, MODE_PROT, 0);
	memcpy(machine_at(&m, GPA_BUFFER), "\1\2\3\4", 4);
	m.regs.rsi = GPA_BUFFER;
	m.regs.rdi = GPA_HOLE;
	m.regs.rcx = 2;
	machine_start(&m, prot_rep);
	expect_rep(&m);
}

static void emulate_rep_real(void)
{
	struct machine m;
	struct kvm_sregs s;

	machine_open(&m, MODE_REAL, 0);
	memcpy(machine_at(&m, GPA_BUFFER), "\1\2\3\4", 4);
	s = machine_sregs(&m);
	s.es.base = GPA_HOLE;
	s.es.selector = GPA_HOLE >> 4;
	machine_set_sregs(&m, &s);
	m.regs.rsi = GPA_BUFFER;
	m.regs.rcx = 2;
	machine_start(&m, real_rep);
	expect_rep(&m);
}

SUITE(emulate, TEST(emulate_sse), TEST(emulate_scalar), TEST(emulate_avx), TEST(emulate_movbe),
      TEST(emulate_locked), TEST(emulate_arithmetic), TEST(emulate_divide), TEST(emulate_rep_fault),
      TEST(emulate_crossing), TEST(emulate_clflush), TEST(emulate_failure), TEST(emulate_user),
      TEST(emulate_user_alignment), TEST(emulate_rep_protected), TEST(emulate_rep_real));
