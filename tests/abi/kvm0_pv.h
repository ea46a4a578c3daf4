/* SPDX-License-Identifier: MIT */
/* Paravirtual features in a guest's memory, on one CPU and on two. */
#pragma once

#include <linux/kvm_para.h>
#include "tests/abi/machine.h"

#define APF_ON (KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)

/* A 64-bit guest that loads from GPA_EXTRA, which is absent, and takes the interrupts of its local
 * APIC; MSR_KVM_ASYNC_PF_EN has the area at GPA_BUFFER and these bits.  In kvm0_pv.c. */
void pv_open_loading(struct machine *m, u64 how);

/* KVM_RUN with KVM0_RUN_PAGES_LATER, again while kvm0 asks for that. */
s64 pv_run_later(const struct machine *m, u64 *detail);

extern const struct suite suite_kvm0_pv, suite_kvm0_apf;
