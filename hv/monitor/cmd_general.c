/* SPDX-License-Identifier: MIT */
/* Commands about the machine and kvm0 itself. */
#include <linux/errno.h>
#include "core/log.h"
#include "core/page.h"
#include "core/panic.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/park.h"
#include "monitor/sets.h"
#include "monitor/shutdown.h"

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
		return panic_is_on() ? "stopped" : "not used";
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
			      v ? vmx_entries(v) : 0, state_of(i));
	}
	return 0;
}

static void print_param(const struct param *p)
{
	char value[PARAM_TEXT_MAX];

	params_show(p, value);
	monitor_print("%s=%s%s\n", p->name, value,
		      p->why       ? "  (has no other value)"
		      : p->runtime ? ""
				   : "  (at boot only)");
}

static int run_param(u32 argc, char *const *argv)
{
	const struct param *p;
	int err = 0;

	if (argc == 1) {
		for (u32 n = 0; (p = params_at(n)) != NULL; n++)
			print_param(p);
		return 0;
	}
	p = params_find(argv[1]);
	if (!p)
		return -ENOENT;
	if (argc == 3)
		err = params_change(argv[1], argv[2]);
	if (err == -EINVAL)
		monitor_print("bad value '%s'\n", argv[2]);
	else if (err == -EOPNOTSUPP)
		monitor_print("it has no other value: %s\n", p->why);
	else if (err)
		return err;
	print_param(p);
	return 0;
}

static const char *complete_param(u32 n)
{
	const struct param *p = params_at(n);

	return p ? p->name : NULL;
}

#define LOG_LINES 20u /* shown unless told otherwise */

typedef size_t (*log_reader)(char *buf, size_t size, u64 *pos);

/* Call @use for all pieces of the log, the oldest first. */
static void read_log(log_reader read, void (*use)(const char *text, size_t n))
{
	char text[256];
	u64 position = 0;
	size_t n;

	while ((n = read(text, sizeof(text), &position)) > 0)
		use(text, n);
}

static u64 log_lines, log_skip;

static void count_lines(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		log_lines += text[i] == '\n';
}

static void print_rest(const char *text, size_t n)
{
	size_t i = 0;

	for (; log_skip && i < n; i++)
		log_skip -= text[i] == '\n';
	monitor_write(text + i, n - i);
}

static int run_log(u32 argc, char *const *argv)
{
	log_reader read = log_read;
	u64 lines = LOG_LINES;

	if (argc > 1 && !strcmp(argv[1], "before")) {
		read = log_read_before;
		argc--;
		argv++;
	}
	if (argc > 2)
		return -EINVAL;
	if (argc > 1 && !strcmp(argv[1], "all"))
		lines = ~0ull;
	else if (argc > 1 && arg_number(argv[1], &lines))
		return -EINVAL;
	log_lines = 0;
	read_log(read, count_lines);
	if (!log_lines) /* of the run before */
		return -ENOENT;
	log_skip = log_lines > lines ? log_lines - lines : 0;
	read_log(read, print_rest);
	return 0;
}

static int run_heap(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_print("pool: %llu pages of 4 KiB, %llu free; free blocks:\n", page_total(),
		      page_unused());
	for (u32 order = 0; order < PAGE_ORDERS; order++)
		if (page_free_blocks(order))
			monitor_print("%10llu KiB  %6u\n", (PAGE_SIZE << order) >> 10,
				      page_free_blocks(order));
	monitor_print("objects:   size    in use   pages\n");
	for (u32 n = 0; n < OBJECT_BINS; n++) {
		struct object_bin bin;

		object_bin(n, &bin);
		monitor_print("%15u  %8u  %6u\n", bin.size, bin.used, bin.pages);
	}
	return 0;
}

static int run_reboot(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	log_info("power", "the monitor resets the machine");
	shutdown_reset();
}

static int run_poweroff(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	if (!shutdown_can_power_off())
		return -EOPNOTSUPP;
	log_info("power", "the monitor switches the machine off");
	shutdown_power_off();
}

static int run_panic(u32 argc, char *const *argv)
{
	u64 cpu;

	if (argc == 1)
		panic("the monitor was told to");
	if (!strcmp(argv[1], "fault"))
		return *(const volatile u8 *)(uintptr_t)argc; /* never mapped */
	if (arg_number(argv[1], &cpu))
		return -EINVAL;
	if (cpu >= percpu_count || !park_control((u32)cpu))
		return -ENOENT;
	if (park_missing((u32)cpu))
		return -EBUSY;
	cpu_want(percpu_by_index[cpu], CPU_PANIC);
	return 0;
}

static const struct command commands[] = {
	{"help", "[COMMAND]", "this list, or a line of it", run_help, complete_command, 0, 1},
	{"exit", "", "leave the monitor", run_exit, NULL, 0, 0},
	{"cpus", "", "the machine's CPUs", run_cpus, NULL, 0, 0},
	{"param", "[NAME [VALUE]]", "parameters, or one, or change it", run_param, complete_param,
	 0, 2},
	{"log", "[before] [LINES | all]", "the end of kvm0's log, or of the one before the reset",
	 run_log, NULL, 0, 2},
	{"heap", "", "kvm0's own memory", run_heap, NULL, 0, 0},
	{"reboot", "", "reset the machine, guests and all", run_reboot, NULL, 0, 0},
	{"poweroff", "", "switch the machine off, guests and all", run_poweroff, NULL, 0, 0},
	{"panic", "[fault | CPU]",
	 "a deliberate panic of kvm0, here, by an exception, or on a CPU while others go on",
	 run_panic, NULL, 0, 1},
};
COMMAND_SET(cmd_general, commands);
