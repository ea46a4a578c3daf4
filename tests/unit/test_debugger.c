/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/debugger.c hv/kvm/breakpoints.c */
/* The debugger's INT3s in a guest's memory: hidden from who reads and writes it, wherever it is
 * mapped, and gone without a trace. */
#include "fake.h"

#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/memmap.h"
#include "kvm/debugger.h"
#include "kvm/mmu.h"
#include "kvm/vcpu_events.h"

#define PAGES 4u

struct memmap memmap;
static struct percpu cpu;
static struct vm vm = {.id = 1};
static struct vcpu vcpu = {.vm = &vm};
static u8 memory[PAGES * PAGE_SIZE];
static u64 maps[PAGES]; /* of linear page n: the physical one */
static u64 rip;

/* --- the guest --- */

int mmu_read(struct vcpu *c, gpa_t a, void *buf, u32 len)
{
	(void)c;
	assert_true(a.v + len <= sizeof(memory));
	assert_true(a.v / PAGE_SIZE == (a.v + len - 1) / PAGE_SIZE);
	memcpy(buf, memory + a.v, len);
	return GUEST_MEM_OK;
}

int mmu_write(struct vcpu *c, gpa_t a, const void *buf, u32 len)
{
	(void)c;
	assert_true(a.v + len <= sizeof(memory));
	if (a.v / PAGE_SIZE == PAGES - 1) /* a read-only slot */
		return EMU_MMIO;
	memcpy(memory + a.v, buf, len);
	return GUEST_MEM_OK;
}

bool vcpu_translate(struct vcpu *c, u64 linear, gpa_t *a)
{
	(void)c;
	if (linear / PAGE_SIZE >= PAGES)
		return false;
	*a = gpa(maps[linear / PAGE_SIZE] * PAGE_SIZE + linear % PAGE_SIZE);
	return true;
}

u64 vmx_linear_rip(void)
{
	return rip;
}

void vcpu_stop(struct vcpu *c)
{
	c->stopped = true;
}

void cpu_want(struct percpu *p, u32 what)
{
	p->wanted |= what;
}

u64 vmx_efer(void)
{
	return BIT(10); /* LMA */
}

u64 vmx_cr0(void)
{
	return 0;
}

u64 vmx_cr3(void)
{
	return 0;
}

u64 vmx_cr4(void)
{
	return 0;
}

/* --- not used here --- */

int memmap_type(const struct memmap *m, u64 base, u64 size)
{
	(void)m, (void)base, (void)size;
	return -ENOENT;
}

bool gva_to_gpa(const struct gva_paging *pg, const struct guest_mem *mem, gva_t gva, gpa_t *out)
{
	(void)pg, (void)mem, (void)gva, (void)out;
	return false;
}

void vmx_make_current(struct vmx_vcpu *v)
{
	(void)v;
}

u64 vmx_rflags(void)
{
	return 0;
}

void vmx_set_rflags(u64 value)
{
	(void)value;
}

void vmx_set_debugger(struct vmx_vcpu *v, u8 what, const u64 dr[4], u64 dr7)
{
	(void)v, (void)what, (void)dr, (void)dr7;
}

void vcpu_update_injection(struct vcpu *c)
{
	(void)c;
}

/* --- tests --- */

static int setup(void **state)
{
	(void)state;
	cpu.self = &cpu;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu), 0);
	for (u32 i = 0; i < sizeof(memory); i++)
		memory[i] = (u8)(i * 7);
	for (u32 i = 0; i < PAGES; i++)
		maps[i] = i;
	debugger_forget(&vm);
	return 0;
}

static int set(enum debugger_user user, u64 address)
{
	struct breakpoint b = {.user = (u8)user, .vm = 1, .address = address, .length = 1};

	return debugger_set(&vcpu.vmx, &b);
}

static void test_hidden(void **state)
{
	u8 was[16], seen[16], new[16] = "0123456789abcde";
	u64 at = PAGE_SIZE - 8; /* half in the next page, which is elsewhere */
	int first, second;

	(void)state;
	maps[1] = 2;
	assert_int_equal(debugger_access(&vcpu.vmx, at, was, sizeof(was), false), 0);
	first = set(DEBUGGER_GDB, at + 3);
	second = set(DEBUGGER_GDB, at + 12);
	assert_true(first >= 0 && second >= 0);
	assert_int_equal(memory[at + 3], BREAKPOINT_INT3_OP);
	assert_int_equal(memory[2 * PAGE_SIZE + 4], BREAKPOINT_INT3_OP);
	assert_int_equal(debugger_access(&vcpu.vmx, at, seen, sizeof(seen), false), 0);
	assert_memory_equal(seen, was, sizeof(was));
	assert_int_equal(debugger_access(&vcpu.vmx, at, new, sizeof(new), true), 0);
	assert_int_equal(memory[at + 3], BREAKPOINT_INT3_OP);
	assert_int_equal(memory[2 * PAGE_SIZE + 4], BREAKPOINT_INT3_OP);
	assert_int_equal(memory[at + 4], new[4]);
	debugger_clear(&vcpu.vmx, (u32)first);
	debugger_clear(&vcpu.vmx, (u32)second);
	assert_int_equal(memory[at + 3], new[3]);
	assert_int_equal(memory[2 * PAGE_SIZE + 4], new[12]);
}

