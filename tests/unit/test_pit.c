/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/irqchip/pit.c */
/* The 8254: access modes, counts and outputs in each mode, latches, ticks, and time
 * conversion of clock.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kvm/irqchip/pit.h"

/* A TSC of 1193.182 MHz: 1000 ticks a count, so that figures are round. */
static const struct irq_clock test_clock = {.tsc_khz = 1193182, .min_period = 5000};
#define COUNT 1000ull

#define CONTROL 3

static void program(struct pit *p, u32 channel, u32 mode, u16 count, u64 now)
{
	pit_write(p, CONTROL, (u8)(channel << 6 | 3 << 4 | mode << 1), now);
	pit_write(p, channel, (u8)count, now);
	pit_write(p, channel, (u8)(count >> 8), now);
}

static u16 read_count(struct pit *p, u32 channel, u64 now)
{
	u16 low = pit_read(p, channel, now);

	return (u16)(low | pit_read(p, channel, now) << 8);
}

static u8 read_status(struct pit *p, u32 channel, u64 now)
{
	pit_write(p, CONTROL, (u8)(0xe0 | 2 << channel), now);
	return pit_read(p, channel, now);
}

static void test_conversion(void **state)
{
	static const struct irq_clock fast = {.tsc_khz = 0xffffffff};
	static const struct irq_clock slow = {.tsc_khz = 1};

	(void)state;
	assert_true(irq_mul_div(~0ull, 1, 1) == ~0ull);
	assert_true(irq_mul_div(~0ull, 3, 2) == ~0ull); /* saturates */
	assert_true(irq_mul_div(~0ull, 2, 4) == 0x7fffffffffffffffull);
	assert_true(irq_mul_div(10, 1, 3) == 3);
	assert_true(irq_clock_ticks(&test_clock, 1000000) == 1193182);
	assert_true(irq_clock_ns(&test_clock, 1193182) == 1000000);
	assert_true(irq_clock_pit_counts(&test_clock, 999) == 0);
	assert_true(irq_clock_pit_counts(&test_clock, 65536000) == 65536);
	assert_true(irq_clock_pit_ticks(&test_clock, 65536) == 65536000);
	for (u32 count = 1; count <= 65536; count += 13) {
		/* The deadline is the first moment at which all counts have passed. */
		assert_true(irq_clock_pit_counts(&fast, irq_clock_pit_ticks(&fast, count)) ==
			    count);
		assert_true(irq_clock_pit_counts(&slow, irq_clock_pit_ticks(&slow, count)) >=
			    count);
	}
	assert_true(irq_clock_after(5, 6) == 11);
	assert_true(irq_clock_after(~0ull - 3, 6) == IRQ_NEVER);
}

static void test_power_on(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 12345);
	assert_true(p.deadline == IRQ_NEVER);
	assert_true(p.reinject);
	assert_int_equal(p.channel[0].gate, 1);
	assert_int_equal(p.channel[1].gate, 1);
	assert_int_equal(p.channel[2].gate, 0);
	assert_int_equal(p.channel[0].count, 65536);
	assert_false(pit_expire(&p, ~0ull));
	assert_int_equal(pit_read(&p, CONTROL, 0), 0);
}

static void test_access_modes(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	pit_write(&p, CONTROL, 0x90, 0); /* channel 2, low byte, mode 0 */
	pit_write(&p, 2, 0x34, 0);
	assert_int_equal(p.channel[2].count, 0x34);
	assert_int_equal(pit_read(&p, 2, 4 * COUNT), 0x30);
	assert_int_equal(pit_read(&p, 2, 4 * COUNT), 0x30);
	pit_write(&p, CONTROL, 0xa0, 0); /* high byte */
	pit_write(&p, 2, 0x12, 0);
	assert_int_equal(p.channel[2].count, 0x1200);
	assert_int_equal(pit_read(&p, 2, 1 * COUNT), 0x11);
	program(&p, 2, 0, 0x1234, 0);
	assert_int_equal(p.channel[2].count, 0x1234);
	assert_int_equal(read_count(&p, 2, 0x34 * COUNT), 0x1200);
	/* Half a word loads nothing. */
	pit_write(&p, 2, 0xff, 0);
	assert_int_equal(p.channel[2].count, 0x1234);
	pit_write(&p, 2, 0x01, 0);
	assert_int_equal(p.channel[2].count, 0x1ff);
	program(&p, 2, 2, 0, 0);
	assert_int_equal(p.channel[2].count, 65536);
}

