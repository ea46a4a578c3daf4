/* SPDX-License-Identifier: MIT */
/* What GDB's packets ask for; see monitor/gdb.h. */
#include "monitor/gdb.h"
#include <linux/errno.h>
#include "core/log.h"
#include "cpu/tsc.h"
#include "cpu/uart.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/debug.h"
#include "monitor/gdb_packet.h"
#include "monitor/gdb_regs.h"

#define QUIET_MS        20u /* so long the world stays parked for the rest of a packet */
#define BREAK_SIGNAL    2u  /* SIGINT and SIGTRAP, as GDB numbers them */
#define TRAP_SIGNAL     5u
#define MEMORY_MAX      (GDB_PACKET_MAX / 2 - 16)
#define THREAD_ROOM     32u /* in an answer, for one more */
#define DESCRIPTION_MAX 48u

static struct uart port; /* port.port 0: there is no stub */

static struct {
	bool wanted;  /* there is a byte; set by gdb_poll() */
	bool stopped; /* it is GDB's to let threads go on */
	bool awaits;  /* it has done so, and is to be told when one stops */
	bool no_ack;
	u64 thread;          /* that packets are about */
	u64 listed;          /* the last that was named in a list of threads */
	const char *actions; /* of the vCont under way */
	struct gdb_in in;
	struct gdb_out out; /* the last packet sent */
	void (*put)(u8 byte);
} gdb;

/* --- answers --- */

static void answer(const char *text)
{
	gdb_put(&gdb.out, text);
}

static void answer_error(int err)
{
	gdb_printf(&gdb.out, "E%02x", (u8)-err);
}

static void send(void)
{
	gdb_send(&gdb.out, gdb.put);
}

/* The thread that packets are about, loaded.  NULL: it is gone. */
static struct vmx_vcpu *thread(void)
{
	return thread_find(gdb.thread);
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

	gdb.out.length = 0;
	gdb_printf(&gdb.out, "T%02x", v && v->debug_hit ? TRAP_SIGNAL : BREAK_SIGNAL);
	if (word && v->debug_hit >= HIT_KIND + BREAK_WRITE)
		gdb_printf(&gdb.out, "%s:%llx;", word, v->debug_address);
	else if (word)
		gdb_printf(&gdb.out, "%s:;", word);
	gdb_printf(&gdb.out, "thread:%llx;", gdb.thread);
}

/* The thread to begin with: a guest's if there is one. */
static void choose_thread(void)
{
	struct vmx_vcpu *first = thread_after(NULL), *v = first;

	if (thread())
		return;
	while (v && v->control)
		v = thread_after(v);
	gdb.thread = v || first ? thread_number(v ? v : first) : 0;
}

/* --- registers --- */

static struct gdb_regs regs; /* of the packet under way */

static void get_registers(const char *at)
{
	struct vmx_vcpu *v = thread();
	u32 offset, size;
	u64 n = 0;
	bool all = *at == 'g';

	at++;
	if (!v || (!all && !gdb_number(&at, &n))) {
		answer("E01");
		return;
	}
	gdb_get_regs(v, &regs);
	for (; gdb_register(n, &offset, &size); n++) {
		if (gdb_register_known(v, offset))
			gdb_put_hex(&gdb.out, (u8 *)&regs + offset, size);
		else
			for (u32 i = 0; i < 2 * size; i++)
				answer("x");
		if (!all)
			return;
	}
	if (!all)
		answer("E01");
}

static void set_registers(const char *at)
{
	struct vmx_vcpu *v = thread();
	u32 offset = 0, size = sizeof(regs);
	bool all = *at++ == 'G';
	u64 n;

	if (!v ||
	    (!all && (!gdb_number(&at, &n) || *at++ != '=' || !gdb_register(n, &offset, &size)))) {
		answer("E01");
		return;
	}
	gdb_get_regs(v, &regs);
	/* What is unknown of the control guest is written back as the x that GDB has got. */
	if (all && v->control)
		size = offsetof(struct gdb_regs, segment);
	if (!gdb_hex(&at, (u8 *)&regs + offset, size) || gdb_set_regs(v, &regs))
		answer("E16");
	else
		answer("OK");
}

/* --- memory --- */

