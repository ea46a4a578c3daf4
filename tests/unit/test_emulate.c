/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator's contract with the run loop: requests and answers,
 * batches of string I/O, bounds, and no harm from random bytes.  Faults are in
 * test_emulate_fault.c; what the instructions compute is compared with a real CPU in
 * test_emulate_cpu.c.
 */
/* sources: tests/unit/emulate_fixture.c tests/unit/fake_vector.c hv/kvm/emulate/emulate.c
 * hv/kvm/emulate/decode.c hv/kvm/emulate/optable.c hv/kvm/emulate/access.c
 * hv/kvm/emulate/execute.c hv/kvm/emulate/strop.c hv/kvm/emulate/alu.c
 * hv/kvm/emulate/operand.c hv/kvm/emulate/stack.c hv/kvm/emulate/vector.c
 * hv/kvm/emulate/quick.c hv/kvm/gva.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emulate_fixture.h"

/* --- Requests and answers --------------------------------------------------- */

static void test_mmio_read(void **state)
{
	(void)state;
	START(64, "\x8b\x43\x08"); /* mov eax, [rbx+8] */
	st.gpr[EMU_RBX] = MMIO;
	st.gpr[EMU_RAX] = ~0ull;
	st.pg.rflags |= FLAG_RF;
	expect_read(MMIO + 8, 4);
	assert_int_equal(st.rip, CODE);
	assert_int_equal(st.gpr[EMU_RAX], ~0ull);
	assert_int_equal(st.insn_len, 15); /* kept: the second call does not fetch */
	reads = 0;
	answer(0x1122334455667788);
	expect_done(CODE + 3);
	assert_int_equal(reads, 1);
	assert_int_equal(st.gpr[EMU_RAX], 0x55667788);
	assert_int_equal(st.pg.rflags, 2);
}

static void test_mmio_write(void **state)
{
	(void)state;
	START(64, "\x48\xc7\x03\xff\xff\xff\xff"); /* mov qword [rbx], -1 */
	st.gpr[EMU_RBX] = MMIO;
	expect_write(MMIO, 8, ~0ull);
	assert_true(st.retired);
	assert_int_equal(st.rip, CODE + 7);
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
	/* Asking by emulate() is the same, and does not run the next instruction. */
	START(64, "\x88\x23\x88\x23"); /* mov [rbx], ah */
	st.gpr[EMU_RBX] = MMIO;
	st.gpr[EMU_RAX] = 0x3412;
	expect_write(MMIO, 1, 0x34);
	assert_int_equal(step(), EMU_DONE);
	assert_int_equal(st.rip, CODE + 2);
}

static void test_read_modify_write(void **state)
{
	(void)state;
	START(64, "\xf0\x66\x01\x03"); /* lock add [rbx], ax */
	st.gpr[EMU_RBX] = MMIO + 2;
	st.gpr[EMU_RAX] = 0x8001;
	expect_read(MMIO + 2, 2);
	answer(0x8000);
	expect_write(MMIO + 2, 2, 1);
	assert_int_equal(st.pg.rflags, 2 | 1 | 0x800);
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
}

static void test_crossing(void **state)
{
	(void)state;
	START(64, "\x48\x87\x03"); /* xchg [rbx], rax: device, then device of the next page */
	st.gpr[EMU_RBX] = MMIO + 0xffd;
	st.gpr[EMU_RAX] = 0x8877665544332211;
	expect_read(MMIO + 0xffd, 3);
	answer(0xa3a2a1);
	expect_read(MMIO + 0x1000, 5);
	answer(0xb5b4b3b2b1);
	expect_write(MMIO + 0xffd, 3, 0x332211);
	assert_int_equal(emulate_next_write(&io), EMU_MMIO_WRITE);
	check_write(MMIO + 0x1000, 5, 0x8877665544);
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
	assert_int_equal(st.gpr[EMU_RAX], 0xb5b4b3b2b1a3a2a1);

	START(64, "\x89\x03"); /* memory, then a device */
	st.gpr[EMU_RBX] = RAM_SIZE - 1;
	st.gpr[EMU_RAX] = 0x44332211;
	expect_write(RAM_SIZE, 3, 0x443322);
	assert_int_equal(ram[RAM_SIZE - 1], 0x11);

	START(32, "\x8b\x03"); /* linear addresses wrap at 4 GiB */
	st.gpr[EMU_RBX] = 0x10;
	st.seg[EMU_DS].base = 0xffffffee;
	ram[0] = 0x77;
	expect_read(0xfffffffe, 2);
	answer(0x6655);
	expect_done(CODE + 2);
	assert_int_equal(st.gpr[EMU_RAX], 0x776655);
}

