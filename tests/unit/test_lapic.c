/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: tests/unit/lapic_fixture.c hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* The local APIC: reset state, registers by MMIO and MSR, modes, priorities, EOI.  The timer is
 * test_lapic_timer.c's, messages are test_lapic_message.c's. */
#include "tests/unit/lapic_fixture.h"

#include <linux/errno.h>
#include <string.h>

/* --- registers --- */

static void test_reset_state(void **state)
{
	(void)state;
	lapic_reset(&lapic[0], true, false);
	lapic_reset(&lapic[1], false, false);
	assert_int_equal(bus.count, CPUS);
	assert_true(lapic[0].base == 0xfee00900);
	assert_true(lapic[1].base == 0xfee00800);
	assert_int_equal(rd(1, LAPIC_ID), 1u << 24);
	assert_int_equal(rd(1, LAPIC_VERSION), 0x00050014);
	assert_int_equal(rd(1, LAPIC_SVR), 0xff);
	assert_int_equal(rd(1, LAPIC_DFR), 0xffffffff);
	assert_int_equal(rd(1, LAPIC_LDR), 0);
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 0x10)
		assert_int_equal(rd(1, lvt), LAPIC_LVT_MASKED);
	assert_int_equal(rd(0, LAPIC_LVT_LINT0), 0x700); /* the boot CPU's ExtINT */
	assert_int_equal(lapic_highest_pending(&lapic[0]), -1);
	assert_int_equal(lapic_highest_irr(&lapic[0]), -1);
	/* Until the owner says otherwise, CPUID has neither. */
	lapic_init(&lapic[1], page[1], &bus, &test_clock, 1, 1, false);
	assert_true(lapic[1].base_reserved & LAPIC_BASE_X2APIC);
	assert_false(lapic[1].tsc_deadline);
	assert_true(lapic_next_deadline(&lapic[0]) == IRQ_NEVER);
}

static void test_init_keeps_base_and_id(void **state)
{
	(void)state;
	wr(1, LAPIC_ID, 9u << 24);
	fixed(1, 0x40, true);
	lapic_reset(&lapic[1], false, true);
	assert_int_equal(rd(1, LAPIC_ID), 9u << 24);
	assert_int_equal(lapic_highest_irr(&lapic[1]), -1);
	wr(1, LAPIC_SVR, 0x1ff);
	fixed(1, 0x51, false);
	assert_int_equal(lapic_accept(&lapic[1]), 0x51);
	lapic_reset(&lapic[1], false, true);
	assert_int_equal(lapic[1].highest_isr, -1); /* nor is anything in service */
	assert_int_equal(rd(1, LAPIC_TMR + 0x20), 0);
	x2apic(2);
	lapic_reset(&lapic[2], false, true);
	assert_true(lapic_x2apic(&lapic[2]));
	assert_int_equal(rdmsr(2, LAPIC_LDR), 1 << 2);
	lapic_reset(&lapic[2], false, false);
	assert_false(lapic_x2apic(&lapic[2]));
	assert_int_equal(rd(2, LAPIC_ID), 2u << 24);
}

static void test_writable_bits(void **state)
{
	static const struct {
		u32 reg, expect;
	} table[] = {
		{LAPIC_ID, 0xff000000},
		{LAPIC_VERSION, 0x00050014},
		{LAPIC_TPR, 0xff},
		{LAPIC_APR, 0},
		{LAPIC_LDR, 0xff000000},
		{LAPIC_DFR, 0xffffffff},
		{LAPIC_SVR, 0x3ff},
		{LAPIC_ISR, 0},
		{LAPIC_TMR + 0x70, 0},
		{LAPIC_IRR + 0x30, 0},
		{LAPIC_ESR, 0},
		{LAPIC_ICR2, 0xff000000},
		{LAPIC_LVT_TIMER, 0x300ff},
		{LAPIC_LVT_THERMAL, 0x107ff},
		{LAPIC_LVT_PERF, 0x107ff},
		{LAPIC_LVT_LINT0, 0x1a7ff},
		{LAPIC_LVT_LINT1, 0x1a7ff},
		{LAPIC_LVT_ERROR, 0x100ff},
		{LAPIC_TDCR, 0xb},
		{LAPIC_TMCCT, 0},
		{LAPIC_SELF_IPI, 0},
		{LAPIC_EOI, 0},
		{0x00, 0},
		{0x2f0, 0},
		{0x3a0, 0},
		{0xff0, 0},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		wr(1, table[i].reg, 0xffffffff);
		assert_int_equal(rd(1, table[i].reg), table[i].expect);
	}
	wr(1, LAPIC_DFR, 0);
	assert_int_equal(rd(1, LAPIC_DFR), 0x0fffffff);
}

