/* SPDX-License-Identifier: MIT */
/* Requests on a vCPU's handle.  All but KVM_RUN's own loop is copying in and out. */
#include <linux/errno.h>
#include <kvm0/abi.h>
#include "abi/copy.h"
#include "abi/requests.h"

bool vcpu_trylock(struct vcpu *c)
{
	u32 free = 0;

	/* Acquire: pairs with vcpu_unlock(). */
	return __atomic_compare_exchange_n(&c->busy, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void vcpu_unlock(struct vcpu *c)
{
	__atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}

static __on_the_way s64 run(struct vcpu *c, u64 arg, struct vmx_vcpu *control,
			    struct run_outcome *out)
{
	u64 valid;
	int err;

	if (arg || !c->run)
		return -EINVAL;
	valid = READ_ONCE(c->run->kvm_valid_regs);
	if (__builtin_expect((valid | READ_ONCE(c->run->kvm_dirty_regs)) != 0, 0)) {
		err = vcpu_sync_in(c, valid);
		if (err)
			return err;
	}
	out->result = vcpu_run(c, control, &err, &out->deadline);
	out->wanted = c->wanted;
	if (__builtin_expect(valid != 0, 0))
		vcpu_sync_out(c, valid);
	return err;
}

/* All but KVM_RUN, which is to be fast. */
static __attribute__((noinline)) s64 other_request(struct vcpu *c, u32 request, u64 arg)
{
	switch (request) {
	case KVM_GET_MSRS:
		return vcpu_get_msrs(c, arg);
	case KVM_SET_MSRS:
		return vcpu_set_msrs(c, arg);
	case KVM_GET_TSC_KHZ:
		return vcpu_get_tsc_khz(c);
	case KVM_KVMCLOCK_CTRL:
		return kvmclock_tell_stopped(c);
	case KVM_SET_TSC_KHZ:
		return vcpu_set_tsc_khz(c, arg);
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		return vcpu_device_attr(c, request, arg);
	case KVM_X86_SETUP_MCE:
		return vcpu_setup_mce(c, arg);
	case KVM_X86_SET_MCE:
		return vcpu_set_mce(c, arg);
	case KVM_GET_CPUID2:
		return vcpu_get_cpuid2(c, arg);
	case KVM_SET_CPUID2:
		return vcpu_set_cpuid2(c, arg);
	case KVM_SET_CPUID:
		return vcpu_set_cpuid1(c, arg);
	case KVM_SMI: /* as a Linux without SMM says */
		return -ENOTTY;
	case KVM_GET_LAPIC:
		return vcpu_get_lapic(c, arg);
	case KVM_SET_LAPIC:
		return vcpu_set_lapic(c, arg);
	case KVM_TPR_ACCESS_REPORTING:
		return vcpu_report_tpr_access(c, arg);
	case KVM_SET_VAPIC_ADDR:
		return vcpu_set_vapic_addr(c, arg);
	case KVM_GET_STATS_FD:
		return vcpu_get_stats_fd(c);
	case KVM_ENABLE_CAP:
		return vcpu_enable_cap(c, arg);
	default:
		return vcpu_state_request(c, request, arg);
	}
}

__on_the_way s64 vcpu_request(struct vcpu *c, u32 request, u64 arg, struct vmx_vcpu *control,
			      struct run_outcome *out)
{
	s64 result;

	if (!vcpu_trylock(c))
		return -EAGAIN;
	vmx_load(&c->vmx);
	if (__builtin_expect(request == KVM_RUN, 1)) {
		result = run(c, arg, control, out);
	} else {
		result = other_request(c, request, arg);
		if (__builtin_expect(READ_ONCE(c->blocked), 0))
			run_recheck_blocked(c);
	}
	vcpu_unlock(c);
	return result;
}
