/* SPDX-License-Identifier: MIT */
/* The monitor's prompt, and when its commands run; see monitor/monitor.h. */
#include "monitor/monitor.h"
#include "core/console.h"
#include "core/spinlock.h"
#include "cpu/tsc.h"
#include "kvm/wake.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/debug.h"
#include "monitor/park.h"

#define QUEUE_SIZE 256u
#define PRINT_MAX  256u

static struct {
	struct spinlock lock; /* above log_lock: guards all but what its comment says otherwise */
	bool open;
	bool serves; /* monitor_serve() */
	struct line line;
	/* What the line has come to that monitor_work() is to see to; while there is something the
	 * line belongs to who works. */
	enum line_event event;
	u32 in, out; /* count up for ever */
	u8 queue[QUEUE_SIZE];
	struct {
		void (*refresh)(void); /* NULL: nothing is shown */
		u64 period, next;      /* TSC */
		bool due;
	} live;
	monitor_sink sink; /* of who works */
} m;

/* --- output --- */

void monitor_write(const char *text, size_t n)
{
	if (m.sink)
		m.sink(text, n);
	else
		console_print(text, n);
}

void monitor_print(const char *fmt, ...)
{
	char text[PRINT_MAX];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = printf_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	monitor_write(text, n);
}

monitor_sink monitor_set_sink(monitor_sink sink)
{
	monitor_sink old = m.sink;

	m.sink = sink;
	return old;
}

/* --- input --- */

bool monitor_is_open(void)
{
	return READ_ONCE(m.open);
}

static void say(const char *text)
{
	console_print(text, strlen(text));
}

static void attend(void)
{
	cpu_want(this_cpu(), CPU_ATTEND);
}

static void take_key(u8 byte)
{
	enum line_event event;

	if (m.live.refresh) {
		m.live.refresh = NULL;
		m.live.due = false;
		say("\n");
		line_begin(&m.line);
		return;
	}
	event = line_key(&m.line, byte);
	switch (event) {
	case LINE_MORE:
		return;
	case LINE_ENTERED:
	case LINE_COMPLETE:
		WRITE_ONCE(m.event, event);
		attend();
		return;
	case LINE_TOO_LONG:
		say("that line is too long\n");
		break;
	case LINE_CANCELLED:
		break;
	}
	line_begin(&m.line);
}

/* Locked. */
static void take_keys(void)
{
	while (m.open && m.event == LINE_MORE && m.in != m.out)
		take_key(m.queue[m.out++ % QUEUE_SIZE]);
}

void monitor_input(u8 byte)
{
	spin_lock(&m.lock);
	if (m.in - m.out < QUEUE_SIZE)
		m.queue[m.in++ % QUEUE_SIZE] = byte;
	take_keys();
	spin_unlock(&m.lock);
}

void monitor_open(void)
{
	spin_lock(&m.lock);
	if (!m.line.prompt)
		line_init(&m.line, "monitor> ", console_print);
	if (!m.open && m.event == LINE_MORE) {
		say("\nkvm0's monitor: help lists the commands, exit leaves it\n");
		line_begin(&m.line);
	}
	m.out = m.in;
	WRITE_ONCE(m.open, true);
	spin_unlock(&m.lock);
}

void monitor_close(void)
{
	spin_lock(&m.lock);
	m.live.refresh = NULL;
	m.live.due = false;
	WRITE_ONCE(m.open, false);
	spin_unlock(&m.lock);
}

/* --- work --- */

void monitor_live(void (*refresh)(void), u32 period_ms)
{
	refresh();
	if (m.serves || m.sink)
		return;
	m.live.period = tsc_khz * period_ms;
	m.live.next = rdtsc() + m.live.period;
	m.live.refresh = refresh;
}

void monitor_poll(void)
{
	if (!READ_ONCE(m.live.refresh))
		return;
	spin_lock(&m.lock);
	if (m.live.refresh && !m.live.due && rdtsc() >= m.live.next) {
		m.live.due = true;
		attend();
	}
	spin_unlock(&m.lock);
}

/* After a panic the console alone is served. */
static bool debugger_has_work(void)
{
	return !m.serves && debug_has_work();
}

static bool has_work(void)
{
	return READ_ONCE(m.event) != LINE_MORE || READ_ONCE(m.live.due) || debugger_has_work();
}

/* The world is parked. */
static void work(void)
{
	char text[LINE_SIZE];

	if (m.live.due && m.live.refresh)
		m.live.refresh();
	m.live.due = false;
	m.live.next = rdtsc() + m.live.period;
	if (m.event == LINE_COMPLETE) {
		line_complete(&m.line, command_words(m.line.text, m.line.cursor));
	} else if (m.event == LINE_ENTERED) {
		memcpy(text, m.line.text, sizeof(text));
		(void)command_run(text);
		if (m.open && !m.live.refresh)
			line_begin(&m.line);
	}
	WRITE_ONCE(m.event, LINE_MORE);
	if (debugger_has_work())
		debug_work();
}

void monitor_work(void)
{
	/* Before the look at what there is to do: who asks again does so after that. */
	__atomic_fetch_and(&this_cpu()->wanted, ~CPU_ATTEND, __ATOMIC_SEQ_CST);
	for (;;) {
		park_here(debug_stand);
		/* Told to by who works, who will not be done before that. */
		if (READ_ONCE(this_cpu()->wanted) & CPU_STOP)
			return;
		if (!has_work())
			break;
		if (!park_world())
			continue;
		if (has_work()) /* it may have been done by who had the world parked until now */
			work();
		if (!park_missing(0)) /* the control guest's boot CPU looks for them now and then */
			wake_pass_on(0);
		debug_release();
	}
	debug_leave();
	spin_lock(&m.lock);
	take_keys();
	spin_unlock(&m.lock);
}

void monitor_serve(u8 (*read)(void))
{
	park_alone();
	m.lock = (struct spinlock){0}; /* whoever holds it does not go on */
	m.serves = true;
	m.sink = NULL;
	m.live.refresh = NULL;
	m.event = LINE_MORE;
	m.open = false;
	monitor_open();
	while (m.open) {
		monitor_input(read());
		if (has_work())
			work();
	}
}
