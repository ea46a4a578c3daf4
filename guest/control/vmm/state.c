/* SPDX-License-Identifier: MIT */
/* KVM's state of a VM; see state.h. */
#include <linux/errno.h>
#include "guest/control/vmm/state.h"
#include "guest/lib/cpu.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define MSR_TSC 0x10u

/* What one pair of requests moves as it is. */
struct item {
	const char *name;
	u64 get, set;
	size_t offset;
};

#define ITEM(request, type, member)                                                                \
	{                                                                                          \
		.name = #request, .get = KVM_GET_##request, .set = KVM_SET_##request,              \
		.offset = offsetof(struct type, member)                                            \
	}
#define VCPU_ITEM(request, member) ITEM(request, vcpu_state, member)
#define VM_ITEM(request, member)   ITEM(request, state, member)

/*
 * The order of both directions.  MP_STATE comes first, because reading it can take an INIT or
 * SIPI; SREGS2 before LAPIC, which needs the APIC's mode.  The TSC and the MSRs follow: the TSC
 * deadline among them needs the local APIC's timer mode and the guest's TSC.  The events come
 * last of all: several of the others change what is pending.
 */
static const struct item vcpu_items[] = {
	VCPU_ITEM(MP_STATE, mp_state),   VCPU_ITEM(SREGS2, sregs), VCPU_ITEM(REGS, regs),
	VCPU_ITEM(DEBUGREGS, debugregs), VCPU_ITEM(LAPIC, lapic),
};
/* On a CPU without XSAVE it reads as none, and cannot be set. */
static const struct item xcrs[] = {VCPU_ITEM(XCRS, xcrs)};
static const struct item events[] = {VCPU_ITEM(VCPU_EVENTS, events)};
static const struct item vm_items[] = {VM_ITEM(PIT2, pit), VM_ITEM(CLOCK, clock)};

static s64 move(const struct item *items, u32 count, bool set, u32 handle, const void *s,
		const char **step)
{
	s64 err = 0;

	for (u32 i = 0; i < count && err >= 0; i++) {
		*step = items[i].name;
		err = kvm0_ioctl(handle, set ? items[i].set : items[i].get,
				 addr(s) + items[i].offset);
	}
	return err;
}

/* How the guest's TSC lies to the machine's. */
static s64 tsc_offset(u32 vcpu, u64 request, const u64 *offset, const char **step)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = addr(offset)};

	*step = "TSC_OFFSET";
	return kvm0_ioctl_ptr(vcpu, request, &attr);
}

static s64 get_xsave(struct vcpu_state *s, u32 vm, u32 vcpu, const char **step)
{
	*step = "XSAVE2";
	s64 size = kvm0_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	if (size < 0 || size > (s64)sizeof(s->xsave))
		return size < 0 ? size : -E2BIG;
	return kvm0_ioctl_ptr(vcpu, KVM_GET_XSAVE2, s->xsave);
}

/* Leaves one out. */
static void drop_msr(struct vcpu_state *s, u64 at)
{
	struct kvm_msr_entry *e = s->msrs.entries;

	memmove(&e[at], &e[at + 1], (--s->msrs.head.nmsrs - at) * sizeof(*e));
}

/*
 * All MSRs that KVM says are state and that this vCPU has (KVM stops at one that it has not), but
 * the TSC: that would be moved by its value, which is of another moment each time.
 */
static s64 get_msrs(struct vcpu_state *s, u32 vcpu, const char **step)
{
	static struct {
		struct kvm_msr_list head;
		u32 indices[STATE_MSRS_MAX];
	} list;

	*step = "MSR_INDEX_LIST";
	list.head.nmsrs = STATE_MSRS_MAX;
	s64 err = kvm0_ioctl_ptr(0, KVM_GET_MSR_INDEX_LIST, &list);
	if (err < 0)
		return err;
	s->msrs.head.nmsrs = 0;
	for (u32 i = 0; i < list.head.nmsrs; i++)
		if (list.indices[i] != MSR_TSC)
			s->msrs.entries[s->msrs.head.nmsrs++].index = list.indices[i];
	*step = "MSRS";
	while ((err = kvm0_ioctl_ptr(vcpu, KVM_GET_MSRS, &s->msrs)) >= 0 &&
	       err < s->msrs.head.nmsrs)
		drop_msr(s, (u64)err);
	return err;
}

static s64 set_msrs(const struct vcpu_state *s, u32 vcpu, const char **step)
{
	static char name[32];
	s64 done = kvm0_ioctl(vcpu, KVM_SET_MSRS, addr(&s->msrs));

	*step = "MSRS";
	if (done < 0 || done == s->msrs.head.nmsrs)
		return done;
	format_text(name, sizeof(name), "MSR 0x%x", s->msrs.entries[done].index);
	*step = name;
	return -EIO;
}