static void test_access_sizes(void **state)
{
	struct lapic *l = &lapic[0];

	(void)state;
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION, 1, 0), 0x14);
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION, 2, 0), 0x14);
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION + 2, 1, 0), 0x05);
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION + 2, 2, 0), 0x05);
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION + 2, 4, 0), 0); /* out of the register */
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION + 4, 4, 0), 0);
	assert_int_equal(lapic_mmio_read(l, LAPIC_VERSION, 8, 0), 0);
	lapic_mmio_write(l, LAPIC_TPR, 1, 0x20, 0);
	lapic_mmio_write(l, LAPIC_TPR, 2, 0x20, 0);
	lapic_mmio_write(l, LAPIC_TPR, 8, 0x20, 0);
	lapic_mmio_write(l, LAPIC_TPR + 4, 4, 0x20, 0);
	assert_int_equal(rd(0, LAPIC_TPR), 0);
	lapic_mmio_write(l, LAPIC_TPR, 4, 0x20, 0);
	assert_int_equal(rd(0, LAPIC_TPR), 0x20);
}

static void test_disabled_and_x2apic_mmio(void **state)
{
	struct lapic *l = &lapic[0];
	u64 val;

	(void)state;
	assert_int_equal(lapic_msr_read(l, 0x803, &val, 0), -EINVAL);
	assert_int_equal(lapic_msr_write(l, 0x808, 0, 0), -EINVAL);
	x2apic(0);
	assert_true(lapic_mmio_read(l, LAPIC_VERSION, 4, 0) == 0xffffffff);
	assert_true(lapic_mmio_read(l, LAPIC_VERSION, 8, 0) == ~0ull);
	lapic_mmio_write(l, LAPIC_TPR, 4, 0x20, 0);
	assert_int_equal(rdmsr(0, LAPIC_TPR), 0);
	assert_int_equal(lapic_set_base(l, LAPIC_DEFAULT_BASE, false), 0);
	assert_true(lapic_mmio_read(l, LAPIC_VERSION, 1, 0) == 0xff);
	assert_int_equal(lapic_msr_read(l, 0x803, &val, 0), -EINVAL);
}

static void test_software_disable(void **state)
{
	(void)state;
	wr(0, LAPIC_LVT_LINT0, 0x700);
	wr(0, LAPIC_LVT_ERROR, 0xfe);
	fixed(0, 0x50, false);
	wr(0, LAPIC_SVR, 0xff);
	assert_int_equal(rd(0, LAPIC_LVT_LINT0), 0x10700);
	assert_int_equal(rd(0, LAPIC_LVT_ERROR), 0x100fe);
	wr(0, LAPIC_LVT_ERROR, 0xfe); /* stays masked */
	assert_int_equal(rd(0, LAPIC_LVT_ERROR), 0x100fe);
	assert_false(fixed(0, 0x60, false));
	assert_int_equal(lapic_accept(&lapic[0]), 0x50); /* what was there stays */
	assert_int_equal(lapic_accept(&lapic[0]), -1);
}

