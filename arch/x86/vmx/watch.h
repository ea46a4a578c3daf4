/* SPDX-License-Identifier: MIT */
/* Entries and exits that are traced or timed.  Only for arch/x86/vmx. */
#pragma once

#include "vmx/vcpu.h"

/* vmx_enter() by way of what v->detour asks for: this, and mitigate_enter(). */
u32 watch_enter(struct vmx_vcpu *v) __attribute__((noinline));

/* A run of @v begins. */
void watch_begin_run(struct vmx_vcpu *v);
