/* SPDX-License-Identifier: MIT */
/* Exits that end KVM_RUN: one KVM_RUN each, from the caller back to the caller. */
#include "tests/bench/bench.h"

#define ROUNDS 1000

struct user_item {
	const char *routine;
	u64 r9;
	u32 exit;
};

static void measure(void)
{
	const struct user_item *item = check_arg();
	struct machine m;
	u64 t;
	long r;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.r9 = item->r9;
	machine_start(&m, item->routine);
	for (u32 i = 0; i < 4; i++)
		machine_run(&m, item->exit);
	for (u32 i = 0; i < ROUNDS; i++) {
		t = rdtsc();
		r = t_run_quick(m.vcpu);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r, 0);
		CHECK_EQUAL(m.run->exit_reason, item->exit);
	}
	bench_row(NULL, NULL, bench_samples, ROUNDS, "host");
}

static void run_immediate_exit(void)
{
	struct machine m;
	u64 t;
	long r;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	m.regs.r9 = PORT_TEST;
	machine_start(&m, time_user_out);
	machine_run(&m, KVM_EXIT_IO);
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR); /* completes the OUT */
	for (u32 i = 0; i < ROUNDS; i++) {
		t = rdtsc();
		r = t_run_quick(m.vcpu);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r, -EINTR);
	}
	bench_row(NULL, NULL, bench_samples, ROUNDS, "host");
}

#define ITEM(row, entry, a, reason)                                                                \
	{                                                                                          \
		.name = #row, .run = measure, .arg = &(const struct user_item)                     \
		{                                                                                  \
			.routine = entry, .r9 = a, .exit = reason                                  \
		}                                                                                  \
	}

SUITE(user, ITEM(user_pio_out, time_user_out, PORT_TEST, KVM_EXIT_IO),
      ITEM(user_pio_in, time_user_in, PORT_TEST, KVM_EXIT_IO),
      ITEM(user_mmio_write, time_user_store, GPA_MMIO, KVM_EXIT_MMIO),
      ITEM(user_mmio_read, time_user_load, GPA_MMIO, KVM_EXIT_MMIO),
      ITEM(user_hlt, time_user_hlt, 0, KVM_EXIT_HLT), TEST(run_immediate_exit));
