/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator: moves of vector registers, to devices and where they are faults.
 * What they do with memory is compared with a real CPU in test_emulate_cpu.c.
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

#define CR0_EM     0x4ull
#define CR0_TS     0x8ull
#define CR4_FXSR   0x200ull
#define CR4_XSAVE  0x40000ull
#define NM         7
#define MF         16
#define MOVUPS     "\x0f\x11\x0b"         /* movups [rbx], xmm1 */
#define MOVAPS_OUT "\x0f\x29\x0b"         /* movaps [rbx], xmm1 */
#define VMOVUPS    "\xc5\xfc\x11\x0b"     /* vmovups [rbx], ymm1 */
#define MOVQ_MM    "\x0f\x7f\x0b"         /* movq [rbx], mm1 */
#define VMOVDQA_IN "\xc4\x41\x7d\x6f\x0b" /* vmovdqa ymm9, [r11] */

static int reset(void **state)
{
	(void)state;
	for (u32 i = 0; i < sizeof(ymm); i++)
		ymm[i / 32][i % 32] = (u8)i;
	mm[1] = 0x1716151413121110;
	xcr0 = 7;
	fsw = 0;
	return 0;
}

static void enabled(u8 mode, const char *code, u32 len, u64 rbx)
{
	start(mode, code, len);
	st.gpr[EMU_RBX] = st.gpr[11] = rbx;
	st.pg.cr0 |= 1;
	st.pg.cr4 |= CR4_FXSR | CR4_XSAVE;
}
#define ENABLED(mode, code, rbx) enabled(mode, code, sizeof(code) - 1, rbx)

/* The rest of the instruction's writes: pieces of 8 bytes of register 1. */
static void expect_pieces(u64 at, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		u64 v;

		memcpy(&v, ymm[1] + i * 8, 8);
		if (i == 0)
			expect_write(at, 8, v);
		else
			assert_int_equal(emulate_next_write(&io), EMU_MMIO_WRITE);
		check_write(at + i * 8, 8, v);
	}
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
}

static void test_store(void **state)
{
	(void)state;
	ENABLED(64, MOVUPS, MMIO);
	expect_pieces(MMIO, 2);
	ENABLED(64, VMOVUPS, MMIO + 4); /* need not be aligned */
	expect_pieces(MMIO + 4, 4);
	ENABLED(32, VMOVUPS, MMIO);
	expect_pieces(MMIO, 4);
	ENABLED(64, VMOVUPS, MMIO + 0xff4); /* over the end of a page: 8, 4; 8, 8, 4 */
	expect_write(MMIO + 0xff4, 8, 0x2726252423222120);
	assert_int_equal(emulate_next_write(&io), EMU_MMIO_WRITE);
	check_write(MMIO + 0xffc, 4, 0x2b2a2928);
	assert_int_equal(emulate_next_write(&io), EMU_MMIO_WRITE);
	check_write(MMIO + 0x1000, 8, 0x333231302f2e2d2c);
	assert_int_equal(emulate_next_write(&io), EMU_MMIO_WRITE);
	assert_int_equal(emulate_next_write(&io), EMU_MMIO_WRITE);
	check_write(MMIO + 0x1010, 4, 0x3f3e3d3c);
	assert_int_equal(emulate_next_write(&io), EMU_DONE);
	ENABLED(64, MOVQ_MM, MMIO);
	expect_write(MMIO, 8, mm[1]);
}