static void test_prefix_order(void **state)
{
	(void)state;
	START(64, "\x48\x66\x89\x03"); /* REX before another prefix does nothing */
	st.gpr[EMU_RBX] = MMIO;
	st.gpr[EMU_RAX] = 0x11223344;
	expect_write(MMIO, 2, 0x3344);
}

static void test_cmpxchg_writes_always(void **state)
{
	(void)state;
	START(64, "\xf0\x0f\xb1\x0b"); /* lock cmpxchg [rbx], ecx */
	st.gpr[EMU_RBX] = MMIO;
	st.gpr[EMU_RAX] = 1;
	expect_read(MMIO, 4);
	answer(2);
	expect_write(MMIO, 4, 2);
	assert_int_equal(st.gpr[EMU_RAX], 2);
}

static void test_changed_answers(void **state)
{
	(void)state;
	START(64, "\x8b\x03");
	st.gpr[EMU_RBX] = MMIO;
	expect_read(MMIO, 4);
	answer(1);
	st.gpr[EMU_RBX] = MMIO + 4; /* as if another address: the old answer is not used */
	expect_read(MMIO + 4, 4);
	answer(2);
	expect_done(CODE + 2);
	assert_int_equal(st.gpr[EMU_RAX], 2);
}

static void test_two_device_operands(void **state)
{
	(void)state;
	START(64, "\xa6"); /* cmpsb */
	st.gpr[EMU_RSI] = MMIO;
	st.gpr[EMU_RDI] = MMIO + 0x10;
	expect_read(MMIO, 1);
	answer(7);
	expect_read(MMIO + 0x10, 1);
	answer(7);
	expect_done(CODE + 1);
	assert_int_equal(st.pg.rflags, 2 | 0x40 | 4);

	START(64, "\xff\x33"); /* push [rbx], stack on a device */
	st.gpr[EMU_RBX] = MMIO;
	st.gpr[EMU_RSP] = MMIO + 0x20;
	expect_read(MMIO, 8);
	answer(0x1234);
	expect_write(MMIO + 0x18, 8, 0x1234);
	assert_int_equal(st.gpr[EMU_RSP], MMIO + 0x18);
}

static void test_rom(void **state)
{
	(void)state;
	START(64, "\x00\x03"); /* add [rbx], al: read from memory, write to the VMM */
	st.gpr[EMU_RBX] = ROM;
	st.gpr[EMU_RAX] = 2;
	ram[ROM] = 5;
	expect_write(ROM, 1, 7);
	assert_int_equal(ram[ROM], 5);
}

static void test_hint(void **state)
{
	(void)state;
	START(64, "\x89\x43\x04");
	st.gpr[EMU_RBX] = 0xffffc90000000100;
	st.pg.cr0 |= 1u << 31; /* paging, with no tables: only the hint can translate */
	st.pg.efer = 0x500;
	memcpy(st.insn, ram + CODE, 3);
	st.insn_len = 3;
	st.hint_valid = st.hint_write = true;
	st.hint_gva = gva(0xffffc90000000104);
	st.hint_gpa = gpa(0xfee00104);
	expect_write(0xfee00104, 4, 0);
	assert_int_equal(reads, 0);
	emu_io_reset(&io);
	st.rip = CODE;
	memcpy(st.insn, ram + CODE, 3);
	st.insn_len = 3;
	st.hint_mmio = true;
	expect_write(0xfee00104, 4, 0);
	emu_io_reset(&io);
	st.rip = CODE;
	st.insn_len = 3;
	st.hint_write = false; /* checked for a read only */
	expect_fault(PF, 2);
	assert_int_equal(st.fault.cr2, 0xffffc90000000104);
	st.gpr[EMU_RBX] += 0x1000; /* another page */
	st.hint_write = true;
	expect_fault(PF, 2);
}

/* The short way of quick.c, and what it has to leave to the general one. */
static void quick(const char *code, u32 len, u64 rbx)
{
	start(64, code, len);
	st.gpr[EMU_RBX] = rbx;
	st.gpr[8] = 0x8877665544332211;
	st.hint_valid = st.hint_write = st.hint_mmio = true;
	st.hint_gva = gva(0x2000);
	st.hint_gpa = gpa(0xfee00000);
}
#define QUICK(code, rbx) quick(code, sizeof(code) - 1, rbx)

