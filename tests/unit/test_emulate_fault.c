/* SPDX-License-Identifier: MIT */
/* The instruction emulator: faults, and what paging and the stack have to do with them. */
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

/* --- Faults ------------------------------------------------------------------------- */

static void test_lock(void **state)
{
	static const char *const bad[] = {
		"\xf0\x8b\x03",     "\xf0\x89\x03",     "\xf0\x38\x03", "\xf0\x03\x03",
		"\xf0\x85\x03",     "\xf0\x0f\xa3\x03", "\xf0\x83\x3b", "\xf0\xff\x33",
		"\xf0\xff\x13",     "\xf0\xf6\x03\x01", "\xf0\xa4",     "\xf0\x01\xc3",
		"\xf0\x0f\xb1\xc3", "\xf0\x87\xc3",     "\xf0\x8f\x03", "\xf0\x0f\xba\x23\x01",
	};
	static const char *const good[] = {
		"\xf0\x01\x03",     "\xf0\x80\x0b\x01",     "\xf0\x0f\xb1\x03", "\xf0\x0f\xc0\x03",
		"\xf0\xf7\x13",     "\xf0\xf6\x1b",         "\xf0\xff\x03",     "\xf0\xfe\x0b",
		"\xf0\x0f\xab\x03", "\xf0\x0f\xba\x3b\x01", "\xf0\x87\x03",
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		start(64, bad[i], (u32)strlen(bad[i]));
		st.gpr[EMU_RBX] = 0x2000;
		expect_fault(UD, 0);
	}
	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		start(64, good[i], (u32)strlen(good[i]));
		st.gpr[EMU_RBX] = 0x2000;
		expect_done(CODE + strlen(good[i]));
	}
}

static void test_undefined(void **state)
{
	(void)state;
	START(64, "\x0f\xc3\xc3"); /* movnti with a register */
	expect_fault(UD, 0);
	START(64, "\x66\x0f\xc3\x03");
	expect_fault(UD, 0);
	START(64, "\x0f\x38\xf0\xc3"); /* movbe with a register */
	expect_fault(UD, 0);
	START(64, "\x82\x03\x01"); /* not in 64-bit mode */
	expect_fault(UD, 0);
	START(32, "\x82\x03\x01");
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(CODE + 3);
	START(16, "\x0f\xc3\x07"); /* 32 bits wide in 16-bit code too */
	st.gpr[EMU_RBX] = 0x2000;
	st.gpr[EMU_RAX] = 0x11223344;
	expect_done(CODE + 3);
	assert_int_equal(ram[0x2003], 0x11);
}

static void test_unhandleable(void **state)
{
	static const char *const unknown[] = {
		"\xd9\x03",         "\x0f\xae\x03",
		"\x0f\x38\x00\x03", "\xff\x1b",
		"\xfe\x13",         "\x0f\x58\x03",
		"\xc6\x0b\x01",     "\xf2\x0f\x38\xf0\x03",
		"\xf3\x0f\xc3",     "\x8f\x0b",
		"\x0f\x10\xc1",     "\x0f\xb8\x03",
		"\xc5\xf8\x58\x03", "\xc4\xe3\x79\x10\x03",
		"\x66\x0f\x6b\x03", "\xf3\x0f\x28\x03",
		"\xc5\xf8\x6f\x03",
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(unknown); i++) {
		start(64, unknown[i], (u32)strlen(unknown[i]));
		assert_int_equal(step(), EMU_UNHANDLEABLE);
		assert_int_equal(st.rip, CODE);
		assert_int_equal(st.insn_len, 15);
		assert_memory_equal(st.insn, unknown[i], strlen(unknown[i]));
	}
	START(32, "\x63\x03"); /* ARPL */
	assert_int_equal(step(), EMU_UNHANDLEABLE);
	START(64, "");
	st.rip = MMIO; /* code on a device */
	assert_int_equal(step(), EMU_UNHANDLEABLE);
}

