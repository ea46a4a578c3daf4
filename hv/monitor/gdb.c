/* SPDX-License-Identifier: MIT */
/* GDB's port, and which packet is whose; see monitor/gdb.h. */
#include "monitor/gdb.h"
#include <linux/errno.h>
#include "core/log.h"
#include "cpu/tsc.h"
#include "cpu/uart.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "monitor/gdb_stub.h"

#define QUIET_MS 20u /* so long the world stays parked for the rest of a packet */

static struct uart port; /* port.port 0: there is no stub */

struct gdb_stub gdb_stub;

void gdb_answer(const char *text)
{
	gdb_put(&gdb_stub.out, text);
}

void gdb_answer_error(int err)
{
	gdb_printf(&gdb_stub.out, "E%02x", (u8)-err);
}

void gdb_send_answer(void)
{
	gdb_send(&gdb_stub.out, gdb_stub.put);
}

static const struct {
	const char *name;
	bool whole; /* the handler gets the packet with its name */
	void (*handle)(const char *at);
} packets[] = {
	{"?", false, gdb_why_stopped},
	{"g", true, gdb_get_registers},
	{"p", true, gdb_get_registers},
	{"G", true, gdb_set_registers},
	{"P", true, gdb_set_registers},
	{"m", true, gdb_memory},
	{"M", true, gdb_memory},
	{"X", true, gdb_memory},
	{"Z", true, gdb_breakpoint},
	{"z", true, gdb_breakpoint},
	{"H", false, gdb_choose},
	{"T", false, gdb_is_alive},
	{"vCont", false, gdb_go_on},
	{"D", false, gdb_detach},
	{"vKill", false, gdb_detach},
	{"k", false, gdb_detach},
	{"qSupported", false, gdb_begin_session},
	{"QStartNoAckMode", false, gdb_begin_no_ack},
	{"qXfer:features:read:target.xml:", false, gdb_get_description},
	{"qfThreadInfo", true, gdb_list_threads},
	{"qsThreadInfo", true, gdb_list_threads},
	{"qThreadExtraInfo,", false, gdb_describe_thread},
	{"qC", false, gdb_current_thread},
	{"qAttached", false, gdb_attached},
	{"qRcmd,", false, gdb_command},
};

static void handle_packet(void)
{
	const char *first = gdb_stub.in.data;

	if (gdb_word(&first, "qSupported")) /* of a new GDB, which waits for its + */
		gdb_stub.no_ack = false;
	if (!gdb_stub.no_ack)
		gdb_stub.put('+');
	gdb_stub.stopped = true;
	gdb_stub.out.length = 0;
	for (u32 i = 0; i < ARRAY_SIZE(packets); i++) {
		const char *at = gdb_stub.in.data;

		if (!gdb_word(&at, packets[i].name))
			continue;
		packets[i].handle(packets[i].whole ? gdb_stub.in.data : at);
		break;
	}
	if (gdb_stub.stopped)
		gdb_send_answer(); /* nothing in it: the packet is unknown */
}

void gdb_receive(u8 byte, void (*put)(u8 byte))
{
	gdb_stub.put = put;
	switch (gdb_byte(&gdb_stub.in, byte)) {
	case GDB_PACKET:
		handle_packet();
		break;
	case GDB_BAD:
		if (!gdb_stub.no_ack)
			put('-');
		break;
	case GDB_INTERRUPT:
		if (gdb_stub.awaits)
			gdb_stop(NULL);
		break;
	case GDB_RESEND:
		gdb_send_answer();
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
	WRITE_ONCE(gdb_stub.wanted, true);
	cpu_want(this_cpu(), CPU_ATTEND);
}

bool gdb_is_wanted(void)
{
	return READ_ONCE(gdb_stub.wanted);
}

void gdb_work(void)
{
	struct vmx_vcpu *v = gdb_stub.awaits ? debug_untold(DEBUGGER_GDB) : NULL;
	u64 quiet = rdtsc() + tsc_khz * QUIET_MS;
	int byte;

	WRITE_ONCE(gdb_stub.wanted, false);
	gdb_stub.put = put_byte;
	if (v)
		gdb_stop(v);
	do {
		byte = uart_read(&port);
		if (byte >= 0) {
			gdb_receive((u8)byte, put_byte); /* a damaged one has a wrong checksum */
			quiet = rdtsc() + tsc_khz * QUIET_MS;
		} else {
			__builtin_ia32_pause();
		}
	} while (gdb_stub.stopped || byte >= 0 || (gdb_in_packet(&gdb_stub.in) && rdtsc() < quiet));
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