static void test_quick(void **state)
{
	(void)state;
	QUICK("\x44\x89\x83\x00\xf0\xff\xff", 0x30b0); /* mov [rbx-0x1000], r8d */
	st.pg.rflags |= FLAG_RF;
	expect_write(0xfee000b0, 4, 0x44332211);
	assert_true(st.retired);
	assert_int_equal(st.rip, CODE + 7);
	assert_int_equal(st.pg.rflags, 2);
	assert_int_equal(st.insn_len, 0);
	assert_int_equal(step(), EMU_DONE); /* not the next instruction */
	assert_int_equal(st.rip, CODE + 7);

	QUICK("\x4c\x8b\x43\x08", 0x2ff0); /* mov r8, [rbx+8] */
	expect_read(0xfee00ff8, 8);
	answer(0x1234);
	expect_done(CODE + 4);
	assert_int_equal(st.gpr[8], 0x1234);

	QUICK("\x44\x88\x03", 0x2fff); /* mov [rbx], r8b */
	expect_write(0xfee00fff, 1, 0x11);

	QUICK("\xc7\x83\xb0\x00\x00\x00\x78\x56\x34\x92", 0x2000); /* mov dword [rbx+0xb0], imm */
	expect_write(0xfee000b0, 4, 0x92345678);
	assert_int_equal(st.rip, CODE + 10);
	QUICK("\x48\xc7\x43\x10\x78\x56\x34\x92", 0x2000); /* mov qword: sign-extended */
	expect_write(0xfee00010, 8, 0xffffffff92345678);
	QUICK("\xc7\x04\x25\xb0\x20\x00\x00\x01\x02\x03\x04", 0); /* mov dword [0x20b0], imm */
	expect_write(0xfee000b0, 4, 0x04030201);
	assert_int_equal(st.rip, CODE + 11);
	QUICK("\x44\x8b\x04\x25\x20\x20\x00\x00", 0); /* mov r8d, [0x2020] */
	expect_read(0xfee00020, 4);
	answer(0x99);
	expect_done(CODE + 8);
	assert_int_equal(st.gpr[8], 0x99);
	QUICK("\x42\x89\x04\x25\x00\x10\x00\x00", 0); /* mov [r12+0x1000], eax: an index */
	st.gpr[12] = 0x1000;
	st.gpr[EMU_RAX] = 0x77;
	expect_write(0xfee00000, 4, 0x77);
	QUICK("\x89\x44\x13\x04", 0x1000); /* mov [rbx+rdx+4], eax */
	st.gpr[EMU_RDX] = 0x1000;
	st.gpr[EMU_RAX] = 0x77;
	expect_write(0xfee00004, 4, 0x77);

	QUICK("\x44\x89\x03", 0x1ffe); /* across the page's beginning: two pieces */
	expect_write(0xfee00000, 2, 0x4433);
	assert_int_equal(ram[0x1fff], 0x22);
	QUICK("\x44\x89\x03", 0x2ffe);
	expect_write(0xfee00ffe, 2, 0x2211);
	assert_int_equal(ram[0x3000], 0x33);
	QUICK("\x44\x89\x83\x10\x00\x00\x00", 0x2000); /* known in part: the rest is fetched */
	memcpy(st.insn, "\x44\x89\x83\x90", 4);
	st.insn_len = 3;
	expect_write(0xfee00010, 4, 0x44332211);
	QUICK("\x44\x89\x03", 0x3000); /* another page */
	expect_done(CODE + 3);
	assert_int_equal(ram[0x3000], 0x11);
	QUICK("\x44\x89\x03", 0x2000); /* not checked for writing */
	st.hint_write = false;
	expect_done(CODE + 3);
	assert_int_equal(ram[0x2000], 0x11);
	QUICK("\x88\x23", 0x2000); /* AH */
	st.gpr[EMU_RAX] = 0x5600;
	expect_write(0xfee00000, 1, 0x56);
	QUICK("\x89\x03", 0x2000); /* 32-bit code goes the general way */
	st.mode = 32;
	expect_write(0xfee00000, 4, 0);
	QUICK("\x44\x8b\x03", 0x2004); /* an answer to something else */
	expect_read(0xfee00004, 4);
	st.gpr[EMU_RBX] = 0x2008;
	expect_read(0xfee00008, 4);
}

