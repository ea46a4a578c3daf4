/* SPDX-License-Identifier: MIT */
/* The commands `stats` and `top`: what has been counted, and how fast. */
#include <linux/errno.h>
#include "core/trace.h"
#include "cpu/tsc.h"
#include "kvm/stats.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/sets.h"

/* --- stats --- */

static struct stats_file file; /* of the one who works */

/* Exits by reason, and where they were timed the ticks in kvm0 that one takes. */
static void show_exits(const struct stats_values *v)
{
	for (u32 i = 0; i < STATS_REASONS; i++) {
		u64 n = v->exit_reason_count[i], ticks = v->exit_reason_ticks[i];

		if (!n)
			continue;
		monitor_print("  exit %-24s %12llu %3llu%%", trace_exit_name(i), n,
			      n * 100 / v->vcpu.exits);
		if (ticks)
			monitor_print(" %14llu ticks, %llu each", ticks, ticks / n);
		monitor_print("\n");
	}
	if (v->guest_ticks)
		monitor_print("  %-29s %12llu\n", "guest_ticks", v->guest_ticks);
}

/* All that are one number, and not 0. */
static void show_file(void)
{
	const char *name;
	const u64 *value;
	u32 size;

	monitor_print("%s\n", file.id);
	for (u32 n = 0; (name = stats_at(&file, n, &value, &size)) != NULL; n++)
		if (size == 1 && *value && strcmp(name, "guest_ticks"))
			monitor_print("  %-29s %12llu\n", name, *value);
	show_exits(&file.v);
}

static int run_stats(u32 argc, char *const *argv)
{
	struct vcpu *c;
	struct vm *vm;
	int err = 0;

	memset(&file, 0, sizeof(file));
	if (argc == 1) {
		stats_of_system(&file);
	} else if ((err = arg_vm(argv[1], &vm)) == 0) {
		stats_of_whole_vm(vm, &file);
	} else if (err == -EINVAL && (err = arg_vcpu(argv[1], &c)) == 0) {
		stats_of_vcpu(c, &file);
	}
	if (!err)
		show_file();
	return err;
}

/* --- top --- */

#define ROWS    16u /* vCPUs */
#define REASONS 4u  /* shown of each */

/* What a vCPU had when it was shown last. */
static struct row {
	u32 vm, vcpu;
	u64 exits, interrupts, halts, guest_ticks;
	u64 reasons[STATS_REASONS];
} rows[ROWS];
static u64 shown_at; /* TSC; 0: not yet, all counts from the start */

static u64 per_second(u64 count, u64 ticks)
{
	return ticks ? count * tsc_khz / MAX(ticks / 1000, 1) : 0;
}

/* The row of a vCPU, or a free one, which that takes the place of in time; NULL: all are taken. */
static struct row *row_of(const struct vcpu *c, u32 n)
{
	struct row *r = n < ROWS ? &rows[n] : NULL;

	if (r && (r->vm != c->vm->id || r->vcpu != c->id))
		*r = (struct row){.vm = c->vm->id, .vcpu = c->id};
	return r;
}

static void show_reasons(struct row *r, const u64 *now, u64 ticks)
{
	u64 delta[STATS_REASONS] = {0};

	for (u32 i = 0; i < STATS_REASONS; i++) {
		delta[i] = now[i] - r->reasons[i];
		r->reasons[i] = now[i];
	}
	for (u32 n = 0; n < REASONS; n++) {
		u32 most = 0;

		for (u32 i = 1; i < STATS_REASONS; i++)
			if (delta[i] > delta[most])
				most = i;
		if (delta[most])
			monitor_print(" %s %llu", trace_exit_name(most),
				      per_second(delta[most], ticks));
		delta[most] = 0;
	}
	monitor_print("\n");
}

static void show_row(struct row *r, const struct stats_values *v, u64 ticks)
{
	struct row old = *r;
	u64 guest = v->guest_ticks - old.guest_ticks;

	r->exits = v->vcpu.exits;
	r->interrupts = v->vcpu.irq_injections;
	r->halts = v->vcpu.halt_exits;
	r->guest_ticks = v->guest_ticks;
	monitor_print("%3u.%-3u %9llu %8llu %8llu ", r->vm, r->vcpu,
		      per_second(r->exits - old.exits, ticks),
		      per_second(r->interrupts - old.interrupts, ticks),
		      per_second(r->halts - old.halts, ticks));
	if (trace_mask & TRACE_EXIT_TICKS)
		monitor_print("%6llu%% ", guest * 100 / MAX(ticks, 1));
	else
		monitor_print("      - ");
	show_reasons(r, v->exit_reason_count, ticks);
}

static void refresh_top(void)
{
	u64 now = rdtsc(), ticks = now - shown_at;
	u32 n = 0;

	monitor_print("\033[H\033[J");
	monitor_print("  vCPU   exits/s    irq/s   halt/s   guest exits/s by reason\n");
	for (struct vm *vm = vm_after(NULL); vm; vm = vm_after(vm))
		for (u32 i = 0; i < vm->vcpu_count; i++) {
			struct row *r = row_of(vm->vcpus[i], n++);

			memset(&file.v, 0, sizeof(file.v));
			stats_add_vcpu(vm->vcpus[i], &file.v);
			if (r)
				show_row(r, &file.v, ticks);
		}
	if (!(trace_mask & TRACE_EXIT_TICKS))
		monitor_print("(guest: share of the time in the guest, with exit_ticks=on)\n");
	shown_at = now;
}

static int run_top(u32 argc, char *const *argv)
{
	u64 seconds = 1;

	if (argc > 1 && (arg_number(argv[1], &seconds) || !seconds || seconds > 3600))
		return -EINVAL;
	memset(rows, 0, sizeof(rows));
	shown_at = 0;
	monitor_live(refresh_top, (u32)seconds * 1000);
	return 0;
}

static const struct command commands[] = {
	{"stats", "[N | N.M]", "what has been counted of all VMs, of VM N, of its vCPU M",
	 run_stats, complete_vcpu, 0, 1},
	{"top", "[SECONDS]", "how much each vCPU does, anew each second until a key is pressed",
	 run_top, NULL, 0, 1},
};
COMMAND_SET(cmd_stats, commands);
