/* SPDX-License-Identifier: MIT */
/* sources: hv/abi/control_port.c */
/* Ports of the control guest's that kvm0 answers, at any width. */
#include "fake.h"

#include <string.h>

#include "abi/control_port.h"
#include "abi/power.h"
#include "cpu/io.h"

#define FIRST 0x3f8
#define NOT   0x2f8

static u8 registers[8]; /* of the ports that are answered */
static u8 machine[0x10000];
static bool trapped[0x10000];
static u32 skipped, faults;

u8 io_in8(u16 port)
{
	return machine[port];
}

void io_out8(u16 port, u8 v)
{
	machine[port] = v;
}

void vmx_trap_port(u16 port)
{
	trapped[port] = true;
}

void vmx_skip_instruction(void)
{
	skipped++;
}

bool vmx_queue_exception(struct vmx_vcpu *v, u8 vector, u32 error)
{
	(void)v;
	assert_int_equal(vector, VECTOR_GP);
	assert_int_equal(error, 0);
	faults++;
	return true;
}

void power_control_stopped(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	__builtin_unreachable();
}

static u8 in(u16 offset)
{
	return registers[offset];
}

static void out(u16 offset, u8 v)
{
	registers[offset] = v;
}

static bool access(u16 port, u8 size, bool is_in, struct vmx_vcpu *v)
{
	struct vmx_exit exit = {.io = {.port = port, .size = size, .in = is_in}};

	return control_port(v, &exit);
}

static int setup(void **state)
{
	static const struct control_ports answered = {FIRST, 8, in, out};
	static const struct control_ports absent = {.first = NOT, .count = 8};

	control_ports_add(&answered);
	control_ports_add(&absent);
	return fake_reset(state);
}

static void test_trapped(void **state)
{
	(void)state;
	for (u32 i = 0; i < 0x10000; i++)
		assert_int_equal(trapped[i], (i & ~7u) == FIRST || (i & ~7u) == NOT);
}

static void test_width(void **state)
{
	struct vmx_vcpu v = {.gpr = {[GPR_RAX] = 0x1122334455667788}};

	(void)state;
	skipped = 0;
	for (u8 i = 0; i < 8; i++)
		registers[i] = (u8)(0xa0 + i);
	assert_true(access(FIRST + 5, 1, true, &v));
	assert_int_equal(v.gpr[GPR_RAX], 0x11223344556677a5);
	assert_true(access(FIRST + 1, 2, true, &v));
	assert_int_equal(v.gpr[GPR_RAX], 0x112233445566a2a1);
	assert_true(access(FIRST + 4, 4, true, &v));
	assert_int_equal(v.gpr[GPR_RAX], 0xa7a6a5a4);
	v.gpr[GPR_RAX] = 0x99887766;
	assert_true(access(FIRST, 4, false, &v));
	assert_memory_equal(registers, "\x66\x77\x88\x99\xa4", 5);
	assert_int_equal(skipped, 4);
}

/* An access that begins or ends beside the range touches the machine there. */
static void test_border(void **state)
{
	struct vmx_vcpu v = {.gpr = {[GPR_RAX] = 0x44332211}};

	(void)state;
	memset(machine, 0xee, sizeof(machine));
	assert_true(access(FIRST - 2, 4, false, &v));
	assert_int_equal(machine[FIRST - 2], 0x11);
	assert_int_equal(machine[FIRST - 1], 0x22);
	assert_int_equal(registers[0], 0x33);
	assert_int_equal(registers[1], 0x44);
	assert_true(access(FIRST + 7, 2, false, &v));
	assert_int_equal(registers[7], 0x11);
	assert_int_equal(machine[FIRST + 8], 0x22);
	assert_int_equal(machine[FIRST + 7], 0xee);
	assert_true(access(FIRST - 1, 2, true, &v));
	assert_int_equal(v.gpr[GPR_RAX] & 0xffff, 0x3322);
	assert_false(access(FIRST - 1, 1, false, &v));
	assert_false(access(FIRST + 8, 1, false, &v));
	assert_false(access(0xffff, 4, true, &v));
}

static void test_absent(void **state)
{
	struct vmx_vcpu v = {.gpr = {[GPR_RAX] = 0}};

	(void)state;
	assert_true(access(NOT, 4, true, &v));
	assert_int_equal(v.gpr[GPR_RAX], 0xffffffff);
	machine[NOT] = 0;
	assert_true(access(NOT, 1, false, &v));
	assert_int_equal(machine[NOT], 0);
}

static void test_string(void **state)
{
	struct vmx_vcpu v = {.gpr = {[GPR_RAX] = 0}};
	struct vmx_exit exit = {.io = {.port = FIRST, .size = 1, .string = true}};

	(void)state;
	skipped = faults = 0;
	assert_true(control_port(&v, &exit));
	assert_int_equal(faults, 1);
	assert_int_equal(skipped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trapped), cmocka_unit_test(test_width),
		cmocka_unit_test(test_border),  cmocka_unit_test(test_absent),
		cmocka_unit_test(test_string),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
