/* SPDX-License-Identifier: MIT */
/* The local APIC of the CPU that calls, in whichever of xAPIC and x2APIC mode it is found. */
#pragma once

#include "guest/lib/types.h"

/* Enables this CPU's local APIC; on the boot CPU LINT0 passes the 8259's interrupts on. */
void apic_init(bool boot_cpu);
u32 apic_id(void);
void apic_eoi(void);

/* Interrupt `vector` on the CPU with this APIC ID; INIT and start-up IPIs. */
void apic_send(u32 target, u8 vector);
void apic_send_init(u32 target);
void apic_send_startup(u32 target, u8 page);

/* Starts the timer: one interrupt TRAP_VECTOR_TIMER after `ticks`; 0 stops it. */
void apic_timer_start(u32 ticks);
/* What is left of the ticks. */
u32 apic_timer_left(void);
