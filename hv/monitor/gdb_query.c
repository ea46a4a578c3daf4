/* SPDX-License-Identifier: MIT */
/* Packets about the stub itself, and the monitor's commands; see monitor/gdb_stub.h. */
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/gdb_regs.h"
#include "monitor/gdb_stub.h"

void gdb_begin_session(const char *at)
{
	(void)at;
	gdb_forget_breakpoints(true);
	debug_clear(DEBUGGER_GDB, BREAKPOINTS_MAX); /* of a GDB that has gone without a word */
	gdb_printf(&gdb_stub.out,
		   "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;swbreak+;hwbreak+;"
		   "vContSupported+",
		   GDB_PACKET_MAX - 1);
}

void gdb_begin_no_ack(const char *at)
{
	(void)at;
	gdb_stub.no_ack = true;
	gdb_answer("OK");
}

void gdb_attached(const char *at)
{
	(void)at;
	gdb_answer("1"); /* GDB detaches when it ends, and does not kill */
}

void gdb_get_description(const char *at)
{
	u64 offset, length, size = strlen(gdb_target_xml);

	if (!gdb_number(&at, &offset) || *at++ != ',' || !gdb_number(&at, &length)) {
		gdb_answer("E16");
		return;
	}
	offset = MIN(offset, size);
	length = MIN(length, MIN(size - offset, (u64)GDB_PACKET_MAX / 2));
	gdb_answer(offset + length == size ? "l" : "m");
	gdb_put_bytes(&gdb_stub.out, gdb_target_xml + offset, (u32)length);
}

/* Output of the monitor's commands, in packets of its own. */
static void print(const char *text, size_t n)
{
	for (size_t done = 0; done < n;) {
		u32 part = (u32)MIN(n - done, (size_t)GDB_PACKET_MAX / 4);

		gdb_stub.out.length = 0;
		gdb_answer("O");
		gdb_put_hex(&gdb_stub.out, text + done, part);
		gdb_send_answer();
		done += part;
	}
}

void gdb_command(const char *at)
{
	char line[LINE_SIZE];
	u32 n = (u32)strlen(at) / 2;
	monitor_sink old;

	if (n >= sizeof(line) || !gdb_hex(&at, line, n)) {
		gdb_answer("E16");
		return;
	}
	line[n] = 0;
	old = monitor_set_sink(print);
	(void)command_run(line);
	(void)monitor_set_sink(old);
	gdb_stub.out.length = 0;
	gdb_answer("OK");
}