static void test_x2apic_msrs(void **state)
{
	u64 val;

	(void)state;
	x2apic(3);
	assert_int_equal(rdmsr(3, LAPIC_ID), 3);
	assert_int_equal(rdmsr(3, LAPIC_LDR), 1 << 3);
	assert_int_equal(rdmsr(3, LAPIC_VERSION), 0x00050014);
	for (u32 msr = 0x800; msr <= 0x8ff; msr++) {
		u32 reg = (msr - 0x800) * 16;
		bool readable = reg == LAPIC_ID || reg == LAPIC_VERSION || reg == LAPIC_TPR ||
				reg == LAPIC_PPR || reg == LAPIC_LDR || reg == LAPIC_SVR ||
				(reg >= LAPIC_ISR && reg <= LAPIC_ESR) || reg == LAPIC_ICR ||
				(reg >= LAPIC_LVT_TIMER && reg <= LAPIC_TMCCT) || reg == LAPIC_TDCR;
		bool writable = reg == LAPIC_TPR || reg == LAPIC_EOI || reg == LAPIC_SVR ||
				reg == LAPIC_ESR || reg == LAPIC_ICR || reg == LAPIC_SELF_IPI ||
				(reg >= LAPIC_LVT_TIMER && reg <= LAPIC_TMICT) || reg == LAPIC_TDCR;

		assert_int_equal(lapic_msr_read(&lapic[3], msr, &val, 0), readable ? 0 : -EINVAL);
		assert_int_equal(lapic_msr_write(&lapic[3], msr, 0, 0), writable ? 0 : -EINVAL);
		if (reg != LAPIC_ICR)
			assert_int_equal(lapic_msr_write(&lapic[3], msr, 1ull << 32, 0), -EINVAL);
	}
	assert_int_equal(wrmsr(3, LAPIC_ESR, 1), -EINVAL);
	assert_int_equal(wrmsr(3, LAPIC_SELF_IPI, 0x100), -EINVAL);
}

static void test_x2apic_icr(void **state)
{
	(void)state;
	x2apic(0);
	for (u32 bit = 0; bit < 32; bit++) {
		bool reserved = bit == 13 || bit == 16 || bit == 17 || bit >= 20;

		assert_int_equal(wrmsr(0, LAPIC_ICR, 1ull << 40 | 1ull << bit),
				 reserved ? -EINVAL : 0);
	}
	assert_int_equal(wrmsr(0, LAPIC_ICR, 2ull << 32 | 0x1041), 0);
	assert_true(rdmsr(0, LAPIC_ICR) == (2ull << 32 | 0x41)); /* never busy */
	assert_int_equal(lapic_highest_irr(&lapic[2]), 0x41);
}

static void test_base_transitions(void **state)
{
	struct lapic *l = &lapic[1];
	const u64 addr = LAPIC_DEFAULT_BASE, en = LAPIC_BASE_ENABLE, x2 = LAPIC_BASE_X2APIC;

	(void)state;
	assert_int_equal(lapic_set_base(l, addr | x2, false), -EINVAL);
	assert_int_equal(lapic_set_base(l, addr | en | 1, false), -EINVAL);
	assert_int_equal(lapic_set_base(l, addr | en | BIT(9), false), -EINVAL);
	assert_int_equal(lapic_set_base(l, addr | en | BIT(40), false), -EINVAL);
	assert_int_equal(lapic_set_base(l, addr | en | BIT(40), true), -EINVAL);
	wr(1, LAPIC_ID, 7u << 24);
	assert_int_equal(lapic_set_base(l, BIT(39) | en, false), 0); /* moved, nothing else */
	assert_int_equal(rd(1, LAPIC_ID), 7u << 24);
	assert_int_equal(lapic_set_base(l, addr, false), 0);
	assert_int_equal(lapic_set_base(l, addr | en | x2, false), -EINVAL);
	wr(1, LAPIC_ID, 0);
	assert_int_equal(lapic_set_base(l, addr | en, false), 0);
	assert_int_equal(rd(1, LAPIC_ID), 1u << 24);
	assert_int_equal(lapic_set_base(l, addr | en | x2, false), 0);
	assert_int_equal(lapic_set_base(l, addr | en, false), -EINVAL);
	assert_true(lapic_x2apic(l));
	assert_int_equal(lapic_set_base(l, addr, false), 0);
	/* The control guest may set any legal state. */
	assert_int_equal(lapic_set_base(l, addr | en | x2, true), 0);
	assert_int_equal(lapic_set_base(l, addr | en, true), 0);
	assert_int_equal(rd(1, LAPIC_ID), 1u << 24);
	/* Not offered by CPUID. */
	l->base_reserved = lapic_base_reserved(40, false);
	assert_int_equal(lapic_set_base(l, addr | en | x2, false), -EINVAL);
}

