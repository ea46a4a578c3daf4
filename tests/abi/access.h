/* SPDX-License-Identifier: MIT */
/*
 * Devices of a 64-bit guest driven step by step: each function is one run of the guest, and each
 * interrupt on the way is only noted.  For several vCPUs by turns a copy of the struct machine with
 * the other's handle and kvm_run does.
 */
#pragma once

#include "tests/abi/machine.h"

/* machine_open() with CPUID, and handlers that note the vectors 0x20 to 0xff. */
void access_open(struct machine *m, u32 options);
/* A further vCPU of the same. */
struct machine access_add_vcpu(struct machine *m, u32 id);

void access_set(struct machine *m, u64 address, u32 value);
u32 access_get(struct machine *m, u64 address);
void access_outb(struct machine *m, u16 port, u8 value);
u8 access_inb(struct machine *m, u16 port);

/* The interrupts that the guest takes now: their vectors, in order, as a number (0x2540 is 0x25 and
 * then 0x40; 0: none; at most eight). */
u64 access_take(struct machine *m);
/* The same for those that have been noted since the last call. */
u64 access_noted(struct machine *m);

/* Registers of its local APIC, by KVM_GET_LAPIC and KVM_SET_LAPIC. */
u32 access_apic(const struct machine *m, u32 reg);
void access_set_apic(const struct machine *m, u32 reg, u32 value);
/* Is the vector in one of its bitmaps, ACCESS_ISR...? */
#define ACCESS_ISR 0x100u
#define ACCESS_TMR 0x180u
#define ACCESS_IRR 0x200u
bool access_vector(const struct machine *m, u32 bitmap, u8 vector);
/* The highest vector there, which is no longer; 0: none. */
u8 access_take_irr(const struct machine *m);