/* With other page tables the same address is another byte, and the same byte has another one. */
static void test_other_tables(void **state)
{
	u8 was = memory[0x123], other = memory[PAGE_SIZE + 0x123], byte, new = 0x55;
	int n = set(DEBUGGER_GDB, 0x123);

	(void)state;
	assert_true(n >= 0);
	maps[0] = 1;
	maps[1] = 0;
	assert_int_equal(debugger_access(&vcpu.vmx, 0x123, &byte, 1, false), 0);
	assert_int_equal(byte, other);
	assert_int_equal(debugger_access(&vcpu.vmx, PAGE_SIZE + 0x123, &byte, 1, false), 0);
	assert_int_equal(byte, was);
	assert_int_equal(debugger_access(&vcpu.vmx, 0x123, &new, 1, true), 0);
	assert_int_equal(memory[PAGE_SIZE + 0x123], new);
	assert_int_equal(memory[0x123], BREAKPOINT_INT3_OP);
	debugger_clear(&vcpu.vmx, (u32)n);
	assert_int_equal(memory[0x123], was);
}

/* What cannot be written, or is not mapped, takes none; and what the guest has written stays. */
static void test_refused(void **state)
{
	u8 bytes[2];
	int n;

	(void)state;
	assert_int_equal(set(DEBUGGER_GDB, 3 * PAGE_SIZE), -EFAULT);
	assert_int_equal(set(DEBUGGER_GDB, PAGES * PAGE_SIZE), -EFAULT);
	assert_false(breakpoints_have_int3(1));
	assert_int_equal(debugger_access(&vcpu.vmx, PAGES * PAGE_SIZE - 1, bytes, 2, false),
			 -EFAULT);
	assert_int_equal(debugger_access(&vcpu.vmx, ~0ull, bytes, 2, false), -EFAULT);
	n = set(DEBUGGER_GDB, 5);
	memory[5] = 0x90;
	debugger_clear(&vcpu.vmx, (u32)n);
	assert_int_equal(memory[5], 0x90);
}

/* Two who have one in the same byte: the guest's comes back with the last. */
static void test_twins(void **state)
{
	u8 was = memory[9];
	int gdb = set(DEBUGGER_GDB, 9), monitor = set(DEBUGGER_MONITOR, 9);

	(void)state;
	assert_true(gdb >= 0 && monitor >= 0 && gdb != monitor);
	debugger_clear(&vcpu.vmx, (u32)gdb);
	assert_int_equal(memory[9], BREAKPOINT_INT3_OP);
	debugger_clear(&vcpu.vmx, (u32)monitor);
	assert_int_equal(memory[9], was);
}

/* Whose a #BP is. */
static void test_hit(void **state)
{
	struct vmx_exit exit = {.debug = {.vector = VECTOR_BP, .debugger = true}};

	(void)state;
	assert_true(set(DEBUGGER_GDB, 0x40) >= 0);
	vcpu.stopped = false;
	rip = 0x41;
	assert_false(debugger_takes(&vcpu.vmx, &exit));
	assert_false(vcpu.stopped || debugger_has_hit());
	maps[2] = 0; /* the same page, mapped twice */
	rip = 2 * PAGE_SIZE + 0x40;
	assert_true(debugger_takes(&vcpu.vmx, &exit));
	assert_true(vcpu.stopped && debugger_has_hit() && (cpu.wanted & CPU_ATTEND));
	assert_int_equal(vcpu.vmx.debug_hit, HIT_KIND + BREAK_INT3);
	assert_int_equal(vcpu.vmx.debug_user, DEBUGGER_GDB);
	assert_int_equal(vcpu.vmx.debug_rip, rip);
	debugger_take_hit();
	assert_false(debugger_has_hit());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hidden, setup),
		cmocka_unit_test_setup(test_other_tables, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_twins, setup),
		cmocka_unit_test_setup(test_hit, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
