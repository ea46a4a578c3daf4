/* SPDX-License-Identifier: MIT */
/* Packets of registers and memory; see monitor/gdb_stub.h. */
#include <linux/errno.h>
#include "lib/string.h"
#include "monitor/gdb_regs.h"
#include "monitor/gdb_stub.h"

#define MEMORY_MAX (GDB_PACKET_MAX / 2 - 16)

/* --- registers --- */

static struct gdb_regs regs; /* of the packet under way */

void gdb_get_registers(const char *at)
{
	struct vmx_vcpu *v = gdb_thread();
	u32 offset, size;
	u64 n = 0;
	bool all = *at == 'g';

	at++;
	if (!v || (!all && !gdb_number(&at, &n))) {
		gdb_answer("E01");
		return;
	}
	gdb_get_regs(v, &regs);
	for (; gdb_register(n, &offset, &size); n++) {
		if (gdb_register_known(v, offset))
			gdb_put_hex(&gdb_stub.out, (u8 *)&regs + offset, size);
		else
			for (u32 i = 0; i < 2 * size; i++)
				gdb_answer("x");
		if (!all)
			return;
	}
	if (!all)
		gdb_answer("E01");
}

void gdb_set_registers(const char *at)
{
	struct vmx_vcpu *v = gdb_thread();
	u32 offset = 0, size = sizeof(regs);
	bool all = *at++ == 'G';
	u64 n;

	if (!v ||
	    (!all && (!gdb_number(&at, &n) || *at++ != '=' || !gdb_register(n, &offset, &size)))) {
		gdb_answer("E01");
		return;
	}
	gdb_get_regs(v, &regs);
	/* What is unknown of the control guest is written back as the x that GDB has got. */
	if (all && v->control)
		size = offsetof(struct gdb_regs, segment);
	if (!gdb_hex(&at, (u8 *)&regs + offset, size) || gdb_set_regs(v, &regs))
		gdb_answer("E16");
	else
		gdb_answer("OK");
}

/* --- memory --- */

void gdb_memory(const char *at)
{
	static u8 bytes[MEMORY_MAX];
	struct vmx_vcpu *v = gdb_thread();
	bool write = *at != 'm', binary = *at == 'X';
	u64 address, n;
	int err;

	at++;
	if (!v || !gdb_number(&at, &address) || *at++ != ',' || !gdb_number(&at, &n) ||
	    n > sizeof(bytes) || (write && *at++ != ':')) {
		gdb_answer("E16");
		return;
	}
	if (write && !binary && !gdb_hex(&at, bytes, (u32)n)) {
		gdb_answer("E16");
		return;
	}
	if (binary && gdb_stub.in.length - (u32)(at - gdb_stub.in.data) < n) {
		gdb_answer("E16");
		return;
	}
	if (binary)
		memcpy(bytes, at, n);
	err = debugger_access(v, address, bytes, (u32)n, write);
	if (err)
		gdb_answer_error(err);
	else if (write)
		gdb_answer("OK");
	else
		gdb_put_hex(&gdb_stub.out, bytes, (u32)n);
}
