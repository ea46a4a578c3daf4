/* SPDX-License-Identifier: MIT */
/* What has to be done for a vCPU before it is entered: the bits of c->requests. */
#include "kvm/dirty.h"
#include "kvm/msr_filter.h"
#include "kvm/pv/apf.h"
#include "kvm/pv/eoi.h"
#include "kvm/pv/steal.h"
#include "kvm/run.h"
#include "kvm/vapic.h"
#include "kvm/vcpu_events.h"

/* Is a signal pending that is not blocked?  It stays so until it is taken, and the request
 * with it. */
static bool is_signalled(struct vcpu *c)
{
	if (!(READ_ONCE(c->signals) & ~c->signal_mask))
		return false;
	vcpu_ask(c, VCPU_SIGNAL);
	return true;
}

/* INIT and SIPI; a vCPU that was never started says -EAGAIN first, as in KVM. */
static enum exit_action accept_apic_events(struct vcpu *c)
{
	bool was_fresh = c->mp_state == KVM_MP_STATE_UNINITIALIZED;

	vcpu_accept_apic_events(c);
	return was_fresh && c->mp_state != KVM_MP_STATE_UNINITIALIZED ? GO_STARTED : GO_ON;
}

static enum exit_action report_tpr_access(struct vcpu *c)
{
	c->run->exit_reason = KVM_EXIT_TPR_ACCESS;
	c->run->tpr_access.rip = c->tpr_access.rip;
	c->run->tpr_access.is_write = c->tpr_access.write;
	return TO_USER;
}

static enum exit_action report_eoi(struct vcpu *c)
{
	c->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	c->run->eoi.vector = c->user_eoi;
	return TO_USER;
}

/* An interrupt that can be injected is, so that its end can be offered.  @a: what has become of
 * the vCPU so far. */
static enum exit_action offer_eoi(struct vcpu *c, enum exit_action a)
{
	if (!pv_eoi_settle(c) && a == GO_ON)
		a = GO_PAGE_WANTED;
	if (a == GO_ON && wake_any())
		a = GO_AGAIN;
	if (a != GO_ON) {
		vcpu_ask(c, VCPU_PV_EOI);
	} else if (c->injection == INJECT_AND_TELL && !c->lapic.by_cpu &&
		   c->mp_state == KVM_MP_STATE_RUNNABLE) {
		run_inject(c);
		pv_eoi_offer(c);
	}
	return a;
}

/* Those that write_pages() carries out. */
#define PAGE_REQUESTS (VCPU_VAPIC | VCPU_CLOCK | VCPU_APF_READY | VCPU_STEAL_TIME)

/* What the guest finds in its memory; asked for again if a page has to be supplied first. */
static enum exit_action write_pages(struct vcpu *c, u32 requests, enum exit_action a)
{
	static const struct {
		u32 request;
		bool (*write)(struct vcpu *c);
	} pages[] = {
		{VCPU_VAPIC, vapic_write},
		{VCPU_CLOCK, kvmclock_write},
		{VCPU_APF_READY, pv_apf_deliver},
		{VCPU_STEAL_TIME, pv_steal_update},
	};

	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		if (!(requests & pages[i].request) || pages[i].write(c))
			continue;
		vcpu_ask(c, pages[i].request);
		if (a == GO_ON)
			a = GO_PAGE_WANTED;
	}
	return a;
}

enum exit_action run_carry_out_requests(struct vcpu *c)
{
	/* Acquire: pairs with vcpu_ask(). */
	u32 requests = __atomic_exchange_n(&c->requests, 0, __ATOMIC_ACQUIRE);
	enum exit_action a = GO_ON;

	if (requests & VCPU_TAKE_LIST)
		dirty_take_list(c);
	if (requests & VCPU_MSR_FILTER)
		msr_filter_apply(c);
	if (requests & VCPU_APIC_EVENTS)
		a = accept_apic_events(c);
	if (requests & VCPU_TPR_ACCESS)
		a = report_tpr_access(c);
	if ((requests & VCPU_IOAPIC_EOI) && a == GO_ON)
		a = report_eoi(c);
	else if (requests & VCPU_IOAPIC_EOI)
		vcpu_ask(c, VCPU_IOAPIC_EOI);
	if ((requests & VCPU_TRIPLE_FAULT) ||
	    ((requests & VCPU_EXCEPTION) && !vcpu_take_exception(c))) {
		c->run->exit_reason = KVM_EXIT_SHUTDOWN;
		a = TO_USER;
	}
	if ((requests & VCPU_SIGNAL) && is_signalled(c) && a == GO_ON) {
		c->run->exit_reason = KVM_EXIT_INTR;
		c->stats.signal_exits++;
		a = GO_SIGNAL;
	}
	if ((requests & VCPU_RING_FULL) && dirty_ring_full(c)) {
		/* KVM_RUN after KVM_RUN could write, until the ring has no room for it. */
		vcpu_ask(c, VCPU_RING_FULL | (requests & PAGE_REQUESTS));
		requests &= ~PAGE_REQUESTS;
		if (a == GO_ON)
			c->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		a = a == GO_ON ? TO_USER : a;
	}
	a = write_pages(c, requests, a);
	if ((requests & VCPU_STOPPED) && READ_ONCE(c->stopped)) {
		vcpu_ask(c, VCPU_STOPPED);
		a = a == GO_ON ? GO_STOPPED : a;
	}
	if (requests & VCPU_PV_EOI) /* last, when it is known whether the guest is entered */
		a = offer_eoi(c, a);
	/* Others may send INIT as fast as it is accepted: the control guest comes between. */
	return a == GO_ON && (requests & VCPU_APIC_EVENTS) ? GO_AGAIN : a;
}
