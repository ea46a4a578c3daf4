/* SPDX-License-Identifier: MIT */
/* Packets of threads, how they stop, and how they go on; see monitor/gdb_stub.h. */
#include "lib/string.h"
#include "monitor/gdb_stub.h"

#define BREAK_SIGNAL    2u /* SIGINT and SIGTRAP, as GDB numbers them */
#define TRAP_SIGNAL     5u
#define THREAD_ROOM     32u /* in an answer, for one more */
#define DESCRIPTION_MAX 48u

struct vmx_vcpu *gdb_thread(void)
{
	return thread_find(gdb_stub.thread);
}

/* "T05", what it was, and who: of @v, or of one that has hit nothing. */
static void answer_stop(struct vmx_vcpu *v)
{
	static const char *const words[] = {
		[HIT_KIND + BREAK_INT3] = "swbreak",
		[HIT_KIND + BREAK_EXECUTE] = "hwbreak",
		[HIT_KIND + BREAK_WRITE] = "watch",
		[HIT_KIND + BREAK_ACCESS] = "awatch",
	};
	const char *word = v && v->debug_hit < ARRAY_SIZE(words) ? words[v->debug_hit] : NULL;

	gdb_stub.out.length = 0;
	gdb_printf(&gdb_stub.out, "T%02x", v && v->debug_hit ? TRAP_SIGNAL : BREAK_SIGNAL);
	if (word && v->debug_hit >= HIT_KIND + BREAK_WRITE)
		gdb_printf(&gdb_stub.out, "%s:%llx;", word, v->debug_address);
	else if (word)
		gdb_printf(&gdb_stub.out, "%s:;", word);
	gdb_printf(&gdb_stub.out, "thread:%llx;", gdb_stub.thread);
}

/* The thread to begin with: a guest's if there is one. */
void gdb_choose_thread(void)
{
	struct vmx_vcpu *first = thread_after(NULL), *v = first;

	if (gdb_thread())
		return;
	while (v && v->control)
		v = thread_after(v);
	gdb_stub.thread = v || first ? thread_number(v ? v : first) : 0;
}

/* --- going on --- */

/* What gdb_stub.actions, ";c", ";s:3e9;c:-1" ..., says of @v: the first that is about it. */
static enum thread_action action_of(struct vmx_vcpu *v)
{
	const char *at = gdb_stub.actions;

	while (*at == ';') {
		char what = *++at;
		u64 n = thread_number(v);

		while (*at && *at != ':' && *at != ';')
			at++;
		if (*at == ':' && strncmp(at, ":-1", 3)) {
			at++;
			if (!gdb_number(&at, &n))
				return THREAD_STAYS;
		}
		if (n == thread_number(v))
			return what == 's' || what == 'S'   ? THREAD_STEPS
			       : what == 'c' || what == 'C' ? THREAD_RUNS
							    : THREAD_STAYS;
		while (*at && *at != ';')
			at++;
	}
	return THREAD_STAYS;
}

static enum thread_action all_run(struct vmx_vcpu *v)
{
	(void)v;
	return THREAD_RUNS;
}

/* What was hit at the same time as what GDB has been told of, or NULL.  Code that was about to meet
 * a breakpoint will do so again, if it is still there. */
static struct vmx_vcpu *hit_meanwhile(void)
{
	struct vmx_vcpu *v;

	while ((v = debug_untold(DEBUGGER_GDB)) != NULL) {
		if (v->debug_hit == HIT_STEP || v->debug_hit >= HIT_KIND + BREAK_WRITE)
			return v;
		v->debug_told = true;
	}
	return NULL;
}

static void tell_stop(struct vmx_vcpu *v)
{
	if (v) {
		v->debug_told = true;
		gdb_stub.thread = thread_number(v);
	}
	gdb_choose_thread();
	answer_stop(v);
}

void gdb_stop(struct vmx_vcpu *v)
{
	gdb_stub.stopped = true;
	gdb_stub.awaits = false;
	tell_stop(v);
	gdb_send_answer();
}

void gdb_go_on(const char *at)
{
	struct vmx_vcpu *v;

	if (gdb_word(&at, "?")) {
		gdb_answer("vCont;c;C;s;S");
		return;
	}
	gdb_stub.actions = at;
	if (!strncmp(at, ";c", 2))
		gdb_forget_breakpoints(false);
	v = hit_meanwhile();
	if (v) {
		tell_stop(v);
		return;
	}
	gdb_stub.stopped = false;
	gdb_stub.awaits = true;
	debug_go(DEBUGGER_GDB, action_of);
}

static void let_all_go(void)
{
	gdb_forget_breakpoints(true);
	debug_clear(DEBUGGER_GDB, BREAKPOINTS_MAX);
	debug_go(DEBUGGER_GDB, all_run);
	gdb_stub.awaits = false;
}

void gdb_detach(const char *at)
{
	(void)at;
	let_all_go();
	gdb_answer("OK");
	gdb_send_answer();
	gdb_stub.stopped = false;
}

void gdb_why_stopped(const char *at)
{
	struct vmx_vcpu *v;

	(void)at;
	gdb_choose_thread();
	v = gdb_thread();
	answer_stop(v && v->debug_user == DEBUGGER_GDB ? v : NULL);
}

/* --- threads --- */

void gdb_list_threads(const char *at)
{
	struct vmx_vcpu *v = NULL;

	if (at[1] == 'f')
		gdb_stub.listed = 0;
	else
		v = thread_find(gdb_stub.listed);
	if (at[1] == 's' && !v) { /* the last is gone, or there was none */
		gdb_answer("l");
		return;
	}
	for (v = thread_after(v); v && gdb_room(&gdb_stub.out) > THREAD_ROOM; v = thread_after(v)) {
		gdb_stub.listed = thread_number(v);
		gdb_printf(&gdb_stub.out, "%c%llx", gdb_stub.out.length ? ',' : 'm',
			   gdb_stub.listed);
	}
	if (!gdb_stub.out.length)
		gdb_answer("l");
}

void gdb_describe_thread(const char *at)
{
	char text[DESCRIPTION_MAX];
	struct vmx_vcpu *v;
	u64 n;

	v = gdb_number(&at, &n) ? thread_find(n) : NULL;
	if (!v) {
		gdb_answer("E01");
		return;
	}
	thread_describe(v, text, sizeof(text));
	gdb_put_hex(&gdb_stub.out, text, (u32)strlen(text));
}

/* Hg, and Hc, which vCont has made obsolete. */
void gdb_choose(const char *at)
{
	bool general = *at++ == 'g';
	u64 n;

	if (!strncmp(at, "-1", 2) || !gdb_number(&at, &n) || !n) {
		gdb_choose_thread();
	} else if (!thread_find(n)) {
		gdb_answer("E01");
		return;
	} else if (general) {
		gdb_stub.thread = n;
	}
	gdb_answer("OK");
}

void gdb_is_alive(const char *at)
{
	u64 n;

	gdb_answer(gdb_number(&at, &n) && thread_find(n) ? "OK" : "E01");
}

void gdb_current_thread(const char *at)
{
	if (*at) /* qCRC */
		return;
	gdb_choose_thread();
	gdb_printf(&gdb_stub.out, "QC%llx", gdb_stub.thread);
}
