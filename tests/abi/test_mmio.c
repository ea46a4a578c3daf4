/* SPDX-License-Identifier: MIT */
/* KVM_EXIT_MMIO: accesses of a guest where it has no memory. */
#include "tests/abi/machine.h"

static void mmio_open(struct machine *m)
{
	machine_open(m, MODE_LONG, 0);
	m->regs.rdi = GPA_MMIO;
}

static void mmio_write(void)
{
	struct machine m;

	mmio_open(&m);
	m.regs.rbx = 8;
	machine_start(&m, long_mmio_write);
	machine_mmio_write(&m, GPA_MMIO, 1, 0x11);
	machine_mmio_write(&m, GPA_MMIO, 2, 0x2211);
	machine_mmio_write(&m, GPA_MMIO, 4, 0x44332211);
	machine_mmio_write(&m, GPA_MMIO, 8, 0x8877665544332211);
	machine_mmio_write(&m, GPA_MMIO + 1, 1, 0xb1);
	machine_mmio_write(&m, GPA_MMIO + 2, 2, 0xb2b1);
	machine_mmio_write(&m, GPA_MMIO + 4, 4, 0xb4b3b2b1);
	machine_mmio_write(&m, GPA_MMIO + 8, 8, 0xfffffffffffffffe);
	machine_mmio_write(&m, GPA_MMIO, 1, 0x22);
	machine_mmio_write(&m, GPA_MMIO + 0x30, 4, 0x44332211);
	machine_run_out(&m, PORT_DONE);
}

static void mmio_read(void)
{
	static const u8 sizes[] = {1, 2, 4, 8, 1, 2, 1, 2, 4};
	struct machine m;
	struct kvm_regs r;

	mmio_open(&m);
	machine_start(&m, long_mmio_read);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		machine_mmio_read(&m, GPA_MMIO, sizes[i], 0x8182838485868788);
	machine_run_out(&m, PORT_DONE);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rax, 0xffffffffffffff88);
	CHECK_EQUAL(r.rcx, 0xffffffffffff8788);
	CHECK_EQUAL(r.rdx, 0x85868788);
	CHECK_EQUAL(r.rbx, 0x8182838485868788);
	CHECK_EQUAL(r.r8, 0x88);
	CHECK_EQUAL(r.r9, 0x8788);
	CHECK_EQUAL(r.r10, 0xffffffffffffff88);
	CHECK_EQUAL(r.r11, 0xffffffffffff8788);
	CHECK_EQUAL(r.r12, 0xffffffff85868788);
}

static void mmio_modify(void)
{
	struct machine m;
	struct kvm_regs r;

	mmio_open(&m);
	machine_start(&m, long_mmio_modify);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x1230); /* or 0x0f */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x123f);
	machine_mmio_read(&m, GPA_MMIO, 4, 0x1234); /* and 0xff */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x34);
	machine_mmio_read(&m, GPA_MMIO, 4, 1); /* add 0x0f */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x10);
	machine_mmio_read(&m, GPA_MMIO, 4, 0xfeed); /* xchg with 0x0f */
	machine_mmio_write(&m, GPA_MMIO, 4, 0x0f);
	machine_mmio_read(&m, GPA_MMIO, 4, 5);    /* cmp with 5 */
	machine_mmio_read(&m, GPA_MMIO, 1, 0x80); /* test 0x80 */
	machine_run_out(&m, PORT_DONE);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rdx, 0xfeed);
	CHECK_EQUAL(r.rbx & 0xff, 1);
	CHECK_EQUAL(r.rcx & 0xff, 1);
}

/* Memory to MMIO: one exit an element. */
static void mmio_string_write(void)
{
	struct machine m;
	u8 *buffer;

	mmio_open(&m);
	buffer = machine_at(&m, GPA_BUFFER);
	for (u32 i = 0; i < 24; i++)
		buffer[i] = (u8)(i + 1);
	m.regs.rsi = GPA_BUFFER;
	m.regs.rcx = 3;
	machine_start(&m, long_mmio_movsb);
	for (u32 i = 0; i < 3; i++)
		machine_mmio_write(&m, GPA_MMIO + i, 1, i + 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rsi, GPA_BUFFER + 3);
	CHECK_EQUAL(machine_regs(&m).rdi, GPA_MMIO + 3);
	CHECK_EQUAL(machine_regs(&m).rcx, 0);
	m.regs.rcx = 2;
	machine_start(&m, long_mmio_movsq);
	machine_mmio_write(&m, GPA_MMIO, 8, 0x0807060504030201);
	machine_mmio_write(&m, GPA_MMIO + 8, 8, 0x100f0e0d0c0b0a09);
	machine_run_out(&m, PORT_DONE);
	m.regs.rcx = 2;
	m.regs.rax = 0x51525354;
	machine_start(&m, long_mmio_stosd);
	machine_mmio_write(&m, GPA_MMIO, 4, 0x51525354);
	machine_mmio_write(&m, GPA_MMIO + 4, 4, 0x51525354);
	machine_run_out(&m, PORT_DONE);
}