static s64 get_cpuid(struct vcpu_state *s, u32 vcpu, const char **step)
{
	*step = "CPUID2";
	s->cpuid.head.nent = STATE_CPUID_MAX;
	s64 err = kvm0_ioctl_ptr(vcpu, KVM_GET_CPUID2, &s->cpuid);
	if (err < 0)
		return err;
	*step = "TSC_KHZ";
	err = kvm0_ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
	s->tsc_khz = (u64)err;
	return err;
}

static s64 set_cpuid(const struct vcpu_state *s, u32 vcpu, const char **step)
{
	*step = "CPUID2";
	s64 err = kvm0_ioctl(vcpu, KVM_SET_CPUID2, addr(&s->cpuid));
	if (err < 0)
		return err;
	*step = "TSC_KHZ";
	return kvm0_ioctl(vcpu, KVM_SET_TSC_KHZ, s->tsc_khz);
}

static s64 irqchips(const struct state *s, u32 vm, u64 request, const char **step)
{
	s64 err = 0;

	*step = "IRQCHIP";
	for (u32 i = 0; i < STATE_IRQCHIPS && err >= 0; i++)
		err = kvm0_ioctl(vm, request, addr(&s->irqchips[i]));
	return err;
}

static s64 get_vcpu(struct vcpu_state *s, u32 vm, u32 vcpu, const char **step)
{
	memset(s, 0, sizeof(*s));
	s64 err = tsc_offset(vcpu, KVM_GET_DEVICE_ATTR, &s->tsc_offset, step);
	if (err >= 0)
		err = get_cpuid(s, vcpu, step);
	if (err >= 0)
		err = move(vcpu_items, ARRAY_SIZE(vcpu_items), false, vcpu, s, step);
	if (err >= 0)
		err = move(xcrs, ARRAY_SIZE(xcrs), false, vcpu, s, step);
	if (err >= 0)
		err = get_xsave(s, vm, vcpu, step);
	if (err >= 0)
		err = get_msrs(s, vcpu, step);
	if (err >= 0)
		err = move(events, ARRAY_SIZE(events), false, vcpu, s, step);
	return err;
}

s64 state_get(struct state *s, u32 vm, const u32 *vcpus, const char **step)
{
	s64 err = 0;

	s->taken_at = rdtsc();
	for (u32 i = 0; i < s->count && err >= 0; i++)
		err = get_vcpu(&s->vcpus[i], vm, vcpus[i], step);
	memset(s->irqchips, 0, sizeof(s->irqchips));
	for (u32 i = 0; i < STATE_IRQCHIPS; i++)
		s->irqchips[i].chip_id = i;
	if (err >= 0)
		err = irqchips(s, vm, KVM_GET_IRQCHIP, step);
	if (err >= 0)
		err = move(vm_items, ARRAY_SIZE(vm_items), false, vm, s, step);
	/* Flags that tell of the answer: KVM_SET_CLOCK takes the clock's value alone. */
	s->clock.flags = 0;
	return err;
}

/* A guest with a kvmclock is told that it did not run for a while: its watchdogs are to know. */
static s64 tell_stopped(u32 vcpu, const char **step)
{
	*step = "KVMCLOCK_CTRL";
	s64 err = kvm0_ioctl(vcpu, KVM_KVMCLOCK_CTRL, 0);
	return err == -EINVAL ? 0 : err; /* it has none */
}

/* `passed`: ticks of the machine's TSC that were no time for the guest. */
static s64 set_vcpu(const struct vcpu_state *s, u64 passed, u32 vcpu, const char **step)
{
	u64 offset = s->tsc_offset - passed;
	s64 err = set_cpuid(s, vcpu, step);

	if (err >= 0)
		err = move(vcpu_items, ARRAY_SIZE(vcpu_items), true, vcpu, s, step);
	if (err >= 0 && s->xcrs.nr_xcrs)
		err = move(xcrs, ARRAY_SIZE(xcrs), true, vcpu, s, step);
	if (err >= 0) {
		*step = "XSAVE";
		err = kvm0_ioctl(vcpu, KVM_SET_XSAVE, addr(s->xsave));
	}
	if (err >= 0)
		err = tsc_offset(vcpu, KVM_SET_DEVICE_ATTR, &offset, step);
	if (err >= 0)
		err = set_msrs(s, vcpu, step);
	if (err >= 0)
		err = move(events, ARRAY_SIZE(events), true, vcpu, s, step);
	return err;
}

/* The I/O APIC may deliver at once, to any vCPU: they come before it.  Their TSCs stay as far apart
 * as they were. */
s64 state_set(const struct state *s, u32 vm, const u32 *vcpus, const char **step)
{
	u64 passed = rdtsc() - s->taken_at;
	s64 err = 0;

	for (u32 i = 0; i < s->count && err >= 0; i++)
		err = set_vcpu(&s->vcpus[i], passed, vcpus[i], step);
	if (err >= 0)
		err = irqchips(s, vm, KVM_SET_IRQCHIP, step);
	if (err >= 0)
		err = move(vm_items, ARRAY_SIZE(vm_items), true, vm, s, step);
	for (u32 i = 0; i < s->count && err >= 0; i++)
		err = tell_stopped(vcpus[i], step);
	return err;
}
