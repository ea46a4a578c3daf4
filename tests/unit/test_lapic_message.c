/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* sources: tests/unit/lapic_fixture.c hv/kvm/irqchip/lapic.c hv/kvm/irqchip/lapic_message.c hv/kvm/irqchip/lapic_regs.c hv/kvm/irqchip/lapic_timer.c hv/kvm/irqchip/apic_bus.c */
/* clang-format on */
/* What the bus delivers to which local APIC, and senders that race with it. */
#include "tests/unit/lapic_fixture.h"

#include <linux/errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

static u32 pending_cpus(u8 vector)
{
	u32 cpus = 0;

	for (u32 i = 0; i < CPUS; i++) {
		u32 *word = &page[i][(LAPIC_IRR + vector / 32 * 0x10) / 4];

		lapic_highest_irr(&lapic[i]);
		if (*word >> vector % 32 & 1)
			cpus |= 1u << i;
		*word &= ~(1u << vector % 32);
		lapic_sync(&lapic[i]);
	}
	return cpus;
}

static u32 ipi(u32 from, u32 dest, u32 icr)
{
	wr(from, LAPIC_ICR2, dest << 24);
	wr(from, LAPIC_ICR, icr);
	return pending_cpus((u8)icr);
}

static void test_ipi_physical(void **state)
{
	(void)state;
	assert_int_equal(ipi(0, 2, 0x4041), 1 << 2);
	assert_true(apic_bus_take_wake(&bus) == 1 << 2);
	assert_int_equal(rd(0, LAPIC_ICR), 0x4041);
	assert_int_equal(rd(0, LAPIC_ICR2), 2u << 24);
	assert_int_equal(ipi(0, 7, 0x4041), 0);
	assert_int_equal(ipi(0, 0, 0x4041), 1 << 0);
	assert_int_equal(ipi(0, 0xff, 0x4041), 0xf);
	wr(3, LAPIC_ID, 0x20u << 24); /* the id is writable */
	assert_int_equal(ipi(0, 0x20, 0x4041), 1 << 3);
	assert_int_equal(ipi(0, 3, 0x4041), 0);
	wr(0, LAPIC_ICR, 0x5041);
	assert_int_equal(rd(0, LAPIC_ICR) & 0x1000, 0);
	pending_cpus(0x41);
	/* A level-triggered one without assertion is nothing. */
	assert_int_equal(ipi(0, 2, 0x8041), 0);
	assert_int_equal(ipi(0, 2, 0xc041), 1 << 2);
}

static void test_ipi_shorthand(void **state)
{
	(void)state;
	assert_int_equal(ipi(1, 3, 0x44041), 1 << 1);
	assert_int_equal(ipi(1, 3, 0x84041), 0xf);
	assert_int_equal(ipi(1, 3, 0xc4041), 0xd);
	x2apic(2);
	assert_int_equal(wrmsr(2, LAPIC_SELF_IPI, 0x77), 0);
	assert_int_equal(pending_cpus(0x77), 1 << 2);
}

static void test_ipi_logical(void **state)
{
	(void)state;
	for (u32 i = 0; i < CPUS; i++)
		wr(i, LAPIC_LDR, 1u << (24 + i));
	assert_int_equal(ipi(0, 0x0a, 0x4841), 0xa);
	assert_int_equal(ipi(0, 0x10, 0x4841), 0);
	assert_int_equal(ipi(0, 0xff, 0x4841), 0xf);
	for (u32 i = 0; i < CPUS; i++) {
		wr(i, LAPIC_DFR, 0);
		wr(i, LAPIC_LDR, (i < 2 ? 0x10u : 0x20u) << 24 | 1u << (24 + i % 2));
	}
	assert_int_equal(ipi(0, 0x13, 0x4841), 0x3);
	assert_int_equal(ipi(0, 0x22, 0x4841), 0x8);
	assert_int_equal(ipi(0, 0x3f, 0x4841), 0);
	assert_int_equal(ipi(0, 0xff, 0x4841), 0xf);
	/* A model of neither kind matches nothing. */
	wr(0, LAPIC_DFR, 0x30000000);
	assert_int_equal(ipi(1, 0x11, 0x4841), 0);
}

