/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: arch/x86/cpu/bugs.c hv/core/params.c hv/lib/printf.c */
/* clang-format on */
/* What IA32_SPEC_CTRL and the commands against leaks see round the entries of guests, on CPUs that
 * are made up: mitigate.c with MSRs and entries that are noted. */
#include "fake.h"

#include <string.h>

#include "cpu/regs.h"
#include "vmx/mitigate.h"

static struct cpu_facts made_up;
static u64 spec_ctrl;
static char trace[64];   /* a letter for each thing that is done; for writes of IA32_SPEC_CTRL the
			    value */
static u64 guest_writes; /* what the guest leaves in IA32_SPEC_CTRL; ~0: what it finds */
static u64 seen_inside;  /* what it finds */

static void note(char what)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof(trace));
	trace[n] = what;
	trace[n + 1] = '\0';
}

static u64 fake_rdmsr(u32 msr)
{
	assert_int_equal(msr, MSR_SPEC_CTRL);
	return spec_ctrl;
}

static void fake_wrmsr(u32 msr, u64 value)
{
	if (msr == MSR_SPEC_CTRL) {
		spec_ctrl = value;
		note((char)('0' + value));
	} else {
		note(msr == MSR_FLUSH_CMD ? 'F' : 'P');
	}
}

static int fake_wrmsr_safe(u32 msr, u64 value)
{
	if (value & ~7ull)
		return -EIO;
	fake_wrmsr(msr, value);
	return 0;
}

#define rdmsr      fake_rdmsr
#define wrmsr      fake_wrmsr
#define wrmsr_safe fake_wrmsr_safe
#include "vmx/mitigate.c"

/* watch.c's: nothing is watched here. */
void watch_begin_run(struct vmx_vcpu *v)
{
	(void)v;
}

const char vmx_exit_point[1], vmx_exit_point_filling[1];

void vmx_open_spec_ctrl(struct vmx_vcpu *v)
{
	(void)v;
	note('o');
}

void cpu_facts_read(struct cpu_facts *f)
{
	*f = made_up;
}

u32 vmx_enter(struct vmx_vcpu *v, u32 how)
{
	(void)v;
	note(how & 0x80 ? 'V' : 'E');
	seen_inside = spec_ctrl;
	if (guest_writes != ~0ull)
		spec_ctrl = guest_writes;
	return 0;
}

#define PLAIN    (LEAF7_IBRS_IBPB | LEAF7_STIBP | LEAF7_SSBD)
#define ENHANCED (PLAIN | LEAF7_ARCH_CAP)

/* A CPU that does not leak from its level-1 cache joins as the first. */
static void join(u32 leaf7_edx, u64 arch_capabilities, u32 mitigations)
{
	made_up = (struct cpu_facts){.intel = true,
				     .family = 6,
				     .model = 0x55,
				     .leaf7_edx = leaf7_edx,
				     .arch_capabilities = arch_capabilities | ARCH_RDCL_NO};
	wanted = mitigations;
	spec_ctrl = 0;
	guest_writes = ~0ull;
	assert_true(mitigate_join(true));
}

static struct vmx_vcpu made(bool control)
{
	struct vmx_vcpu v = {.control = control};

	mitigate_init_vcpu(&v);
	return v;
}

/* As vmx_run() does. */
static const char *enter(struct vmx_vcpu *v)
{
	trace[0] = '\0';
	(void)(mitigate_is_needed(v) ? mitigate_enter(v) : vmx_enter(v, v->how));
	return trace;
}

/* Without the MSR, and with mitigations=off, nothing is done; nor is it asked for. */
static void costs_nothing(void **state)
{
	struct vmx_vcpu v;

	(void)state;
	join(0, 0, AUTO);
	v = made(false);
	assert_false(mitigate_is_needed(&v));
	assert_string_equal(enter(&v), "E");
	join(PLAIN, 0, OFF);
	assert_int_equal(spec_ctrl, 0);
	v = made(false);
	assert_false(mitigate_is_needed(&v));
	assert_string_equal(enter(&v), "E");
}

