/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "kvm/dirty.h"
#include "kvm/mmu.h"

/* The handle comes first: without one the vCPU would stay in the VM, out of reach. */
static s64 create_vcpu(struct vm *vm, u64 id)
{
	int handle = handle_reserve(), err;
	struct vcpu *c;

	if (handle < 0)
		return handle;
	err = vm_create_vcpu(vm, id, &c);
	if (err) {
		handle_unreserve(handle);
		return err;
	}
	vm_get(vm);
	handle_fill(handle, HANDLE_VCPU, c);
	return handle;
}

#define PMU_FILTER_MAX_EVENTS 300u /* KVM's */

/* KVM API, KVM_SET_PMU_EVENT_FILTER.  Guests have no performance counters, so that there is
 * nothing to filter: it is only checked. */
static s64 set_pmu_event_filter(u64 arg)
{
	struct kvm_pmu_event_filter f;

	if (copy_in(&f, arg, sizeof(f)))
		return -EFAULT;
	if (f.action > KVM_PMU_EVENT_DENY || f.flags)
		return -EINVAL;
	if (f.nevents > PMU_FILTER_MAX_EVENTS)
		return -E2BIG;
	return f.nevents && !copy_span(arg + sizeof(f), f.nevents * sizeof(u64)) ? -EFAULT : 0;
}

s64 vm_request(struct vm *vm, u32 request, u64 arg)
{
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return check_extension(vm, arg);
	case KVM_ENABLE_CAP:
		return vm_enable_cap(vm, arg);
	case KVM_CREATE_VCPU:
		return create_vcpu(vm, arg);
	case KVM_SET_USER_MEMORY_REGION:
		return vm_set_user_memory_region(vm, arg);
	case KVM_GET_DIRTY_LOG:
		return vm_get_dirty_log(vm, arg);
	case KVM_CLEAR_DIRTY_LOG:
		return vm_clear_dirty_log(vm, arg);
	case KVM_RESET_DIRTY_RINGS:
		return dirty_ring_reset_all(vm);
	case KVM_SET_NR_MMU_PAGES:
		return mmu_set_limit(vm, arg);
	case KVM_GET_NR_MMU_PAGES:
		return (s64)mmu_limit(vm);
	case KVM_SET_TSS_ADDR:
		return vm_set_tss_addr(arg);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return vm_set_identity_map_addr(vm, arg);
	case KVM_CREATE_IRQCHIP:
		return vm_create_irqchip(vm);
	case KVM_CREATE_PIT2:
		return vm_create_pit2(vm, arg);
	case KVM_GET_CLOCK:
		return vm_get_clock(vm, arg);
	case KVM_SET_CLOCK:
		return vm_set_clock(vm, arg);
	case KVM_GET_TSC_KHZ:
		return vm_get_tsc_khz(vm);
	case KVM_SET_TSC_KHZ:
		return vm_set_tsc_khz(vm, arg);
	case KVM_SET_PMU_EVENT_FILTER:
		return set_pmu_event_filter(arg);
	case KVM_X86_SET_MSR_FILTER:
		return vm_set_msr_filter(vm, arg);
	case KVM_IRQ_LINE:
		return vm_irq_line(vm, arg, false);
	case KVM_IRQ_LINE_STATUS:
		return vm_irq_line(vm, arg, true);
	case KVM_GET_IRQCHIP:
		return vm_get_irqchip(vm, arg);
	case KVM_SET_IRQCHIP:
		return vm_set_irqchip(vm, arg);
	case KVM_CREATE_PIT:
		return vm_create_pit(vm);
	case KVM_GET_PIT:
		return vm_get_pit(vm, arg);
	case KVM_SET_PIT:
		return vm_set_pit(vm, arg);
	case KVM_GET_PIT2:
		return vm_get_pit2(vm, arg);
	case KVM_SET_PIT2:
		return vm_set_pit2(vm, arg);
	case KVM_REINJECT_CONTROL:
		return vm_reinject_control(vm, arg);
	case KVM_SIGNAL_MSI:
		return vm_signal_msi(vm, arg);
	case KVM_SET_GSI_ROUTING:
		return vm_set_gsi_routing(vm, arg);
	case KVM_SET_BOOT_CPU_ID:
		return vm_set_boot_cpu_id(vm, arg);
	case KVM_IRQFD:
		return vm_irqfd(vm, arg);
	case KVM_IOEVENTFD:
		return vm_ioeventfd(vm, arg);
	case KVM_CREATE_DEVICE:
		return vm_create_device(vm, arg);
	case KVM_GET_STATS_FD:
		return vm_get_stats_fd(vm);
	case KVM_REGISTER_COALESCED_MMIO:
		return vm_coalesced_zone(vm, arg, true);
	case KVM_UNREGISTER_COALESCED_MMIO:
		return vm_coalesced_zone(vm, arg, false);
	default:
		return -ENOTTY;
	}
}
