/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: hv/kvm/irqchip/irqchip.c hv/kvm/irqchip/irqchip_split.c hv/kvm/irqchip/irqchip_io.c hv/kvm/irqchip/routing.c hv/kvm/irqchip/pic.c hv/kvm/irqchip/pit.c hv/kvm/irqchip/ioapic.c hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* The controllers of a VM together: GSIs, sources, ExtINT against the local APIC, the
 * PIT's ticks by either way, ports and pages, wake-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <string.h>

#include "kvm/irqchip/irqchip.h"

#define CPUS 2u
#define API  IRQ_SOURCE_API

static struct irqchip chip;
static struct lapic lapic[CPUS];
static u32 page[CPUS][1024] __attribute__((aligned(4096)));

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	memset(&chip, 0, sizeof(chip));
	irqchip_init(&chip, 1193182, 0);
	for (u32 i = 0; i < CPUS; i++)
		lapic_init(&lapic[i], page[i], &chip.bus, &chip.clock, i, i, i == 0);
	return 0;
}

static void outb(u16 port, u8 byte)
{
	u32 val = byte;

	assert_true(irqchip_pio(&chip, port, 1, true, &val, 0));
}

static u8 inb(u16 port)
{
	u32 val = 0;

	assert_true(irqchip_pio(&chip, port, 1, false, &val, 0));
	return (u8)val;
}

static void mmio_write(u32 cpu, u64 addr, u32 reg)
{
	u64 val = reg;

	assert_true(irqchip_mmio(&chip, cpu, gpa(addr), 4, true, &val, 0));
}

static u32 mmio_read(u32 cpu, u64 addr)
{
	u64 val = 0;

	assert_true(irqchip_mmio(&chip, cpu, gpa(addr), 4, false, &val, 0));
	return (u32)val;
}

static void lapic_enable(u32 cpu)
{
	mmio_write(cpu, LAPIC_DEFAULT_BASE + LAPIC_SVR, 0x1ff);
}

static void eoi(u32 cpu)
{
	mmio_write(cpu, LAPIC_DEFAULT_BASE + LAPIC_EOI, 0);
}

static void route(u32 pin, u32 low, u32 dest)
{
	mmio_write(0, IOAPIC_DEFAULT_BASE, 0x11 + pin * 2);
	mmio_write(0, IOAPIC_DEFAULT_BASE + 0x10, dest << 24);
	mmio_write(0, IOAPIC_DEFAULT_BASE, 0x10 + pin * 2);
	mmio_write(0, IOAPIC_DEFAULT_BASE + 0x10, low);
}

/* As a BIOS leaves the PICs: vectors 0x20 and 0x28, nothing masked. */
static void pic_start(void)
{
	for (u16 port = 0x20; port <= 0xa0; port = (u16)(port + 0x80)) {
		outb(port, 0x11);
		outb((u16)(port + 1), port == 0x20 ? 0x20 : 0x28);
		outb((u16)(port + 1), port == 0x20 ? 4 : 2);
		outb((u16)(port + 1), 1);
	}
}

static void pit_start(u16 count)
{
	assert_int_equal(irqchip_create_pit(&chip, KVM_PIT_SPEAKER_DUMMY, 0), 0);
	outb(0x43, 0x34);
	outb(0x40, (u8)count);
	outb(0x40, (u8)(count >> 8));
}

static void test_line_results(void **state)
{
	(void)state;
	assert_int_equal(irqchip_line(&chip, 24, API, true), -1);
	assert_int_equal(irqchip_line(&chip, 0xffffffff, API, true), -1);
	assert_int_equal(irqchip_line(&chip, 16, API, true), -1); /* masked, and not the PIC's */
	assert_int_equal(irqchip_line(&chip, 20, API, true), -1);
	assert_int_equal(irqchip_line(&chip, 4, API, true), 1); /* PIC only */
	assert_int_equal(irqchip_line(&chip, 4, API, false), 2);
	assert_int_equal(irqchip_line(&chip, 4, API, true), 0); /* coalesced */
	outb(0x21, 0xff);
	assert_int_equal(irqchip_line(&chip, 5, API, true), -1);
	lapic_enable(0);
	route(5, 0x35, 0);
	irqchip_line(&chip, 5, API, false);
	assert_int_equal(irqchip_line(&chip, 5, API, true), 1); /* I/O APIC only */
}