static void test_x2apic_destinations(void **state)
{
	(void)state;
	for (u32 i = 0; i < CPUS; i++)
		x2apic(i);
	lapic[3].id = 0x123;
	lapic_reset(&lapic[3], false, false);
	wr(3, LAPIC_SVR, 0x1ff);
	/* In xAPIC mode too it answers to an id that xAPIC cannot name. */
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0x12300004041), 0);
	assert_int_equal(pending_cpus(0x41), 1 << 3);
	x2apic(3);
	assert_int_equal(rdmsr(3, LAPIC_LDR), 0x120008);
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0x12300004041), 0);
	assert_int_equal(pending_cpus(0x41), 1 << 3);
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0x0012000700004841), 0); /* cluster 0x12, not bit 3 */
	assert_int_equal(pending_cpus(0x41), 0);
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0x0012000f00004841), 0);
	assert_int_equal(pending_cpus(0x41), 1 << 3);
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0x0000000500004841), 0);
	assert_int_equal(pending_cpus(0x41), 0x5);
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0x200004041), 0);
	assert_int_equal(pending_cpus(0x41), 1 << 2);
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0xffffffff00004041), 0);
	assert_int_equal(pending_cpus(0x41), 0xf);
	/* 0xff is an ordinary id in an IPI, but a broadcast from the I/O APIC. */
	assert_int_equal(wrmsr(0, LAPIC_ICR, 0xff00004041), 0);
	assert_int_equal(pending_cpus(0x41), 0);
	assert_int_equal(
		apic_bus_send(&bus, NULL, &(struct apic_message){.dest = 0xff, .vector = 0x41}), 4);
	assert_int_equal(pending_cpus(0x41), 0xf);
}

/* The vCPU that gets it, or none, and then nothing has changed. */
static u32 quickly(u32 from, u64 icr)
{
	struct lapic *target = lapic_send_quickly(&lapic[from], icr);
	u32 cpus = pending_cpus((u8)icr);

	assert_true(apic_bus_take_wake(&bus) == 0);
	assert_int_equal(cpus, target ? 1u << (target - lapic) : 0);
	return cpus;
}

static void test_quick_ipi(void **state)
{
	const u64 not_fixed[] = {0x100, 0x200, 0x800, 0x1000, 0x2000, 0x8000, 0x40000, 0x100000};

	(void)state;
	for (u32 i = 0; i < CPUS; i++)
		x2apic(i);
	assert_int_equal(quickly(0, 0x200004041), 1 << 2);
	assert_int_equal(quickly(0, 0x000000041), 1 << 0);
	assert_int_equal(quickly(0, 0x400004041), 0);
	assert_int_equal(quickly(0, 0xffffffff00004041), 0);
	for (u32 i = 0; i < ARRAY_SIZE(not_fixed); i++)
		assert_int_equal(quickly(0, 0x200004041 | not_fixed[i]), 0);
	lapic_sent_quickly(&lapic[0], 0x200004041);
	assert_true(rdmsr(0, LAPIC_ICR) == 0x200004041);
	assert_int_equal(wrmsr(2, LAPIC_SVR, 0xff), 0);
	assert_int_equal(quickly(0, 0x200004041), 0);
	/* One that is not in x2APIC mode may have any id, and one that is off has none. */
	assert_int_equal(lapic_set_base(&lapic[3], LAPIC_DEFAULT_BASE, false), 0);
	assert_int_equal(quickly(0, 0x300004041), 0);
	assert_int_equal(quickly(0, 0x100004041), 1 << 1);
	assert_int_equal(lapic_set_base(&lapic[3], LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE, false),
			 0);
	assert_int_equal(quickly(0, 0x100004041), 0);
	assert_int_equal(quickly(3, 0x100004041), 0);
	x2apic(3);
	assert_int_equal(quickly(3, 0x100004041), 1 << 1);
	lapic[1].id = 9;
	assert_int_equal(quickly(0, 0x100004041), 0);
}

static void test_absent_targets(void **state)
{
	const struct apic_message all = {.dest = 0xff, .vector = 0x41};

	(void)state;
	bus.lapic[1] = NULL; /* a vCPU that is gone */
	assert_int_equal(lapic_set_base(&lapic[2], LAPIC_DEFAULT_BASE, false), 0);
	wr(3, LAPIC_SVR, 0xff);
	assert_int_equal(apic_bus_send(&bus, NULL, &all), 1);
	assert_int_equal(pending_cpus(0x41), 1);
}

