/* SPDX-License-Identifier: MIT */
/* What is typed at the monitor's prompt: the editor keeps its promises about the text whatever
 * comes, and a command gets words that are what it allows. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/command.h"
#include "monitor/park.h"

static struct line line;
static u64 shown;
static bool ran;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void put(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		shown += (u8)text[i];
}

void monitor_print(const char *fmt, ...)
{
	require(strlen(fmt) > 0);
}

u32 percpu_count;

struct vm *vm_after(const struct vm *vm)
{
	static struct vm only = {.id = 1};

	return vm ? NULL : &only;
}

struct vmx_vcpu *park_control(u32 cpu)
{
	(void)cpu;
	return NULL;
}

static int take(u32 argc, char *const *argv)
{
	struct vmx_vcpu *v;
	struct vcpu *c;
	struct vm *vm;
	u64 number;

	require(argc >= 2 && argc <= 4);
	for (u32 i = 0; i < argc; i++) {
		require(*argv[i] && !strpbrk(argv[i], " \t"));
		for (const char *p = argv[i]; *p; p++)
			require(*p > ' ' && *p < 0x7f);
	}
	require(arg_any_vcpu(argv[1], &v, &c) != 0); /* there is no vCPU */
	ran |= !arg_number(argv[1], &number) && !arg_vm(argv[1], &vm);
	return 0;
}

static const struct command commands[] = {{"vm", "N...", "", take, complete_vm, 1, 3},
					  {"vcpu", "N...", "", take, complete_vcpu, 1, 3}};
static COMMAND_SET(set, commands);
const struct command_set *const command_sets[] = {&set, NULL};

static u32 good(u32 which, u8 *buf)
{
	static const char *const typed[] = {
		"vm 1\r",
		"v\tu\b\bm 0x1 x\r\033[A\033[A\033[B\r",
		"\025c 1\033[H\033[C\bv\033[Fm\001\005\033[1~\033[4~\033[3~\177\027\r\nvm  1\t2 "
		"3\n",
	};

	memcpy(buf, typed[which], strlen(typed[which]));
	return (u32)strlen(typed[which]);
}

static void check(void)
{
	require(line.length < LINE_SIZE && line.cursor <= line.length &&
		strlen(line.text) == line.length && line.history_back <= LINE_HISTORY);
	for (u32 i = 0; i < line.length; i++)
		require(line.text[i] >= ' ' && line.text[i] < 0x7f);
}

static bool run(const u8 *data, u32 size)
{
	ran = false;
	line_init(&line, "> ", put);
	line_begin(&line);
	for (u32 i = 0; i < size; i++) {
		enum line_event e = line_key(&line, data[i]);

		check();
		if (e == LINE_COMPLETE)
			line_complete(&line, command_words(line.text, line.cursor));
		else if (e == LINE_ENTERED)
			(void)command_run(line.text);
		if (e != LINE_MORE && e != LINE_COMPLETE)
			line_begin(&line);
		check();
	}
	return ran;
}

const struct fuzz_target fuzz_line = {"line", good, 3, NULL, run};