/* And MMIO to memory. */
static void mmio_string_read(void)
{
	struct machine m;

	mmio_open(&m);
	m.regs.rdi = GPA_BUFFER;
	m.regs.rsi = GPA_MMIO;
	m.regs.rcx = 2;
	machine_start(&m, long_mmio_movsq);
	machine_mmio_read(&m, GPA_MMIO, 8, 0x1111222233334444);
	machine_mmio_read(&m, GPA_MMIO + 8, 8, 0x5555666677778888);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER), 0x1111222233334444);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 8), 0x5555666677778888);
	machine_start(&m, long_mmio_lodsd);
	machine_mmio_read(&m, GPA_MMIO, 4, 0xabcd);
	machine_mmio_read(&m, GPA_MMIO + 4, 4, 0xef01);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rbx, 0xabcd);
	CHECK_EQUAL(machine_regs(&m).rax, 0xef01);
}

/* What a read brought is there after a KVM_RUN that does not enter the guest. */
static void mmio_completion(void)
{
	struct machine m;

	mmio_open(&m);
	machine_start(&m, long_load);
	machine_mmio_read(&m, GPA_MMIO, 8, 0x4142434445464748);
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rax, 0x4142434445464748);
	CHECK_EQUAL(machine_regs(&m).rip, m.regs.rip + 3);
	m.run->immediate_exit = 0;
	machine_run_out(&m, PORT_DONE);
}

/* An instruction that KVM does not emulate: told to the caller, and the VM is not broken. */
static void mmio_undecodable(void)
{
	struct machine m;

	mmio_open(&m);
	machine_start(&m, long_mmio_undecodable);
	machine_run(&m, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQUAL(m.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK_EQUAL(machine_regs(&m).rip, m.regs.rip);
}

/* The hole of a PC's display, by 16-bit code. */
static void mmio_real_mode(void)
{
	struct machine m;
	struct kvm_sregs s;

	machine_open(&m, MODE_REAL, 0);
	s = machine_sregs(&m);
	s.ds.base = GPA_HOLE;
	s.ds.selector = GPA_HOLE >> 4;
	machine_set_sregs(&m, &s);
	m.regs.rbx = 0x100;
	machine_start(&m, real_mmio);
	machine_mmio_write(&m, GPA_HOLE + 0x100, 1, 0x11);
	machine_mmio_write(&m, GPA_HOLE + 0x102, 2, 0x2211);
	machine_mmio_write(&m, GPA_HOLE + 0x104, 4, 0x44332211);
	machine_mmio_read(&m, GPA_HOLE + 0x108, 1, 0xa1);
	machine_mmio_read(&m, GPA_HOLE + 0x10a, 2, 0xb2b1);
	machine_mmio_read(&m, GPA_HOLE + 0x10c, 4, 0xc4c3c2c1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rcx & 0xff, 0xa1);
	CHECK_EQUAL(machine_regs(&m).rdx & 0xffff, 0xb2b1);
	CHECK_EQUAL(machine_regs(&m).rsi, 0xc4c3c2c1);
}

/* An access that begins in memory and ends outside: the part outside is MMIO. */
static void mmio_beside_memory(void)
{
	struct machine m;

	mmio_open(&m);
	*(u32 *)machine_at(&m, GPA_LOW_END - 4) = 0x44332211;
	m.regs.rdi = GPA_LOW_END - 4;
	machine_start(&m, long_load);
	machine_mmio_read(&m, GPA_LOW_END, 4, 0x88776655);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x8877665544332211);
	m.regs.rax = 0xa8a7a6a5a4a3a2a1;
	machine_start(&m, long_store);
	machine_mmio_write(&m, GPA_LOW_END, 4, 0xa8a7a6a5);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_LOW_END - 4), 0xa4a3a2a1);
}

SUITE(mmio, TEST(mmio_write), TEST(mmio_read), TEST(mmio_modify), TEST(mmio_string_write),
      TEST(mmio_string_read), TEST(mmio_completion), TEST(mmio_undecodable), TEST(mmio_real_mode),
      TEST(mmio_beside_memory));
