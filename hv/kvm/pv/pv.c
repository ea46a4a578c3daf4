/* SPDX-License-Identifier: MIT */
/* Which paravirtual features a guest may use: see pv.h. */
#include "kvm/pv/pv.h"
#include "kvm/vcpu.h"
#include "lib/string.h"

#define BASE_FIRST KVM_CPUID_SIGNATURE
#define BASE_LIMIT 0x40010000u
#define BASE_STEP  0x100u

void pv_init_vcpu(struct vcpu *c)
{
	c->pv = (struct vcpu_pv){.poll_control = PV_POLL_CONTROL_ON};
}

static bool has_signature(const struct kvm_cpuid_entry2 *e)
{
	static const char signature[] = KVM_SIGNATURE;

	return !memcmp(&e->ebx, signature, 4) && !memcmp(&e->ecx, signature + 4, 4) &&
	       !memcmp(&e->edx, signature + 8, 4);
}

void pv_set_cpuid(struct vcpu *c)
{
	const struct kvm_cpuid_entry2 *e = NULL;
	u32 base = BASE_FIRST;

	for (; base < BASE_LIMIT; base += BASE_STEP) {
		e = cpuid_find(&c->cpuid, base, 0);
		if (e && has_signature(e))
			break;
	}
	if (base < BASE_LIMIT)
		e = cpuid_find(&c->cpuid, base | KVM_CPUID_FEATURES, 0);
	c->pv.features = base < BASE_LIMIT && e ? e->eax : 0;
}

bool pv_allows(const struct vcpu *c, u32 feature)
{
	return !c->pv.enforce || c->pv.features >> feature & 1;
}