/* --- priority and EOI --- */

static void test_priority(void **state)
{
	struct lapic *l = &lapic[0];

	(void)state;
	assert_true(fixed(0, 0x31, false));
	assert_true(fixed(0, 0x52, false));
	assert_true(fixed(0, 0x55, false));
	assert_true(apic_bus_take_wake(&bus) == 1);
	assert_true(apic_bus_take_wake(&bus) == 0);
	assert_int_equal(rd(0, LAPIC_IRR + 0x10), 1u << 0x11);
	assert_int_equal(lapic_accept(l), 0x55);
	assert_int_equal(rd(0, LAPIC_ISR + 0x20), 1u << 0x15);
	assert_int_equal(page[0][LAPIC_PPR / 4], 0x50);
	assert_int_equal(rd(0, LAPIC_PPR), 0x50);
	assert_int_equal(lapic_highest_pending(l), -1); /* 0x52 is of the same class */
	assert_int_equal(lapic_highest_irr(l), 0x52);
	fixed(0, 0x60, false);
	assert_int_equal(lapic_accept(l), 0x60); /* nested */
	wr(0, LAPIC_EOI, 0);
	assert_int_equal(rd(0, LAPIC_PPR), 0x50);
	wr(0, LAPIC_EOI, 0);
	assert_int_equal(lapic_accept(l), 0x52);
	wr(0, LAPIC_EOI, 0);
	assert_int_equal(lapic_accept(l), 0x31);
	wr(0, LAPIC_EOI, 0);
	assert_int_equal(lapic_accept(l), -1);
	assert_int_equal(lapic_highest_irr(l), -1);
	wr(0, LAPIC_EOI, 0); /* with nothing in service: no effect */
	assert_int_equal(rd(0, LAPIC_PPR), 0);
}

static void test_task_priority(void **state)
{
	struct lapic *l = &lapic[0];

	(void)state;
	fixed(0, 0x4f, false);
	lapic_set_cr8(l, 4);
	assert_int_equal(rd(0, LAPIC_TPR), 0x40);
	assert_int_equal(lapic_highest_pending(l), -1);
	assert_int_equal(rd(0, LAPIC_PPR), 0x40);
	wr(0, LAPIC_TPR, 0x3f);
	assert_int_equal(lapic_cr8(l), 3);
	assert_int_equal(rd(0, LAPIC_PPR), 0x3f);
	assert_int_equal(lapic_highest_pending(l), 0x4f);
	lapic_set_cr8(l, 0xff);
	assert_int_equal(lapic_cr8(l), 15);
	fixed(0, 0xff, false);
	assert_int_equal(lapic_highest_pending(l), -1);
	/* Vectors of class 0 are never let through. */
	lapic_set_cr8(l, 0);
	lapic_accept(l);
	lapic_eoi(l, 0);
	lapic_accept(l);
	lapic_eoi(l, 0);
	fixed(0, 0x0f, false);
	assert_int_equal(lapic_highest_pending(l), -1);
}

