/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, as far as kvm0 needs it: who am I, and NMI, INIT and SIPI to other
 * CPUs.  The APIC belongs to the control guest, which may switch it to x2APIC mode
 * or be in the middle of its own interrupt command: each call looks at the mode as
 * it is now and leaves the registers as it found them.
 */
#pragma once

#include "lib/addr.h"

/* Where the registers are in xAPIC mode: the page of @base, which the caller has
 * mapped uncached in the direct map.  Boot CPU, once, before any other call. */
void apic_init(hpa_t base);

/* The physical address of this CPU's registers, from IA32_APIC_BASE. */
hpa_t apic_base(void);

/* This CPU's APIC id: 32 bits in x2APIC mode, else 8.  Works before apic_init(). */
u32 apic_id(void);

/* Send to the CPU with @apic_id.  0; -ENXIO if this CPU's APIC is disabled or not
 * initialised here, or cannot reach that id in its mode; -ETIMEDOUT if the command
 * was not delivered in a bounded time. */
int apic_send_nmi(u32 apic_id);
int apic_send_init(u32 apic_id);
int apic_send_sipi(u32 apic_id, u8 page); /* starts at physical address @page << 12 */
