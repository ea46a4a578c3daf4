/* SPDX-License-Identifier: MIT */
/* The bytes of GDB's line: whatever they are, a packet fits its place, ends with a NUL, and comes
 * out of what it was made into as it was.  (tests/fuzz/gdb.c has what packets do.) */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/gdb_packet.h"

static u8 line[4 * GDB_PACKET_MAX];
static u32 line_count;

static u32 good(u32 which, u8 *buf)
{
	static const char *const lines[] = {
		"+$vCont;s:3e9;c#7e\x03+$g#67",
		"$Hg3e9#93+$m7fffffffe000,40#33",
		"$X1000,3:}\x03}]a#d7-",
	};

	memcpy(buf, lines[which], strlen(lines[which]));
	return (u32)strlen(lines[which]);
}

/* Right checksums. */
static void mend(u8 *buf, u32 size)
{
	char text[3];
	u8 sum = 0;

	for (u32 i = 0; i + 2 < size; i++) {
		if (buf[i] == '$') {
			sum = 0;
		} else if (buf[i] == '#') {
			snprintf(text, sizeof(text), "%02x", sum);
			memcpy(buf + i + 1, text, 2);
			i += 2;
		} else {
			sum = (u8)(sum + buf[i]);
		}
	}
}

static void put(u8 byte)
{
	if (line_count == sizeof(line))
		abort();
	line[line_count++] = byte;
}

static void check(const struct gdb_in *in)
{
	static struct gdb_out out;
	static struct gdb_in again;
	enum gdb_event event = GDB_NOTHING;
	const char *at = in->data;
	u64 n;

	if (in->length > GDB_PACKET_MAX || in->data[in->length])
		abort();
	if (gdb_number(&at, &n) && at > in->data + in->length)
		abort();
	out.length = line_count = 0;
	gdb_put_bytes(&out, in->data, in->length);
	gdb_send(&out, put);
	for (u32 i = 0; i < line_count; i++)
		event = gdb_byte(&again, line[i]);
	if (event != GDB_PACKET || again.length != in->length ||
	    memcmp(again.data, in->data, in->length))
		abort();
}

static bool run(const u8 *data, u32 size)
{
	static struct gdb_in in;
	bool any = false;

	memset(&in, 0, sizeof(in));
	for (u32 i = 0; i < size; i++)
		if (gdb_byte(&in, data[i]) == GDB_PACKET) {
			check(&in);
			any = true;
		}
	return any;
}

const struct fuzz_target fuzz_gdb = {"gdb", good, 3, mend, run};
