/* SPDX-License-Identifier: MIT */
/* Commands about the machine and kvm0 itself. */
#include <linux/errno.h>
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/park.h"
#include "monitor/sets.h"

static int run_help(u32 argc, char *const *argv)
{
	const struct command *c;
	bool found = argc == 1;

	for (u32 n = 0; (c = command_at(n)) != NULL; n++) {
		if (argc > 1 && strcmp(c->name, argv[1]))
			continue;
		monitor_print("%s %-*s %s\n", c->name, (int)(28 - strlen(c->name)), c->arguments,
			      c->help);
		found = true;
	}
	return found ? 0 : -ENOENT;
}

static const char *complete_help(u32 n)
{
	const struct command *c = command_at(n);

	return c ? c->name : NULL;
}

static int run_exit(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_close();
	return 0;
}

static const char *state_of(u32 cpu)
{
	const struct vmx_vcpu *v = park_control(cpu);

	if (cpu == this_cpu()->index)
		return "works for the monitor";
	if (!v || !percpu_by_index[cpu]->vmxon_region.v)
		return "not used";
	if (!park_missing(cpu))
		return "parked";
	return v->waits_for_sipi ? "waits for SIPI" : "does not answer";
}

static int run_cpus(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_print("CPU  APIC id  control guest's entries  state\n");
	for (u32 i = 0; i < percpu_count; i++) {
		const struct vmx_vcpu *v = park_control(i);

		monitor_print("%3u  %7u  %23llu  %s\n", i, percpu_by_index[i]->apic_id,
			      v ? v->entries : 0, state_of(i));
	}
	return 0;
}

static const struct command commands[] = {
	{"help", "[COMMAND]", "this list, or a line of it", run_help, complete_help, 0, 1},
	{"exit", "", "leave the monitor", run_exit, NULL, 0, 0},
	{"cpus", "", "the machine's CPUs", run_cpus, NULL, 0, 0},
};
COMMAND_SET(cmd_general, commands);
