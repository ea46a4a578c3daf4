/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: what KVM_CHECK_EXTENSION says of each, and KVM_ENABLE_CAP on VMs and vCPUs.
 */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "kvm/dirty.h"

/* KVM's quirks that can be turned off.  Two kvm0 never has; without the third MONITOR and MWAIT are
 * #UD for a guest whose CPUID lacks them. */
#define QUIRKS                                                                                     \
	(KVM_X86_QUIRK_OUT_7E_INC_RIP | KVM_X86_QUIRK_FIX_HYPERCALL_INSN |                         \
	 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

#define X2APIC_API_FLAGS (KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

#define GUEST_DEBUG_FLAGS                                                                          \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |                  \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |                \
	 KVM_GUESTDBG_BLOCKIRQ)

/* Capabilities that kvm0 offers, with the value that KVM_CHECK_EXTENSION returns. */
static const struct {
	u32 capability;
	s32 value;
} capabilities[] = {
	{KVM_CAP_IRQCHIP, 1},
	{KVM_CAP_HLT, 1},
	{KVM_CAP_VAPIC, 1},
	{KVM_CAP_USER_MEMORY, 1},
	{KVM_CAP_SET_TSS_ADDR, 1},
	{KVM_CAP_EXT_CPUID, 1},
	{KVM_CAP_MAX_VCPUS, VM_MAX_VCPUS},
	{KVM_CAP_MAX_VCPU_ID, VM_MAX_VCPUS},
	{KVM_CAP_NR_MEMSLOTS, MEMSLOT_MAX},
	{KVM_CAP_MP_STATE, 1},
	{KVM_CAP_SYNC_MMU, 1},
	{KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1},
	{KVM_CAP_READONLY_MEM, 1},
	{KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	 KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET},
	{KVM_CAP_DIRTY_LOG_RING, DIRTY_RING_BYTES_MAX},
	{KVM_CAP_DIRTY_LOG_RING_ACQ_REL, DIRTY_RING_BYTES_MAX},
	{KVM_CAP_MCE, MCE_MAX_BANKS},
	{KVM_CAP_GET_MSR_FEATURES, 1},
	{KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1},
	{KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1},
	{KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET},
	{KVM_CAP_IRQ_INJECT_STATUS, 1},
	{KVM_CAP_PIT, 1},
	{KVM_CAP_PIT_STATE2, 1},
	{KVM_CAP_REINJECT_CONTROL, 1},
	{KVM_CAP_IRQ_ROUTING, IRQ_ROUTES_MAX},
	{KVM_CAP_SIGNAL_MSI, 1},
	{KVM_CAP_SET_BOOT_CPU_ID, 1},
	{KVM_CAP_X2APIC_API, X2APIC_API_FLAGS},
	{KVM_CAP_SPLIT_IRQCHIP, 1},
	{KVM_CAP_IOAPIC_POLARITY_IGNORED, 1},
	{KVM_CAP_ENABLE_CAP, 1},
	{KVM_CAP_ENABLE_CAP_VM, 1},
	{KVM_CAP_NOP_IO_DELAY, 1},
	{KVM_CAP_IRQFD, 1},
	{KVM_CAP_IOEVENTFD, 1},
	{KVM_CAP_IRQFD_RESAMPLE, 1},
	{KVM_CAP_IOEVENTFD_NO_LENGTH, 1},
	{KVM_CAP_IOEVENTFD_ANY_LENGTH, 1},
	{KVM_CAP_COALESCED_PIO, 1},
	{KVM_CAP_DEVICE_CTRL, 1},
	{KVM_CAP_BINARY_STATS_FD, 1},
	{KVM_CAP_PIT2, 1},
	{KVM_CAP_SET_IDENTITY_MAP_ADDR, 1},
	{KVM_CAP_TSC_DEADLINE_TIMER, 1},
	{KVM_CAP_IMMEDIATE_EXIT, 1},
	{KVM_CAP_USER_NMI, 1},
	{KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS},
	{KVM_CAP_VCPU_EVENTS, 1},
	{KVM_CAP_EXCEPTION_PAYLOAD, 1},
	{KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1},
	{KVM_CAP_DEBUGREGS, 1},
	{KVM_CAP_XSAVE, 1},
	{KVM_CAP_XSAVE2, sizeof(struct kvm_xsave)},
	{KVM_CAP_SREGS2, 1},
	{KVM_CAP_EXT_EMUL_CPUID, 1},
	{KVM_CAP_SET_GUEST_DEBUG, 1},
	{KVM_CAP_SET_GUEST_DEBUG2, GUEST_DEBUG_FLAGS},
	{KVM_CAP_X86_ROBUST_SINGLESTEP, 1},
	{KVM_CAP_INTERNAL_ERROR_DATA, 1},
	{KVM_CAP_CHECK_EXTENSION_VM, 1},
	{KVM_CAP_MSR_PLATFORM_INFO, 1},
	{KVM_CAP_X86_USER_SPACE_MSR, 1},
	{KVM_CAP_X86_MSR_FILTER, 1},
	{KVM_CAP_ADJUST_CLOCK, CLOCK_FLAGS},
	{KVM_CAP_CLOCKSOURCE, 1},
	{KVM_CAP_KVMCLOCK_CTRL, 1},
	{KVM_CAP_GET_TSC_KHZ, 1},
	{KVM_CAP_VCPU_ATTRIBUTES, 1},
	{KVM_CAP_SYS_ATTRIBUTES, 1},
	{KVM_CAP_LAST_CPU, 1},
	{KVM_CAP_PMU_EVENT_FILTER, 1},
	{KVM_CAP_ASYNC_PF, 1},
	{KVM_CAP_ASYNC_PF_INT, 1},
	{KVM_CAP_STEAL_TIME, 1},
	{KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1},
	{KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE},
	{KVM_CAP_DISABLE_QUIRKS, 1},
	{KVM_CAP_DISABLE_QUIRKS2, QUIRKS},
	{KVM_CAP_X86_DISABLE_EXITS, VM_EXITS_OFF},
	{KVM_CAP_HALT_POLL, 1},
	{KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1},
};