static void test_lowest_priority(void **state)
{
	struct apic_message m = {.dest = 0x0e, .logical = true, .delivery = APIC_LOWEST};
	u32 seen = 0;

	(void)state;
	for (u32 i = 0; i < CPUS; i++)
		wr(i, LAPIC_LDR, 1u << (24 + i));
	for (u8 v = 0x60; v < 0x66; v++) {
		u32 cpus;

		m.vector = v;
		assert_int_equal(apic_bus_send(&bus, NULL, &m), 1);
		cpus = pending_cpus(v);
		assert_int_equal(cpus, 2u << v % 3); /* the same vector, the same target */
		seen |= cpus;
	}
	assert_int_equal(seen, 0xe);
	bus.vector_hashing = false; /* by turns */
	seen = 0;
	m.vector = 0x61;
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(apic_bus_send(&bus, NULL, &m), 1);
		seen |= pending_cpus(0x61);
	}
	assert_int_equal(seen, 0xe);
	wr(1, LAPIC_SVR, 0xff); /* software-disabled: no candidate */
	m.dest = 0x02;
	assert_int_equal(apic_bus_send(&bus, NULL, &m), 0);
	/* Everyone by shorthand, at lowest priority: one. */
	assert_int_equal(__builtin_popcount(ipi(0, 0, 0x84141)), 1);
	/* A physical broadcast means all, whatever its mode. */
	m = (struct apic_message){.dest = 0xff, .delivery = APIC_LOWEST, .vector = 0x61};
	assert_int_equal(apic_bus_send(&bus, NULL, &m), 3);
	assert_int_equal(pending_cpus(0x61), 0xd);
}

static void test_events(void **state)
{
	(void)state;
	wr(0, LAPIC_ICR2, 1u << 24);
	wr(0, LAPIC_ICR, 0x4400); /* NMI */
	wr(0, LAPIC_ICR, 0x4400);
	assert_int_equal(lapic[1].nmi_pending, 2);
	wr(0, LAPIC_ICR, 0x469a); /* SIPI */
	assert_int_equal(lapic[1].events, LAPIC_EVENT_SIPI);
	wr(0, LAPIC_ICR, 0x8500); /* INIT, de-asserted: nothing */
	assert_int_equal(lapic[1].events, LAPIC_EVENT_SIPI);
	wr(0, LAPIC_ICR, 0xc500); /* INIT */
	assert_int_equal(lapic[1].events, LAPIC_EVENT_INIT);
	wr(0, LAPIC_ICR, 0x469b);
	assert_int_equal(lapic[1].events, LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI);
	assert_int_equal(lapic[1].sipi_vector, 0x9b);
	assert_true(apic_bus_take_wake(&bus) == 2);
	/* INIT to all others, as firmware does it; software-disabled ones too. */
	wr(2, LAPIC_SVR, 0xff);
	wr(0, LAPIC_ICR, 0xc4500);
	assert_int_equal(lapic[0].events, 0);
	assert_int_equal(lapic[2].events, LAPIC_EVENT_INIT);
	assert_int_equal(lapic[3].events, LAPIC_EVENT_INIT);
	assert_true(apic_bus_take_wake(&bus) == 0xe);
	/* SMI and ExtINT reach nobody; the reserved mode is KVM's kick. */
	wr(0, LAPIC_ICR, 0x4200);
	wr(0, LAPIC_ICR, 0x4730);
	assert_true(apic_bus_take_wake(&bus) == 0);
	wr(0, LAPIC_ICR, 0x4300);
	assert_true(apic_bus_take_wake(&bus) == 2);
	assert_int_equal(lapic[1].kicked, 1);
}