static void test_counting(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	for (u32 mode = 0; mode < 6; mode++) {
		bool wraps = mode != 2 && mode != 3;

		program(&p, 1, mode, 100, 7 * COUNT);
		assert_int_equal(p.channel[1].mode, mode);
		assert_int_equal(read_count(&p, 1, 7 * COUNT), 100);
		assert_int_equal(read_count(&p, 1, 17 * COUNT + 999), mode == 3 ? 80 : 90);
		assert_int_equal(read_count(&p, 1, 107 * COUNT), wraps ? 0 : 100);
		assert_int_equal(read_count(&p, 1, 110 * COUNT), wraps       ? 0xfffd
								 : mode == 3 ? 94
									     : 97);
	}
	/* 6 and 7 are 2 and 3. */
	program(&p, 1, 6, 100, 0);
	assert_int_equal(p.channel[1].mode, 2);
	program(&p, 1, 7, 100, 0);
	assert_int_equal(p.channel[1].mode, 3);
}

/* Output of channel 2 at each count of interest, as bits of what is expected. */
static void check_output(u32 mode, const u64 *counts, u32 n, u32 expect)
{
	struct pit p;

	pit_init(&p, &test_clock, 0);
	program(&p, 2, mode, 10, 0);
	for (u32 i = 0; i < n; i++) {
		bool high = pit_speaker_read(&p, counts[i] * COUNT) & 0x20;

		assert_int_equal(high, expect >> i & 1);
		assert_int_equal(read_status(&p, 2, counts[i] * COUNT) >> 7, expect >> i & 1);
	}
}

static void test_outputs(void **state)
{
	static const u64 at[] = {0, 4, 5, 9, 10, 11, 20};

	(void)state;
	check_output(0, at, 7, 0x70); /* low until the end, then high */
	check_output(1, at, 7, 0x0f); /* high from the trigger to the end */
	check_output(2, at, 7, 0x50); /* at the reload */
	check_output(3, at, 7, 0x73); /* half and half */
	check_output(4, at, 7, 0x10); /* a strobe at the end */
	check_output(5, at, 7, 0x10);
}

static void test_latches(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 2, 0, 0x1000, 0);
	pit_write(&p, CONTROL, 0x80, 0x100 * COUNT);
	pit_write(&p, CONTROL, 0x80, 0x200 * COUNT); /* the first holds until read */
	assert_int_equal(read_count(&p, 2, 0x300 * COUNT), 0x0f00);
	assert_int_equal(read_count(&p, 2, 0x300 * COUNT), 0x0d00);
	/* Read back: count and status of channels 0 and 2; status comes first. */
	program(&p, 0, 2, 0x2000, 0);
	pit_write(&p, CONTROL, 0xca, 0x400 * COUNT);
	assert_int_equal(pit_read(&p, 0, 0), 0x34);
	assert_int_equal(read_count(&p, 0, 0x500 * COUNT), 0x1c00);
	assert_int_equal(pit_read(&p, 2, 0), 0x30);
	assert_int_equal(read_count(&p, 2, 0x500 * COUNT), 0x0c00);
	assert_int_equal(p.channel[1].status_latched, 0);
	assert_int_equal(p.channel[1].count_latched, 0);
	/* One byte only, of a latched count. */
	pit_write(&p, CONTROL, 0x60, 0);
	pit_write(&p, 1, 0x12, 0);
	pit_write(&p, CONTROL, 0x40, 0);
	assert_int_equal(pit_read(&p, 1, 0x100 * COUNT), 0x12);
	assert_int_equal(p.channel[1].count_latched, 0);
	assert_int_equal(pit_read(&p, 1, 0x100 * COUNT), 0x11);
	assert_int_equal(read_status(&p, 1, 0) & 0x30, 0x20);
	/* BCD is reported, though counted in binary. */
	pit_write(&p, CONTROL, 0xb7, 0);
	assert_int_equal(read_status(&p, 2, 0) & 0x3f, 0x37);
}

