/* SPDX-License-Identifier: MIT */
/*
 * What kvm0 does against the CPU's defects (cpu/bugs.h) when it enters and leaves guests.  The
 * buffers are cleared and the return stack is filled by enter.asm, chosen when a VMCS is made; the
 * rest is here.  Only for arch/x86/vmx.
 */
#pragma once

#include "core/trace.h"
#include "cpu/bugs.h"
#include "cpu/regs.h"
#include "vmx/vcpu.h"

/* Of all CPUs; all false with mitigations=off but for the MSRs that there are. */
extern struct cpu_bugs vmx_bugs;

enum l1d_flush { L1D_NEVER, L1D_COND, L1D_ALWAYS };
extern u32 vmx_l1d_flush; /* enum l1d_flush; changes at run time */

/* This CPU joins, before it enters VMX operation.  False: it differs from the @first. */
bool mitigate_join(bool first) __must_check;

/* What of this a new @v needs, whose `control` says which kind it is; and what has to be in
 * HOST_RIP. */
void mitigate_init_vcpu(struct vmx_vcpu *v);
const char *mitigate_exit_point(void);

/* vmx_enter() with the guest's IA32_SPEC_CTRL, and the cache flushed before if it is to be. */
u32 mitigate_enter(struct vmx_vcpu *v);

/* IA32_SPEC_CTRL of @v, where there is one, becomes @value.  0, or -EINVAL: a reserved bit. */
int mitigate_set_spec_ctrl(struct vmx_vcpu *v, u64 value) __must_check;

/* mitigate_switch()'s slow part. */
void mitigate_begin_run(struct vmx_vcpu *guest) __attribute__((noinline));

/* struct vmx_vcpu.detour */
#define DETOUR_SPEC_CTRL 1u /* IA32_SPEC_CTRL is the guest's while it runs, kvm0's after that */
#define DETOUR_FLUSH     2u /* others have used the level-1 data cache since the last entry */
#define DETOUR_WATCH     4u /* watch.h */

static inline bool mitigate_is_needed(const struct vmx_vcpu *v)
{
	return __builtin_expect(v->detour != 0, 0);
}

/*
 * @to goes on after another.  The control guest is not led by a guest's branch targets; a guest
 * finds nothing in the cache that it may not read: whether it is to be flushed at all, and whether
 * it is watched, is looked at here, once a KVM_RUN, and with one look.
 */
static inline void mitigate_switch(struct vmx_vcpu *to)
{
	if (!to->control) {
		if (__builtin_expect((READ_ONCE(vmx_l1d_flush) | trace_mask) != 0, 0))
			mitigate_begin_run(to);
	} else if (__builtin_expect(vmx_bugs.ibpb, 0)) {
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	}
}
