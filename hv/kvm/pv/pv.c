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

/* The leaf of KVM's features, or NULL. */
static struct kvm_cpuid_entry2 *find_features(struct kvm_cpuid_entry2 *entries, u32 count)
{
	u32 base = BASE_LIMIT;

	for (u32 i = 0; i < count; i++) {
		u32 leaf = entries[i].function;

		if (leaf >= BASE_FIRST && leaf < base && leaf % BASE_STEP == 0 &&
		    has_signature(&entries[i]))
			base = leaf;
	}
	for (u32 i = 0; i < count && base < BASE_LIMIT; i++)
		if (entries[i].function == (base | KVM_CPUID_FEATURES))
			return &entries[i];
	return NULL;
}

void pv_adjust_cpuid(const struct vcpu *c, struct kvm_cpuid_entry2 *entries, u32 count)
{
	struct kvm_cpuid_entry2 *e = find_features(entries, count);

	if (e && c->vm->exits_off & KVM_X86_DISABLE_EXITS_HLT)
		e->eax &= ~(1u << KVM_FEATURE_PV_UNHALT);
}

void pv_set_cpuid(struct vcpu *c)
{
	const struct kvm_cpuid_entry2 *e = find_features(c->cpuid.entries, c->cpuid.count);

	c->pv.features = e ? e->eax : 0;
}

bool pv_allows(const struct vcpu *c, u32 feature)
{
	return !c->pv.enforce || c->pv.features >> feature & 1;
}