static void test_speaker(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 2, 3, 10, 0);
	assert_int_equal(pit_speaker_read(&p, 0) & 0x03, 0);
	pit_speaker_write(&p, 2, 3 * COUNT); /* the gate stays low: no trigger */
	assert_int_equal(read_count(&p, 2, 3 * COUNT), 4);
	pit_speaker_write(&p, 0xff, 7 * COUNT);
	assert_int_equal(pit_speaker_read(&p, 7 * COUNT) & 0x03, 3);
	assert_int_equal(p.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	/* The rising gate restarted the count. */
	assert_int_equal(read_count(&p, 2, 7 * COUNT), 10);
	pit_speaker_write(&p, 1, 9 * COUNT);
	assert_int_equal(p.flags, 0);
	assert_int_equal(read_count(&p, 2, 9 * COUNT), 6); /* no new edge */
	pit_speaker_write(&p, 0, 9 * COUNT);
	program(&p, 2, 0, 10, 0);
	pit_speaker_write(&p, 1, 4 * COUNT);
	assert_int_equal(read_count(&p, 2, 4 * COUNT), 6); /* mode 0 has no trigger */
	for (u32 mode = 1; mode < 6; mode++) {
		pit_speaker_write(&p, 0, 0);
		program(&p, 2, mode, 100, 0);
		pit_speaker_write(&p, 1, 30 * COUNT);
		assert_int_equal(read_count(&p, 2, 30 * COUNT), mode == 4 ? 70 : 100);
	}
	/* Refresh toggles every 2^14 ns. */
	for (u64 ns = 0; ns < 20; ns++) {
		u64 now = irq_clock_ticks(&test_clock, (ns << 14) + 8000);

		assert_int_equal(pit_speaker_read(&p, now) >> 4 & 1, ns & 1);
	}
}

static void test_one_shot(void **state)
{
	static const u8 modes[] = {0, 1, 4};
	struct pit p;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		pit_init(&p, &test_clock, 0);
		program(&p, 0, modes[i], 50, 100);
		assert_true(p.deadline == 100 + 50 * COUNT);
		assert_false(pit_expire(&p, p.deadline - 1));
		assert_true(pit_expire(&p, p.deadline));
		assert_true(p.deadline == IRQ_NEVER);
		assert_false(pit_expire(&p, ~0ull));
		assert_false(pit_ack(&p));
		/* Loading it again runs it again. */
		program(&p, 0, modes[i], 1, 0);
		assert_true(p.deadline == COUNT);
	}
	program(&p, 0, 5, 50, 0); /* needs a gate, which channel 0 has not */
	assert_true(p.deadline == IRQ_NEVER);
	/* The other channels never interrupt. */
	program(&p, 1, 2, 50, 0);
	program(&p, 2, 2, 50, 0);
	assert_true(p.deadline == IRQ_NEVER);
}

static void test_periodic(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 0, 2, 100, 0);
	for (u64 i = 1; i < 10; i++) {
		assert_true(p.deadline == i * 100 * COUNT);
		assert_int_equal(read_count(&p, 0, p.deadline - 3 * COUNT), 3);
		assert_true(pit_expire(&p, p.deadline + 70 * COUNT)); /* late, in phase */
		assert_int_equal(read_count(&p, 0, i * 100 * COUNT + 70 * COUNT), 30);
		assert_false(pit_ack(&p));
	}
	/* The control word alone leaves the ticks going; a load in mode 0 ends them. */
	pit_write(&p, CONTROL, 0x30, 0);
	assert_true(p.deadline == 1000 * COUNT);
	pit_write(&p, 0, 0, 0);
	pit_write(&p, 0, 0, 0);
	assert_true(p.deadline == 65536 * COUNT);
	assert_true(pit_expire(&p, p.deadline));
	assert_true(p.deadline == IRQ_NEVER);
}

