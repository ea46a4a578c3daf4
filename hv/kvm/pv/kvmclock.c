/* SPDX-License-Identifier: MIT */
/* kvmclock; see kvmclock.h. */
#include "kvm/pv/kvmclock.h"
#include <linux/errno.h>
#include "cpu/percpu.h"
#include "kvm/pv/area.h"
#include "kvm/pv/hypercall.h"
#include "kvm/vm_clock.h"

#define SYSTEM_TIME_ON BIT(0)
#define NS_A_SECOND    1000000000u

/* The page; as in KVM, one that would end in the next page of memory is none. */
static struct pv_area page_of(u64 msr)
{
	struct pv_area a = {.gpa = msr & ~SYSTEM_TIME_ON};

	if ((msr & SYSTEM_TIME_ON) && a.gpa % PAGE_SIZE <= PAGE_SIZE - sizeof(struct pvclock_page))
		a.size = sizeof(struct pvclock_page);
	return a;
}

bool kvmclock_is_on(const struct vcpu *c)
{
	struct pv_area a = page_of(c->pv.kvmclock.msr);

	return pv_area_is_set(&a);
}

/* --- MSRs --- */

static bool is_allowed(const struct vcpu *c, u32 index)
{
	bool old = index == MSR_KVM_SYSTEM_TIME || index == MSR_KVM_WALL_CLOCK;

	return pv_allows(c, old ? KVM_FEATURE_CLOCKSOURCE : KVM_FEATURE_CLOCKSOURCE2);
}

static bool is_wall(u32 index)
{
	return index == MSR_KVM_WALL_CLOCK || index == MSR_KVM_WALL_CLOCK_NEW;
}

int kvmclock_get_msr(const struct vcpu *c, u32 index, u64 *value)
{
	if (!is_allowed(c, index))
		return -EINVAL;
	*value = is_wall(index) ? READ_ONCE(c->vm->pv.wall_clock) : c->pv.kvmclock.msr;
	return 0;
}

static void set_page(struct vcpu *c, u64 value)
{
	spin_lock(&c->vm->lock);
	c->pv.kvmclock.msr = value;
	spin_unlock(&c->vm->lock);
	c->pv.kvmclock.is_alone = false; /* until it is written */
	if (kvmclock_is_on(c))
		vcpu_ask(c, VCPU_CLOCK);
	else
		c->pv.kvmclock.stopped = false;
}

int kvmclock_set_msr(struct vcpu *c, u32 index, u64 value, bool host)
{
	if (!is_allowed(c, index))
		return -EINVAL;
	if (is_wall(index)) {
		WRITE_ONCE(c->vm->pv.wall_clock, value);
		c->pv.kvmclock.wall = value;
		if (value)
			vcpu_ask(c, VCPU_CLOCK);
		return 0;
	}
	if (!host && c->id == 0)
		vm_clock_set_old_msr(c->vm, index == MSR_KVM_SYSTEM_TIME);
	set_page(c, value);
	return 0;
}

void kvmclock_reset(struct vcpu *c)
{
	set_page(c, 0);
	c->pv.kvmclock.wall = 0;
}

int kvmclock_tell_stopped(struct vcpu *c)
{
	if (!kvmclock_is_on(c))
		return -EINVAL;
	c->pv.kvmclock.stopped = true;
	vcpu_ask(c, VCPU_CLOCK);
	return 0;
}

/* --- memory --- */

/* @new, whose first four bytes are a version that was @old. */
static enum pv_access publish(struct vcpu *c, const struct pv_area *a, u32 old, const void *new)
{
	const u32 version = sizeof(old);

	return pv_area_publish(c, a, 0, old, version, (const u8 *)new + version, a->size - version);
}

static enum pv_access write_page(struct vcpu *c)
{
	struct vcpu_kvmclock *k = &c->pv.kvmclock;
	struct pv_area a = page_of(k->msr);
	struct pvclock_page old, new;
	enum pv_access r;

	vm_clock_fill(c, &new, &k->filled);
	k->is_alone = !(new.flags &PVCLOCK_TSC_STABLE);
	r = pv_area_read(c, &a, 0, &old, sizeof(old));
	if (r != PV_DONE)
		return r;
	new.flags |= (old.flags | (k->stopped ? ~0u : 0)) & PVCLOCK_GUEST_STOPPED;
	r = publish(c, &a, old.version, &new);
	if (r != PV_ABSENT)
		k->stopped = false;
	return r;
}

static enum pv_access write_wall(struct vcpu *c)
{
	struct pv_area a = {c->pv.kvmclock.wall, sizeof(struct pvclock_wall)};
	u64 ns = vm_clock_epoch(c->vm);
	struct pvclock_wall wall = {.sec = (u32)(ns / NS_A_SECOND),
				    .nsec = (u32)(ns % NS_A_SECOND)};
	u32 version;
	enum pv_access r = pv_area_read(c, &a, 0, &version, sizeof(version));

	if (r == PV_DONE)
		r = publish(c, &a, version, &wall);
	if (r != PV_ABSENT)
		c->pv.kvmclock.wall = 0;
	return r;
}

bool kvmclock_write(struct vcpu *c)
{
	if (kvmclock_is_on(c) && write_page(c) == PV_ABSENT)
		return false;
	return !c->pv.kvmclock.wall || write_wall(c) != PV_ABSENT;
}

void kvmclock_look(struct vcpu *c)
{
	if (c->pcpu != this_cpu()->index || vm_clock_is_due(c->pv.kvmclock.filled))
		vcpu_ask(c, VCPU_CLOCK);
}

/* --- hypercall --- */

enum exit_action kvmclock_pair(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	struct pv_area a = {h->a0, sizeof(struct kvm_clock_pairing)};
	struct kvm_clock_pairing pair;
	enum pv_access r;

	*result = -KVM_EOPNOTSUPP;
	if (h->a1 != KVM_CLOCK_PAIRING_WALLCLOCK || !vm_clock_pair(c, &pair))
		return GO_ON;
	r = pv_area_write(c, &a, 0, &pair, sizeof(pair));
	if (r == PV_ABSENT)
		return GO_PAGE_WANTED;
	*result = r == PV_DONE ? 0 : -KVM_EFAULT;
	return GO_ON;
}
