/* SPDX-License-Identifier: MIT */
/* The list of suites: see suites.h. */
#include "tests/abi/suites.h"
#include "tests/abi/record.h"

/* What one test may use. */
#define TEST_MEMORY (16ull << 20)

/* How many of the target's own suites there may be. */
#define MAX_FURTHER 32u

u32 suites_run(const struct suite *const *further, u32 count)
{
	/* clang-format off */
	static const struct suite *const common[] = {
		&suite_system,
		&suite_vm,
		&suite_irqchip_calls,
		&suite_memslot,
		&suite_registers,
		&suite_sregs,
		&suite_vcpu,
		&suite_run,
		&suite_io,
		&suite_mmio,
		&suite_emulate,
		&suite_fault,
		&suite_state,
		&suite_events,
		&suite_events_order,
		&suite_debug,
		&suite_sync_regs,
		&suite_xsave,
		&suite_cpuid,
		&suite_interrupt,
		&suite_irqchip,
		&suite_apic,
		&suite_memory,
		&suite_msrs,
		&suite_msr_values,
		&suite_mce,
		&suite_mce_cmci,
		&suite_requests,
		&suite_routing,
		&suite_msr_filter,
		&suite_vapic,
		&suite_signal,
		&suite_time,
		&suite_kvmclock,
		&suite_clock_vm,
		&suite_caps,
		&suite_irqchip_state,
		&suite_lapic_state,
		&suite_irq_move,
		&suite_split,
		&suite_apic_ipi,
		&suite_apic_regs,
		&suite_ioapic,
		&suite_pic,
		&suite_pit,
		&suite_event,
		&suite_irqfd,
		&suite_ioeventfd,
		&suite_coalesced,
		&suite_dirty,
		&suite_dirty_ring,
		&suite_readonly,
		&suite_move,
		&suite_device,
		&suite_stats,
		&suite_pv,
		&suite_hypercall,
		&suite_map_gpa,
		&suite_halt,
		&suite_pv_steal,
		&suite_pv_eoi,
		&suite_pv_apf,
	};
	/* clang-format on */
	const struct suite *all[ARRAY_SIZE(common) + MAX_FURTHER];
	u32 n = 0;

	if (count)
		all[n++] = further[0];
	for (u32 i = 0; i < ARRAY_SIZE(common); i++)
		all[n++] = common[i];
	for (u32 i = 1; i < MIN(count, MAX_FURTHER); i++)
		all[n++] = further[i];
	record_start();
	struct check_counts counts = check_run(all, n, TEST_MEMORY, CHECK_TESTS);

	record_print();
	t_printf("abi: %u passed, %u failed, %u skipped\n", counts.passed, counts.failed,
		 counts.skipped);
	return counts.failed;
}