/* Enhanced IBRS is set once, and stays while guests that know nothing of it come and go. */
static void enhanced(void **state)
{
	struct vmx_vcpu v;

	(void)state;
	join(ENHANCED, ARCH_IBRS_ALL, AUTO);
	assert_int_equal(spec_ctrl, SPEC_CTRL_IBRS);
	v = made(false);
	assert_false(mitigate_is_needed(&v));
	assert_string_equal(enter(&v), "E");
	assert_int_equal(spec_ctrl, SPEC_CTRL_IBRS);
}

/* Plain IBRS is written after each exit, and is off in guests, the control guest too. */
static void plain(void **state)
{
	(void)state;
	join(PLAIN, 0, AUTO);
	assert_int_equal(spec_ctrl, SPEC_CTRL_IBRS);
	for (u32 control = 0; control < 2; control++) {
		struct vmx_vcpu v = made(control);

		for (u32 i = 0; i < 2; i++) {
			assert_string_equal(enter(&v), "0E1");
			assert_int_equal(seen_inside, 0);
		}
	}
}

/* One that has IBRS itself finds its value and keeps it; it is written all the same afterwards. */
static void native(void **state)
{
	struct vmx_vcpu v;
	u64 value;

	(void)state;
	join(PLAIN, 0, AUTO);
	v = made(false);
	trace[0] = '\0';
	assert_int_equal(mitigate_set_spec_ctrl(&v, 8), -EINVAL);
	assert_int_equal(mitigate_set_spec_ctrl(&v, 1), 0);
	assert_string_equal(trace, "11o");
	assert_string_equal(enter(&v), "E1");
	assert_int_equal(seen_inside, 1);
	guest_writes = 4;
	assert_string_equal(enter(&v), "E1");
	value = v.spec_ctrl;
	assert_int_equal(value, 4);
	guest_writes = ~0ull;
	assert_string_equal(enter(&v), "4E1");
	assert_int_equal(seen_inside, 4);
}

/* The same with enhanced IBRS, and where kvm0 has none of its own. */
static void native_elsewhere(void **state)
{
	struct vmx_vcpu v;

	(void)state;
	join(ENHANCED, ARCH_IBRS_ALL, AUTO);
	v = made(false);
	assert_int_equal(mitigate_set_spec_ctrl(&v, 1), 0);
	assert_string_equal(enter(&v), "E");
	guest_writes = 0;
	assert_string_equal(enter(&v), "E1");
	guest_writes = ~0ull;
	assert_string_equal(enter(&v), "0E1");
	join(PLAIN, 0, OFF);
	v = made(false);
	assert_int_equal(mitigate_set_spec_ctrl(&v, 2), 0);
	assert_string_equal(enter(&v), "2E0");
}

/* The cache is flushed before a guest's entry that follows something else, and never before the
 * control guest's; buffers as well. */
static void flushes(void **state)
{
	struct vmx_vcpu v, control;

	(void)state;
	join(LEAF7_L1D_FLUSH | LEAF7_MD_CLEAR, 0, AUTO);
	vmx_bugs.l1tf = true;
	choose_flush();
	v = made(false);
	control = made(true);
	mitigate_switch(&v);
	mitigate_switch(&control);
	assert_string_equal(enter(&v), "FV");
	assert_string_equal(enter(&v), "V");
	assert_string_equal(enter(&control), "E");
	assert_int_equal(parse_flush("always"), 0);
	mitigate_switch(&v);
	assert_string_equal(enter(&v), "FV");
	assert_string_equal(enter(&v), "FV");
	assert_int_equal(parse_flush("never"), 0);
	assert_string_equal(enter(&v), "V");
	mitigate_switch(&v);
	assert_string_equal(enter(&v), "V");
	assert_int_equal(parse_flush("auto"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_nothing),
		cmocka_unit_test(enhanced),
		cmocka_unit_test(plain),
		cmocka_unit_test(native),
		cmocka_unit_test(native_elsewhere),
		cmocka_unit_test(flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