/* What a listener does that resamples: lower the line, and count. */
static u32 ended;

static void on_ended(struct irq_listener *l, struct irqchip *c)
{
	ended++;
	irqchip_line_held(c, l->gsi, IRQ_SOURCE_RESAMPLE, false);
}

static void test_listener(void **state)
{
	struct irq_listener l = {.gsi = 20, .ended = on_ended};

	(void)state;
	ended = 0;
	lapic_enable(0);
	route(20, 0x8050, 0);
	irqchip_listen(&chip, &l);
	assert_int_equal(irqchip_line(&chip, 20, IRQ_SOURCE_RESAMPLE, true), 1);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x50);
	eoi(0);
	assert_int_equal(ended, 1);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1); /* lowered before it is looked at */
	/* Edges too are reported while someone listens, and from the PIC. */
	route(20, 0x51, 0);
	irqchip_line(&chip, 20, API, true);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x51);
	eoi(0);
	assert_int_equal(ended, 2);
	irqchip_unlisten(&chip, &l);
	l.gsi = 3;
	irqchip_listen(&chip, &l);
	irqchip_line(&chip, 3, API, true);
	assert_true(irqchip_take_vector(&chip, 0) >= 0);
	outb(0x20, 0x20);
	assert_int_equal(ended, 3);
	irqchip_unlisten(&chip, &l);
	assert_null(chip.listeners);
	assert_int_equal(chip.bus.eoi_vectors[2], 0);
}

/* The line rose again while its pin was masked: opened, the listener is asked before the guest is
 * interrupted; another source's is known to be high. */
static void test_listener_asked(void **state)
{
	struct irq_listener l = {.gsi = 20, .ended = on_ended};

	(void)state;
	ended = 0;
	lapic_enable(0);
	route(20, 0x18050, 0);
	irqchip_listen(&chip, &l);
	assert_int_equal(irqchip_line(&chip, 20, IRQ_SOURCE_RESAMPLE, true), -1);
	route(20, 0x8050, 0);
	assert_int_equal(ended, 1);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	assert_int_equal(irqchip_line(&chip, 20, IRQ_SOURCE_RESAMPLE, true), 1);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x50);
	route(20, 0x8050, 0); /* it waits for the EOI: nobody is asked */
	assert_int_equal(ended, 1);
	eoi(0);
	assert_int_equal(ended, 2);
	route(20, 0x18050, 0);
	assert_int_equal(irqchip_line(&chip, 20, API, true), -1);
	route(20, 0x8050, 0);
	assert_int_equal(ended, 3);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x50);
	irqchip_unlisten(&chip, &l);
}

/* The PIT's GSI 0 at I/O APIC pin 2, as VMMs have it. */
static void test_pit_routed(void **state)
{
	struct kvm_irq_routing_entry e = {.type = KVM_IRQ_ROUTING_IRQCHIP,
					  .u.irqchip = {KVM_IRQCHIP_IOAPIC, 2}};
	struct irq_routing r;

	(void)state;
	lapic_enable(0);
	assert_int_equal(routing_init(&r, 1), 0);
	assert_int_equal(routing_add(&r, &e, false), 0);
	irqchip_set_routing(&chip, &r);
	routing_destroy(&r);
	route(2, 0x42, 0);
	pit_start(1000);
	irqchip_expire(&chip, 3001 * 1000ull);
	/* The missed ticks follow, each at the end of the one before. */
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(irqchip_take_vector(&chip, 0), 0x42);
		eoi(0);
	}
	irqchip_destroy(&chip);
}

static void test_sources(void **state)
{
	(void)state;
	lapic_enable(0);
	route(20, 0x8050, 0);
	irqchip_line(&chip, 20, 0, true);
	irqchip_line(&chip, 20, 3, true);
	irqchip_line(&chip, 20, 0, false);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x50);
	eoi(0);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x50); /* source 3 holds it */
	irqchip_line(&chip, 20, 3, false);
	eoi(0);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
}

