/* SPDX-License-Identifier: MIT */
/* The end of the machine's run. */
#pragma once

/* ACPI S5, else the emulators' port 0x8900, else a line that it may be switched off. */
void __attribute__((noreturn)) power_off(void);
/* The FADT's reset register, else port 0xcf9, else the keyboard controller. */
void __attribute__((noreturn)) power_reset(void);