static void test_no_drift(void **state)
{
	static const struct irq_clock odd = {.tsc_khz = 2893202};
	struct pit p;

	(void)state;
	pit_init(&p, &odd, 0);
	program(&p, 0, 2, 11932, 0);
	for (u32 i = 0; i < 100000; i++)
		assert_true(pit_expire(&p, p.deadline) == (i == 0));
	/* The count reloads when the tick comes, though a period is no whole number of
	 * ticks of the TSC. */
	assert_int_equal(read_count(&p, 0, p.deadline - 1), 1);
	assert_int_equal(read_count(&p, 0, p.deadline), 11932);
}

static void test_load_forgets_ticks(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 0, 2, 100, 0);
	assert_true(pit_expire(&p, 100 * COUNT));
	assert_false(pit_expire(&p, 300 * COUNT));
	program(&p, 0, 2, 100, 300 * COUNT);
	assert_int_equal(p.pending, 0);
	assert_true(pit_expire(&p, 400 * COUNT));
}

static void test_short_period(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 0, 2, 1, 0);
	assert_true(p.deadline == COUNT); /* the first comes in time */
	assert_true(pit_expire(&p, COUNT));
	assert_true(p.deadline == COUNT + test_clock.min_period);
}

static void test_reinject(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 0, 2, 100, 0);
	assert_true(pit_expire(&p, 100 * COUNT));
	assert_false(pit_expire(&p, 200 * COUNT)); /* not acknowledged: kept for later */
	assert_false(pit_expire(&p, 450 * COUNT)); /* two at once */
	assert_int_equal(p.pending, 4);
	assert_true(pit_ack(&p));
	assert_true(pit_ack(&p));
	assert_true(pit_ack(&p));
	assert_false(pit_ack(&p)); /* all four delivered and acknowledged */
	assert_int_equal(p.pending, 0);
	assert_false(pit_ack(&p));
	assert_true(pit_expire(&p, 500 * COUNT));
	/* Unmasking forgets. */
	assert_false(pit_expire(&p, 600 * COUNT));
	pit_reset_reinject(&p);
	assert_true(pit_expire(&p, 700 * COUNT));
	assert_int_equal(p.pending, 1);
}

static void test_no_reinject(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	pit_set_reinject(&p, false);
	program(&p, 0, 2, 100, 0);
	assert_true(pit_expire(&p, 100 * COUNT));
	assert_true(pit_expire(&p, 200 * COUNT));
	assert_true(pit_expire(&p, 950 * COUNT)); /* missed ones are gone */
	assert_true(p.deadline == 1000 * COUNT);
	assert_false(pit_ack(&p));
	assert_int_equal(p.pending, 0);
	pit_set_reinject(&p, true);
	assert_true(pit_expire(&p, 1000 * COUNT));
	assert_int_equal(p.pending, 1);
}

static void test_hpet_legacy(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	p.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	program(&p, 0, 2, 100, 0);
	assert_true(p.deadline == IRQ_NEVER); /* the HPET has the line */
}

static void test_far_future(void **state)
{
	struct pit p;

	(void)state;
	pit_init(&p, &test_clock, 0);
	program(&p, 0, 2, 0, ~0ull - 5);
	assert_true(p.deadline == IRQ_NEVER);
	program(&p, 0, 2, 1, 1000);
	assert_true(pit_expire(&p, ~0ull - 1)); /* asleep for ages: no overflow */
	assert_int_equal(p.pending, 0xffffffff);
	/* Time that runs backward between CPUs counts nothing. */
	program(&p, 2, 2, 100, 5000);
	assert_int_equal(read_count(&p, 2, 4000), 100);
}

