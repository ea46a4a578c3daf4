/* SPDX-License-Identifier: MIT */
/* KVM's hypercalls, by number: see hypercall.h. */
#include "kvm/pv/hypercall.h"
#include <linux/errno.h>

static enum exit_action carry_out(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	(void)c;
	switch (h->number) {
	case KVM_HC_VAPIC_POLL_IRQ: /* the exit is all that it is for */
		*result = 0;
		return GO_ON;
	default:
		*result = -KVM_ENOSYS;
		return GO_ON;
	}
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
	bool wide = (vmx_efer() & EFER_LMA) && vmx_cs_is_long();
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
