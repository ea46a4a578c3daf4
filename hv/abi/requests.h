/* SPDX-License-Identifier: MIT */
/*
 * The ioctls, one function for each kind of handle.  Each returns what KVM's ioctl
 * returns; a request that is not one of that kind's is, as in Linux, -EINVAL on the system
 * and on vCPUs, and -ENOTTY on the others.
 */
#pragma once

#include "kvm/handle.h"

s64 system_request(u32 request, u64 arg);
s64 vm_request(struct vm *vm, u32 request, u64 arg);

/* What a KVM_RUN has for the control guest beside its result. */
struct run_outcome {
	enum run_result result;
	u64 deadline;
	u64 wanted; /* RUN_PAGE_WANTED: RDX */
};

/* @control: the caller's virtual CPU; @run is filled for KVM_RUN. */
s64 vcpu_request(struct vcpu *c, u32 request, u64 arg, struct vmx_vcpu *control,
		 struct run_outcome *run);

/* Use @c exclusively until vcpu_unlock().  False: another CPU is using it. */
bool vcpu_trylock(struct vcpu *c) __must_check;
void vcpu_unlock(struct vcpu *c);

#define CLOCK_FLAGS (KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

/* --- caps.c --- */

/* At boot: how many CPUs kvm0 uses. */
void caps_init(u32 cpus);

/* KVM_CHECK_EXTENSION: the capability's value, 0 if it is not offered.  @vm: NULL on the
 * system's handle. */
s64 check_extension(const struct vm *vm, u64 capability);
/* KVM_ENABLE_CAP: 0; -EFAULT; -EINVAL: not one that can be enabled there, or with these
 * arguments. */
s64 vm_enable_cap(struct vm *vm, u64 arg);
s64 vcpu_enable_cap(struct vcpu *c, u64 arg);

/* --- vcpu_lapic.c --- */
s64 vcpu_get_lapic(struct vcpu *c, u64 arg);
s64 vcpu_set_lapic(struct vcpu *c, u64 arg);
s64 vcpu_report_tpr_access(struct vcpu *c, u64 arg);
s64 vcpu_set_vapic_addr(struct vcpu *c, u64 arg);

/* --- vm_memory.c --- */
s64 vm_set_user_memory_region(struct vm *vm, u64 arg);
s64 vm_set_tss_addr(u64 arg);
s64 vm_set_identity_map_addr(struct vm *vm, u64 arg);
s64 vm_supply(struct vm *vm, u64 arg); /* KVM0_CALL_SUPPLY */

/* --- vm_dirty.c --- */
s64 vm_get_dirty_log(struct vm *vm, u64 arg);
s64 vm_clear_dirty_log(struct vm *vm, u64 arg);
/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
s64 vm_enable_manual_dirty_log(struct vm *vm, u64 options);

/* --- vm_irq.c --- */
s64 vm_create_pit2(struct vm *vm, u64 arg);
s64 vm_irq_line(struct vm *vm, u64 arg, bool status);
s64 vm_create_pit(struct vm *vm);
s64 vm_get_irqchip(struct vm *vm, u64 arg);
s64 vm_set_irqchip(struct vm *vm, u64 arg);
s64 vm_get_pit(struct vm *vm, u64 arg);
s64 vm_set_pit(struct vm *vm, u64 arg);
s64 vm_get_pit2(struct vm *vm, u64 arg);
s64 vm_set_pit2(struct vm *vm, u64 arg);
s64 vm_reinject_control(struct vm *vm, u64 arg);
s64 vm_signal_msi(struct vm *vm, u64 arg);
s64 vm_set_gsi_routing(struct vm *vm, u64 arg);

/* --- vcpu_msr.c --- */
s64 system_msr_index_list(u64 arg, bool features);
s64 system_get_msrs(u64 arg);
s64 vcpu_get_msrs(struct vcpu *c, u64 arg);
s64 vcpu_set_msrs(struct vcpu *c, u64 arg);
s64 vm_set_msr_filter(struct vm *vm, u64 arg);
s64 system_mce_cap(u64 arg);
s64 vcpu_setup_mce(struct vcpu *c, u64 arg);
s64 vcpu_set_mce(struct vcpu *c, u64 arg);

/* --- vm_time.c --- */
s64 vm_get_clock(struct vm *vm, u64 arg);
s64 vm_set_clock(struct vm *vm, u64 arg);
s64 vm_get_tsc_khz(const struct vm *vm);
s64 vm_set_tsc_khz(struct vm *vm, u64 arg);
s64 vcpu_get_tsc_khz(const struct vcpu *c);
s64 vcpu_set_tsc_khz(struct vcpu *c, u64 arg);
/* @request: KVM_SET_, KVM_GET_ or KVM_HAS_DEVICE_ATTR. */
s64 vcpu_device_attr(struct vcpu *c, u32 request, u64 arg);

/* --- events.c --- */
s64 vm_ioeventfd(struct vm *vm, u64 arg);
s64 vm_irqfd(struct vm *vm, u64 arg);

/* --- device.c --- */
s64 vm_create_device(struct vm *vm, u64 arg);
s64 device_request(u32 request, u64 arg);

/* --- stats.c --- */
s64 vm_get_stats_fd(struct vm *vm);
s64 vcpu_get_stats_fd(struct vcpu *c);

/* --- vm_coalesced.c --- */
s64 vm_coalesced_zone(struct vm *vm, u64 arg, bool add);

/* --- param_calls.c: KVM0_CALL_GET_PARAM, KVM0_CALL_SET_PARAM --- */
s64 call_get_param(u64 address, u64 number);
s64 call_set_param(u64 address);

/* --- vcpu_cpuid.c --- */
s64 system_get_cpuid(u64 arg, bool emulated);
s64 vcpu_get_cpuid2(struct vcpu *c, u64 arg);
s64 vcpu_set_cpuid2(struct vcpu *c, u64 arg);
/* KVM_SET_CPUID: leaves without subleaves. */
s64 vcpu_set_cpuid1(struct vcpu *c, u64 arg);

/* The requests of vcpu_state.c, and for those that are not among them the others of
 * vcpu_events.c; -EINVAL if there is none. */
s64 vcpu_state_request(struct vcpu *c, u32 request, u64 arg);
s64 vcpu_event_request(struct vcpu *c, u32 request, u64 arg);

/* --- vcpu_sync.c: registers in kvm_run (KVM API, KVM_CAP_SYNC_REGS) --- */

/* Before a run: set what kvm_dirty_regs says.  @valid: kvm_valid_regs.  0; -EINVAL: an unknown
 * bit in either, or registers that cannot be set: those before them are. */
int vcpu_sync_in(struct vcpu *c, u64 valid) __must_check;
/* After it: get what @valid says. */
void vcpu_sync_out(struct vcpu *c, u64 valid);
