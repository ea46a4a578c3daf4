/* SPDX-License-Identifier: MIT */
/*
 * KVM's hypercalls: a guest's VMCALL (KVM documentation, Linux KVM Hypercall).  RAX is the
 * number, RBX, RCX, RDX, RSI are arguments, RAX is the result.
 */
#pragma once

#include "kvm/run.h"

/* One of them, cut to 32 bits outside of 64-bit mode. */
struct pv_call {
	u64 number, a0, a1, a2, a3;
	bool wide; /* from 64-bit mode */
};

/*
 * A function that carries one out: outside of guest mode, vm->lock not held, CPL 0.  GO_ON or
 * GO_AGAIN with *@result, what the guest gets, and the guest goes on behind its VMCALL; anything
 * else leaves it before the instruction: with GO_PAGE_WANTED it is executed again.
 */
typedef enum exit_action pv_function(struct vcpu *c, const struct pv_call *h, s64 *result);

pv_function kvmclock_pair; /* kvmclock.c: KVM_HC_CLOCK_PAIRING */

/* The guest has executed VMCALL. */
enum exit_action pv_hypercall(struct vcpu *c);
/* The control guest has answered KVM_EXIT_HYPERCALL. */
enum exit_action pv_complete_hypercall(struct vcpu *c);

/* --- other_vcpus.c --- */
pv_function pv_kick, pv_send_ipi, pv_yield;
