/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/emulate_fixture.c tests/unit/fake_vector.c hv/kvm/emulate/emulate.c
 * hv/kvm/emulate/decode.c hv/kvm/emulate/optable.c hv/kvm/emulate/access.c
 * hv/kvm/emulate/execute.c hv/kvm/emulate/strop.c hv/kvm/emulate/alu.c
 * hv/kvm/emulate/operand.c hv/kvm/emulate/stack.c hv/kvm/emulate/vector.c
 * hv/kvm/emulate/quick.c hv/kvm/gva.c */
/* The emulator meets pages that have to be supplied first: nothing is done twice, and what a
 * device has answered is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "emulate_fixture.h"

#define PAGE 0x4000u

static void expect_wanted(void)
{
	u64 before[EMU_GPRS], rip = st.rip;

	memcpy(before, gpr, sizeof(gpr));
	assert_int_equal(step(), EMU_PAGE_WANTED);
	assert_memory_equal(gpr, before, sizeof(gpr));
	assert_int_equal(st.rip, rip);
	assert_false(st.retired);
	absent = ~0ull;
}

static void test_fetch(void **state)
{
	(void)state;
	START(32, "\x89\x03"); /* mov [ebx], eax */
	st.gpr[EMU_RBX] = MMIO;
	st.gpr[EMU_RAX] = 0x1234;
	absent = CODE;
	expect_wanted();
	expect_write(MMIO, 4, 0x1234);
}

/* A device's answer, and then nowhere to put it: it is not asked again. */
static void test_answer_is_kept(void **state)
{
	u32 value;

	(void)state;
	START(32, "\xa5"); /* movsd */
	st.gpr[EMU_RSI] = MMIO;
	st.gpr[EMU_RDI] = PAGE;
	absent = PAGE;
	expect_read(MMIO, 4);
	answer(0x55667788);
	assert_int_equal(step(), EMU_PAGE_WANTED);
	assert_int_equal(io.reads, 1);
	absent = ~0ull;
	expect_done(CODE + 1);
	memcpy(&value, ram + PAGE, 4);
	assert_int_equal(value, 0x55667788);
	assert_int_equal(st.gpr[EMU_RSI], MMIO + 4);
}

/* In the midst of a string: the iterations before are final, those after come later. */
static void test_string(void **state)
{
	(void)state;
	START(32, "\xf3\xaa"); /* rep stosb */
	st.gpr[EMU_RCX] = 8;
	st.gpr[EMU_RDI] = PAGE - 3;
	st.gpr[EMU_RAX] = 0x77;
	absent = PAGE;
	assert_int_equal(step(), EMU_PAGE_WANTED);
	assert_int_equal(st.gpr[EMU_RCX], 5);
	assert_int_equal(st.gpr[EMU_RDI], PAGE);
	assert_true(st.iterated && !st.retired);
	absent = ~0ull;
	expect_done(CODE + 2);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(ram[PAGE - 3 + i], 0x77);
	assert_int_equal(ram[PAGE + 5], 0);
}

/* Across two pages: neither is written before both can be. */
static void test_crossing(void **state)
{
	(void)state;
	START(32, "\x01\x03"); /* add [ebx], eax */
	st.gpr[EMU_RBX] = PAGE - 2;
	st.gpr[EMU_RAX] = 0x01010101;
	memset(ram + PAGE - 2, 1, 4);
	absent = PAGE;
	expect_wanted();
	assert_int_equal(ram[PAGE - 1], 1);
	expect_done(CODE + 2);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(ram[PAGE - 2 + i], 2);
}

static void test_locked(void **state)
{
	(void)state;
	START(32, "\xf0\xff\x03"); /* lock inc dword [ebx] */
	st.gpr[EMU_RBX] = PAGE;
	absent = PAGE;
	expect_wanted();
	expect_done(CODE + 3);
	assert_int_equal(ram[PAGE], 1);
}

/* String input: what came from the port waits until there is memory for it. */
static void test_input(void **state)
{
	(void)state;
	START(32, "\x6c"); /* insb */
	st.gpr[EMU_RDX] = 0x60;
	st.gpr[EMU_RDI] = PAGE;
	absent = PAGE;
	expect_wanted(); /* before the port is read */
	expect_pio(EMU_NEED_PIO_IN, 0x60, 1, 1);
	io.pio.data[0] = 0x42;
	absent = PAGE;
	expect_wanted();
	assert_true(io.pio_answered);
	expect_done(CODE + 1);
	assert_int_equal(ram[PAGE], 0x42);
}

/* A page table that is not there is not a page fault. */
static void test_page_table(void **state)
{
	u32 entry = 0x5000 | 7, leaf = PAGE | 7;

	(void)state;
	START(32, "\x89\x03"); /* mov [ebx], eax */
	st.pg.cr0 |= BIT(31);
	st.pg.cr3 = 0x6000;
	st.gpr[EMU_RBX] = 0x2000;
	memcpy(ram + 0x6000, &entry, 4);
	memcpy(ram + 0x5000 + 4 * (CODE >> 12), (u32[]){CODE | 7}, 4);
	memcpy(ram + 0x5000 + 4 * 2, &leaf, 4);
	absent = 0x5000;
	expect_wanted();
	expect_done(CODE + 2);
	memcpy(&leaf, ram + 0x5000 + 4 * 2, 4);
	assert_int_equal(leaf, PAGE | 0x67); /* accessed and dirty */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch),      cmocka_unit_test(test_answer_is_kept),
		cmocka_unit_test(test_string),     cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_locked),     cmocka_unit_test(test_input),
		cmocka_unit_test(test_page_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
