/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous page faults (KVM documentation, KVM-specific MSRs, MSR_KVM_ASYNC_PF_EN): a guest
 * that touches a page which the control guest supplies later gets #PF with a token in CR2, and can
 * run something else until an interrupt tells that the page is there, with the same token in memory
 * that the guest has named.  Only in runs with KVM0_RUN_PAGES_LATER: to be told costs more than a
 * short wait.
 */
#pragma once

#include "kvm/vcpu.h"

/* MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_INT and MSR_KVM_ASYNC_PF_ACK.  0; -EINVAL: a reserved bit,
 * a feature that the guest may not use, no local APIC, or memory that cannot be written to. */
int pv_apf_set(struct vcpu *c, u64 value) __must_check;
int pv_apf_set_vector(struct vcpu *c, u64 value) __must_check;
int pv_apf_ack(struct vcpu *c, u64 value) __must_check;

/* The guest has touched page c->wanted, which is absent.  If it can be told it is, and then
 * c->wanted has KVM0_WANTED_ASYNC.  Outside of guest mode. */
void pv_apf_tell(struct vcpu *c);

/* These pages have been supplied.  vm->lock held. */
void pv_apf_supplied(struct vm *vm, u64 address, u64 size, bool writable);

/* VCPU_APF_READY: tell the guest of the next page that is there.  Outside of guest mode.  False:
 * the guest's memory has to be supplied first. */
bool pv_apf_deliver(struct vcpu *c) __must_check;

/* Forget all that the guest waits for.  vm->lock is not held. */
void pv_apf_forget(struct vcpu *c);
