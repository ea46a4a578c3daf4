/* SPDX-License-Identifier: MIT */
/* A VM's clock; see vm_clock.h. */
#include "kvm/vm_clock.h"
#include <linux/kvm_para.h>
#include "cpu/tsc.h"
#include "kvm/mmu.h"
#include "kvm/pv/kvmclock.h"

#define NS_A_SECOND  1000000000u
#define SYNC_SECONDS 300u /* as in KVM */

/* Linux's parameter of the module kvm: whether pages that are not one clock are made to agree with
 * the VM's again and again. */
static bool periodic_sync = true;

static const struct param params[] = {
	{.name = "kvmclock_periodic_sync",
	 .type = PARAM_BOOL,
	 .value = &periodic_sync,
	 .runtime = true},
};
const struct param_table clock_params = {params, ARRAY_SIZE(params)};

/* The time of day at TSC `tsc` of the machine.  Written during boot only. */
static struct {
	bool known;
	u64 ns, tsc;
} realtime;

/* Nanoseconds from TSC @from of the machine to @to, rounded down.  One that another CPU has just
 * taken may be later. */
static u64 elapsed(u64 from, u64 to)
{
	return to > from ? irq_mul_div(to - from, 1000000, tsc_khz) : 0;
}

void vm_clock_set_realtime(u64 seconds)
{
	realtime.known = true;
	realtime.ns = seconds * NS_A_SECOND;
	realtime.tsc = rdtsc();
}

static u64 time_of_day(u64 now)
{
	return realtime.ns + elapsed(realtime.tsc, now);
}

void vm_clock_init(struct vm_clock *t)
{
	t->base = rdtsc();
}

static u64 clock_at(const struct vm_clock *t, u64 now)
{
	u64 ticks;

	if (!t->stable)
		return t->ns + elapsed(t->base, now);
	ticks = irq_clock_scale(now, t->ratio) - irq_clock_scale(t->base, t->ratio);
	return now > t->base ? t->ns + pvclock_ns(t->rate, ticks) : t->ns;
}

/* Those of the vCPUs; where there is none there is nothing to be stable. */
static bool have_one_tsc(const struct vm *vm)
{
	const struct vcpu_tsc *first = vm->vcpu_count ? &vm->vcpus[0]->tsc : NULL;

	for (u32 i = 1; i < vm->vcpu_count; i++) {
		const struct vcpu_tsc *t = &vm->vcpus[i]->tsc;

		if (t->offset != first->offset || t->ratio != first->ratio)
			return false;
	}
	return first != NULL;
}

/* Rounded up: a guest's clock is never ahead of the VM's. */
static struct pvclock_rate rate_of(u64 ratio)
{
	return pvclock_rate(irq_clock_scale(tsc_khz * 1000, ratio) + (ratio != 0));
}

/* No vCPU goes on with the page that it has. */
static void renew_pages(struct vm *vm)
{
	bool any = false;

	for (u32 i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *c = vm->vcpus[i];

		if (!kvmclock_is_on(c))
			continue;
		vcpu_ask(c, VCPU_CLOCK);
		any = true;
	}
	if (any)
		mmu_force_out(vm);
}

/* It is @ns at TSC @now of the machine.  vm->lock held. */
static void set_base(struct vm *vm, u64 now, u64 ns)
{
	struct vm_clock *t = &vm->clock;

	t->base = now;
	t->ns = ns;
	t->stable = tsc_is_one && !t->old_msr && have_one_tsc(vm);
	if (t->stable) {
		t->ratio = vm->vcpus[0]->tsc.ratio;
		t->rate = rate_of(t->ratio);
	}
	renew_pages(vm);
}

void vm_clock_tscs_changed(struct vm *vm)
{
	u64 now = rdtsc();

	/* It does not go back by what is rounded off. */
	set_base(vm, now, clock_at(&vm->clock, now) + PVCLOCK_CUT);
}

void vm_clock_get(struct vm *vm, struct kvm_clock_data *d)
{
	u64 now;

	*d = (struct kvm_clock_data){0};
	spin_lock(&vm->lock);
	now = rdtsc();
	d->clock = clock_at(&vm->clock, now);
	if (vm->clock.stable) {
		d->flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_HOST_TSC;
		d->host_tsc = now;
		if (realtime.known) {
			d->flags |= KVM_CLOCK_REALTIME;
			d->realtime = time_of_day(now);
		}
	}
	spin_unlock(&vm->lock);
}

void vm_clock_set(struct vm *vm, const struct kvm_clock_data *d)
{
	u64 ns = d->clock, now, day;

	spin_lock(&vm->lock);
	now = rdtsc();
	day = time_of_day(now);
	/* The clock was right at that time of day: it goes on from there, never back. */
	if ((d->flags & KVM_CLOCK_REALTIME) && realtime.known && day > d->realtime)
		ns += day - d->realtime;
	set_base(vm, now, ns);
	spin_unlock(&vm->lock);
}

void vm_clock_set_old_msr(struct vm *vm, bool old)
{
	spin_lock(&vm->lock);
	if (vm->clock.old_msr != old) {
		vm->clock.old_msr = old;
		vm_clock_tscs_changed(vm);
	}
	spin_unlock(&vm->lock);
}

void vm_clock_fill(struct vcpu *c, struct pvclock_page *page, u64 *filled)
{
	const struct vm_clock *t = &c->vm->clock;
	struct pvclock_rate rate;
	u64 base;

	spin_lock(&c->vm->lock);
	*filled = rdtsc();
	base = t->stable ? t->base : *filled;
	rate = t->stable ? t->rate : rate_of(c->tsc.ratio);
	*page = (struct pvclock_page){
		.tsc_timestamp = irq_clock_scale(base, c->tsc.ratio) + c->tsc.offset,
		.system_time = clock_at(t, base),
		.tsc_to_system_mul = rate.mul,
		.tsc_shift = rate.shift,
		.flags = t->stable ? PVCLOCK_TSC_STABLE : 0,
	};
	spin_unlock(&c->vm->lock);
}

bool vm_clock_is_due(u64 filled)
{
	return READ_ONCE(periodic_sync) && rdtsc() - filled >= SYNC_SECONDS * tsc_khz * 1000;
}

u64 vm_clock_epoch(struct vm *vm)
{
	u64 now, epoch;

	spin_lock(&vm->lock);
	now = rdtsc();
	epoch = time_of_day(now) - clock_at(&vm->clock, now);
	spin_unlock(&vm->lock);
	return epoch;
}

bool vm_clock_pair(const struct vcpu *c, struct kvm_clock_pairing *pair)
{
	u64 now = rdtsc(), day = time_of_day(now);

	*pair = (struct kvm_clock_pairing){
		.sec = (s64)(day / NS_A_SECOND),
		.nsec = (s64)(day % NS_A_SECOND),
		.tsc = irq_clock_scale(now, c->tsc.ratio) + c->tsc.offset,
	};
	return realtime.known;
}