static void test_local_sources(void **state)
{
	struct lapic *l = &lapic[0];

	(void)state;
	assert_false(lapic_local_interrupt(l, LAPIC_LVT_LINT1));
	wr(0, LAPIC_LVT_LINT1, 0x400);
	assert_true(lapic_local_interrupt(l, LAPIC_LVT_LINT1));
	assert_int_equal(l->nmi_pending, 1);
	wr(0, LAPIC_LVT_PERF, 0x400);
	assert_true(lapic_local_interrupt(l, LAPIC_LVT_PERF));
	assert_false(lapic_local_interrupt(l, LAPIC_LVT_PERF)); /* masked by itself */
	wr(0, LAPIC_LVT_LINT0, 0x8033);
	assert_true(lapic_local_interrupt(l, LAPIC_LVT_LINT0));
	assert_int_equal(rd(0, LAPIC_TMR + 0x10), 1u << 0x13);
	wr(0, LAPIC_LVT_LINT0, 0x33);
	assert_true(lapic_local_interrupt(l, LAPIC_LVT_LINT0));
	assert_int_equal(rd(0, LAPIC_TMR + 0x10), 0);
	/* ExtINT */
	assert_false(lapic_accepts_extint(l));
	wr(0, LAPIC_LVT_LINT0, 0x700);
	assert_true(lapic_accepts_extint(l));
	assert_false(lapic_local_interrupt(l, LAPIC_LVT_LINT0));
	wr(0, LAPIC_LVT_LINT0, 0x10700);
	assert_false(lapic_accepts_extint(l));
	wr(0, LAPIC_LVT_LINT0, 0x400);
	assert_false(lapic_accepts_extint(l));
	assert_true(lapic_lint0_is_nmi(l));
	wr(0, LAPIC_LVT_LINT0, 0x10400);
	assert_false(lapic_lint0_is_nmi(l));
	assert_int_equal(lapic_set_base(l, LAPIC_DEFAULT_BASE, false), 0);
	assert_true(lapic_accepts_extint(l)); /* as if there were no APIC */
	fixed(0, 0x50, false);
	assert_int_equal(lapic_highest_pending(l), -1);
}

#define RACE_ROUNDS 20000u
#define RACE_BATCH  8u

static struct {
	u32 sent;  /* rounds that the sender has finished */
	u32 taken; /* rounds that the vCPU has checked */
} race;

static void race_wait(const u32 *counter, u32 value)
{
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) != value)
		sched_yield();
}

/* Another CPU: sends to vCPU 0 as fast as it can, then lets it check. */
static void *race_sender(void *unused)
{
	u32 seed = 17;

	(void)unused;
	for (u32 round = 0; round < RACE_ROUNDS; round++) {
		race_wait(&race.taken, round);
		for (u32 i = 0; i < RACE_BATCH; i++) {
			seed = seed * 1664525 + 1013904223;
			fixed(0, (u8)(0x20 + (seed >> 24) % 0xe0), seed >> 20 & 1);
		}
		__atomic_store_n(&race.sent, round + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void test_race(void **state)
{
	u32 forgotten = 0, idle = 0;
	pthread_t thread;

	(void)state;
	memset(&race, 0, sizeof(race));
	assert_int_equal(pthread_create(&thread, NULL, race_sender, NULL), 0);
	for (u32 round = 0; round < RACE_ROUNDS; round++) {
		while (__atomic_load_n(&race.sent, __ATOMIC_ACQUIRE) == round)
			if (lapic_accept(&lapic[0]) >= 0)
				lapic_eoi(&lapic[0], 0);
			else if (++idle % 10000 == 0)
				sched_yield(); /* there may be one CPU only */
		while (lapic_accept(&lapic[0]) >= 0)
			lapic_eoi(&lapic[0], 0);
		forgotten += highest_requested(0) >= 0;
		__atomic_store_n(&race.taken, round + 1, __ATOMIC_RELEASE);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(forgotten, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ipi_physical, setup),
		cmocka_unit_test_setup(test_ipi_shorthand, setup),
		cmocka_unit_test_setup(test_ipi_logical, setup),
		cmocka_unit_test_setup(test_x2apic_destinations, setup),
		cmocka_unit_test_setup(test_quick_ipi, setup),
		cmocka_unit_test_setup(test_absent_targets, setup),
		cmocka_unit_test_setup(test_lowest_priority, setup),
		cmocka_unit_test_setup(test_events, setup),
		cmocka_unit_test_setup(test_local_sources, setup),
		cmocka_unit_test_setup(test_race, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
