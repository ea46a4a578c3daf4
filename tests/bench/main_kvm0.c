/* SPDX-License-Identifier: MIT */
/* The benchmark as a control guest; the lines around it are for whoever reads the console. */
#include "guest/lib/boot.h"
#include "guest/lib/hypercall.h"
#include "tests/bench/bench.h"

u64 bench_start_tsc;

int guest_main(const struct boot *boot)
{
	bench_start_tsc = rdtsc();

	u32 failed = 1;

	(void)boot;
	t_printf("@@BEGIN\n");
	if (kvm0_present())
		failed = bench_run(&suite_kvm0);
	else
		t_printf("# not running on kvm0\n");
	t_printf("@@END %u\n", failed ? 1 : 0);
	return failed ? 1 : 0;
}
