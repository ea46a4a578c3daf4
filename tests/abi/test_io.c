/* SPDX-License-Identifier: MIT */
/* KVM_EXIT_IO: ports of every size, strings, and when the guest sees what came in. */
#include "tests/abi/machine.h"

#define ELEMENTS 7

static void expect_io(struct machine *m, u8 direction, u16 port, u8 size, u32 data)
{
	u32 got = 0;

	machine_run(m, KVM_EXIT_IO);
	CHECK_EQUAL(m->run->io.direction, direction);
	CHECK_EQUAL(m->run->io.port, port);
	CHECK_EQUAL(m->run->io.size, size);
	CHECK_EQUAL(m->run->io.count, 1);
	if (direction == KVM_EXIT_IO_OUT) {
		memcpy(&got, machine_io_data(m), size);
		CHECK_EQUAL(got, data);
	} else {
		memcpy(machine_io_data(m), &data, size);
	}
}

static void io_out(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_out_sizes);
	expect_io(&m, KVM_EXIT_IO_OUT, PORT_TEST, 1, 0x11);
	expect_io(&m, KVM_EXIT_IO_OUT, PORT_TEST, 2, 0x2211);
	expect_io(&m, KVM_EXIT_IO_OUT, PORT_TEST, 4, 0x44332211);
	expect_io(&m, KVM_EXIT_IO_OUT, 0x42, 1, 0x11);
	expect_io(&m, KVM_EXIT_IO_OUT, 0x42, 2, 0x2211);
	expect_io(&m, KVM_EXIT_IO_OUT, 0x42, 4, 0x44332211);
	machine_run_out(&m, PORT_DONE);
}

static void io_in(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_in_sizes);
	expect_io(&m, KVM_EXIT_IO_IN, PORT_TEST, 1, 0x51);
	expect_io(&m, KVM_EXIT_IO_IN, PORT_TEST, 2, 0x6261);
	expect_io(&m, KVM_EXIT_IO_IN, PORT_TEST, 4, 0x74737271);
	expect_io(&m, KVM_EXIT_IO_IN, 0x42, 1, 0x81);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS), 0xaaaaaa51);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + 4), 0xaaaa6261);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + 8), 0x74737271);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + 12), 0xaaaaaa81);
}

/*
 * A string instruction may come in one exit or in several, each with a count: together they
 * carry all elements in their order.  Outgoing bytes are collected, incoming ones given.
 */
static void string_io(struct machine *m, const char *routine, u8 direction, u8 size, u8 *bytes)
{
	u32 done = 0;

	m->regs.rcx = ELEMENTS;
	m->regs.rsi = m->regs.rdi = GPA_BUFFER;
	machine_start(m, routine);
	while (done < ELEMENTS) {
		machine_run(m, KVM_EXIT_IO);
		CHECK_EQUAL(m->run->io.port, PORT_TEST);
		CHECK_EQUAL(m->run->io.direction, direction);
		CHECK_EQUAL(m->run->io.size, size);
		CHECK(m->run->io.count >= 1 && m->run->io.count <= ELEMENTS - done);
		if (direction == KVM_EXIT_IO_OUT)
			memcpy(bytes + done * size, machine_io_data(m), m->run->io.count * size);
		else
			memcpy(machine_io_data(m), bytes + done * size, m->run->io.count * size);
		done += m->run->io.count;
	}
	machine_run_out(m, PORT_DONE);
	CHECK_EQUAL(machine_regs(m).rcx, 0);
}

static void pattern(u8 *bytes, u32 count)
{
	for (u32 i = 0; i < count; i++)
		bytes[i] = (u8)(0x10 + i * 3);
}

static void string_out(struct machine *m, const char *routine, u8 size)
{
	u8 bytes[ELEMENTS * 4], want[ELEMENTS * 4];
	u32 count = (u32)ELEMENTS * size;

	pattern(want, count);
	memset(bytes, 0, sizeof(bytes));
	memcpy(machine_at(m, GPA_BUFFER), want, count);
	string_io(m, routine, KVM_EXIT_IO_OUT, size, bytes);
	CHECK(memcmp(bytes, want, count) == 0);
	CHECK_EQUAL(machine_regs(m).rsi, GPA_BUFFER + count);
}