static void memory(const char *at)
{
	static u8 bytes[MEMORY_MAX];
	struct vmx_vcpu *v = thread();
	bool write = *at != 'm', binary = *at == 'X';
	u64 address, n;
	int err;

	at++;
	if (!v || !gdb_number(&at, &address) || *at++ != ',' || !gdb_number(&at, &n) ||
	    n > sizeof(bytes) || (write && *at++ != ':')) {
		answer("E16");
		return;
	}
	if (write && !binary && !gdb_hex(&at, bytes, (u32)n)) {
		answer("E16");
		return;
	}
	if (binary && gdb.in.length - (u32)(at - gdb.in.data) < n) {
		answer("E16");
		return;
	}
	if (binary)
		memcpy(bytes, at, n);
	err = debugger_access(v, address, bytes, (u32)n, write);
	if (err)
		answer_error(err);
	else if (write)
		answer("OK");
	else
		gdb_put_hex(&gdb.out, bytes, (u32)n);
}

/* --- break- and watchpoints --- */

/*
 * GDB does not say whose a breakpoint is, takes all away whenever a thread stops, and sets them
 * again before it lets them go on.  So one is of the VM whose thread is chosen when it is set for
 * the first time.
 */
static struct owner {
	bool used, set;
	u32 vm;
	u64 kind, address, length;
} owners[BREAKPOINTS_MAX];

/* NULL: there is no room for another. */
static struct owner *owner_of(u64 kind, u64 address, u64 length)
{
	struct owner *spare = NULL;
	struct vmx_vcpu *v = thread();

	for (u32 i = 0; i < ARRAY_SIZE(owners); i++) {
		struct owner *o = &owners[i];

		if (!o->used)
			spare = o;
		else if (o->kind == kind && o->address == address && o->length == length)
			return o;
	}
	if (spare && v)
		*spare = (struct owner){.used = true,
					.vm = debugger_vm(v),
					.kind = kind,
					.address = address,
					.length = length};
	return v ? spare : NULL;
}

/* Those that GDB has not set again are forgotten, or with @all all. */
static void forget_owners(bool all)
{
	for (u32 i = 0; i < ARRAY_SIZE(owners); i++)
		owners[i].used &= owners[i].set && !all;
}

static int change_breakpoint(struct owner *o, bool set)
{
	struct breakpoint b = {.user = DEBUGGER_GDB,
			       .vm = o->vm,
			       .kind = (u8)o->kind,
			       .address = o->address,
			       .length = o->kind < BREAK_WRITE ? 1 : (u8)o->length};
	struct vmx_vcpu *v = thread_of_vm(o->vm);
	int n = set && v ? debugger_set(v, &b) : breakpoint_find(&b);

	o->set = set && n >= 0;
	if (!set && n >= 0)
		debug_clear(DEBUGGER_GDB, (u32)n);
	return set ? n : 0; /* what is gone already is gone */
}

static void breakpoint(const char *at)
{
	bool set = *at++ == 'Z';
	u64 kind, address, length;
	struct owner *o;
	int err;

	if (!gdb_number(&at, &kind) || *at++ != ',' || !gdb_number(&at, &address) || *at++ != ',' ||
	    !gdb_number(&at, &length)) {
		answer("E16");
		return;
	}
	if (kind == BREAK_READ || kind > BREAK_ACCESS) /* GDB tries another kind then */
		return;
	o = length <= 8 ? owner_of(kind, address, length) : NULL;
	err = o ? change_breakpoint(o, set) : -ENOSPC;
	if (err < 0)
		answer_error(err);
	else
		answer("OK");
}

/* --- going on --- */

/* What gdb.actions, ";c", ";s:3e9;c:-1" ..., says of @v: the first that is about it. */
static enum thread_action action_of(struct vmx_vcpu *v)
{
	const char *at = gdb.actions;

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
		gdb.thread = thread_number(v);
	}
	choose_thread();
	answer_stop(v);
}

static void stop(struct vmx_vcpu *v)
{
	gdb.stopped = true;
	gdb.awaits = false;
	tell_stop(v);
	send();
}

static void go_on(const char *at)
{
	struct vmx_vcpu *v;

	if (gdb_word(&at, "?")) {
		answer("vCont;c;C;s;S");
		return;
	}
	gdb.actions = at;
	if (!strncmp(at, ";c", 2))
		forget_owners(false);
	v = hit_meanwhile();
	if (v) {
		tell_stop(v);
		return;
	}
	gdb.stopped = false;
	gdb.awaits = true;
	debug_go(DEBUGGER_GDB, action_of);
}

