/* SPDX-License-Identifier: MIT */
/* The benchmark's rows and its order: see bench.h. */
#include "tests/bench/bench.h"

#define BENCH_MEMORY (72ull << 20)

u64 bench_samples[RESULTS_MAX];

/* Shell's sort, by the gaps 3k + 1. */
static void sort(u64 *v, u32 n)
{
	u32 gap = 1;

	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3) {
		for (u32 i = gap; i < n; i++) {
			u64 x = v[i];
			u32 j = i;
			for (; j >= gap && v[j - gap] > x; j -= gap)
				v[j] = v[j - gap];
			v[j] = x;
		}
	}
}

void bench_row(const char *name, const char *suffix, u64 *samples, u32 n, const char *where)
{
	u64 sum = 0, tenths;

	for (u32 i = 0; i < n; i++)
		sum += samples[i];
	tenths = sum * 10 / n;
	sort(samples, n);
	t_printf("%s%s%s %llu %u where=%s min=%llu mean=%llu.%llu max=%llu\n",
		 name ? name : check_name(), suffix ? "." : "", suffix ? suffix : "",
		 samples[n / 2], n, where, samples[0], tenths / 10, tenths % 10, samples[n - 1]);
}

void bench_start(struct machine *m, const char *routine, u32 n)
{
	m->regs.rdi = n;
	m->regs.rsi = GPA_RESULTS;
	machine_start(m, routine);
}

void bench_loop(struct machine *m, const char *routine, u32 n)
{
	CHECK(n <= RESULTS_MAX);
	bench_start(m, routine, 4);
	machine_run_out(m, PORT_DONE);
	bench_start(m, time_empty, n);
	machine_run_out(m, PORT_DONE);
	bench_start(m, routine, n);
	machine_run_out(m, PORT_DONE);
}

u64 *bench_results(const struct machine *m, u32 array)
{
	return machine_at(m, GPA_RESULTS + (u64)array * RESULTS_STRIDE);
}

u32 bench_run(const struct suite *more)
{
	const struct suite *all[] = {&suite_api, &suite_exit, &suite_user,
				     &suite_irq, &suite_mem,  more};
	u32 count = (u32)ARRAY_SIZE(all) - (more ? 0 : 1);
	u64 start = rdtsc();
	struct check_counts counts;

	t_printf("# bench 1; %s\n", target_name);
	t_printf("# guest: flat 64-bit long mode, CPL 0\n");
	t_printf("# columns: name ticks_per_op(median) n where min mean max\n");
	counts = check_run(all, count, BENCH_MEMORY, CHECK_MEASUREMENTS);
	t_printf("# end: %u items measured, %u failed, %u skipped; %llu ticks in all\n",
		 counts.passed, counts.failed, counts.skipped, rdtsc() - start);
	return counts.failed;
}
