/* SPDX-License-Identifier: MIT */
/* Interrupts by one CPU for a guest on the other, while their routing is replaced. */
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_smp.h"

#define GSI     3u
#define PIN     10u
#define COUNTER GPA_BUFFER
#define ROUNDS  200u
#define CHANGES 500u

struct routing {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry;
};

static const struct routing to_pin = {
	.head.nr = 1,
	.entry = {.gsi = GSI,
		  .type = KVM_IRQ_ROUTING_IRQCHIP,
		  .u.irqchip = {.irqchip = KVM_IRQCHIP_IOAPIC, .pin = PIN}},
};
static const struct routing to_msi = {
	.head.nr = 1,
	.entry = {.gsi = GSI,
		  .type = KVM_IRQ_ROUTING_MSI,
		  .u.msi = {.address_lo = GPA_APIC, .data = VECTOR_XAPIC}},
};

/* For CPU 1 as well: no check, which only CPU 0 may do. */
static s64 set_line(int vm, u32 level)
{
	struct kvm_irq_level line = {.irq = GSI, .level = level};
	s64 r = kvm0_ioctl((u32)vm, KVM_IRQ_LINE_STATUS, (u64)(uintptr_t)&line);

	return r ? r : (s32)line.status;
}

static s64 route(int vm, const struct routing *r)
{
	return kvm0_ioctl((u32)vm, KVM_SET_GSI_ROUTING, (u64)(uintptr_t)r);
}

/* By turns to the I/O APIC and as a message: each arrives, and once. */
static void kvm0_smp_routing(void)
{
	struct machine m;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = PIN;
	m.regs.rdi = COUNTER;
	machine_start(&m, cpus_ioapic_count);
	cpu1_run(m.vcpu);
	CHECK(cpu1_reaches(machine_at(&m, COUNTER), 100));
	for (u32 i = 1; i <= ROUNDS; i++) {
		CHECK_RESULT(route(m.vm, i & 1 ? &to_pin : &to_msi), 0);
		CHECK_RESULT(set_line(m.vm, 1), 1);
		CHECK_RESULT(set_line(m.vm, 0), i & 1 ? 1 : -1);
		CHECK(cpu1_reaches(machine_at(&m, GPA_VARS + VAR_IRQS), i));
		CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), i);
	}
	cpu1_stop_run(m.run);
}

/* CPU 1 replaces the routing over and over; `result` is the first that was not 0. */
static struct {
	int vm;
	s64 result;
	volatile u32 done;
} changes;

static void change(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < CHANGES && !changes.result; i++)
		changes.result = route(changes.vm, i & 1 ? &to_pin : &to_msi);
	changes.done = 1;
}

/* A line driven meanwhile follows one table or the other: no result is of neither. */
static void kvm0_smp_routing_race(void)
{
	u64 pages = pool_pages();
	u32 delivered = 0;
	struct machine m;
	s64 up, down;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	CHECK_RESULT(route(m.vm, &to_pin), 0);
	changes.vm = m.vm;
	changes.result = 0;
	changes.done = 0;
	cpu1_begin(change, NULL);
	while (!changes.done) {
		up = set_line(m.vm, 1);
		down = set_line(m.vm, 0);
		/* The pin is masked, and the message finds a disabled local APIC. */
		if ((up != -1 && up != 0) || (down != -1 && down != 1))
			check_fail(__FILE__, __LINE__, "%lld and %lld", up, down);
		delivered++;
	}
	cpu1_end();
	CHECK_RESULT(changes.result, 0);
	CHECK(delivered > 10);
	check_close(m.vcpu);
	check_close(m.vm);
	CHECK_EQUAL(pool_pages(), pages);
}

SUITE(kvm0_smp_irq, TEST(kvm0_smp_routing), TEST(kvm0_smp_routing_race));
