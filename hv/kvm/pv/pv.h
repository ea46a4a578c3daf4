/* SPDX-License-Identifier: MIT */
/*
 * KVM's paravirtual features: what of them belongs to a vCPU and to a VM, which of them are
 * offered, and which a guest may use.  Each has a file of its own beside this one.
 */
#pragma once

#include <linux/kvm_para.h>
#include "kvm/pv/kvmclock.h"
#include "lib/types.h"

struct kvm_cpuid_entry2;
struct vcpu;

/* EAX of leaf 0x40000001 as KVM_GET_SUPPORTED_CPUID has it: one bit for each feature that
 * works.  EDX, hints, is for user space to set. */
#define PV_FEATURES                                                                                \
	(1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_NOP_IO_DELAY |                          \
	 1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT |               \
	 1u << KVM_FEATURE_ASYNC_PF | 1u << KVM_FEATURE_ASYNC_PF_INT |                             \
	 1u << KVM_FEATURE_ASYNC_PF_VMEXIT | 1u << KVM_FEATURE_STEAL_TIME |                        \
	 1u << KVM_FEATURE_PV_EOI | 1u << KVM_FEATURE_PV_UNHALT | 1u << KVM_FEATURE_PV_TLB_FLUSH | \
	 1u << KVM_FEATURE_PV_SEND_IPI | 1u << KVM_FEATURE_POLL_CONTROL |                          \
	 1u << KVM_FEATURE_PV_SCHED_YIELD)

#define PV_POLL_CONTROL_ON 1ull /* the one bit that there is */

/* Steal time (steal.c).  Times are TSC ticks. */
struct pv_steal {
	u64 msr;
	u64 since;      /* could have run since then; IRQ_NEVER: nothing is stolen */
	u64 owed;       /* stolen, and the guest has not been told yet */
	bool blocked;   /* the last KVM_RUN ended so: since is when its deadline comes ... */
	u64 blocked_at; /* ... and this when it began, if there has been any */
	bool stale;     /* the guest's memory has to be written even if nothing is owed */
	u64 woken;      /* shared: when somebody woke it last */
};

/* End of interrupt by a bit in memory (eoi.c). */
struct pv_eoi {
	u64 msr;
	u64 at;       /* where the bit has been set ... */
	bool offered; /* ... and has not been looked at since */
	bool tried;   /* to set it, since the last exit */
};

/* Asynchronous page faults (apf.c). */
#define PV_APF_MAX 64u /* as KVM */

struct pv_apf_wait {
	u64 wanted; /* the page, and KVM0_WANTED_WRITE */
	u32 token;
	bool ready;
};

struct pv_apf {
	u64 msr, vector; /* MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_INT */
	u32 id;          /* of the next token */

	/* Guarded by vm->lock: in the order in which the waits have begun. */
	u32 count;
	struct pv_apf_wait wait[PV_APF_MAX];
	bool wake_all; /* the guest is to try again whatever it waits for */
};

/* In struct vcpu; the owner's, but for what says otherwise. */
struct vcpu_pv {
	u32 features;     /* EAX of the guest's leaf; 0: it has none */
	bool enforce;     /* KVM_CAP_ENFORCE_PV_FEATURE_CPUID */
	u64 poll_control; /* MSR_KVM_POLL_CONTROL: 1, or 0: not to be polled for while it is halted
			   */
	struct vcpu_kvmclock kvmclock;
	struct pv_steal steal;
	struct pv_eoi eoi;
	struct pv_apf apf;
};

/* In struct vm. */
struct vm_pv {
	u32 exits; /* KVM_CAP_EXIT_HYPERCALL: bit n is hypercall n, which then is user space's */
	u64 wall_clock; /* MSR_KVM_WALL_CLOCK; any vCPU's owner sets it */
};

/* The vCPU is new; before anything else of it is used. */
void pv_init_vcpu(struct vcpu *c);

/*
 * A guest's features are in the leaf next to that with KVM's signature, which is the first one in
 * 0x40000000 to 0x4000ff00, in steps of 0x100.  CPUID is about to be set to @entries: PV_UNHALT
 * goes out where HLT does not exit, as nobody but an interrupt can end that.
 */
void pv_adjust_cpuid(const struct vcpu *c, struct kvm_cpuid_entry2 *entries, u32 count);
/* CPUID has been set: note what features there are. */
void pv_set_cpuid(struct vcpu *c);

/* May the guest use @feature, KVM_FEATURE_*?  Any, unless what its CPUID lacks is kept from it. */
bool pv_allows(const struct vcpu *c, u32 feature);

/* --- pv_msr.c --- */

/* INIT turns features off.  vm->lock is not held. */
void pv_reset_vcpu(struct vcpu *c);

/* Is it one of KVM's own MSRs? */
static inline bool pv_is_msr(u32 index)
{
	return index == MSR_KVM_WALL_CLOCK || index == MSR_KVM_SYSTEM_TIME ||
	       (index >= MSR_KVM_WALL_CLOCK_NEW && index <= MSR_KVM_ASYNC_PF_ACK);
}

/* Read or write one of them, as msr_read() and msr_write() do and with their results.  Loaded;
 * vm->lock is not held. */
int pv_get_msr(struct vcpu *c, u32 index, u64 *value) __must_check;
int pv_set_msr(struct vcpu *c, u32 index, u64 value, bool host) __must_check;
