/* SPDX-License-Identifier: MIT */
/* What the control guest sees of its CPUs: the real ones, less VMX. */
#pragma once

#include "vmx/vmx.h"

/* Each carries out the instruction that exited, or injects the fault that it gets. */
void control_cpuid(struct vmx_vcpu *v);
void control_rdmsr(struct vmx_vcpu *v);
void control_wrmsr(struct vmx_vcpu *v);
void control_cr_write(struct vmx_vcpu *v, const struct vmx_exit *exit);
