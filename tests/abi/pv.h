/* SPDX-License-Identifier: MIT */
/* What the tests of KVM's paravirtual features share; in test_pv.c. */
#pragma once

#include "tests/abi/machine.h"

/* KVM_SET_CPUID2 with nothing but KVM's signature at @base and its features behind it; if @base is
 * not the first there can be, behind another signature. */
void pv_set_features(int vcpu, u32 base, u32 features);
/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID. */
void pv_enforce(int vcpu, bool on);

/* KVM_GET_MSRS and KVM_SET_MSRS of one MSR: 1, or 0 where it was refused. */
long pv_get_msr(int vcpu, u32 index, u64 *value);
long pv_set_msr(int vcpu, u32 index, u64 value);
