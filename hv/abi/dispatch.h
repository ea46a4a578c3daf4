/* SPDX-License-Identifier: MIT */
/* From a VMCALL of the control guest to the function that carries it out. */
#pragma once

#include "vmx/vmx.h"

enum hypercall_result {
	HYPERCALL_DONE,
	HYPERCALL_INIT,          /* this CPU got INIT while a guest ran */
	HYPERCALL_MACHINE_CHECK, /* ... a machine check */
};

/* Carry out the call in @v's registers (kvm0/abi.h) and put the results there. */
enum hypercall_result hypercall(struct vmx_vcpu *v);
