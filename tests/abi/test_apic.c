/* SPDX-License-Identifier: MIT */
/* What a local APIC decides while its guest runs, which a CPU may do without an exit: priorities,
 * the end of interrupts, changes of its mode and address, its registers' bits. */
#include "tests/abi/machine.h"

static void open_handlers(struct machine *m)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, 0x31, apic_handler_31);
	machine_set_vector(m, 0x41, apic_handler_41);
	machine_set_vector(m, 0x42, apic_handler_42);
	machine_set_vector(m, 0x51, apic_handler_51);
}

/* The handlers that ran were these, in this order. */
static void expect(const struct machine *m, const u8 *notes, u32 n)
{
	CHECK_EQUAL(machine_u32(m, GPA_VARS + VAR_IRQS), n);
	for (u32 i = 0; i < n; i++)
		CHECK_EQUAL(*(u8 *)machine_at(m, GPA_BUFFER + i), notes[i]);
}

/* 0x51 interrupts 0x41's handler, the others wait for its end. */
static void nested(void)
{
	static const u8 notes[] = {0x41, 0x51, 0x01, 0x42, 0x31};
	struct machine m;

	open_handlers(&m);
	machine_do(&m, check_arg());
	expect(&m, notes, ARRAY_SIZE(notes));
}

static void apic_pending_in_other_mode(void)
{
	static const u8 notes[] = {0x51, 0x42};
	struct machine m;
	struct kvm_regs r;

	open_handlers(&m);
	machine_do(&m, apic_switch);
	expect(&m, notes, ARRAY_SIZE(notes));
	r = machine_regs(&m);
	CHECK_EQUAL(r.r8, 0);
	CHECK_EQUAL(r.r9, 0);
	CHECK_EQUAL(r.rbx, 15);
}

static void apic_at_other_address(void)
{
	static const u8 notes[] = {0x42, 0x51};
	struct machine m;

	open_handlers(&m);
	machine_do(&m, apic_moved);
	expect(&m, notes, ARRAY_SIZE(notes));
	CHECK_EQUAL(machine_regs(&m).rbx, 0x1ff);
}

static void apic_register_bits(void)
{
	struct machine m;
	struct kvm_regs r;

	open_handlers(&m);
	machine_do(&m, apic_registers);
	r = machine_regs(&m);
	CHECK_EQUAL(r.rax, 0xff);
	CHECK_EQUAL(r.rbx, 0x50040);
	CHECK_EQUAL(r.rcx, 0);
	CHECK_EQUAL(r.rdx, 0xb);
	CHECK_EQUAL(r.r8, 0x0fffffff);
	CHECK_EQUAL(r.r9, 0);
	CHECK_EQUAL(r.r10, 0x12000000);
	CHECK_EQUAL(r.r11, 0x07000000);
}

/* Page @page of KVM_GET_LAPIC with vectors of IRR and ISR put in: they take effect. */
static void apic_set_in_service(void)
{
	static const u8 notes[] = {0x51, 0x42, 0x31};
	static u32 page[KVM_APIC_REG_SIZE / 4];
	struct machine m;

	machine_need_vmx("what is in service at an exit");
	open_handlers(&m);
	machine_do(&m, apic_registers); /* the APIC is in use */
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_LAPIC, page), 0);
	page[0x110 / 4] = 1u << 0x01;              /* 0x21 is in service */
	page[0x210 / 4] = 1u << 0x11;              /* 0x31 is requested, */
	page[0x220 / 4] = 1u << 0x02 | 1u << 0x11; /* 0x42 and 0x51 */
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_LAPIC, page), 0);
	machine_do(&m, apic_await_3);
	expect(&m, notes, ARRAY_SIZE(notes));
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_LAPIC, page), 0);
	CHECK_EQUAL(page[0x110 / 4], 1u << 0x01);
	CHECK_EQUAL(page[0x120 / 4] | page[0x210 / 4] | page[0x220 / 4], 0);
	CHECK_EQUAL(page[0xa0 / 4], 0x20);
}

SUITE(apic, {.name = "apic_nested_xapic", .run = nested, .arg = apic_nested_xapic},
      {.name = "apic_nested_x2apic", .run = nested, .arg = apic_nested_x2apic},
      TEST(apic_pending_in_other_mode), TEST(apic_at_other_address), TEST(apic_register_bits),
      TEST(apic_set_in_service));