static void test_length(void **state)
{
	(void)state;
	/* 15 bytes are an instruction, 16 are not. */
	START(64, "\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x89\x03");
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(CODE + 15);
	START(64, "\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x89\x03");
	st.gpr[EMU_RBX] = 0x2000;
	expect_fault(GP, 0);
	START(64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66");
	expect_fault(GP, 0);
}

static void test_fetch(void **state)
{
	(void)state;
	START(64, ""); /* across a page, the second page read only when it is needed */
	st.rip = 0xffe;
	memcpy(ram + 0xffe, "\x89\x43\x10", 3);
	st.gpr[EMU_RBX] = 0x2000;
	st.gpr[EMU_RAX] = 0x42;
	expect_done(0x1001);
	assert_int_equal(ram[0x2010], 0x42);
	START(64, "");
	st.rip = RAM_SIZE - 2;
	memcpy(ram + RAM_SIZE - 2, "\x89\x03", 2);
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(RAM_SIZE);
	START(64, "");
	st.rip = RAM_SIZE - 2;
	memcpy(ram + RAM_SIZE - 2, "\x89\x43", 2);
	assert_int_equal(step(), EMU_UNHANDLEABLE);

	START(32, "\x89\x43\x10");
	st.seg[EMU_CS].limit = CODE + 1;
	expect_fault(GP, 0);
	START(32, "\x89\x03");
	st.seg[EMU_CS].limit = CODE + 1;
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(CODE + 2);
	START(64, "\x89\x03");
	st.rip = 1ull << 47;
	expect_fault(GP, 0);

	START(64, ""); /* a page fault, on the fetch */
	st.pg.cr0 |= 1u << 31;
	st.pg.efer = 0xd00;
	st.pg.cr4 = 0x20;
	st.rip = 0x123456;
	st.cpl = 3;
	expect_fault(PF, 0x14);
	assert_int_equal(st.fault.cr2, 0x123456);
}

static void test_segments(void **state)
{
	(void)state;
	START(32, "\x8b\x03");
	st.seg[EMU_DS].limit = 0x2002;
	st.gpr[EMU_RBX] = 0x2000;
	expect_fault(GP, 0);
	st.seg[EMU_DS].limit = 0x2003;
	expect_done(CODE + 2);
	START(32, "\x8b\x45\x00"); /* by EBP: the stack segment */
	st.seg[EMU_SS].limit = 0x1000;
	st.gpr[EMU_RBP] = 0x2000;
	expect_fault(SS, 0);
	START(32, "\x3e\x8b\x45\x00"); /* overridden */
	st.seg[EMU_SS].limit = 0x1000;
	st.seg[EMU_DS].base = 0x100;
	st.gpr[EMU_RBP] = 0x2000;
	ram[0x2100] = 1;
	expect_done(CODE + 4);
	assert_int_equal(st.gpr[EMU_RAX], 1);
	START(32, "\x89\x03");
	st.seg[EMU_DS].ar = 0xc091; /* read-only */
	st.gpr[EMU_RBX] = 0x2000;
	expect_fault(GP, 0);
	START(32, "\x01\x03");
	st.seg[EMU_DS].ar = 0xc091;
	expect_fault(GP, 0);
	START(32, "\x2e\x89\x03"); /* code cannot be written */
	st.gpr[EMU_RBX] = 0x2000;
	expect_fault(GP, 0);
	st.pg.cr0 = 0; /* but in real mode it can */
	expect_done(CODE + 3);
	START(32, "\x2e\x8b\x03");
	st.seg[EMU_CS].ar = 0xc099; /* execute-only */
	expect_fault(GP, 0);
	START(32, "\x8b\x03");
	st.seg[EMU_DS].ar = 0x10000; /* null selector */
	expect_fault(GP, 0);
}

static void test_expand_down(void **state)
{
	(void)state;
	START(32, "\x8b\x03");
	st.seg[EMU_DS] = (struct emu_seg){0, 0x1fff, 0xc097};
	st.gpr[EMU_RBX] = 0x1fff;
	expect_fault(GP, 0);
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(CODE + 2);
	START(32, "\x8b\x03");
	st.seg[EMU_DS] = (struct emu_seg){0, 0x1fff, 0x8097}; /* 16-bit: up to 0xffff */
	st.gpr[EMU_RBX] = 0xfffd;
	expect_fault(GP, 0);
	st.gpr[EMU_RBX] = 0xfffc;
	expect_done(CODE + 2);
}

static void test_real_mode(void **state)
{
	(void)state;
	START(16, "\x8b\x07");
	st.pg.cr0 = 0;
	for (u32 i = 0; i < EMU_SREGS; i++)
		st.seg[i] = (struct emu_seg){i == EMU_DS ? 0x2000 : 0, 0xffff, 0x93};
	st.gpr[EMU_RBX] = 0xffff;
	expect_fault(GP, 0);
	st.gpr[EMU_RBX] = 0x12340010; /* upper half ignored */
	ram[0x2010] = 0x21;
	expect_done(CODE + 2);
	assert_int_equal(st.gpr[EMU_RAX], 0x21);
	START(16, "\x2e\x89\x07"); /* virtual-8086 mode is like it */
	st.pg.rflags |= FLAG_VM;
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(CODE + 3);
}

static void test_canonical(void **state)
{
	(void)state;
	START(64, "\x8b\x03");
	st.gpr[EMU_RBX] = 1ull << 47;
	expect_fault(GP, 0);
	st.gpr[EMU_RBX] = (1ull << 47) - 1; /* its last byte is not */
	expect_fault(GP, 0);
	START(64, "\x8b\x04\x24"); /* by RSP */
	st.gpr[EMU_RSP] = 1ull << 60;
	expect_fault(SS, 0);
	START(64, "\x65\x8b\x03"); /* the base counts */
	st.seg[EMU_GS].base = 1ull << 50;
	expect_fault(GP, 0);
	START(64, "\xff\x23"); /* jmp [rbx] to nowhere */
	st.gpr[EMU_RBX] = 0x2000;
	ram[0x2007] = 0x80;
	expect_fault(GP, 0);
	START(32, "\xff\x13"); /* call [ebx] beyond the limit: nothing pushed */
	st.gpr[EMU_RBX] = 0x2000;
	st.seg[EMU_CS].limit = 0xffff;
	ram[0x2002] = 1;
	expect_fault(GP, 0);
	assert_int_equal(ram[STACK - 4] | ram[STACK - 3], 0);
}

static void test_alignment(void **state)
{
	(void)state;
	START(64, "\x8b\x03");
	st.gpr[EMU_RBX] = 0x2002;
	st.cpl = 3;
	st.pg.cr0 |= 1u << 18;
	st.pg.rflags |= FLAG_AC;
	expect_fault(AC, 0);
	st.cpl = 0;
	expect_done(CODE + 2);
	START(64, "\xf3\x6c"); /* a batch of bytes is not misaligned */
	st.gpr[EMU_RDI] = 0x2001;
	st.gpr[EMU_RCX] = 4;
	st.cpl = 3;
	st.pg.cr0 |= 1u << 18;
	st.pg.rflags |= FLAG_AC;
	expect_pio(EMU_NEED_PIO_IN, 0, 1, 4);
}

/* --- Paging, from the instruction's side ----------------------------------------------- */

static void test_paging(void **state)
{
	static const u64 leaf[2] = {0x2000 | 0x67, 0x4000 | 0x65}; /* the second read-only */
	static const u64 upper = 0x6067, middle = 0x7067, lower = 0x9067, code = CODE | 0x67;

	(void)state;
	START(64, "\x01\x03"); /* add [rbx], eax */
	memcpy(ram + 0x5000, &upper, 8);
	memcpy(ram + 0x6000, &middle, 8);
	memcpy(ram + 0x7000, &lower, 8);
	memcpy(ram + 0x9000 + 8, &code, 8);
	memcpy(ram + 0x9000 + 2 * 8, leaf, 16);
	st.pg.cr0 |= 1u << 31 | 1u << 16;
	st.pg.cr3 = 0x5000;
	st.pg.cr4 = 0x20;
	st.pg.efer = 0x500;
	st.gpr[EMU_RBX] = 0x2ffc;
	st.gpr[EMU_RAX] = 0x11111111;
	expect_done(CODE + 2);
	st.rip = CODE;
	st.gpr[EMU_RBX] = 0x2ffe; /* across: the fault leaves the first page alone */
	expect_fault(PF, 3);
	assert_int_equal(st.fault.cr2, 0x3000);
	assert_int_equal(ram[0x2ffe], 0x11);
	st.mode = 32; /* the second page of an access across 4 GiB is the first of all */
	st.pg.efer = 0;
	st.pg.cr4 = 0;
	st.pg.cr3 = 0xa000;
	((u32 *)(void *)(ram + 0xa000))[0] = 0xb067;
	((u32 *)(void *)(ram + 0xa000))[1023] = 0xb067;
	((u32 *)(void *)(ram + 0xb000))[1] = CODE | 0x67;
	((u32 *)(void *)(ram + 0xb000))[1023] = 0x2067;
	st.seg[EMU_DS].base = 0xfffffffe - 0x2ffe;
	expect_fault(PF, 2);
	assert_int_equal(st.fault.cr2, 0);
	st.mode = 64;
	st.pg.efer = 0x500;
	st.pg.cr4 = 0x20;
	st.pg.cr3 = 0x5000;
	st.gpr[EMU_RBX] = 0x3000; /* a read that is to be written is checked as a write */
	st.cpl = 3;
	expect_fault(PF, 7);
	memcpy(ram + CODE, "\x8b\x03", 2); /* mov eax, [rbx] */
	emu_io_reset(&io);
	st.insn_len = 0;
	expect_done(CODE + 2);
}

/* --- Stack ------------------------------------------------------------------------------ */

static void test_stack(void **state)
{
	(void)state;
	START(16, "\xff\x37"); /* push word, 16-bit stack: wraps in its segment */
	st.seg[EMU_SS].ar = 0x8093;
	st.gpr[EMU_RSP] = 0x77770000;
	st.gpr[EMU_RBX] = 0x2000;
	ram[0x2000] = 0x99;
	expect_done(CODE + 2);
	assert_int_equal(st.gpr[EMU_RSP], 0x7777fffe);
	assert_int_equal(ram[0xfffe], 0x99);

	START(32, "\x8f\x04\x24"); /* pop [esp]: the address is that after the pop */
	ram[STACK] = 0x5a;
	expect_done(CODE + 3);
	assert_int_equal(ram[STACK + 4], 0x5a);
	assert_int_equal(st.gpr[EMU_RSP], STACK + 4);

	START(64, "\x66\xff\x33"); /* push word in 64-bit mode */
	st.gpr[EMU_RBX] = 0x2000;
	expect_done(CODE + 3);
	assert_int_equal(st.gpr[EMU_RSP], STACK - 2);

	START(64, "\xff\x13"); /* call [rbx] */
	st.gpr[EMU_RBX] = 0x2000;
	ram[0x2001] = 0x22;
	expect_done(0x2200);
	assert_int_equal(ram[STACK - 7], CODE >> 8);

	START(64, "\x8f\x03"); /* pop to a device */
	st.gpr[EMU_RBX] = MMIO;
	ram[STACK] = 0x5a;
	expect_write(MMIO, 8, 0x5a);
	assert_int_equal(st.gpr[EMU_RSP], STACK + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),         cmocka_unit_test(test_undefined),
		cmocka_unit_test(test_unhandleable), cmocka_unit_test(test_length),
		cmocka_unit_test(test_fetch),        cmocka_unit_test(test_segments),
		cmocka_unit_test(test_expand_down),  cmocka_unit_test(test_real_mode),
		cmocka_unit_test(test_canonical),    cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_paging),       cmocka_unit_test(test_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
