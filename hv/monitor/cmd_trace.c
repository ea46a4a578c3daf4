/* SPDX-License-Identifier: MIT */
/* The command `trace`. */
#include "core/trace.h"
#include <linux/errno.h>
#include "lib/printf.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/sets.h"

#define SHOWN 20u /* events, if no number is given */

static void __printf(1, 2) print(const char *fmt, ...)
{
	char line[TRACE_LINE];
	va_list ap;

	va_start(ap, fmt);
	(void)printf_vformat(line, sizeof(line), fmt, ap);
	va_end(ap);
	monitor_print("%s\n", line);
}

static void show_state(void)
{
	char text[128];

	trace_show_types(trace_mask, text, sizeof(text));
	monitor_print("on: %s\n", text);
	for (u32 i = 0; i < percpu_count; i++)
		monitor_print("CPU %u: %llu events kept\n", i, trace_count(i));
}

/* show [N] [CPU] */
static int show(u32 argc, char *const *argv)
{
	u64 n = SHOWN, cpu = TRACE_ALL_CPUS;

	if ((argc > 2 && arg_number(argv[2], &n)) || (argc > 3 && arg_number(argv[3], &cpu)))
		return -EINVAL;
	if (argc > 3 && cpu >= percpu_count)
		return -ENOENT;
	monitor_print("      time CPU vCPU event\n");
	trace_print_last((u32)cpu, n, print);
	return 0;
}

static int run_trace(u32 argc, char *const *argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool on = !strcmp(verb, "on");
	u32 types;

	if (!strcmp(verb, "show"))
		return show(argc, argv);
	if (!strcmp(verb, "clear") && argc == 2) {
		trace_clear();
	} else if (on || !strcmp(verb, "off")) {
		if (argc != 3 || trace_types(argv[2], &types))
			return -EINVAL;
		trace_set_types(on ? trace_mask | types : trace_mask & ~types);
	} else if (argc > 1) {
		return -EINVAL;
	}
	show_state();
	return 0;
}

static const char *complete_trace(u32 n)
{
	static const char *const verbs[] = {"on", "off", "show", "clear"};

	return n < ARRAY_SIZE(verbs) ? verbs[n] : NULL;
}

static const struct command commands[] = {
	{"trace", "[on|off TYPE,TYPE.. | show [N] [CPU] | clear]",
	 "what has happened on each CPU, of the types of events that are on", run_trace,
	 complete_trace, 0, 3},
};
COMMAND_SET(cmd_trace, commands);