static void test_lost_race(void **state)
{
	(void)state;
	START(64, "\xf0\x0f\xc1\x03"); /* lock xadd [rbx], eax */
	st.gpr[EMU_RBX] = 0x2000;
	st.gpr[EMU_RAX] = 5;
	ram[0x2000] = 3;
	lose_races = true;
	assert_int_equal(step(), EMU_DONE);
	assert_false(st.retired);
	assert_int_equal(st.rip, CODE);
	assert_int_equal(st.gpr[EMU_RAX], 5);
	assert_int_equal(st.pg.rflags, 2);
	lose_races = false;
	expect_done(CODE + 4);
	assert_int_equal(ram[0x2000], 8);
	assert_int_equal(st.gpr[EMU_RAX], 3);
}

/* --- Strings -------------------------------------------------------------------- */

static void test_rep_from_device(void **state)
{
	(void)state;
	START(64, "\xf3\xa5"); /* rep movsd, device to memory */
	st.gpr[EMU_RSI] = MMIO;
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = 3;
	for (u32 i = 0; i < 3; i++) {
		expect_read(MMIO + i * 4, 4);
		assert_int_equal(st.gpr[EMU_RCX], 3 - i); /* what is done is final */
		assert_int_equal(st.gpr[EMU_RDI], 0x2000 + i * 4);
		assert_int_equal(st.rip, CODE);
		answer(0x10 + i);
	}
	expect_done(CODE + 2);
	assert_int_equal(ram[0x2000], 0x10);
	assert_int_equal(ram[0x2008], 0x12);
	assert_int_equal(st.gpr[EMU_RCX], 0);
}

static void test_rep_to_device(void **state)
{
	(void)state;
	START(32, "\xf3\xab"); /* rep stosd */
	st.gpr[EMU_RDI] = MMIO;
	st.gpr[EMU_RCX] = 2;
	st.gpr[EMU_RAX] = 0xabcdef01;
	expect_write(MMIO, 4, 0xabcdef01);
	assert_false(st.retired);
	assert_true(st.iterated);
	assert_int_equal(st.gpr[EMU_RCX], 1);
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
	expect_write(MMIO + 4, 4, 0xabcdef01);
	assert_true(st.retired);
	assert_int_equal(st.gpr[EMU_RDI], MMIO + 8);
}

static void test_rep_bounds(void **state)
{
	(void)state;
	START(64, "\xf3\xaa");
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = EMU_REP_MAX + 1;
	assert_int_equal(step(), EMU_DONE);
	assert_false(st.retired);
	assert_true(st.iterated);
	assert_int_equal(st.gpr[EMU_RCX], 1);
	expect_done(CODE + 2);

	START(64, "\xf3\xaa");
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = 2;
	st.pg.rflags |= FLAG_TF; /* a trap after each iteration */
	assert_int_equal(step(), EMU_DONE);
	assert_false(st.retired);
	assert_true(st.iterated);
	expect_done(CODE + 2);

	START(16, "\xf3\xaa"); /* DI wraps within the segment */
	st.gpr[EMU_RDI] = 0x1ffff;
	st.gpr[EMU_RCX] = 0x10002;
	st.gpr[EMU_RAX] = 9;
	expect_done(CODE + 2);
	assert_int_equal(ram[0xffff], 9);
	assert_int_equal(ram[0], 9);
	assert_int_equal(st.gpr[EMU_RDI], 0x10001);
	assert_int_equal(st.gpr[EMU_RCX], 0x10000);
}

static void test_rep_fault(void **state)
{
	(void)state;
	START(32, "\xf3\xaa");
	st.seg[EMU_ES].limit = 0x2001;
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = 5;
	assert_int_equal(step(), EMU_FAULT);
	assert_int_equal(st.fault.vector, GP);
	assert_int_equal(st.gpr[EMU_RCX], 3); /* two iterations stand */
	assert_int_equal(st.gpr[EMU_RDI], 0x2002);
	assert_int_equal(st.rip, CODE);
	assert_true(st.iterated);
}

/* --- String I/O -------------------------------------------------------------------- */