static void let_all_go(void)
{
	forget_owners(true);
	debug_clear(DEBUGGER_GDB, BREAKPOINTS_MAX);
	debug_go(DEBUGGER_GDB, all_run);
	gdb.awaits = false;
}

static void detach(const char *at)
{
	(void)at;
	let_all_go();
	answer("OK");
	send();
	gdb.stopped = false;
}

/* --- threads --- */

static void list_threads(const char *at)
{
	struct vmx_vcpu *v = NULL;

	if (at[1] == 'f')
		gdb.listed = 0;
	else
		v = thread_find(gdb.listed);
	if (at[1] == 's' && !v) { /* the last is gone, or there was none */
		answer("l");
		return;
	}
	for (v = thread_after(v); v && gdb_room(&gdb.out) > THREAD_ROOM; v = thread_after(v)) {
		gdb.listed = thread_number(v);
		gdb_printf(&gdb.out, "%c%llx", gdb.out.length ? ',' : 'm', gdb.listed);
	}
	if (!gdb.out.length)
		answer("l");
}

static void describe_thread(const char *at)
{
	char text[DESCRIPTION_MAX];
	struct vmx_vcpu *v;
	u64 n;

	v = gdb_number(&at, &n) ? thread_find(n) : NULL;
	if (!v) {
		answer("E01");
		return;
	}
	thread_describe(v, text, sizeof(text));
	gdb_put_hex(&gdb.out, text, (u32)strlen(text));
}

/* Hg, and Hc, which vCont has made obsolete. */
static void choose(const char *at)
{
	bool general = *at++ == 'g';
	u64 n;

	if (!strncmp(at, "-1", 2) || !gdb_number(&at, &n) || !n) {
		choose_thread();
	} else if (!thread_find(n)) {
		answer("E01");
		return;
	} else if (general) {
		gdb.thread = n;
	}
	answer("OK");
}

static void is_alive(const char *at)
{
	u64 n;

	answer(gdb_number(&at, &n) && thread_find(n) ? "OK" : "E01");
}

static void current_thread(const char *at)
{
	if (*at) /* qCRC */
		return;
	choose_thread();
	gdb_printf(&gdb.out, "QC%llx", gdb.thread);
}

/* --- the rest --- */

static void begin_session(const char *at)
{
	(void)at;
	gdb.no_ack = false;
	forget_owners(true);
	debug_clear(DEBUGGER_GDB, BREAKPOINTS_MAX); /* of a GDB that has gone without a word */
	gdb_printf(&gdb.out,
		   "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;swbreak+;hwbreak+;"
		   "vContSupported+",
		   GDB_PACKET_MAX - 1);
}

static void begin_no_ack(const char *at)
{
	(void)at;
	gdb.no_ack = true;
	answer("OK");
}

static void why_stopped(const char *at)
{
	struct vmx_vcpu *v;

	(void)at;
	choose_thread();
	v = thread();
	answer_stop(v && v->debug_user == DEBUGGER_GDB ? v : NULL);
}

static void attached(const char *at)
{
	(void)at;
	answer("1"); /* GDB detaches when it ends, and does not kill */
}

static void get_description(const char *at)
{
	u64 offset, length, size = strlen(gdb_target_xml);

	if (!gdb_number(&at, &offset) || *at++ != ',' || !gdb_number(&at, &length)) {
		answer("E16");
		return;
	}
	offset = MIN(offset, size);
	length = MIN(length, MIN(size - offset, (u64)GDB_PACKET_MAX / 2));
	answer(offset + length == size ? "l" : "m");
	gdb_put_bytes(&gdb.out, gdb_target_xml + offset, (u32)length);
}

/* Output of the monitor's commands, in packets of its own. */
static void print(const char *text, size_t n)
{
	for (size_t done = 0; done < n;) {
		u32 part = (u32)MIN(n - done, (size_t)GDB_PACKET_MAX / 4);

		gdb.out.length = 0;
		answer("O");
		gdb_put_hex(&gdb.out, text + done, part);
		send();
		done += part;
	}
}

static void command(const char *at)
{
	char line[LINE_SIZE];
	u32 n = (u32)strlen(at) / 2;
	monitor_sink old;

	if (n >= sizeof(line) || !gdb_hex(&at, line, n)) {
		answer("E16");
		return;
	}
	line[n] = 0;
	old = monitor_set_sink(print);
	(void)command_run(line);
	(void)monitor_set_sink(old);
	gdb.out.length = 0;
	answer("OK");
}

