/* SPDX-License-Identifier: MIT */
/* The table of the monitor's commands. */
#include "monitor/sets.h"

const struct command_set *const command_sets[] = {&cmd_general, &cmd_vm,   &cmd_stats,   &cmd_trace,
						  &show_vcpu,   &show_msr, &show_memory, &show_irq,
						  &cmd_break,   NULL};
