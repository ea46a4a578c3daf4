/* SPDX-License-Identifier: MIT */
/*
 * Who is a vCPU's local APIC: the model alone, or the CPU together with it.  The CPU is in xAPIC
 * mode at the usual address and in x2APIC mode, unless user space has an eye on the guest's
 * interrupts or its TPR: the registers are read and written in the model's page then, and where
 * vmx_has_apicv() interrupts are delivered and ended there too.  The model does what is left.
 *
 * In xAPIC mode accesses are known by a page that the EPT has at the usual address.  The EPT is
 * all vCPUs', so it is there while all of them are in that mode; without it the emulator carries
 * accesses out.
 */
#pragma once

#include "kvm/run.h"

/* Choose anew; to be called when something of that has changed.  Loaded; without vm->lock, but in
 * vcpu_init(). */
void apicv_update(struct vcpu *c);

/* Before an entry, with lapic.by_cpu and when lapic.posted is not 0: what has changed becomes known
 * to the CPU. */
void apicv_tell_cpu(struct vcpu *c);

/* With lapic.by_cpu: is there an interrupt that the CPU would deliver to a guest that takes them?
 * What was posted becomes known to it.  Loaded. */
bool apicv_has_interrupt(struct vcpu *c) __must_check;

/* An access to @a, which no slot has, was refused by the EPT.  True: it is to be tried again, the
 * page is there now. */
bool apicv_map_page(struct vcpu *c, gpa_t a);
/* A slot may have come in its place.  vm->lock held. */
void apicv_unmap_page(struct vm *vm);

/* VMX_APIC_WRITE, VMX_EOI, VMX_APIC_ACCESS. */
enum exit_action apicv_exit_write(struct vcpu *c, const struct vmx_exit *exit);
enum exit_action apicv_exit_eoi(struct vcpu *c, const struct vmx_exit *exit);
enum exit_action apicv_exit_access(struct vcpu *c, const struct vmx_exit *exit);

/* With vmx_delivers_hastily(), after all else that there is to deliver at an entry, the CPU told of
 * what is in IRR: while the guest cannot take that, an exit is wanted for when it can; then the CPU
 * delivers it, or if there is more than one vector, the first is injected. */
void apicv_inject(struct vcpu *c);
