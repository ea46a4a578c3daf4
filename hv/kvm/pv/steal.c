/* SPDX-License-Identifier: MIT */
/* Steal time in a guest's memory: see steal.h. */
#include "kvm/pv/steal.h"
#include <linux/errno.h>
#include "cpu/tsc.h"
#include "kvm/mmu.h"
#include "kvm/pv/area.h"

static gpa_t field(const struct vcpu *c, size_t offset)
{
	return gpa((c->pv.steal.msr & KVM_STEAL_VALID_BITS) + offset);
}
#define FIELD(c, name) field(c, offsetof(struct kvm_steal_time, name))

int pv_steal_set(struct vcpu *c, u64 value)
{
	struct pv_steal *s = &c->pv.steal;

	if (value & KVM_STEAL_RESERVED_MASK)
		return -EINVAL;
	s->msr = value;
	s->since = IRQ_NEVER;
	s->owed = 0;
	s->stale = true;
	if (value & KVM_MSR_ENABLED)
		vcpu_ask(c, VCPU_STEAL_TIME);
	return 0;
}

/* What has been stolen until @now is owed to the guest. */
static void settle(struct pv_steal *s, u64 now)
{
	u64 since = s->since, woken = READ_ONCE(s->woken);

	if (s->blocked && woken >= s->blocked_at) /* and not some time before */
		since = MIN(since, woken);
	if (since < now)
		s->owed += now - since;
	s->since = IRQ_NEVER;
	s->blocked = false;
}

/*
 * The guest's other vCPUs leave work that they have for this one to be done at the next
 * KVM_RUN: so no instruction may be half done that has used what the TLB had.
 */
static bool is_preempted(const struct vcpu *c, enum exit_action a)
{
	return a == GO_AGAIN && c->mp_state == KVM_MP_STATE_RUNNABLE &&
	       c->completion == COMPLETE_NOTHING;
}

void pv_steal_end_run(struct vcpu *c, enum exit_action a, u64 deadline)
{
	static const u8 preempted = KVM_VCPU_PREEMPTED;
	struct pv_steal *s = &c->pv.steal;
	u64 now = rdtsc();

	settle(s, now); /* if the guest has not been entered at all */
	if (a == GO_BLOCKED) {
		s->since = deadline;
		s->blocked = true;
	} else if (is_preempted(c, a)) {
		s->since = now;
		c->stats.preemption_reported++;
		/* Where that is not possible it is not told. */
		if (mmu_write(c, FIELD(c, preempted), &preempted, 1) == GUEST_MEM_OK)
			s->stale = true;
	} else if (a == GO_AGAIN) {
		c->stats.preemption_other++;
	}
	/* One that is blocked is told when it goes on: a request would wake it. */
	if (a != GO_BLOCKED && (s->since != IRQ_NEVER || s->owed || s->stale))
		vcpu_ask(c, VCPU_STEAL_TIME);
}

static enum pv_access publish(struct vcpu *c)
{
	const struct pv_area a = {field(c, 0).v, sizeof(struct kvm_steal_time)};
	struct pv_steal *s = &c->pv.steal;
	struct kvm_steal_time t;
	enum pv_access r = pv_area_read(c, &a, 0, &t, offsetof(struct kvm_steal_time, flags));

	if (r != PV_DONE)
		return r;
	t.steal += irq_mul_div(s->owed, 1000000, tsc_khz);
	r = pv_area_publish(c, &a, offsetof(struct kvm_steal_time, version), t.version,
			    offsetof(struct kvm_steal_time, steal), &t.steal, sizeof(t.steal));
	if (r == PV_DONE)
		s->owed = 0;
	return r;
}

bool pv_steal_update(struct vcpu *c)
{
	struct pv_steal *s = &c->pv.steal;
	u8 preempted = 0;
	int r;

	settle(s, rdtsc());
	if (!pv_steal_enabled(c) || (!s->owed && !s->stale))
		return true;
	r = mmu_exchange_byte(c, FIELD(c, preempted), &preempted);
	if (r == GUEST_MEM_OK) {
		s->stale = false;
		if ((preempted & KVM_VCPU_FLUSH_TLB) && pv_allows(c, KVM_FEATURE_PV_TLB_FLUSH)) {
			c->stats.tlb_flush++;
			vmx_flush_tlb(&c->vmx);
		}
		return publish(c) != PV_ABSENT;
	}
	return r != GUEST_MEM_ABSENT;
}
