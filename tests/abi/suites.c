/* SPDX-License-Identifier: MIT */
/* The list of suites: see suites.h. */
#include "tests/abi/suites.h"

/* What one test may use. */
#define TEST_MEMORY (16ull << 20)

u32 suites_run(const struct suite *first, const struct suite *last)
{
	const struct suite *all[] = {
		first,
		&suite_system,
		&suite_vm,
		&suite_irqchip_calls,
		&suite_memslot,
		&suite_registers,
		&suite_vcpu,
		&suite_run,
		&suite_io,
		&suite_mmio,
		&suite_fault,
		&suite_state,
		&suite_interrupt,
		&suite_irqchip,
		&suite_memory,
		last,
	};
	u32 skip = first ? 0 : 1;
	struct check_counts counts =
		check_run(all + skip, (u32)ARRAY_SIZE(all) - 2 * skip, TEST_MEMORY, CHECK_TESTS);

	t_printf("abi: %u passed, %u failed, %u skipped\n", counts.passed, counts.failed,
		 counts.skipped);
	return counts.failed;
}
