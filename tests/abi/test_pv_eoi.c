/* SPDX-License-Identifier: MIT */
/* MSR_KVM_PV_EOI_EN: an interrupt's end by a bit in the guest's memory. */
#include <linux/kvm_para.h>
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

#define ROUNDS 20u
#define BIT_AT GPA_BUFFER
#define ISR    0x100u

static long set_eoi(int vcpu, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = MSR_KVM_PV_EOI_EN, .data = value}};

	return t_ioctl_ptr(vcpu, KVM_SET_MSRS, &msr);
}

static void eoi_msr(void)
{
	static const struct {
		u64 value;
		long result;
	} cases[] = {
		{BIT_AT | 1, 1},
		{BIT_AT, 1},
		{(BIT_AT + 4) | 1, 1},
		{BIT_AT | 2, 0},
		{BIT_AT | 3, 0},
		{0, 1},
		{1, 1}, /* address 0 is memory too */
		{GPA_HOLE | 1, 0},
		{GPA_HOLE, 1},      /* only one that is used is looked at */
		{GPA_EXTRA | 1, 0}, /* read-only */
		{0xfffffffffffffffd, 0},
	};
	struct machine m;
	u64 last = 0;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	CHECK_RESULT(machine_slot(m.vm, 5, KVM_MEM_READONLY, GPA_EXTRA, PAGE_SIZE,
				  check_pages(PAGE_SIZE)),
		     0);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		if (set_eoi(m.vcpu, cases[i].value) != cases[i].result)
			check_fail(__FILE__, __LINE__, "0x%llx does not give %ld", cases[i].value,
				   cases[i].result);
		if (cases[i].result)
			last = cases[i].value;
		CHECK_EQUAL(machine_get_msr(&m, MSR_KVM_PV_EOI_EN), last);
	}
}

static u32 in_service(const struct machine *m)
{
	struct kvm_lapic_state s;
	u32 any = 0, word;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, &s), 0);
	for (u32 i = 0; i < 8; i++) {
		memcpy(&word, s.regs + ISR + i * 0x10, sizeof(word));
		any |= word;
	}
	return any;
}

/* A guest that sends itself @vector for @rsi times, with this handler. */
static void open_guest(struct machine *m, u8 vector, const char *handler, u64 times)
{
	machine_need_vmx("interrupts where the guest has no other exit");
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP);
	machine_set_vector(m, vector, handler);
	machine_set_msr(m, MSR_KVM_PV_EOI_EN, BIT_AT | KVM_MSR_ENABLED);
	m->regs.rbx = vector;
	m->regs.rsi = times;
	machine_start(m, pv_eoi_self);
}

/* All have ended, by one of both means; returns how many by the bit. */
#define ended(m, count) ended_at(__FILE__, __LINE__, m, count)
static u64 ended_at(const char *file, int line, struct machine *m, u64 count)
{
	struct kvm_regs r = machine_regs(m);

	check_equal(file, line, "interrupts that have ended", r.r12 + r.r13, count);
	check_equal(file, line, "in service", in_service(m), 0);
	check_equal(file, line, "the bit outside of the guest", machine_u32(m, BIT_AT), 0);
	return r.r12;
}

/* They end by the bit, though it is an exit that raises each, but for the few in whose midst the
 * host has an interrupt (which counts as injected twice then); none where the processor itself
 * delivers them and takes EOIs. */
static void eoi_by_bit(void)
{
	struct machine m;
	u64 by_bit, injected;

	open_guest(&m, VECTOR_XAPIC, pv_eoi_plain, ROUNDS);
	machine_run_out(&m, PORT_DONE);
	by_bit = ended(&m, ROUNDS);
	injected = stats_of(m.vcpu, "irq_injections");
	CHECK(injected == 0 || injected >= ROUNDS);
	CHECK(injected ? by_bit > ROUNDS / 2 : by_bit == 0);
}

/* User space finds the interrupt in service and no bit, in the midst of it; and after that. */
static void eoi_stopped(void)
{
	struct machine m;

	open_guest(&m, VECTOR_XAPIC, pv_eoi_stop, ROUNDS);
	for (u32 i = 0; i < ROUNDS; i++) {
		machine_run_out(&m, PORT_READY);
		CHECK_EQUAL(in_service(&m), 1);
		CHECK_EQUAL(machine_u32(&m, BIT_AT), 0);
	}
	machine_run_out(&m, PORT_DONE);
	(void)ended(&m, ROUNDS);
}

/* One in the midst of another: the bit is the inner one's until that has ended. */
static void eoi_nested(void)
{
	struct machine m;

	open_guest(&m, VECTOR_XAPIC, pv_eoi_nest, ROUNDS);
	machine_set_vector(&m, VECTOR_PONG, pv_eoi_plain);
	machine_run_out(&m, PORT_DONE);
	(void)ended(&m, 2 * ROUNDS);
}

/* One that waits for another's end comes as soon as that has ended. */
static void eoi_waited_for(void)
{
	struct machine m;

	open_guest(&m, VECTOR_PONG, pv_eoi_keep, ROUNDS);
	machine_set_vector(&m, VECTOR_XAPIC, pv_eoi_count);
	machine_run_out(&m, PORT_DONE);
	(void)ended(&m, 2 * ROUNDS);
	CHECK_EQUAL(machine_regs(&m).r14, ROUNDS - 1); /* not before */
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_IRQS), ROUNDS);
}

/* A level-triggered one's end is the I/O APIC's to hear: the line is still up, and it comes again.
 */
static void eoi_level(void)
{
	struct kvm_irq_level line = {.irq = 5, .level = 1};
	struct machine m;

	machine_need_vmx("interrupts where the guest has no other exit");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	machine_set_vector(&m, VECTOR_XAPIC, pv_eoi_stop);
	machine_set_msr(&m, MSR_KVM_PV_EOI_EN, BIT_AT | KVM_MSR_ENABLED);
	m.regs.rax = line.irq;
	m.regs.rbx = 0x8000;
	m.regs.rcx = 1;
	m.regs.rflags = 0x202;
	machine_start(&m, irq_ioapic);
	machine_run_out(&m, PORT_READY);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQ_LINE, &line), 0);
	for (u32 i = 1; i <= ROUNDS; i++) {
		machine_run_out(&m, PORT_READY);
		CHECK_EQUAL(in_service(&m), 1);
		CHECK_EQUAL(machine_regs(&m).r13, i - 1);
	}
	CHECK_EQUAL(machine_regs(&m).r12, 0);
}

/* The memory goes away while one is in service, and comes back: nothing stays in service. */
static void eoi_memory_gone(void)
{
	struct machine m;
	u8 *page;

	machine_need_vmx("interrupts where the guest has no other exit");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	page = check_pages(PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	machine_set_vector(&m, VECTOR_XAPIC, pv_eoi_stop);
	machine_set_msr(&m, MSR_KVM_PV_EOI_EN, GPA_EXTRA | KVM_MSR_ENABLED);
	m.regs.rbx = VECTOR_XAPIC;
	m.regs.rsi = 1;
	machine_start(&m, pv_eoi_self);
	machine_run_out(&m, PORT_READY);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, page), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).r13, 1);
	CHECK_EQUAL(in_service(&m), 0);
	CHECK_EQUAL(page[0], 0);
}

SUITE(pv_eoi, TEST(eoi_msr), TEST(eoi_by_bit), TEST(eoi_stopped), TEST(eoi_nested),
      TEST(eoi_waited_for), TEST(eoi_level), TEST(eoi_memory_gone));