static void test_extint(void **state)
{
	(void)state;
	pic_start();
	apic_bus_take_wake(&chip.bus);
	assert_int_equal(irqchip_pending_vector(&chip, 0), -1);
	irqchip_line(&chip, 3, API, true);
	assert_true(apic_bus_take_wake(&chip.bus) == 1); /* vCPU 0, by virtual wire */
	assert_int_equal(irqchip_pending_vector(&chip, 0), 0x23);
	assert_int_equal(irqchip_pending_vector(&chip, 1), -1);
	assert_int_equal(irqchip_take_vector(&chip, 1), -1);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x23);
	assert_int_equal(irqchip_pending_vector(&chip, 0), -1);
	outb(0x20, 0x20);
	/* Before what the local APIC has, and whatever its priority. */
	lapic_enable(0);
	route(20, 0xfe, 0);
	irqchip_line(&chip, 20, API, true);
	irqchip_line(&chip, 9, API, true);
	lapic_set_cr8(&lapic[0], 15);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x29);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	lapic_set_cr8(&lapic[0], 0);
	assert_int_equal(irqchip_pending_vector(&chip, 0), 0xfe);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0xfe);
	/* LINT0 masked: the PIC is cut off. */
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	mmio_write(0, LAPIC_DEFAULT_BASE + LAPIC_LVT_LINT0, 0x10700);
	irqchip_line(&chip, 10, API, true);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	/* And vCPU 1 opens its own. */
	lapic_enable(1);
	mmio_write(1, LAPIC_DEFAULT_BASE + LAPIC_LVT_LINT0, 0x700);
	assert_int_equal(irqchip_take_vector(&chip, 1), 0x2a);
	/* With the APIC disabled by its MSR the PIC goes to the processor. */
	assert_int_equal(lapic_set_base(&lapic[0], LAPIC_DEFAULT_BASE, false), 0);
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	irqchip_line(&chip, 11, API, true);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x2b);
}

static void test_pit_by_pic(void **state)
{
	(void)state;
	pic_start();
	pit_start(1000);
	assert_true(irqchip_next_deadline(&chip) == 1000000);
	irqchip_expire(&chip, 999999);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	irqchip_expire(&chip, 1000000);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x20);
	irqchip_expire(&chip, 3000000); /* two more, unserved */
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	outb(0x20, 0x20);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x20);
	outb(0x20, 0x20);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x20);
	outb(0x20, 0x20);
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	/* Masked ticks are lost, and unmasking lets new ones through. */
	outb(0x21, 0x01);
	irqchip_expire(&chip, 9000000);
	outb(0x21, 0x00);
	assert_int_equal(chip.pit.pending, 0);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x20); /* the edge that was latched */
	outb(0x20, 0x20);
	irqchip_expire(&chip, 10000000);
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x20);
}

static void test_pit_by_ioapic(void **state)
{
	(void)state;
	outb(0x21, 0xff);
	lapic_enable(0);
	lapic_enable(1);
	route(0, 0x30, 1); /* GSI 0 is pin 0 */
	pit_start(1000);
	irqchip_expire(&chip, 1000000);
	assert_true(apic_bus_take_wake(&chip.bus) & 2);
	assert_int_equal(irqchip_take_vector(&chip, 1), 0x30);
	irqchip_expire(&chip, 3000000);
	assert_int_equal(irqchip_take_vector(&chip, 1), -1);
	eoi(1);
	assert_int_equal(irqchip_take_vector(&chip, 1), 0x30); /* missed ones, in turn */
	eoi(1);
	assert_int_equal(irqchip_take_vector(&chip, 1), 0x30);
	eoi(1);
	assert_int_equal(irqchip_take_vector(&chip, 1), -1);
	assert_int_equal(chip.pit.pending, 0);
}

static void test_pit_as_nmi(void **state)
{
	(void)state;
	lapic_enable(1);
	mmio_write(1, LAPIC_DEFAULT_BASE + LAPIC_LVT_LINT0, 0x400);
	pit_start(1000);
	irqchip_expire(&chip, 1000000);
	assert_int_equal(lapic[0].nmi_pending, 0);
	assert_int_equal(lapic[1].nmi_pending, 1);
}

static void test_deadline_wakes_vcpu0(void **state)
{
	(void)state;
	assert_true(irqchip_next_deadline(&chip) == IRQ_NEVER);
	apic_bus_take_wake(&chip.bus);
	pit_start(1000);
	assert_true(apic_bus_take_wake(&chip.bus) == 1);
	assert_int_equal(irqchip_create_pit(&chip, 0, 0), -EEXIST);
	outb(0x40, 0x00);
	outb(0x40, 0x80); /* later: no need */
	assert_true(apic_bus_take_wake(&chip.bus) == 0);
}

