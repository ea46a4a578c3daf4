/* SPDX-License-Identifier: MIT */
/*
 * kvm0's own debugger of its guests, the control guest among them: what the GDB stub and the
 * monitor's commands (hv/monitor) have in common.  A vCPU that meets a breakpoint or ends a step is
 * stopped (vcpu_stop()) and notes why, and this CPU's loop is asked to attend (CPU_ATTEND).  It
 * comes before KVM_SET_GUEST_DEBUG, and what is not its own is user space's or the guest's.
 *
 * With the world parked (monitor/park.h) and @v loaded, unless it is said otherwise.
 */
#pragma once

#include "kvm/breakpoints.h"
#include "kvm/vcpu.h"

/* Why a vCPU has come to a stop: v->debug_hit. */
enum debugger_hit { HIT_NOTHING, HIT_STEP, HIT_KIND /* and so on: + enum breakpoint_kind */ };

/* The guest's vCPU; @v is not the control guest's. */
static inline struct vcpu *debugger_vcpu(struct vmx_vcpu *v)
{
	_Static_assert(offsetof(struct vcpu, vmx) == 0, "vmx is first in struct vcpu");
	return (struct vcpu *)(void *)v;
}

/* The number of its VM; 0: the control guest. */
u32 debugger_vm(struct vmx_vcpu *v);

/* Where @linear, 32 bits of it outside of long mode, is in the guest's physical memory. */
bool debugger_translate(struct vmx_vcpu *v, u64 linear, gpa_t *a) __must_check;

/* Read or write memory by linear address, @len bytes that may cross pages.  INT3s of the debugger
 * are not seen, and stay.  0; -EFAULT: some of it is not mapped, not the guest's memory, read-only
 * (a ROM's, for writes) or to be supplied first; part of a write may have been done. */
int debugger_access(struct vmx_vcpu *v, u64 linear, void *buf, u32 len, bool write) __must_check;

/* Set @b, of v's VM.  Its number; breakpoint_add()'s errors; -EFAULT: no memory for an INT3. */
int debugger_set(struct vmx_vcpu *v, const struct breakpoint *b) __must_check;
/* Take breakpoint @n away.  @v: any vCPU of its VM, not loaded; NULL: it has none. */
void debugger_clear(struct vmx_vcpu *v, u32 n);

/* @v goes on: with its VM's breakpoints as they are now, and @stepper: for one instruction.  Not
 * loaded; the control guest's on its own CPU. */
void debugger_apply(struct vmx_vcpu *v, enum debugger_user stepper);

/* --- while guests run --- */

/* VMX_DEBUG with exit->debug.debugger: is it the debugger's? */
bool debugger_takes(struct vmx_vcpu *v, const struct vmx_exit *exit) __must_check;
/* Has anything been hit that nobody has looked at?  Any CPU. */
bool debugger_has_hit(void);
/* Now somebody has. */
void debugger_take_hit(void);
/* The VM is gone: so are its breakpoints.  A new vCPU has its VM's. */
void debugger_forget(const struct vm *vm);
