/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/irqchip/routing.c */
/* Routes of GSIs: the default, what is refused, which pins and messages come out. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "kvm/irqchip/routing.h"

static int add_pin(struct irq_routing *r, u32 gsi, u32 chip, u32 pin)
{
	struct kvm_irq_routing_entry e = {.gsi = gsi,
					  .type = KVM_IRQ_ROUTING_IRQCHIP,
					  .u.irqchip = {.irqchip = chip, .pin = pin}};

	return routing_add(r, &e, false);
}

static int add_msi(struct irq_routing *r, u32 gsi, u32 high, bool x2apic_ids)
{
	struct kvm_irq_routing_entry e = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = 0xfee12000, .address_hi = high, .data = 0x31}};

	return routing_add(r, &e, x2apic_ids);
}

static void test_default(void **state)
{
	struct irq_routing r;

	(void)state;
	routing_default(&r);
	assert_int_equal(r.count, 24);
	for (u32 gsi = 0; gsi < 24; gsi++) {
		const struct irq_route *route = &r.route[gsi];

		assert_int_equal(route->pin_count, gsi < 16 ? 2 : 1);
		assert_int_equal(route->pin[route->pin_count - 1], IRQ_PIN_IOAPIC + gsi);
		assert_int_equal(r.gsi[IRQ_PIN_IOAPIC + gsi], gsi);
		if (gsi < 16) {
			assert_int_equal(route->pin[0], gsi);
			assert_int_equal(r.gsi[gsi], gsi);
		}
	}
	routing_destroy(&r);
}

static void test_pins(void **state)
{
	struct irq_routing r;

	(void)state;
	assert_int_equal(routing_init(&r, 100), 0);
	assert_int_equal(r.gsi[3], IRQ_NO_GSI);
	assert_int_equal(add_pin(&r, 99, KVM_IRQCHIP_IOAPIC, 2), 0);
	assert_int_equal(add_pin(&r, 99, KVM_IRQCHIP_PIC_SLAVE, 3), 0);
	assert_int_equal(add_pin(&r, 99, KVM_IRQCHIP_PIC_MASTER, 7), 0);
	assert_int_equal(r.route[99].pin_count, 3);
	assert_int_equal(r.route[99].pin[0], IRQ_PIN_IOAPIC + 2);
	assert_int_equal(r.route[99].pin[1], 11);
	assert_int_equal(r.route[99].pin[2], 7);
	assert_int_equal(r.gsi[11], 99);
	for (u32 chip = 0; chip < 4; chip++)
		assert_int_equal(add_pin(&r, 99, chip, 0), -EINVAL);
	assert_int_equal(add_pin(&r, 100, 0, 0), -EINVAL);
	assert_int_equal(add_pin(&r, 98, KVM_IRQCHIP_IOAPIC, 24), -EINVAL);
	assert_int_equal(add_pin(&r, 98, KVM_IRQCHIP_PIC_MASTER, 8), -EINVAL);
	assert_int_equal(add_pin(&r, 98, KVM_IRQCHIP_PIC_SLAVE, 8), -EINVAL);
	/* The last of several that lead to a pin is the one that hears of its end. */
	assert_int_equal(add_pin(&r, 5, KVM_IRQCHIP_IOAPIC, 2), 0);
	assert_int_equal(r.gsi[IRQ_PIN_IOAPIC + 2], 5);
	assert_int_equal(add_msi(&r, 5, 0, false), -EINVAL);
	routing_destroy(&r);
}

static void test_messages(void **state)
{
	struct irq_routing r;
	struct apic_message m;

	(void)state;
	assert_int_equal(routing_init(&r, IRQ_ROUTES_MAX), 0);
	assert_int_equal(add_msi(&r, 4095, 0x12345601, true), -EINVAL);
	assert_int_equal(add_msi(&r, 4095, 0x12345601, false), 0);
	assert_int_equal(add_msi(&r, 4095, 0, false), -EINVAL);
	assert_int_equal(add_pin(&r, 4095, 0, 0), -EINVAL);
	m = irq_msi_message(&r.route[4095].msi, false);
	assert_int_equal(m.dest, 0x12);
	assert_int_equal(m.vector, 0x31);
	assert_false(m.logical || m.lowest || m.level);
	m = irq_msi_message(&(struct irq_msi){0xfee1200c, 0x12345600, 0xc7f4}, true);
	assert_int_equal(m.dest, 0x12345612);
	assert_int_equal(m.vector, 0xf4);
	assert_int_equal(m.delivery, 7);
	assert_true(m.logical && m.lowest && m.level && m.assert);
	routing_destroy(&r);
}

static void test_empty(void **state)
{
	struct irq_routing r;

	(void)state;
	assert_int_equal(routing_init(&r, 0), 0);
	assert_int_equal(add_pin(&r, 0, 0, 0), -EINVAL);
	routing_destroy(&r);
	fake_alloc_limit = 0;
	assert_int_equal(routing_init(&r, 1), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_default, fake_reset, fake_check_leaks),
		cmocka_unit_test_setup_teardown(test_pins, fake_reset, fake_check_leaks),
		cmocka_unit_test_setup_teardown(test_messages, fake_reset, fake_check_leaks),
		cmocka_unit_test_setup_teardown(test_empty, fake_reset, fake_check_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
