/* SPDX-License-Identifier: MIT */
/* Steps of the start code that are nobody else's business; see init.c. */
#pragma once

/* GDT, IDT and GS of the boot CPU; then its local APIC. */
void smp_init_boot_cpu(void);
void smp_init_apic(void);
