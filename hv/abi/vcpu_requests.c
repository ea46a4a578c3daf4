/* SPDX-License-Identifier: MIT */
/* Requests on a vCPU's handle.  All but KVM_RUN's own loop is copying in and out. */
#include <linux/errno.h>
#include <kvm0/abi.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"

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

static s64 run(struct vcpu *c, u64 arg, struct vmx_vcpu *control, struct run_outcome *out)
{
	int err;

	if (arg || !c->run)
		return -EINVAL;
	out->result = vcpu_run(c, control, &err, &out->deadline);
	out->wanted = c->wanted;
	return err;
}

static s64 get_regs(struct vcpu *c, u64 arg)
{
	struct kvm_regs r;

	vmx_get_regs(&c->vmx, &r);
	return copy_out(arg, &r, sizeof(r));
}

static s64 set_regs(struct vcpu *c, u64 arg)
{
	struct kvm_regs r;

	if (copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	/* As in KVM: what waits is that instruction's; there may have been a reset since. */
	if (r.rip != vmx_rip())
		vcpu_drop_port_access(c);
	if (c->completion == COMPLETE_UD)
		c->completion = COMPLETE_NOTHING;
	vmx_set_regs(&c->vmx, &r);
	c->emu_stale = true;
	return 0;
}

static s64 get_sregs(struct vcpu *c, u64 arg)
{
	struct kvm_sregs s;

	vcpu_get_sregs(c, &s);
	return copy_out(arg, &s, sizeof(s));
}

static s64 set_sregs(struct vcpu *c, u64 arg)
{
	struct kvm_sregs s;

	return copy_in(&s, arg, sizeof(s)) ? -EFAULT : vcpu_set_sregs(c, &s);
}

static s64 get_fpu(struct vcpu *c, u64 arg)
{
	struct kvm_fpu f;

	vmx_get_fpu(&c->vmx, &f);
	return copy_out(arg, &f, sizeof(f));
}

static s64 set_fpu(struct vcpu *c, u64 arg)
{
	struct kvm_fpu f;

	if (copy_in(&f, arg, sizeof(f)))
		return -EFAULT;
	vmx_set_fpu(&c->vmx, &f);
	return 0;
}

static s64 set_cpuid2(struct vcpu *c, u64 arg)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 head;
	s64 result = -EFAULT;
	size_t size;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nent > CPUID_MAX_ENTRIES)
		return -E2BIG;
	size = MAX(head.nent, 1u) * sizeof(*entries);
	entries = object_alloc(size);
	if (!entries)
		return -ENOMEM;
	if (!copy_in(entries, arg + sizeof(head), head.nent * sizeof(*entries)))
		result = vcpu_set_cpuid(c, entries, head.nent);
	object_free(entries, size);
	return result;
}

static s64 get_mp_state(struct vcpu *c, u64 arg)
{
	struct kvm_mp_state s = {.mp_state = c->mp_state};

	return copy_out(arg, &s, sizeof(s));
}

static s64 set_mp_state(struct vcpu *c, u64 arg)
{
	struct kvm_mp_state s;

	if (copy_in(&s, arg, sizeof(s)))
		return -EFAULT;
	if (s.mp_state > KVM_MP_STATE_SIPI_RECEIVED)
		return -EINVAL;
	if (!c->vm->chip && s.mp_state != KVM_MP_STATE_RUNNABLE)
		return -EINVAL;
	if (s.mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		c->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		__atomic_fetch_or(&c->lapic.events, LAPIC_EVENT_SIPI, __ATOMIC_RELEASE);
		vcpu_ask(c, VCPU_APIC_EVENTS);
	} else {
		c->mp_state = s.mp_state;
	}
	return 0;
}

/* All but KVM_RUN, which is to be fast. */
static __attribute__((noinline)) s64 other_request(struct vcpu *c, u32 request, u64 arg)
{
	switch (request) {
	case KVM_GET_REGS:
		return get_regs(c, arg);
	case KVM_SET_REGS:
		return set_regs(c, arg);
	case KVM_GET_SREGS:
		return get_sregs(c, arg);
	case KVM_SET_SREGS:
		return set_sregs(c, arg);
	case KVM_GET_FPU:
		return get_fpu(c, arg);
	case KVM_SET_FPU:
		return set_fpu(c, arg);
	case KVM_GET_MSRS:
		return vcpu_get_msrs(c, arg);
	case KVM_SET_MSRS:
		return vcpu_set_msrs(c, arg);
	case KVM_GET_TSC_KHZ:
		return vcpu_get_tsc_khz(c);
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
	case KVM_SET_CPUID2:
		return set_cpuid2(c, arg);
	case KVM_GET_MP_STATE:
		return get_mp_state(c, arg);
	case KVM_SET_MP_STATE:
		return set_mp_state(c, arg);
	case KVM_INTERRUPT:
		return vcpu_interrupt(c, arg);
	case KVM_SET_SIGNAL_MASK:
		return vcpu_set_signal_mask(c, arg);
	case KVM_GET_LAPIC:
		return vcpu_get_lapic(c, arg);
	case KVM_SET_LAPIC:
		return vcpu_set_lapic(c, arg);
	case KVM_ENABLE_CAP:
		return vcpu_enable_cap(c, arg);
	default: /* as Linux says it of a vCPU; a VM says -ENOTTY */
		return -EINVAL;
	}
}

s64 vcpu_request(struct vcpu *c, u32 request, u64 arg, struct vmx_vcpu *control,
		 struct run_outcome *out)
{
	s64 result;

	if (!vcpu_trylock(c))
		return -EAGAIN;
	vmx_load(&c->vmx);
	if (__builtin_expect(request == KVM_RUN, 1))
		result = run(c, arg, control, out);
	else
		result = other_request(c, request, arg);
	vcpu_unlock(c);
	return result;
}