static void test_parameters(void **state)
{
	(void)state;
	memset(&chip, 0, sizeof(chip));
	irqchip_init(&chip, 2000000, 200000);
	assert_true(chip.clock.min_period == 400000);
	assert_true(chip.bus.vector_hashing);
}

static void test_ports(void **state)
{
	static const u16 absent[] = {0x1f, 0x22, 0x40, 0x43,  0x44, 0x60,
				     0x61, 0x9f, 0xa2, 0x4cf, 0x4d2};
	u32 val = 0xdeadbeef;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(absent); i++) {
		assert_false(irqchip_pio(&chip, absent[i], 1, false, &val, 0));
		assert_false(irqchip_pio(&chip, absent[i], 1, true, &val, 0));
	}
	assert_int_equal(val, 0xdeadbeef);
	outb(0x21, 0x5a);
	assert_int_equal(inb(0x21), 0x5a);
	outb(0x4d0, 0xff);
	assert_int_equal(inb(0x4d0), 0xf8);
	/* Words: taken and ignored within the PIC's two ports, else not its. */
	assert_true(irqchip_pio(&chip, 0x20, 2, false, &val, 0));
	assert_int_equal(val, 0);
	val = 0xffff;
	assert_true(irqchip_pio(&chip, 0x20, 2, true, &val, 0));
	assert_int_equal(inb(0x21), 0x5a);
	assert_false(irqchip_pio(&chip, 0x21, 2, false, &val, 0));
	assert_false(irqchip_pio(&chip, 0x20, 4, false, &val, 0));
	assert_false(irqchip_pio(&chip, 0x4d1, 2, false, &val, 0));
	/* The PIT only once it is there, the speaker only if asked for. */
	assert_int_equal(irqchip_create_pit(&chip, 0, 0), 0);
	assert_true(irqchip_pio(&chip, 0x43, 1, false, &val, 0));
	assert_true(irqchip_pio(&chip, 0x40, 4, false, &val, 0));
	assert_false(irqchip_pio(&chip, 0x43, 2, false, &val, 0));
	assert_false(irqchip_pio(&chip, 0x61, 1, false, &val, 0));
}

static void test_speaker_port(void **state)
{
	(void)state;
	pit_start(1000);
	outb(0x61, 0x03);
	assert_int_equal(inb(0x61) & 3, 3);
	outb(0x61, 0x01);
	assert_int_equal(inb(0x61) & 3, 1);
}

static void test_pages(void **state)
{
	u64 val = 0x1234;

	(void)state;
	assert_int_equal(mmio_read(1, LAPIC_DEFAULT_BASE + LAPIC_ID), 1u << 24);
	assert_false(irqchip_mmio(&chip, 0, gpa(0xfec00100), 4, false, &val, 0));
	assert_false(irqchip_mmio(&chip, 0, gpa(0xfebffffc), 4, false, &val, 0));
	assert_false(irqchip_mmio(&chip, 0, gpa(0xfee01000), 4, false, &val, 0));
	assert_int_equal(val, 0x1234);
	/* Each vCPU has its page where its own MSR says. */
	assert_int_equal(lapic_set_base(&lapic[1], 0xfd000000 | LAPIC_BASE_ENABLE, false), 0);
	assert_int_equal(mmio_read(1, 0xfd000020), 1u << 24);
	assert_false(irqchip_mmio(&chip, 1, gpa(LAPIC_DEFAULT_BASE), 4, false, &val, 0));
	assert_int_equal(mmio_read(0, LAPIC_DEFAULT_BASE + LAPIC_ID), 0);
	mmio_write(0, IOAPIC_DEFAULT_BASE, 1);
	assert_int_equal(mmio_read(1, IOAPIC_DEFAULT_BASE + 0x10), 0x00170011);
	assert_true(irqchip_mmio(&chip, 0, gpa(IOAPIC_DEFAULT_BASE + 0x10), 8, false, &val, 0));
	assert_true(val == 0x00170011);
}