static void test_load(void **state)
{
	(void)state;
	ENABLED(64, VMOVDQA_IN, MMIO);
	for (u64 i = 0; i < 4; i++) {
		expect_read(MMIO + i * 8, 8);
		answer(i);
		assert_int_equal(ymm[9][0], 0x20); /* as it was, to the end */
	}
	expect_done(CODE + 5);
	for (u64 i = 0; i < 4; i++)
		assert_int_equal(ymm[9][i * 8], i);
	ENABLED(64, "\xf3\x0f\x10\x0b", MMIO); /* movss xmm1, [rbx] clears the rest */
	expect_read(MMIO, 4);
	answer(0x11223344);
	expect_done(CODE + 4);
	assert_int_equal(ymm[1][3], 0x11);
	assert_int_equal(ymm[1][4] | ymm[1][15], 0);
	assert_int_equal(ymm[1][16], 0x30);
	ENABLED(64, "\xc5\xf8\x10\x13", MMIO); /* vmovups xmm2, [rbx] clears the upper half */
	expect_read(MMIO, 8);
	answer(~0ull);
	expect_read(MMIO + 8, 8);
	answer(~0ull);
	expect_done(CODE + 4);
	assert_int_equal(ymm[2][15], 0xff);
	assert_int_equal(ymm[2][16], 0);
}

static void test_disabled(void **state)
{
	(void)state;
	ENABLED(64, MOVUPS, 0x2000);
	st.pg.cr4 &= ~CR4_FXSR;
	expect_fault(UD, 0);
	ENABLED(64, MOVUPS, 0x2000);
	st.pg.cr0 |= CR0_EM | CR0_TS;
	expect_fault(UD, 0);
	st.pg.cr0 &= ~CR0_EM;
	expect_fault(NM, 0);
	ENABLED(64, VMOVUPS, 0x2000); /* does not look at EM and OSFXSR */
	st.pg.cr4 &= ~CR4_FXSR;
	st.pg.cr0 |= CR0_EM;
	expect_done(CODE + 4);
	st.rip = CODE;
	st.pg.cr4 &= ~CR4_XSAVE;
	expect_fault(UD, 0);
	ENABLED(64, VMOVUPS, 0x2000);
	xcr0 = 3;
	expect_fault(UD, 0);
	xcr0 = 7;
	ENABLED(16, VMOVUPS, 0x2000); /* in real mode */
	st.pg.cr0 = 0;
	expect_fault(UD, 0);
	ENABLED(16, VMOVUPS, 0x2000);
	st.pg.rflags |= FLAG_VM;
	expect_fault(UD, 0);
	ENABLED(64, MOVQ_MM, 0x2000);
	st.pg.cr4 &= ~CR4_FXSR;
	expect_done(CODE + 3);
	st.rip = CODE;
	fsw = 0x80; /* a fault of the x87 unit is pending */
	expect_fault(MF, 0);
}

static void test_encoding(void **state)
{
	(void)state;
	ENABLED(64, MOVAPS_OUT, MMIO + 8);
	expect_fault(GP, 0);
	ENABLED(64, "\x0f\x29\x0c\x24", 0); /* also by the stack segment */
	st.gpr[EMU_RSP] = MMIO + 8;
	expect_fault(GP, 0);
	ENABLED(64, "\xc5\x7d\x6f\x0b", MMIO + 16); /* 32 bytes want multiples of 32 */
	expect_fault(GP, 0);
	ENABLED(64, "\xf0\x0f\x11\x0b", MMIO);
	expect_fault(UD, 0);
	ENABLED(64, "\x66\xc5\xfc\x11\x0b", MMIO); /* VEX and what it replaces */
	expect_fault(UD, 0);
	ENABLED(64, "\x48\xc5\xfc\x11\x0b", MMIO);
	expect_fault(UD, 0);
	ENABLED(64, "\xc5\xf4\x11\x0b", MMIO); /* a third operand */
	expect_fault(UD, 0);
	ENABLED(32, "\xc5\x0b", MMIO); /* LDS */
	assert_int_equal(step(), EMU_UNHANDLEABLE);
	ENABLED(64, "\xc5\xf8\x7f\x0b", MMIO); /* MMX has no VEX form */
	assert_int_equal(step(), EMU_UNHANDLEABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_store, reset),
		cmocka_unit_test_setup(test_load, reset),
		cmocka_unit_test_setup(test_disabled, reset),
		cmocka_unit_test_setup(test_encoding, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