static void test_random(void **state)
{
	struct pit p;
	u32 seed = 7;
	u64 now = 0;

	(void)state;
	pit_init(&p, &test_clock, 0);
	for (int i = 0; i < 300000; i++) {
		seed = seed * 1664525 + 1013904223;
		now += (u64)(seed >> 12) << (seed & 7);
		switch (seed >> 28 & 3) {
		case 0:
			pit_write(&p, seed >> 8 & 3, (u8)(seed >> 16), now);
			break;
		case 1:
			pit_read(&p, seed >> 8 & 3, now);
			break;
		case 2:
			pit_speaker_write(&p, (u8)(seed >> 16), now);
			assert_int_equal(pit_speaker_read(&p, now) & 3, seed >> 16 & 3);
			break;
		default:
			if (seed >> 27 & 1)
				pit_ack(&p);
			pit_expire(&p, now);
			assert_true(p.deadline > now);
			break;
		}
	}
}

static void test_state(void **state)
{
	struct pit p, q;
	struct kvm_pit_state2 s;

	(void)state;
	pit_init(&p, &test_clock, 0);
	pit_write(&p, 3, 0x34, 0);
	pit_write(&p, 0, 0xe8, 0);
	pit_write(&p, 0, 3, 0);    /* 1000 */
	pit_write(&p, 3, 0x04, 0); /* latched */
	pit_get(&p, &s);
	assert_int_equal(s.channels[0].count, 1000);
	assert_int_equal(s.channels[0].mode, 2);
	assert_int_equal(s.channels[0].rw_mode, 3);
	pit_init(&q, &test_clock, 0);
	pit_set(&q, &s, 0, 5 * COUNT);
	assert_true(q.deadline == 1005 * COUNT); /* anew */
	/* The HPET instead of channel 0, whatever is written to that; and back. */
	pit_set(&q, &s, KVM_PIT_FLAGS_HPET_LEGACY, 0);
	assert_true(q.deadline == IRQ_NEVER);
	pit_load_count(&q, 0, 7, 0);
	assert_true(q.deadline == IRQ_NEVER);
	pit_set(&q, &s, KVM_PIT_FLAGS_HPET_LEGACY, 0);
	assert_int_equal(q.channel[0].mode, 2);
	pit_set(&q, &s, 0, 0);
	assert_true(q.deadline == 1000 * COUNT);
	/* Any values. */
	memset(&s, 0xff, sizeof(s));
	pit_set(&q, &s, 0xfffffffe, 0);
	assert_true(q.deadline == IRQ_NEVER);
	s.channels[0].mode = 3;
	pit_set(&q, &s, 0, 0);
	assert_true(q.deadline > 0xffffffffull * (COUNT - 1) &&
		    q.deadline < 0xffffffffull * COUNT * 2);
	for (u32 i = 0; i < 1000; i++) {
		(void)pit_read(&q, i & 3, i * 1000ull);
		(void)pit_speaker_read(&q, i);
		pit_write(&q, i & 3, (u8)i, i);
		pit_expire(&q, i * 1000000ull);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),        cmocka_unit_test(test_conversion),
		cmocka_unit_test(test_power_on),     cmocka_unit_test(test_access_modes),
		cmocka_unit_test(test_counting),     cmocka_unit_test(test_outputs),
		cmocka_unit_test(test_latches),      cmocka_unit_test(test_speaker),
		cmocka_unit_test(test_one_shot),     cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_no_drift),     cmocka_unit_test(test_load_forgets_ticks),
		cmocka_unit_test(test_short_period), cmocka_unit_test(test_reinject),
		cmocka_unit_test(test_no_reinject),  cmocka_unit_test(test_hpet_legacy),
		cmocka_unit_test(test_far_future),   cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
