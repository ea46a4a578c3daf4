/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's machine-check architecture: the MCG_* MSRs, the banks, and errors that the control
 * guest reports with KVM_X86_SET_MCE (SDM vol. 3, Machine-Check Architecture).
 */
#pragma once

#include <linux/kvm.h>
#include "cpu/bits.h"
#include "lib/types.h"

#define MCE_MAX_BANKS 32u /* KVM_CAP_MCE */

/* IA32_MCG_CAP: there is an MCG_CTL; interrupts for corrected errors; software error recovery;
 * local machine checks. */
#define MCG_CAP_BANKS 0xffull
#define MCG_CAP_CTL   BIT(8)
#define MCG_CAP_CMCI  BIT(10)
#define MCG_CAP_SER   BIT(24)
#define MCG_CAP_LMCE  BIT(27)

/* What KVM_X86_GET_MCE_CAP_SUPPORTED has. */
#define MCE_CAP_SUPPORTED (MCG_CAP_CTL | MCG_CAP_CMCI | MCG_CAP_SER | MCG_CAP_LMCE)

struct mce_bank {
	u64 ctl, status, addr, misc; /* in the order of their MSRs */
	u64 ctl2;
};

struct mce {
	u64 cap, status, ctl, ext_ctl;
	struct mce_bank bank[MCE_MAX_BANKS];
};

struct vcpu;

/* The values of a new vCPU. */
void mce_init(struct mce *m);

/* Is @index one of its MSRs, or a bank's that this vCPU may lack? */
bool mce_is_msr(u32 index);
/* @host as for msr_read().  0, or -EINVAL. */
int mce_read(const struct vcpu *c, u32 index, u64 *value, bool host) __must_check;
int mce_write(struct vcpu *c, u32 index, u64 value, bool host) __must_check;

/* KVM_X86_SETUP_MCE of @c, which is loaded.  0, or -EINVAL: no banks, too many, or a feature that
 * is not supported. */
int mce_setup(struct vcpu *c, u64 cap) __must_check;
/*
 * KVM_X86_SET_MCE of @c, which is loaded: note the error in its bank, and queue #MC for one that
 * is not corrected; or ask @c for a triple fault if the guest cannot take it.  0; -EINVAL: no such
 * bank, or the error is not valid.
 */
int mce_report(struct vcpu *c, const struct kvm_x86_mce *e) __must_check;