static void test_eoi_broadcast(void **state)
{
	(void)state;
	fixed(1, 0x41, true);
	fixed(1, 0x42, false);
	assert_int_equal(rd(1, LAPIC_TMR + 0x20), 1u << 1);
	assert_int_equal(lapic_accept(&lapic[1]), 0x42);
	assert_false(lapic_eoi_can_wait(&lapic[1])); /* the other one comes then */
	lapic_eoi(&lapic[1], 5);
	assert_int_equal(last_eoi.count, 0);         /* nobody asked for edges */
	assert_false(lapic_eoi_can_wait(&lapic[1])); /* nothing is in service */
	assert_int_equal(lapic_accept(&lapic[1]), 0x41);
	assert_false(lapic_eoi_can_wait(&lapic[1])); /* level-triggered */
	lapic_eoi(&lapic[1], 6);
	assert_int_equal(last_eoi.count, 1);
	assert_int_equal(last_eoi.index, 1);
	assert_int_equal(last_eoi.vector, 0x41);
	assert_true(last_eoi.level && last_eoi.now == 6);
	/* The same vector as an edge clears TMR. */
	fixed(1, 0x41, false);
	assert_int_equal(rd(1, LAPIC_TMR + 0x20), 0);
	lapic_accept(&lapic[1]);
	assert_true(lapic_eoi_can_wait(&lapic[1]));
	bus.eoi_vectors[2] = 1u << 1;
	assert_false(lapic_eoi_can_wait(&lapic[1]));
	lapic_eoi(&lapic[1], 7);
	assert_int_equal(last_eoi.count, 2);
	assert_false(last_eoi.level);
}

static void test_sync(void **state)
{
	(void)state;
	page[0][(LAPIC_ISR + 0x20) / 4] = 1;
	page[0][(LAPIC_IRR + 0x50) / 4] = 2;
	fixed(0, 0xf0, false);
	lapic_sync(&lapic[0]); /* forgets what was posted */
	assert_int_equal(lapic[0].highest_isr, 0x40);
	assert_int_equal(lapic_highest_pending(&lapic[0]), 0xa1);
}

/* What the CPU is told before an entry, and what it has done is seen to. */
static void test_by_cpu(void **state)
{
	struct lapic *l = &lapic[0];
	u32 *irr = &page[0][(LAPIC_IRR + 0x20) / 4], *isr = &page[0][(LAPIC_ISR + 0x20) / 4];
	u8 vector;

	(void)state;
	fixed(0, 0x41, false);
	lapic_set_by_cpu(l, true);
	assert_int_equal(lapic_tell(l, &vector), LAPIC_TELL_ALL | LAPIC_TELL_EOI | 4);
	assert_int_equal(vector, 0x41);
	assert_int_equal(lapic_tell(l, &vector), 0);
	*irr = 0; /* delivered */
	*isr = 2;
	assert_int_equal(lapic_highest_isr(l), 0x41);
	assert_int_equal(lapic_highest_irr(l), -1);
	assert_int_equal(rd(0, LAPIC_PPR), 0x40);
	fixed(0, 0x42, false);
	fixed(0, 0x51, false);
	assert_int_equal(lapic_highest_pending(l), 0x51); /* and the CPU has yet to hear of it */
	assert_int_equal(lapic_tell(l, &vector), LAPIC_TELL_ALL);
	fixed(0, 0x30, false);
	assert_int_equal(lapic_tell(l, &vector), 2);
	assert_int_equal(vector, 0x30);
	assert_true(lapic_has_irr_below(l, 0x51)); /* 0x30 and 0x42 */
	assert_true(lapic_has_irr_below(l, 0x43));
	assert_true(lapic_has_irr_below(l, 0x42)); /* 0x30 is in another word */
	assert_false(lapic_has_irr_below(l, 0x30));
	lapic_eoi(l, 0); /* by the model: of 0x41 */
	assert_int_equal(*isr, 0);
	assert_int_equal(lapic_tell(l, &vector), LAPIC_TELL_ALL);
	apic_bus_set_eoi_vectors(&bus, (u32[8]){0, 0, 2});
	assert_true(apic_bus_take_wake(&bus) & 1);
	assert_int_equal(lapic_tell(l, &vector), LAPIC_TELL_EOI);
	apic_bus_set_eoi_vectors(&bus, (u32[8]){0, 0, 2}); /* no other than before */
	assert_int_equal(lapic_tell(l, &vector), 0);
	lapic_ended(l, 0x41, 5);
	assert_int_equal(last_eoi.count, 1);
	assert_int_equal(last_eoi.vector, 0x41);
	lapic_set_by_cpu(l, false);
	assert_int_equal(lapic_accept(l), 0x51);
}

