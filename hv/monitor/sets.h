/* SPDX-License-Identifier: MIT */
/* The sets of commands that there are. */
#pragma once

#include "monitor/command.h"

extern const struct command_set cmd_general; /* cmd_general.c: help, exit, cpus, param, log... */
extern const struct command_set cmd_vm;      /* cmd_vm.c: vms, vm, stop, resume, kill, nmi */
extern const struct command_set cmd_stats;   /* cmd_stats.c: stats, top */
extern const struct command_set cmd_trace;   /* cmd_trace.c: trace */
extern const struct command_set show_vcpu;   /* show_vcpu.c: vcpu, vmcs */
extern const struct command_set show_msr;    /* show_msr.c: msr, cpuid */
extern const struct command_set show_memory; /* show_memory.c: slots, ept, gva, mem */
extern const struct command_set cmd_break;   /* cmd_break.c: break, step */
extern const struct command_set show_irq;    /* show_irq.c: irqchip, lapic, ioapic, pit, clock */