/* CPUs that kvm0 uses: what KVM recommends as a VM's number of vCPUs. */
static u32 cpus_online;

void caps_init(u32 cpus)
{
	cpus_online = cpus;
}

s64 check_extension(const struct vm *vm, u64 capability)
{
	(void)vm; /* no capability depends on the VM yet */
	if (capability == KVM_CAP_TSC_CONTROL || capability == KVM_CAP_VM_TSC_CONTROL)
		return vmx_has_tsc_scaling();
	if (capability == KVM_CAP_NR_VCPUS)
		return cpus_online;
	if (capability == KVM_CAP_XCRS)
		return vmx_host_xcr0() != 0;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i].capability == capability)
			return capabilities[i].value;
	return 0;
}

/* The argument of KVM_ENABLE_CAP: 0, -EFAULT, or -EINVAL: it has a flag, and none exists. */
static int copy_cap(struct kvm_enable_cap *cap, u64 arg)
{
	if (copy_in(cap, arg, sizeof(*cap)))
		return -EFAULT;
	return cap->flags ? -EINVAL : 0;
}

static s64 set_halt_poll(struct vm *vm, u64 ns)
{
	if (ns != (u32)ns)
		return -EINVAL;
	WRITE_ONCE(vm->halt_poll.ns, (u32)ns);
	WRITE_ONCE(vm->halt_poll.set, true);
	return 0;
}

s64 vm_enable_cap(struct vm *vm, u64 arg)
{
	struct kvm_enable_cap cap;
	int err = copy_cap(&cap, arg);

	if (err)
		return err;
	switch (cap.cap) {
	case KVM_CAP_X86_USER_SPACE_MSR:
		if (cap.args[0] & ~(u64)(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |
					 KVM_MSR_EXIT_REASON_FILTER))
			return -EINVAL;
		WRITE_ONCE(vm->user_msr_reasons, (u32)cap.args[0]);
		return 0;
	case KVM_CAP_DISABLE_QUIRKS2:
		if (cap.args[0] & ~(u64)QUIRKS)
			return -EINVAL;
		/* fallthrough */
	case KVM_CAP_DISABLE_QUIRKS: /* it takes any, as in KVM */
		WRITE_ONCE(vm->quirks_off, cap.args[0]);
		return 0;
	case KVM_CAP_X86_DISABLE_EXITS:
		return vm_disable_exits(vm, cap.args[0]);
	case KVM_CAP_HALT_POLL:
		return set_halt_poll(vm, cap.args[0]);
	case KVM_CAP_MAX_VCPU_ID:
		return vm_limit_vcpu_ids(vm, cap.args[0]);
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		if (cap.args[0] & ~1ull)
			return -EINVAL;
		vm->exit_on_emulation_error = cap.args[0];
		return 0;
	case KVM_CAP_MSR_PLATFORM_INFO:
		vm->hide_platform_info = !cap.args[0];
		return 0;
	case KVM_CAP_EXCEPTION_PAYLOAD:
		WRITE_ONCE(vm->exception_payload, cap.args[0] != 0);
		return 0;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		WRITE_ONCE(vm->triple_fault_event, cap.args[0] != 0);
		return 0;
	case KVM_CAP_EXIT_HYPERCALL:
		if (cap.args[0] & ~(1ull << KVM_HC_MAP_GPA_RANGE))
			return -EINVAL;
		WRITE_ONCE(vm->pv.exits, (u32)cap.args[0]);
		return 0;
	case KVM_CAP_X2APIC_API:
		if (cap.args[0] & ~(u64)X2APIC_API_FLAGS)
			return -EINVAL;
		vm_enable_x2apic_api(vm, cap.args[0]);
		return 0;
	case KVM_CAP_SPLIT_IRQCHIP:
		return vm_split_irqchip(vm, cap.args[0]);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return vm_enable_manual_dirty_log(vm, cap.args[0]);
	case KVM_CAP_DIRTY_LOG_RING:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return dirty_ring_enable(vm, (u32)cap.args[0]); /* as in KVM */
	default:
		return -EINVAL;
	}
}

s64 vcpu_enable_cap(struct vcpu *c, u64 arg)
{
	struct kvm_enable_cap cap;
	int err = copy_cap(&cap, arg);

	if (err)
		return err;
	switch (cap.cap) {
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
		c->pv.enforce = cap.args[0];
		return 0;
	default:
		return -EINVAL;
	}
}