static void test_ins(void **state)
{
	(void)state;
	START(64, "\xf3\x66\x6d"); /* rep insw, to the end of a page and on */
	st.gpr[EMU_RDX] = 0xabc01f0;
	st.gpr[EMU_RDI] = 0x2ffb;
	st.gpr[EMU_RCX] = 5;
	expect_pio(EMU_NEED_PIO_IN, 0x1f0, 2, 2);
	memcpy(io.pio.data, "abcd", 4);
	assert_int_equal(step(), EMU_DONE);
	assert_false(st.retired);
	assert_int_equal(st.gpr[EMU_RCX], 3);
	assert_memory_equal(ram + 0x2ffb, "abcd", 4);
	expect_pio(EMU_NEED_PIO_IN, 0x1f0, 2, 1); /* the item across the page */
	memcpy(io.pio.data, "ef", 2);
	assert_int_equal(step(), EMU_DONE);
	expect_pio(EMU_NEED_PIO_IN, 0x1f0, 2, 2);
	memcpy(io.pio.data, "ghij", 4);
	expect_done(CODE + 3);
	assert_memory_equal(ram + 0x2ffb, "abcdefghij", 10);
	assert_int_equal(st.gpr[EMU_RDI], 0x2ffb + 10);

	START(32, "\xf3\x6d"); /* at most 1024 bytes */
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = 1000;
	expect_pio(EMU_NEED_PIO_IN, 0, 4, 256);

	START(64, "\x48\x6d"); /* REX.W means nothing */
	st.gpr[EMU_RDI] = 0x2000;
	expect_pio(EMU_NEED_PIO_IN, 0, 4, 1);
	assert_int_equal(step(), EMU_DONE);
	assert_int_equal(st.gpr[EMU_RDI], 0x2004);
	assert_int_equal(st.gpr[EMU_RCX], 0);
}

static void test_ins_special(void **state)
{
	(void)state;
	START(64, "\xf3\x6c"); /* backwards: one by one */
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = 2;
	st.pg.rflags |= FLAG_DF;
	expect_pio(EMU_NEED_PIO_IN, 0, 1, 1);
	io.pio.data[0] = 'x';
	assert_int_equal(step(), EMU_DONE);
	assert_int_equal(st.gpr[EMU_RDI], 0x1fff);

	START(64, "\xf3\x6d"); /* to a device: one by one */
	st.gpr[EMU_RDI] = MMIO;
	st.gpr[EMU_RCX] = 2;
	expect_pio(EMU_NEED_PIO_IN, 0, 4, 1);
	memcpy(io.pio.data, "\1\2\3\4", 4);
	expect_write(MMIO, 4, 0x04030201);
	assert_int_equal(st.gpr[EMU_RCX], 1);
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
	expect_pio(EMU_NEED_PIO_IN, 0, 4, 1);

	START(32, "\xf3\x6c"); /* a fault is found before the port is read */
	st.seg[EMU_ES].limit = 0x2001;
	st.gpr[EMU_RDI] = 0x2001;
	st.gpr[EMU_RCX] = 3;
	expect_pio(EMU_NEED_PIO_IN, 0, 1, 1);
	io.pio.data[0] = 'x';
	assert_int_equal(step(), EMU_DONE);
	expect_fault(GP, 0);

	START(64, "\xf3\x6c"); /* an answer that no longer fits is not used */
	st.gpr[EMU_RDI] = 0x2000;
	st.gpr[EMU_RCX] = 8;
	expect_pio(EMU_NEED_PIO_IN, 0, 1, 8);
	st.gpr[EMU_RCX] = 4;
	expect_pio(EMU_NEED_PIO_IN, 0, 1, 4);
	st.insn[1] = 0x6d;
	expect_pio(EMU_NEED_PIO_IN, 0, 4, 4);

	START(16, "\xf3\x6c"); /* no batch goes round the end of a 16-bit address */
	st.seg[EMU_ES].base = 0xfffff008;
	st.gpr[EMU_RDI] = 0xfffe;
	st.gpr[EMU_RCX] = 9;
	expect_pio(EMU_NEED_PIO_IN, 0, 1, 2);
}

static void test_outs(void **state)
{
	(void)state;
	START(16, "\x2e\xf3\x6e"); /* rep outsb, from the code segment */
	st.seg[EMU_CS].base = 0;
	st.gpr[EMU_RDX] = 0x3f8;
	st.gpr[EMU_RSI] = 0x2000;
	st.gpr[EMU_RCX] = 5;
	memcpy(ram + 0x2000, "hello", 5);
	expect_pio(EMU_PIO_OUT, 0x3f8, 1, 5);
	assert_memory_equal(io.pio.data, "hello", 5);
	assert_true(st.retired);
	assert_int_equal(st.rip, CODE + 3);
	assert_int_equal(step(), EMU_DONE); /* "call again" does not run the next instruction */
	assert_int_equal(st.rip, CODE + 3);

	START(64, "\xf3\x6f"); /* from a device */
	st.gpr[EMU_RSI] = MMIO;
	st.gpr[EMU_RCX] = 2;
	expect_read(MMIO, 4);
	answer(0x55);
	expect_pio(EMU_PIO_OUT, 0, 4, 1);
	assert_int_equal(io.pio.data[0], 0x55);
	assert_false(st.retired);
	assert_int_equal(st.gpr[EMU_RCX], 1);

	START(64, "\xf3\x6e");
	expect_done(CODE + 2); /* count zero: nothing to ask */
}