static void test_storm_deadline(void **state)
{
	(void)state;
	lapic_enable(0);
	route(20, 0x8050, 0);
	irqchip_line(&chip, 20, API, true);
	for (u32 i = 0; i < 10000; i++) {
		assert_int_equal(irqchip_take_vector(&chip, 0), 0x50);
		lapic_eoi(&lapic[0], 500);
	}
	assert_int_equal(irqchip_take_vector(&chip, 0), -1);
	assert_true(irqchip_next_deadline(&chip) == 500 + irq_clock_ticks(&chip.clock, 10000000));
	irqchip_expire(&chip, irqchip_next_deadline(&chip));
	assert_int_equal(irqchip_take_vector(&chip, 0), 0x50);
}

/* Whatever two vCPUs do to all of it: no access out of bounds, no lock left held. */
static void test_random(void **state)
{
	static const u16 ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1,
				    0x40, 0x41, 0x42, 0x43, 0x61};
	u32 seed = 5;
	u64 now = 0, val;

	(void)state;
	assert_int_equal(irqchip_create_pit(&chip, KVM_PIT_SPEAKER_DUMMY, 0), 0);
	for (int i = 0; i < 500000; i++) {
		u32 cpu, port_val;
		int peek;

		seed = seed * 1664525 + 1013904223;
		cpu = seed >> 31;
		val = (u64)seed * 0x9e3779b97f4a7c15ull;
		now += seed >> 14;
		switch (seed >> 27 & 15) {
		case 0:
		case 1:
		case 2:
			port_val = (u32)(val >> 20);
			irqchip_pio(&chip, ports[(seed >> 8) % ARRAY_SIZE(ports)],
				    1u << (val >> 60 & 1), seed >> 26 & 1, &port_val, now);
			break;
		case 3:
		case 4:
			val &= 0xf00ff;
			irqchip_mmio(&chip, cpu, gpa(LAPIC_DEFAULT_BASE + (seed >> 8 & 0x3f0)), 4,
				     true, &val, now);
			break;
		case 5:
			irqchip_mmio(&chip, cpu, gpa(LAPIC_DEFAULT_BASE + (seed >> 8 & 0xfff)),
				     1u << (val >> 60 & 3), false, &val, now);
			break;
		case 6:
			route((seed >> 8) % 28, (u32)(val >> 40) & 0x1ffff, (u32)(val >> 60));
			break;
		case 7:
			eoi(cpu);
			break;
		case 8:
			(void)!lapic_set_base(
				&lapic[cpu], LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE | (val & 0x400),
				true);
			break;
		case 9:
			lapic_timer_expire(&lapic[cpu], now);
			irqchip_expire(&chip, now);
			assert_true(irqchip_next_deadline(&chip) > now);
			break;
		case 10:
		case 11:
			irqchip_line(&chip, seed >> 8 & 31, seed >> 13 & 7, seed >> 16 & 1);
			break;
		case 12:
			lapic_mmio_write(&lapic[cpu], LAPIC_SVR, 4, 0x1ff, now);
			lapic_set_cr8(&lapic[cpu], 0);
			break;
		default:
			peek = irqchip_pending_vector(&chip, cpu);
			assert_int_equal(irqchip_take_vector(&chip, cpu), peek);
			break;
		}
		assert_int_equal(chip.lock.next, chip.lock.owner);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line_results, setup),
		cmocka_unit_test_setup(test_sources, setup),
		cmocka_unit_test_setup(test_listener, setup),
		cmocka_unit_test_setup(test_listener_asked, setup),
		cmocka_unit_test_setup(test_pit_routed, setup),
		cmocka_unit_test_setup(test_extint, setup),
		cmocka_unit_test_setup(test_pit_by_pic, setup),
		cmocka_unit_test_setup(test_pit_by_ioapic, setup),
		cmocka_unit_test_setup(test_pit_as_nmi, setup),
		cmocka_unit_test_setup(test_deadline_wakes_vcpu0, setup),
		cmocka_unit_test_setup(test_parameters, setup),
		cmocka_unit_test_setup(test_ports, setup),
		cmocka_unit_test_setup(test_speaker_port, setup),
		cmocka_unit_test_setup(test_pages, setup),
		cmocka_unit_test_setup(test_storm_deadline, setup),
		cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
