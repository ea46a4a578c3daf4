/* SPDX-License-Identifier: MIT */
/* A guest that has nothing to do: the HLT activity state, and PAUSE-loop exiting. */
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "cpu/regs.h"

/* --- the HLT activity state --- */

bool vmx_can_halt(const struct vmx_vcpu *v)
{
	u64 rflags = vmcs_read_nat(VMCS_GUEST_RFLAGS);

	/* Without IF hardware would do it; in Bochs 2.7 no interrupt ends HLT then. */
	return (vmx_config.caps.misc & VMX_MISC_HLT) && !v->event && (rflags & RFLAGS_IF) &&
	       !(rflags & RFLAGS_TF) && !vmx_cpl() &&
	       !(vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY) & (BLOCKING_BY_STI | BLOCKING_BY_MOVSS));
}

void vmx_set_halted(bool halted)
{
	vmcs_write32(VMCS_GUEST_ACTIVITY, halted ? ACTIVITY_HLT : ACTIVITY_ACTIVE);
}

/* --- PAUSE-loop exiting (SDM vol. 3, PAUSE) --- */

static void set_window(struct vmx_vcpu *v, u32 window)
{
	if (window == v->pause_window)
		return;
	v->pause_window = window;
	vmcs_write32(VMCS_PLE_WINDOW, window);
}

void vmx_set_pause_window(struct vmx_vcpu *v)
{
	vmcs_write32(VMCS_PLE_GAP, vmx_options.ple_gap);
	set_window(v, vmx_options.ple_window);
}

/* Both as in KVM: parameters that are small against the window multiply and divide. */
void vmx_grow_pause_window(struct vmx_vcpu *v)
{
	u64 by = vmx_options.ple_window_grow, base = vmx_options.ple_window, window;

	if (by < 1)
		window = base;
	else
		window = by < base ? v->pause_window * by : v->pause_window + by;
	set_window(v, (u32)MIN(window, (u64)vmx_options.ple_window_max));
}

void vmx_shorten_pause_window(struct vmx_vcpu *v)
{
	u32 by = vmx_options.ple_window_shrink, base = vmx_options.ple_window,
	    window = v->pause_window;

	if (window == base) /* the commonest */
		return;
	if (by < 1)
		window = base;
	else
		window = by < base ? window / by : window - MIN(by, window);
	set_window(v, MAX(window, base));
}