static void string_in(struct machine *m, const char *routine, u8 size)
{
	u8 bytes[ELEMENTS * 4];
	u32 count = (u32)ELEMENTS * size;
	u8 *buffer = machine_at(m, GPA_BUFFER);

	pattern(bytes, count);
	memset(buffer, 0, sizeof(bytes) + 1);
	string_io(m, routine, KVM_EXIT_IO_IN, size, bytes);
	CHECK(memcmp(buffer, bytes, count) == 0);
	CHECK_EQUAL(buffer[count], 0);
	CHECK_EQUAL(machine_regs(m).rdi, GPA_BUFFER + count);
}

static void io_outs(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	string_out(&m, real_outsb, 1);
	string_out(&m, real_outsw, 2);
	string_out(&m, real_outsd, 4);
}

static void io_ins(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	string_in(&m, real_insb, 1);
	string_in(&m, real_insw, 2);
	string_in(&m, real_insd, 4);
}

static void io_strings_long(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	string_out(&m, long_outsd, 4);
	string_in(&m, long_insd, 4);
}

/* With the direction flag set the elements are taken downward. */
static void io_outs_backward(void)
{
	struct machine m;
	u8 bytes[ELEMENTS], *buffer;

	machine_open(&m, MODE_REAL, 0);
	buffer = machine_at(&m, GPA_BUFFER);
	for (u32 i = 0; i < ELEMENTS; i++)
		*(buffer - i) = (u8)(0x40 + i);
	m.regs.rflags = 1u << 10 | 2;
	string_io(&m, real_outsb, KVM_EXIT_IO_OUT, 1, bytes);
	for (u32 i = 0; i < ELEMENTS; i++)
		CHECK_EQUAL(bytes[i], 0x40 + i);
	CHECK_EQUAL(machine_regs(&m).rsi, GPA_BUFFER - ELEMENTS);
}

/* REP with a count of zero does nothing at all. */
static void io_string_of_none(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	m.regs.rcx = 0;
	m.regs.rsi = m.regs.rdi = GPA_BUFFER;
	machine_do(&m, real_outsb);
	machine_do(&m, real_insb);
	CHECK_EQUAL(machine_regs(&m).rdi, GPA_BUFFER);
}

/* What an IN brought is in the guest after the next KVM_RUN, even one that does not enter it. */
static void io_completion(void)
{
	struct machine m;
	struct kvm_regs r;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rax = ~0ull;
	machine_start(&m, long_in);
	expect_io(&m, KVM_EXIT_IO_IN, PORT_TEST, 4, 0x12345678);
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rax, 0x12345678);
	CHECK_EQUAL(r.rip, m.regs.rip + 5);
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rip, m.regs.rip + 5);
	m.run->immediate_exit = 0;
	machine_run_out(&m, PORT_DONE);
}

/* An OUT is stepped over by the next KVM_RUN, not before: the caller sees it at RIP. */
static void io_out_completion(void)
{
	struct machine m;
	u64 at;

	machine_need_vmx("RIP at an OUT");
	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_out_sizes);
	expect_io(&m, KVM_EXIT_IO_OUT, PORT_TEST, 1, 0x11);
	at = machine_regs(&m).rip;
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rip, at + 1); /* OUT DX, AL */
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(machine_regs(&m).rip, at + 1);
	m.run->immediate_exit = 0;
	expect_io(&m, KVM_EXIT_IO_OUT, PORT_TEST, 2, 0x2211);
}

/* The answer to an IN is lost if the caller sets another RIP meanwhile, as for a reset. */
static void io_in_and_elsewhere(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	machine_start(&m, long_in);
	expect_io(&m, KVM_EXIT_IO_IN, PORT_TEST, 4, 0x12345678);
	m.regs.rax = 0x55;
	machine_do(&m, long_done);
	CHECK_EQUAL(machine_regs(&m).rax, 0x55);
}

/* Ports by which a PC is reset go to the caller, also with the in-kernel devices. */
static void io_reset_ports(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, MACHINE_PIT);
	machine_start(&m, real_reset_ports);
	CHECK_EQUAL(machine_run_out(&m, 0xcf9), 6);
	CHECK_EQUAL(machine_run_out(&m, 0x64), 0xfe);
	CHECK_EQUAL(machine_run_out(&m, 0x92), 1);
	machine_run_out(&m, PORT_DONE);
}

SUITE(io, TEST(io_out), TEST(io_in), TEST(io_outs), TEST(io_ins), TEST(io_strings_long),
      TEST(io_outs_backward), TEST(io_string_of_none), TEST(io_completion), TEST(io_out_completion),
      TEST(io_in_and_elsewhere), TEST(io_reset_ports));
