/* SPDX-License-Identifier: MIT */
/* All suites, in the order in which they run; and the two main programs' common part. */
#pragma once

#include "tests/abi/check.h"

extern const struct suite suite_system, suite_vm, suite_irqchip_calls, suite_memslot;
extern const struct suite suite_registers, suite_sregs, suite_vapic, suite_vcpu, suite_run,
	suite_signal, suite_io, suite_mmio, suite_emulate;
extern const struct suite suite_fault, suite_state, suite_interrupt, suite_irqchip, suite_memory;
extern const struct suite suite_requests, suite_msrs, suite_mce, suite_routing, suite_msr_filter,
	suite_time, suite_kvmclock, suite_clock_vm, suite_caps;
extern const struct suite suite_events, suite_events_order, suite_msr_values, suite_mce_cmci,
	suite_debug, suite_sync_regs, suite_xsave, suite_cpuid;
extern const struct suite suite_split, suite_apic_ipi, suite_apic_regs, suite_ioapic, suite_pic,
	suite_pit;
extern const struct suite suite_apic, suite_irqchip_state, suite_lapic_state, suite_irq_move;
extern const struct suite suite_event, suite_irqfd, suite_ioeventfd, suite_coalesced;
extern const struct suite suite_dirty, suite_dirty_ring, suite_readonly;
extern const struct suite suite_move;
extern const struct suite suite_pv, suite_hypercall, suite_map_gpa;
extern const struct suite suite_device, suite_stats, suite_halt;
extern const struct suite suite_pv_steal, suite_pv_eoi, suite_pv_apf;

/*
 * Runs them all, the first of `further` before and its others behind them (none if `count` is 0);
 * how many tests failed.
 */
u32 suites_run(const struct suite *const *further, u32 count);
