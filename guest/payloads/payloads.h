/* SPDX-License-Identifier: MIT */
/*
 * The test guests' routines, for the programs that copy payloads_begin..payloads_end to
 * GPA_CODE of a guest.  What each does stands at its ENTRY in the .asm files.
 */
#pragma once

#include "guest/payloads/layout.h"

extern const char payloads_begin[], payloads_end[];

/* real.asm: 16-bit real mode. */
extern const char real_out_sizes[], real_in_sizes[], real_outsb[], real_outsw[], real_outsd[];
extern const char real_insb[], real_insw[], real_insd[], real_hlt[], real_done[], real_mmio[];
extern const char real_divide[], real_divide_handler[], real_int[], real_int_handler[];
extern const char real_self_modify[], real_to_prot[], real_pic[], real_pic_handler[], real_pit[];
extern const char real_pit_count[], real_window[], real_window_handler[], real_reset_ports[];

/* prot.asm: 32-bit protected mode. */
extern const char prot_out[], prot_vmcall[], prot_arrived[], prot_to_long[];

/* fault.asm: exceptions; 64-bit from here on. */
extern const char fault_stubs[], fault_divide[], fault_int1[], fault_int3[], fault_ud2[];
extern const char fault_load[], fault_store[], fault_jump[], fault_int[], fault_fninit[],
	fault_vmcall[];
extern const char fault_vmclear[], fault_vmlaunch[], fault_vmresume[], fault_vmptrld[];
extern const char fault_vmptrst[], fault_vmread[], fault_vmwrite[], fault_vmxoff[], fault_vmxon[];
extern const char fault_invept[], fault_invvpid[], fault_rdmsr[], fault_wrmsr[];
extern const char fault_set_cr0[], fault_set_cr3[], fault_set_cr4[], fault_set_cr8[];
extern const char fault_xsetbv[], fault_set_dr6[];
extern const char fault_single_step[], fault_step_halt[], fault_debug_handler[], fault_twice[];

/* io.asm: ports and MMIO. */
extern const char long_mmio_write[], long_mmio_read[], long_mmio_modify[], long_mmio_movsb[];
extern const char long_mmio_movsq[], long_mmio_stosd[], long_mmio_lodsd[];
extern const char long_mmio_undecodable[], long_load[], long_store[], long_jump[], long_done[];
extern const char long_hlt[], long_in[], long_outsd[], long_insd[], long_spin[];

/* emulate.asm: MMIO by the less common instructions. */
extern const char long_sse_store[], long_sse_load[], long_sse_misaligned[], long_sse_scalar[];
extern const char long_avx[], long_movbe[], long_locked[], long_arithmetic[], long_divide[];
extern const char long_rep_fault[], long_rep_load[], long_clflush[], prot_rep[], real_rep[];

/* state.asm: processor state. */
extern const char state_cpuid[], state_rdmsr[], state_wrmsr[], state_cr0[], state_cr4[];
extern const char state_cr8[], state_msw[], state_xsetbv[], state_debug[], state_sse_set[];
extern const char state_sse_store[], state_registers[], state_tsc[], state_self_modify[];

/* debug.asm: what user space watches. */
extern const char debug_steps[], debug_steps_mmio[], debug_steps_out[], debug_write[];
extern const char debug_write_end[], debug_own[], debug_nmi[];

/* interrupt.asm: handlers, and routines that cause and await interrupts. */
extern const char handler_plain[], handler_xapic[], handler_x2apic[];
extern const char irq_window[], irq_queued[], irq_xapic_registers[], irq_xapic_tpr[];
extern const char irq_self_xapic[], irq_self_x2apic[], irq_masked_by_tpr[], irq_timer_once[];
extern const char irq_timer_periodic[], irq_timer_deadline[], irq_ioapic[];
extern const char handler_stop_20[], handler_stop_25[], handler_stop_40[], handler_stop_50[];
extern const char handler_stop_60[], irq_stops[];

/* apic.asm: what the local APIC decides. */
extern const char apic_handler_31[], apic_handler_41[], apic_handler_42[], apic_handler_51[];
extern const char apic_nested_xapic[], apic_nested_x2apic[], apic_switch[], apic_moved[];
extern const char apic_registers[], apic_await_3[];

/* cpus.asm: for several CPUs. */
extern const char cpus_count[], cpus_rdmsr[], cpus_count_exiting[], cpus_ioapic_count[],
	cpus_ipi_count[], cpus_mix[], cpus_fresh[], cpus_vmcall_hlt[], cpus_touch[], cpus_check[];

/* move.asm: moved from VM to VM. */
extern const char move_work[], move_shadow[], move_halted[];

/* vapic.asm: the TPR in a page, and accesses to it that are told. */
extern const char vapic_work[], vapic_handler[];
extern const char vapic_tpr[], vapic_tpr_write[], vapic_tpr_read[], vapic_tpr_end[];

/* access.asm: devices, step by step. */
extern const char access_write[], access_read[], access_out[], access_in[];
extern const char access_window[], access_halt[], access_storm[], access_stubs[];

/* clock.asm: kvmclock. */
extern const char clock_read[], clock_watch[];

/* halt.asm: guests that halt, wait and spin. */
extern const char halt_monitor_mwait[], halt_spin[];

/* storm.asm: many vCPUs that interrupt each other. */
extern const char storm[], storm_ipi[], storm_timer[], storm_nmi[], storm_wake[];

/* timing.asm: the benchmark's. */
extern const char time_empty[], time_cpuid[], time_vmcall[], time_rdmsr[], time_wrmsr[];
extern const char time_in[], time_out[], time_wbinvd[], time_wrcr8[], time_rdcr8[], time_load[];
extern const char time_store[], time_xsetbv[], time_cr0[], time_cr4[], time_cr3[], time_touch[];
extern const char time_user_out[], time_user_in[], time_user_store[], time_user_load[];
extern const char time_user_hlt[], time_user_out_if[], time_self_xapic[], time_self_x2apic[];
extern const char time_other_x2apic[], time_spin[];
extern const char time_deadline[], time_user_out_apic[], time_ping[], time_pong[], handler_pong[];

/* pv_shared.asm: paravirtual features in the guest's memory. */
extern const char pv_load_twice[], pv_eoi_plain[], pv_eoi_stop[], pv_eoi_nest[], pv_eoi_keep[];
extern const char pv_eoi_count[], pv_eoi_self[], pv_apf_fault[], pv_apf_ready[], pv_copy[];
extern const char pv_remap[];
