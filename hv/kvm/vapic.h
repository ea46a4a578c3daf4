/* SPDX-License-Identifier: MIT */
/*
 * The page in a guest's memory in which code that takes the place of accesses to the TPR finds
 * the interrupt priorities, and leaves the TPR (KVM_SET_VAPIC_ADDR).  Four bytes: the TPR, the
 * highest vector in service without its lower half, 0, the highest vector that is requested.
 * Before each entry all of it is written, if the local APIC is enabled, and after each exit the TPR
 * is taken.
 */
#pragma once

#include "kvm/vcpu.h"

/* The page is at @address from now on, 0: nowhere.  0, or -EINVAL: memory that cannot be written
 * to, or none.  @c has a local APIC. */
int vapic_set_address(struct vcpu *c, u64 address) __must_check;

/* Outside of guest mode.  False: the page has to be supplied first. */
bool vapic_write(struct vcpu *c) __must_check;
/* After an exit: and VCPU_VAPIC is asked for, so that the page is written before the next entry. */
void vapic_read(struct vcpu *c);

/* In guest mode, ready to enter: is there a page, and has anything changed since vapic_write()? */
bool vapic_is_stale(struct vcpu *c);