static void test_written_by_cpu(void **state)
{
	struct lapic *l = &lapic[1];

	(void)state;
	lapic_set_by_cpu(l, true);
	l->tsc_deadline = true;
	page[1][LAPIC_LVT_TIMER / 4] = 0xfffc1040;
	lapic_written(l, LAPIC_LVT_TIMER + 1, 0);
	assert_int_equal(rd(1, LAPIC_LVT_TIMER), 0x40040);
	lapic_set_tsc_deadline(l, 1000, 0);
	assert_true(lapic_next_deadline(l) != IRQ_NEVER);
	page[1][LAPIC_TMICT / 4] = 77; /* of no effect in that mode */
	lapic_written(l, LAPIC_TMICT, 0);
	assert_int_equal(rd(1, LAPIC_TMICT), 0);
	assert_true(lapic_next_deadline(l) != IRQ_NEVER);
	page[1][LAPIC_LVT_TIMER / 4] = 0x20040; /* to another mode: disarmed */
	lapic_written(l, LAPIC_LVT_TIMER, 0);
	assert_true(lapic_next_deadline(l) == IRQ_NEVER);
	page[1][LAPIC_ICR / 4] = 0x45041; /* itself, and a busy bit */
	lapic_written(l, LAPIC_ICR, 0);
	assert_int_equal(rd(1, LAPIC_ICR), 0x44041);
	assert_int_equal(lapic_highest_irr(l), 0x41);
	page[1][LAPIC_ESR / 4] = 5;
	lapic_written(l, LAPIC_ESR, 0);
	assert_int_equal(rd(1, LAPIC_ESR), 0);
}

static void test_random(void **state)
{
	u32 seed = 3;
	u64 val, now = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct lapic *l;

		seed = seed * 1664525 + 1013904223;
		l = &lapic[seed >> 30];
		val = (u64)seed * 0x9e3779b97f4a7c15ull;
		now += seed >> 20;
		switch (seed >> 26 & 15) {
		case 0:
			(void)!lapic_set_base(l, LAPIC_DEFAULT_BASE | (val & 0xf00), seed & 1);
			break;
		case 1:
			lapic_accept(l);
			break;
		case 2:
			lapic_timer_expire(l, now);
			break;
		case 3:
			lapic_set_tsc_deadline(l, val, now);
			break;
		case 4:
		case 5:
			(void)!lapic_msr_read(l, 0x800 + (seed >> 8 & 0xff), &val, now);
			break;
		case 6:
		case 7:
			(void)!lapic_msr_write(l, 0x800 + (seed >> 8 & 0x3f), val >> (seed & 63),
					       now);
			break;
		case 8:
			lapic_mmio_read(l, seed >> 8 & 0xfff, 1u << (seed & 3), now);
			break;
		case 9:
			l->tsc_deadline = seed & 1;
			lapic_set_cr8(l, 0);
			break;
		default:
			lapic_mmio_write(l, seed >> 8 & 0x3f0, 4, val >> (seed & 63), now);
			break;
		}
		assert_true(l->highest_isr >= -1 && l->highest_isr < 256);
		assert_int_equal(highest_requested(l->index), lapic_highest_irr(l));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_reset_state, setup),
		cmocka_unit_test_setup(test_init_keeps_base_and_id, setup),
		cmocka_unit_test_setup(test_writable_bits, setup),
		cmocka_unit_test_setup(test_access_sizes, setup),
		cmocka_unit_test_setup(test_disabled_and_x2apic_mmio, setup),
		cmocka_unit_test_setup(test_software_disable, setup),
		cmocka_unit_test_setup(test_x2apic_msrs, setup),
		cmocka_unit_test_setup(test_x2apic_icr, setup),
		cmocka_unit_test_setup(test_base_transitions, setup),
		cmocka_unit_test_setup(test_priority, setup),
		cmocka_unit_test_setup(test_task_priority, setup),
		cmocka_unit_test_setup(test_eoi_broadcast, setup),
		cmocka_unit_test_setup(test_sync, setup),
		cmocka_unit_test_setup(test_by_cpu, setup),
		cmocka_unit_test_setup(test_written_by_cpu, setup),
		cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