static const struct {
	const char *name;
	bool whole; /* the handler gets the packet with its name */
	void (*handle)(const char *at);
} packets[] = {
	{"?", false, why_stopped},
	{"g", true, get_registers},
	{"p", true, get_registers},
	{"G", true, set_registers},
	{"P", true, set_registers},
	{"m", true, memory},
	{"M", true, memory},
	{"X", true, memory},
	{"Z", true, breakpoint},
	{"z", true, breakpoint},
	{"H", false, choose},
	{"T", false, is_alive},
	{"vCont", false, go_on},
	{"D", false, detach},
	{"vKill", false, detach},
	{"k", false, detach},
	{"qSupported", false, begin_session},
	{"QStartNoAckMode", false, begin_no_ack},
	{"qXfer:features:read:target.xml:", false, get_description},
	{"qfThreadInfo", true, list_threads},
	{"qsThreadInfo", true, list_threads},
	{"qThreadExtraInfo,", false, describe_thread},
	{"qC", false, current_thread},
	{"qAttached", false, attached},
	{"qRcmd,", false, command},
};

static void handle_packet(void)
{
	if (!gdb.no_ack)
		gdb.put('+');
	gdb.stopped = true;
	gdb.out.length = 0;
	for (u32 i = 0; i < ARRAY_SIZE(packets); i++) {
		const char *at = gdb.in.data;

		if (!gdb_word(&at, packets[i].name))
			continue;
		packets[i].handle(packets[i].whole ? gdb.in.data : at);
		break;
	}
	if (gdb.stopped)
		send(); /* nothing in it: the packet is unknown */
}

void gdb_receive(u8 byte, void (*put)(u8 byte))
{
	gdb.put = put;
	switch (gdb_byte(&gdb.in, byte)) {
	case GDB_PACKET:
		handle_packet();
		break;
	case GDB_BAD:
		if (!gdb.no_ack)
			put('-');
		break;
	case GDB_INTERRUPT:
		if (gdb.awaits)
			stop(NULL);
		break;
	case GDB_RESEND:
		send();
		break;
	case GDB_NOTHING:
		break;
	}
}

/* --- the port --- */

static void put_byte(u8 byte)
{
	uart_write(&port, (const char *)&byte, 1);
}

u16 gdb_begin(u16 console)
{
	if (port.port && port.port == console) {
		log_error("gdb", "the console has that port: choose another by console=");
		port.port = 0;
	}
	return port.port;
}

void gdb_poll(void)
{
	u8 status = port.port ? uart_in(&port, UART_LSR) : 0;

	if (!(status & UART_LSR_READY) || status == UART_LSR_ABSENT)
		return;
	WRITE_ONCE(gdb.wanted, true);
	cpu_want(this_cpu(), CPU_ATTEND);
}

bool gdb_is_wanted(void)
{
	return READ_ONCE(gdb.wanted);
}

void gdb_work(void)
{
	struct vmx_vcpu *v = gdb.awaits ? debug_untold(DEBUGGER_GDB) : NULL;
	u64 quiet = rdtsc() + tsc_khz * QUIET_MS;
	int byte;

	WRITE_ONCE(gdb.wanted, false);
	gdb.put = put_byte;
	if (v)
		stop(v);
	do {
		byte = uart_read(&port);
		if (byte >= 0) {
			gdb_receive((u8)byte, put_byte); /* a damaged one has a wrong checksum */
			quiet = rdtsc() + tsc_khz * QUIET_MS;
		} else {
			__builtin_ia32_pause();
		}
	} while (gdb.stopped || byte >= 0 || (gdb_in_packet(&gdb.in) && rdtsc() < quiet));
}

static char chosen[PARAM_TEXT_MAX] = "none";

static int parse(const char *value)
{
	u64 speed = UART_MAX_SPEED;

	if (strncmp(value, "com2", 4) || (value[4] && value[4] != ',') ||
	    (value[4] && (params_number(value + 5, &speed) || speed > UART_MAX_SPEED)) ||
	    uart_init(&port, UART_COM2, (u32)speed))
		return -EINVAL;
	(void)printf_format(chosen, sizeof(chosen), "com2,%llu", speed);
	return 0;
}

static void show(char *text, size_t size)
{
	(void)printf_format(text, size, "%s", chosen);
}

static const struct param params[] = {
	{.name = "gdb", .type = PARAM_FN, .parse = parse, .show = show},
};
const struct param_table gdb_params = {params, ARRAY_SIZE(params)};
