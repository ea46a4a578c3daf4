/* SPDX-License-Identifier: MIT */
/* sources: hv/monitor/monitor.c hv/monitor/line.c hv/monitor/command.c hv/core/params.c
 * hv/lib/printf.c */
/* The monitor's prompt: what is typed is carried out later, with the world parked, in order. */
#include "fake.h"

#include <asm/prctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/console.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "kvm/wake.h"
#include "monitor/command.h"
#include "monitor/debug.h"
#include "monitor/park.h"

u64 tsc_khz = 1; /* so that a period of some milliseconds is over at once */
u32 percpu_count = 1;
static struct percpu cpu;
static char printed[16384];
static bool parked, other_works, other_stays, debugger_waits;
static u32 runs, passed_on, stands;
static const char *typed; /* for monitor_serve() */

void console_print(const char *text, size_t n)
{
	size_t at = strlen(printed);

	assert_true(at + n < sizeof(printed));
	memcpy(printed + at, text, n);
	printed[at + n] = 0;
}

void cpu_want(struct percpu *p, u32 what)
{
	p->wanted |= what;
}

bool park_world(void)
{
	assert_false(parked);
	if (other_works)
		return false;
	return parked = true;
}

bool debug_has_work(void)
{
	return debugger_waits;
}

void debug_work(void)
{
	fail();
}

void debug_release(void)
{
	assert_true(parked);
	parked = false;
}

void debug_leave(void)
{
	assert_false(parked);
}

void debug_stand(void) {}

void park_here(void (*meanwhile)(void))
{
	assert_ptr_equal(meanwhile, debug_stand);
	assert_true(++stands < 100);
	other_works = other_stays;
}

bool park_missing(u32 n)
{
	return n != 0;
}

void park_alone(void)
{
	parked = true;
}

struct vmx_vcpu *park_control(u32 n)
{
	(void)n;
	return NULL;
}

void wake_pass_on(u32 n)
{
	assert_int_equal(n, 0);
	assert_true(parked);
	passed_on++;
}

struct vm *vm_after(const struct vm *vm)
{
	(void)vm;
	return NULL;
}

static int say(u32 argc, char *const *argv)
{
	assert_true(parked);
	runs++;
	monitor_print("[%s]\n", argc > 1 ? argv[1] : "");
	return 0;
}

static void refresh(void)
{
	assert_true(parked);
	runs++;
	monitor_print("top\n");
}

static int live(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_live(refresh, 1);
	return 0;
}

static int leave(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_close();
	return 0;
}

static const struct command commands[] = {{"say", "WORD", "", say, NULL, 0, 1},
					  {"live", "", "", live, NULL, 0, 0},
					  {"exit", "", "", leave, NULL, 0, 0}};
static COMMAND_SET(set, commands);
const struct command_set *const command_sets[] = {&set, NULL};

static int setup(void **state)
{
	(void)state;
	cpu = (struct percpu){.self = &cpu};
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu), 0);
	parked = other_works = other_stays = false;
	monitor_open();
	printed[0] = 0;
	runs = passed_on = stands = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	monitor_close();
	return parked ? -1 : 0;
}

static void type(const char *text)
{
	for (; *text; text++)
		monitor_input((u8)*text);
}

/* What control_run()'s loop does. */
static void work(void)
{
	while (cpu.wanted)
		monitor_work();
}

static void test_open(void **state)
{
	(void)state;
	assert_true(monitor_is_open());
	monitor_close();
	assert_false(monitor_is_open());
	monitor_open();
	assert_non_null(strstr(printed, "help lists the commands"));
	assert_string_equal(printed + strlen(printed) - 9, "monitor> ");
}

static void test_later(void **state)
{
	(void)state;
	type("say a\r");
	assert_int_equal(runs, 0);
	assert_int_equal(cpu.wanted, CPU_ATTEND);
	other_works = true;
	work();
	assert_int_equal(runs, 1);
	assert_int_equal(passed_on, 1);
	assert_string_equal(printed, "say a\n[a]\nmonitor> ");
	monitor_work(); /* another CPU that was asked, too late */
	assert_int_equal(runs, 1);
}

/* `reboot`: who carries it out is not done with it before this CPU has stopped. */
static void test_stop(void **state)
{
	(void)state;
	type("say a\r");
	other_works = other_stays = true;
	cpu.wanted |= CPU_STOP;
	monitor_work();
	assert_int_equal(cpu.wanted, CPU_STOP);
	assert_int_equal(runs, 0);
	cpu.wanted = 0;
	other_stays = false;
	monitor_work();
	assert_int_equal(runs, 1);
}

/* What is typed meanwhile waits, the editor's keys in it as well, and what is too much is lost. */
static void test_ahead(void **state)
{
	(void)state;
	type("say a\rsay bx\b\rs\ty c\r");
	work();
	assert_int_equal(runs, 2);
	assert_non_null(strstr(printed, "[a]\nmonitor> say bx"));
	assert_non_null(strstr(printed, "[b]\nmonitor> say y c\n"));
	assert_non_null(strstr(printed, "say: usage: say WORD\n"));
	type("say a\r");
	for (u32 i = 0; i < 1000; i++)
		type("x");
	work();
	type("\r");
	work();
	assert_non_null(strstr(printed, "that line is too long\nmonitor> "));
	assert_int_equal(runs, 3);
}

static void test_leave(void **state)
{
	(void)state;
	type("exit\rsay a\r");
	work();
	assert_false(monitor_is_open());
	assert_int_equal(runs, 0);
	assert_string_equal(printed, "exit\n");
	monitor_open(); /* what was typed after exit is not for the monitor any more */
	work();
	assert_int_equal(runs, 0);
	type("\003say b\r");
	work();
	assert_int_equal(runs, 1);
}

static void test_live(void **state)
{
	(void)state;
	type("live\r");
	work();
	assert_int_equal(runs, 1);
	monitor_poll();
	work();
	assert_int_equal(runs, 2);
	assert_string_equal(printed, "live\ntop\ntop\n");
	type("q");
	assert_string_equal(printed, "live\ntop\ntop\n\nmonitor> ");
	monitor_poll();
	assert_int_equal(cpu.wanted, 0);
}

static char caught[64];

static void catch (const char *text, size_t n)
{
	assert_true(strlen(caught) + n < sizeof(caught));
	strncat(caught, text, n);
}

static void test_sink(void **state)
{
	char line[] = "say x";

	(void)state;
	parked = true;
	assert_null(monitor_set_sink(catch));
	assert_int_equal(command_run(line), 0);
	assert_ptr_equal(monitor_set_sink(NULL), catch);
	assert_string_equal(caught, "[x]\n");
	assert_string_equal(printed, "");
	parked = false;
}

static u8 read_typed(void)
{
	assert_int_not_equal(*typed, 0);
	return (u8)*typed++;
}

/* After a panic, here while GDB's command ran and another one showed a table: at once, at the
 * console, and nothing is refreshed. */
static void test_serve(void **state)
{
	(void)state;
	type("live\r");
	work();
	runs = 0;
	(void)monitor_set_sink(catch);
	debugger_waits = true;
	typed = "say a\rlive\rsay b\rexit\r";
	monitor_serve(read_typed);
	assert_int_equal(runs, 3);
	assert_string_equal(typed, "");
	assert_false(monitor_is_open());
	parked = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sink, setup, teardown),
		cmocka_unit_test_setup_teardown(test_serve, setup,
						teardown), /* last: it stays so */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
