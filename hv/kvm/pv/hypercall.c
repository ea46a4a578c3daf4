/* SPDX-License-Identifier: MIT */
/* KVM's hypercalls, by number: see hypercall.h. */
#include "kvm/pv/hypercall.h"
#include <linux/errno.h>

#define MAP_GPA_RANGE_BIT (1u << KVM_HC_MAP_GPA_RANGE)

/* Pages become shared or private: user space's to do, if it has asked for that. */
static enum exit_action map_gpa_range(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	u64 first = h->a0 / PAGE_SIZE;
	struct kvm_run *run = c->run;

	*result = -KVM_ENOSYS;
	if (!(READ_ONCE(c->vm->pv.exits) & MAP_GPA_RANGE_BIT))
		return GO_ON;
	*result = -KVM_EINVAL;
	if (h->a0 % PAGE_SIZE || first + h->a1 <= first)
		return GO_ON;
	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = h->number;
	run->hypercall.args[0] = h->a0;
	run->hypercall.args[1] = h->a1;
	run->hypercall.args[2] = h->a2;
	run->hypercall.ret = 0;
	run->hypercall.longmode = h->wide;
	c->completion = COMPLETE_HYPERCALL;
	return TO_USER;
}

static enum exit_action carry_out(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	*result = -KVM_ENOSYS;
	switch (h->number) {
	case KVM_HC_VAPIC_POLL_IRQ: /* the exit is all that it is for */
		*result = 0;
		return GO_ON;
	case KVM_HC_KICK_CPU:
		return pv_allows(c, KVM_FEATURE_PV_UNHALT) ? pv_kick(c, h, result) : GO_ON;
	case KVM_HC_SEND_IPI:
		return pv_allows(c, KVM_FEATURE_PV_SEND_IPI) ? pv_send_ipi(c, h, result) : GO_ON;
	case KVM_HC_SCHED_YIELD:
		return pv_allows(c, KVM_FEATURE_PV_SCHED_YIELD) ? pv_yield(c, h, result) : GO_ON;
	case KVM_HC_MAP_GPA_RANGE:
		return map_gpa_range(c, h, result);
	case KVM_HC_CLOCK_PAIRING:
		return kvmclock_pair(c, h, result);
	default:
		return GO_ON;
	}
}

static bool in_64bit_mode(void)
{
	return (vmx_efer() & EFER_LMA) && vmx_cs_is_long();
}

static void finish(struct vcpu *c, s64 result, bool wide)
{
	c->stats.hypercalls++;
	c->vmx.gpr[GPR_RAX] = wide ? (u64)result : (u32)result;
	vmx_skip_instruction();
}

enum exit_action pv_hypercall(struct vcpu *c)
{
	const u64 *g = c->vmx.gpr;
	bool wide = in_64bit_mode();
	u64 mask = wide ? ~0ull : ~0u;
	struct pv_call h = {
		.number = g[GPR_RAX] & mask,
		.a0 = g[GPR_RBX] & mask,
		.a1 = g[GPR_RCX] & mask,
		.a2 = g[GPR_RDX] & mask,
		.a3 = g[GPR_RSI] & mask,
		.wide = wide,
	};
	s64 result = -KVM_EPERM;
	enum exit_action a = GO_ON;

	if (!vmx_cpl())
		a = carry_out(c, &h, &result);
	if (a == GO_ON || a == GO_AGAIN)
		finish(c, result, wide);
	return a;
}

enum exit_action pv_complete_hypercall(struct vcpu *c)
{
	finish(c, (s64)READ_ONCE(c->run->hypercall.ret), in_64bit_mode());
	return GO_ON;
}
