/* SPDX-License-Identifier: MIT */
/*
 * Several events that are to be delivered at once: the exception goes first.  Linux forgets the
 * others at the next exit; kvm0 delivers them when the guest can take them.
 */
#include "tests/abi/access.h"

#define UD       6u
#define GP       13u
#define RFLAGS   0x202u
#define APIC_EOI 0xfee000b0u
#define PAYLOADS KVM_CAP_EXCEPTION_PAYLOAD

static struct machine m;

static struct kvm_vcpu_events get(void)
{
	struct kvm_vcpu_events e;

	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_VCPU_EVENTS, &e), 0);
	return e;
}

static void set(const struct kvm_vcpu_events *e)
{
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_VCPU_EVENTS, e), 0);
}

/* A guest with handlers for all, about to be done; interrupts on. */
static void open(u32 options)
{
	machine_open(&m, MODE_LONG, options);
	if (options & MACHINE_IRQCHIP)
		machine_enable_apic(&m);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.r14 = machine_entry(long_done);
	m.regs.rflags = RFLAGS;
	machine_start(&m, long_done);
}

static void check_same(const struct kvm_vcpu_events *e)
{
	struct kvm_vcpu_events now = get();

	CHECK_EQUAL(now.exception.injected, e->exception.injected);
	CHECK_EQUAL(now.exception.pending, e->exception.pending);
	CHECK_EQUAL(now.exception.nr, e->exception.nr);
	CHECK_EQUAL(now.interrupt.injected, e->interrupt.injected);
	CHECK_EQUAL(now.interrupt.nr, e->interrupt.nr);
	CHECK_EQUAL(now.nmi.injected, e->nmi.injected);
}

/* All that is set is there when it is read, and the exception is delivered, once. */
static void run_to_end(const struct kvm_vcpu_events *e, u32 irqs)
{
	set(e);
	check_same(e);
	if (target_is_kvm0 && !(m.options & MACHINE_IRQCHIP)) /* the handler's EOI */
		machine_mmio_write(&m, APIC_EOI, 4, 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_VECTOR), e->exception.nr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	if (target_is_kvm0)
		CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), irqs);
	CHECK_EQUAL(get().exception.injected | get().interrupt.injected | get().nmi.injected, 0);
}

static void injected(u32 options)
{
	struct kvm_vcpu_events e = {.exception = {.injected = 1, .nr = UD},
				    .interrupt = {.injected = 1, .nr = VECTOR_XAPIC}};

	machine_need_vmx("the order of events");
	open(options);
	run_to_end(&e, 1);
}

static void order_injected(void)
{
	injected(0);
}

static void order_injected_irqchip(void)
{
	injected(MACHINE_IRQCHIP | MACHINE_CPUID);
}

/* An exception that no run has taken up yet, before an interrupt that was. */
static void order_pending_irqchip(void)
{
	struct kvm_enable_cap cap = {.cap = PAYLOADS, .args = {1}};
	struct kvm_vcpu_events e = {.flags = KVM_VCPUEVENT_VALID_PAYLOAD,
				    .exception = {.pending = 1, .nr = GP, .has_error_code = 1},
				    .interrupt = {.injected = 1, .nr = VECTOR_XAPIC}};

	machine_need_vmx("the order of events");
	open(MACHINE_IRQCHIP | MACHINE_CPUID);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	run_to_end(&e, 1);
}

/* The NMI comes at the first instruction of the exception's handler, and its own handler goes on
 * where that would have, on the same stack. */
static void order_nmi(void)
{
	struct kvm_vcpu_events e = {.exception = {.injected = 1, .nr = UD}, .nmi.injected = 1};

	machine_need_vmx("the order of events");
	open(MACHINE_IRQCHIP | MACHINE_CPUID);
	set(&e);
	check_same(&e);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_VECTOR), target_is_kvm0 ? 2 : UD);
	CHECK_EQUAL(machine_regs(&m).rsp < m.regs.rsp, target_is_kvm0);
	CHECK_EQUAL(get().nmi.injected | get().nmi.pending, 0);
}

/* With interrupts off the one that waits stays, visibly, until they are on. */
static void order_interrupts_off(void)
{
	struct kvm_vcpu_events e = {.exception = {.injected = 1, .nr = UD},
				    .interrupt = {.injected = 1, .nr = VECTOR_XAPIC}};

	machine_need_vmx("the order of events");
	open(MACHINE_IRQCHIP | MACHINE_CPUID);
	m.regs.rflags = 2;
	machine_start(&m, long_done);
	set(&e);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 0);
	if (!target_is_kvm0)
		return;
	CHECK_EQUAL(get().interrupt.injected, 1);
	CHECK_EQUAL(get().interrupt.nr, VECTOR_XAPIC);
	CHECK_EQUAL(machine_sregs(&m).interrupt_bitmap[VECTOR_XAPIC / 64],
		    1ull << VECTOR_XAPIC % 64);
	m.regs.rflags = RFLAGS;
	machine_do(&m, long_done);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
	CHECK_EQUAL(get().interrupt.injected, 0);
}

/* While it waits, what KVM_SET_LAPIC has put in service can be ended; then another one comes. */
static void order_in_service(void)
{
	struct kvm_vcpu_events e = {.exception = {.injected = 1, .nr = UD},
				    .interrupt = {.injected = 1, .nr = 0x61}};

	machine_need_vmx("the order of events");
	access_open(&m, MACHINE_IRQCHIP);
	access_set_apic(&m, 0xf0, 0x1ff);
	access_set_apic(&m, ACCESS_ISR + 0x51 / 32 * 0x10, 1u << 0x51 % 32);
	access_set_apic(&m, ACCESS_IRR + 0x41 / 32 * 0x10, 1u << 0x41 % 32);
	set(&e);
	m.regs.r14 = machine_entry(access_write); /* the EOI */
	access_set(&m, APIC_EOI, 0);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK(!access_vector(&m, ACCESS_ISR, 0x51));
	CHECK(access_vector(&m, ACCESS_IRR, 0x41));
	CHECK_EQUAL(access_take(&m), target_is_kvm0 ? 0x6141 : 0x41);
}

/* While it waits, the guest lowers the TPR that held another one back; it is not the CPU that keeps
 * the local APIC. */
static void order_tpr_lowered(void)
{
	struct kvm_tpr_access_ctl reporting = {.enabled = 1};
	struct kvm_vcpu_events e = {.exception = {.injected = 1, .nr = UD},
				    .interrupt = {.injected = 1, .nr = 0x61}};

	machine_need_vmx("the order of events");
	access_open(&m, MACHINE_IRQCHIP);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_TPR_ACCESS_REPORTING, &reporting), 0);
	access_set_apic(&m, 0xf0, 0x1ff);
	access_set_apic(&m, 0x80, 0x50);
	access_set_apic(&m, ACCESS_IRR + 0x51 / 32 * 0x10, 1u << 0x51 % 32);
	CHECK_EQUAL(access_take(&m), 0);
	m.regs.r14 = machine_entry(fault_set_cr8);
	m.regs.rax = 0;
	machine_start(&m, long_done);
	set(&e);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	CHECK_EQUAL(m.run->cr8, 0);
	CHECK_EQUAL(access_take(&m), target_is_kvm0 ? 0x6151 : 0x51);
}

SUITE(events_order, TEST(order_injected), TEST(order_injected_irqchip), TEST(order_pending_irqchip),
      TEST(order_nmi), TEST(order_interrupts_off), TEST(order_in_service), TEST(order_tpr_lowered));
