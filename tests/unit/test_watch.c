/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/vmx/watch.c hv/lib/printf.c */
/* Entries and exits that are watched, on a VMCS that is made up: which events there are, in which
 * order, and where the ticks go. */
#include "fake.h"

#include <string.h>

#include "core/page.h"
#include "core/trace.h"
#include "vmx/caps.h"
#include "vmx/mitigate.h"
#include "vmx/watch.h"

#define RIP 0x1000u

u32 trace_mask;
struct vmx_config vmx_config;

static struct {
	u32 type, what;
	u64 data[4];
} events[16];
static u32 event_count;

static u64 exit_reason, qualification;
static u32 enter_result; /* of vmx_enter() */

void trace_write(u32 type, u32 vm, u32 vcpu, u32 what, u64 a, u64 b, u64 c, u64 d)
{
	assert_true(event_count < ARRAY_SIZE(events));
	assert_int_equal(vm, 3);
	assert_int_equal(vcpu, 1);
	events[event_count].type = type;
	events[event_count].what = what;
	memcpy(events[event_count++].data, (u64[]){a, b, c, d}, sizeof(u64[4]));
}

u64 vmcs_read_any(u64 field)
{
	switch (field) {
	case VMCS_EXIT_REASON:
		return exit_reason;
	case VMCS_EXIT_QUALIFICATION:
		return qualification;
	case VMCS_GUEST_RIP:
		return RIP;
	case VMCS_GUEST_PHYSICAL_ADDRESS:
		return 0xfee00000;
	default:
		return 0;
	}
}

void vmcs_write_any(u64 field, u64 value)
{
	fail_msg("field %llx is written: %llx", field, value);
}

u32 mitigate_enter(struct vmx_vcpu *v)
{
	(void)v;
	return enter_result;
}

static struct vmx_vcpu v;

/* An entry that exits for @reason: so many events. */
static u32 enter(u64 reason)
{
	event_count = 0;
	exit_reason = reason;
	assert_int_equal(watch_enter(&v), enter_result);
	return event_count;
}

static int setup(void **state)
{
	(void)state;
	memset(&v, 0, sizeof(v));
	v.watch.vm = 3;
	v.watch.index = 1;
	enter_result = 0;
	trace_mask = (1u << KVM0_TRACE_TYPES) - 1;
	watch_begin_run(&v);
	return 0;
}

static void expect(u32 n, u32 type, u32 what, u64 a, u64 b)
{
	assert_true(n < event_count);
	assert_int_equal(events[n].type, type);
	assert_int_equal(events[n].what, what);
	assert_int_equal(events[n].data[0], a);
	assert_int_equal(events[n].data[1], b);
}

/* What CPUID gives is told before the next entry; so is an MSR, and that the guest gets #GP. */
static void test_instructions(void **state)
{
	(void)state;
	v.gpr[GPR_RAX] = 0x1234;
	v.gpr[GPR_RCX] = 7;
	qualification = 5;
	assert_int_equal(enter(EXIT_CPUID), 2);
	expect(0, KVM0_TRACE_ENTRY, 0, RIP, 0);
	expect(1, KVM0_TRACE_EXIT, EXIT_CPUID, 5, RIP);
	v.gpr[GPR_RAX] = 1;
	v.gpr[GPR_RBX] = 2;
	v.gpr[GPR_RCX] = 0x1b;
	assert_int_equal(enter(EXIT_WRMSR), 3);
	expect(0, KVM0_TRACE_CPUID, 0x1234, 7, 1 | 2ull << 32);
	v.event = INTR_VALID | INTR_TYPE_HARD_EXC | VECTOR_GP;
	assert_int_equal(enter(EXIT_HLT), 4);
	expect(0, KVM0_TRACE_MSR, 0x1b, 1, KVM0_TRACE_WRITE | KVM0_TRACE_FAULT);
	expect(1, KVM0_TRACE_INJECT, v.event, RIP, 0);
	v.event = 0;
	assert_int_equal(enter(EXIT_HLT), 2);
}

static void test_ports(void **state)
{
	(void)state;
	v.gpr[GPR_RAX] = 0x11223344;
	qualification = 0x3f8ull << 16 | BIT(3) | 1; /* IN, two bytes */
	enter(EXIT_IO);
	v.gpr[GPR_RAX] = 0x55667788;
	qualification = 0x80ull << 16; /* OUT, one */
	enter(EXIT_IO);
	expect(0, KVM0_TRACE_PIO, 2, 0x3f8, 0x7788);
	v.gpr[GPR_RAX] = 0;
	enter(EXIT_HLT);
	expect(0, KVM0_TRACE_PIO, 1 | KVM0_TRACE_WRITE, 0x80, 0x88);
}

static void test_memory(void **state)
{
	(void)state;
	qualification = 0x182;
	assert_int_equal(enter(EXIT_EPT_VIOLATION), 3);
	expect(2, KVM0_TRACE_EPT, 0x182, 0xfee00000, 0);
}

static void test_kicked(void **state)
{
	(void)state;
	enter_result = 2;
	assert_int_equal(enter(EXIT_CPUID), 2);
	expect(1, KVM0_TRACE_EXIT, KVM0_TRACE_NOT_ENTERED, 0, 0);
	enter_result = 0;
	assert_int_equal(enter(EXIT_HLT), 2);
}

/* One that is no longer watched is so no more, and forgets what it was to tell. */
static void test_off(void **state)
{
	(void)state;
	enter(EXIT_CPUID);
	trace_mask = 0;
	assert_int_equal(enter(EXIT_CPUID), 0);
	assert_int_equal(v.detour, 0);
	trace_mask = 1u << KVM0_TRACE_CPUID | 1u << KVM0_TRACE_SLOT;
	assert_int_equal(enter(EXIT_HLT), 0); /* until its next run */
	watch_begin_run(&v);
	assert_int_equal(enter(EXIT_HLT), 0);
	trace_mask = 1u << KVM0_TRACE_SLOT; /* which is not seen to here */
	v.detour = 0;
	watch_begin_run(&v);
	assert_int_equal(v.detour, 0);
}

static void test_ticks(void **state)
{
	(void)state;
	trace_mask = TRACE_EXIT_TICKS;
	watch_begin_run(&v);
	assert_non_null(v.watch.ticks);
	assert_int_equal(enter(EXIT_CPUID), 0);
	assert_true(v.watch.ticks->guest > 0 && v.watch.since);
	assert_int_equal(v.watch.ticks->exit[EXIT_CPUID], 0);
	enter(EXIT_IO);
	assert_true(v.watch.ticks->exit[EXIT_CPUID] > 0);
	assert_int_equal(v.watch.ticks->exit[EXIT_IO], 0);
	vmx_end_run(&v);
	assert_true(v.watch.ticks->exit[EXIT_IO] > 0);
	assert_int_equal(v.watch.since, 0);
	object_free(v.watch.ticks, sizeof(*v.watch.ticks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_instructions, setup),
		cmocka_unit_test_setup(test_ports, setup),
		cmocka_unit_test_setup(test_memory, setup),
		cmocka_unit_test_setup(test_kicked, setup),
		cmocka_unit_test_setup(test_off, setup),
		cmocka_unit_test_setup(test_ticks, setup),
	};

	return cmocka_run_group_tests(tests, fake_reset, fake_check_leaks);
}
