/* SPDX-License-Identifier: MIT */
/* Starting the other CPUs: INIT, SIPI, SIPI (SDM vol. 3, Multiple-Processor Init). */
#pragma once

#include "cpu/percpu.h"

/*
 * Put the trampoline into the page at @page, below 1 MiB, which is the caller's
 * until smp_finish(): page tables @tables, which map that page, below 4 GiB.
 */
void smp_prepare(hpa_t page, hpa_t tables);

/*
 * Start the CPU of @p, which runs @entry(p) on p->stack_top with kvm0's tables still
 * to be loaded, and wait until it has called smp_arrived().  0; -ENXIO if its APIC id
 * cannot be reached; -ETIMEDOUT if it did not arrive: it has got an INIT since and,
 * should it come all the same, halts without touching anything but its stack and @p.
 */
int smp_start(struct percpu *p, void (*entry)(struct percpu *)) __must_check;

/* On the CPU that has started: say so.  Does not return if it is too late. */
void smp_arrived(struct percpu *p);

/*
 * Done starting.  With @failed, a CPU may yet come: the page then keeps code that
 * halts it for ever, and must stay kvm0's; else it is free again.
 */
void smp_finish(bool failed);