/* --- Anything -------------------------------------------------------------------------- */

static u64 seed = 0x9e3779b97f4a7c15ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void random_state(u8 mode)
{
	static const u8 starts[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x0f, 0x48, 0xff, 0xa5, 0x6d};

	memset(&st, 0, sizeof(st));
	st.gpr = gpr;
	emu_io_reset(&io);
	for (u32 i = 0; i < EMU_GPRS; i++)
		st.gpr[i] = rnd() & 1 ? rnd() : rnd() % (RAM_SIZE + 0x2000);
	st.mode = mode;
	st.cpl = rnd() & 3;
	st.rip = rnd() & 7 ? rnd() % RAM_SIZE : rnd();
	for (u32 i = 0; i < EMU_SREGS; i++)
		st.seg[i] = (struct emu_seg){rnd() & 1 ? rnd() : 0, (u32)rnd() | 0xffff,
					     (u32)rnd() & 0x1ffff};
	st.pg.cr0 = rnd() & 0xe0050011;
	st.pg.cr3 = rnd() % RAM_SIZE;
	st.pg.cr4 = rnd();
	st.pg.efer = mode == 64 ? rnd() | 0x400 : rnd();
	st.pg.rflags = rnd();
	st.pg.maxphyaddr = (u8)(32 + rnd() % 21);
	st.hint_valid = rnd() & 1;
	st.hint_write = rnd() & 1;
	st.hint_mmio = rnd() & 1;
	st.hint_gva = gva(rnd() % RAM_SIZE);
	st.hint_gpa = gpa(rnd() % RAM_SIZE);
	st.insn_len = rnd() & 1 ? (u8)(rnd() % 16) : 0;
	for (u32 i = 0; i < EMU_INSN_MAX; i++)
		st.insn[i] = (u8)rnd();
	if (rnd() & 1)
		st.insn[0] = starts[rnd() % sizeof(starts)];
}

static void test_anything(void **state)
{
	static const u8 modes[] = {16, 32, 64};
	u32 results[EMU_UNHANDLEABLE + 1] = {0};

	(void)state;
	for (u32 i = 0; i < RAM_SIZE; i++)
		ram[i] = (u8)rnd();
	for (u32 i = 0; i < 300000; i++) {
		random_state(modes[i % 3]);
		lose_races = !(rnd() & 7);
		absent = rnd() & 7 ? ~0ull : rnd() % RAM_SIZE & ~0xfffull;
		for (u32 calls = 0; calls < 8; calls++) {
			enum emu_result r = step();

			assert_in_range(r, EMU_DONE, EMU_UNHANDLEABLE);
			results[r]++;
			assert_true(st.insn_len <= EMU_INSN_MAX);
			if (r == EMU_NEED_MMIO_READ || r == EMU_MMIO_WRITE) {
				assert_in_range(io.mmio.len, 1, 8);
				assert_true((io.mmio.gpa.v & 0xfff) + io.mmio.len <= 0x1000);
			} else if (r == EMU_NEED_PIO_IN || r == EMU_PIO_OUT) {
				assert_in_range(io.pio.count * io.pio.size, 1, EMU_PIO_MAX);
			} else {
				break;
			}
		}
	}
	for (u32 r = 0; r <= EMU_UNHANDLEABLE; r++)
		assert_true(results[r] > 100); /* the test reaches every outcome */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mmio_read),
		cmocka_unit_test(test_mmio_write),
		cmocka_unit_test(test_read_modify_write),
		cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_prefix_order),
		cmocka_unit_test(test_cmpxchg_writes_always),
		cmocka_unit_test(test_changed_answers),
		cmocka_unit_test(test_two_device_operands),
		cmocka_unit_test(test_rom),
		cmocka_unit_test(test_hint),
		cmocka_unit_test(test_quick),
		cmocka_unit_test(test_lost_race),
		cmocka_unit_test(test_rep_from_device),
		cmocka_unit_test(test_rep_to_device),
		cmocka_unit_test(test_rep_bounds),
		cmocka_unit_test(test_rep_fault),
		cmocka_unit_test(test_ins),
		cmocka_unit_test(test_ins_special),
		cmocka_unit_test(test_outs),
		cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
