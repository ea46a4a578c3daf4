/* SPDX-License-Identifier: MIT */
/* What waits to happen to a vCPU, for KVM's requests and for KVM_RUN.  The vCPU is loaded. */
#pragma once

#include "kvm/vcpu.h"

/* Carry out INIT and SIPI that have come. */
void vcpu_accept_apic_events(struct vcpu *c);
/* KVM_GET_MP_STATE, after INIT and SIPI. */
u32 vcpu_get_mp_state(struct vcpu *c);
/* 0, or -EINVAL: none of x86's, or one that needs a local APIC. */
int vcpu_set_mp_state(struct vcpu *c, u32 state) __must_check;
/* KVM_NMI. */
void vcpu_nmi(struct vcpu *c);

/* KVM_INTERRUPT: @vector, of user space's PIC.  0; -ENXIO: the PIC is here; -EEXIST: with local
 * APICs here, while the last one waits to be acknowledged. */
int vcpu_interrupt(struct vcpu *c, u8 vector) __must_check;

/* KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS.  0; -EINVAL: an unknown flag, one of a capability
 * that is not enabled, no exception's vector, SMM. */
void vcpu_get_events(struct vcpu *c, struct kvm_vcpu_events *e);
int vcpu_set_events(struct vcpu *c, const struct kvm_vcpu_events *e) __must_check;

/* KVM_SET_GUEST_DEBUG.  0; -EBUSY: it has an exception to inject, and one is pending. */
int vcpu_set_guest_debug(struct vcpu *c, const struct kvm_guest_debug *d) __must_check;

/* The interrupt @vector was accepted already, and is to be delivered before any other. */
void vcpu_keep_interrupt(struct vcpu *c, u8 vector);

/* Choose c->injection anew: user space debugs or looks at the TPR, there is a page of vapic.h or
 * an interrupt in c->interrupt, or no longer, or the local APIC's mode is another.  As
 * apicv_update(). */
void vcpu_update_injection(struct vcpu *c);

/* From now on @e is the exception that waits for the next run. */
void vcpu_set_pending_exception(struct vcpu *c, const struct pending_exception *e);
/* The pending exception, if there is one, becomes the event to deliver.  False: it is a triple
 * fault.  The vCPU's state is in the CPU. */
bool vcpu_take_exception(struct vcpu *c) __must_check;
