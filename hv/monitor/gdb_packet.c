/* SPDX-License-Identifier: MIT */
/* Packets of GDB's remote protocol; see gdb_packet.h. */
#include "monitor/gdb_packet.h"
#include "lib/printf.h"
#include "lib/string.h"

#define CTRL_C     0x03u
#define ESCAPE     '}'
#define ESCAPE_XOR 0x20u

enum { OUTSIDE, DATA, SUM_HIGH, SUM_LOW };

static int digit_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static void begin(struct gdb_in *in)
{
	in->state = DATA;
	in->sum = 0;
	in->length = 0;
	in->escaped = in->too_long = false;
}

static void add(struct gdb_in *in, u8 byte)
{
	in->sum = (u8)(in->sum + byte);
	if (byte == ESCAPE && !in->escaped) {
		in->escaped = true;
		return;
	}
	if (in->length < GDB_PACKET_MAX)
		in->data[in->length++] = (char)(in->escaped ? byte ^ ESCAPE_XOR : byte);
	else
		in->too_long = true;
	in->escaped = false;
}

/* A digit of the checksum; one that is none makes the checksum wrong. */
static enum gdb_event add_sum(struct gdb_in *in, u8 byte)
{
	int digit = digit_of((char)byte);

	if (digit < 0)
		in->too_long = true;
	in->sent_sum = (u8)(in->sent_sum << 4 | (digit & 15));
	if (in->state++ == SUM_HIGH)
		return GDB_NOTHING;
	in->state = OUTSIDE;
	in->data[in->length] = 0;
	return in->too_long || in->sent_sum != in->sum ? GDB_BAD : GDB_PACKET;
}

enum gdb_event gdb_byte(struct gdb_in *in, u8 byte)
{
	if (byte == '$') { /* never within one: escaped there */
		begin(in);
		return GDB_NOTHING;
	}
	switch (in->state) {
	case DATA:
		if (byte == '#')
			in->state = SUM_HIGH;
		else
			add(in, byte);
		return GDB_NOTHING;
	case SUM_HIGH:
	case SUM_LOW:
		return add_sum(in, byte);
	default:
		return byte == CTRL_C ? GDB_INTERRUPT : byte == '-' ? GDB_RESEND : GDB_NOTHING;
	}
}

bool gdb_in_packet(const struct gdb_in *in)
{
	return in->state != OUTSIDE;
}

/* --- answers --- */

void gdb_put_bytes(struct gdb_out *out, const void *bytes, u32 n)
{
	n = MIN(n, gdb_room(out));
	memcpy(out->data + out->length, bytes, n);
	out->length += n;
}

void gdb_put(struct gdb_out *out, const char *text)
{
	gdb_put_bytes(out, text, (u32)strlen(text));
}

void gdb_put_hex(struct gdb_out *out, const void *bytes, u32 n)
{
	static const char digits[] = "0123456789abcdef";
	const u8 *b = bytes;

	for (u32 i = 0; i < n; i++) {
		char two[] = {digits[b[i] >> 4], digits[b[i] & 15]};

		gdb_put_bytes(out, two, 2);
	}
}

void gdb_printf(struct gdb_out *out, const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	(void)printf_vformat(text, sizeof(text), fmt, args);
	gdb_put(out, text);
	va_end(args);
}

void gdb_send(const struct gdb_out *out, void (*put)(u8 byte))
{
	char end[4];
	u8 sum = 0;

	put('$');
	for (u32 i = 0; i < out->length; i++) {
		u8 byte = (u8)out->data[i];

		if (byte == '$' || byte == '#' || byte == ESCAPE || byte == '*') {
			put(ESCAPE);
			sum = (u8)(sum + ESCAPE);
			byte ^= ESCAPE_XOR;
		}
		put(byte);
		sum = (u8)(sum + byte);
	}
	(void)printf_format(end, sizeof(end), "#%02x", sum);
	for (u32 i = 0; i < 3; i++)
		put((u8)end[i]);
}

/* --- questions --- */

bool gdb_number(const char **at, u64 *n)
{
	const char *start = *at;

	*n = 0;
	for (; digit_of(**at) >= 0; (*at)++) {
		if (*n >> 60)
			return false;
		*n = *n << 4 | (u64)digit_of(**at);
	}
	return *at != start;
}

bool gdb_hex(const char **at, void *bytes, u32 n)
{
	u8 *b = bytes;

	for (u32 i = 0; i < n; i++) {
		int high = digit_of((*at)[0]), low = high < 0 ? -1 : digit_of((*at)[1]);

		if (low < 0)
			return false;
		b[i] = (u8)(high << 4 | low);
		*at += 2;
	}
	return true;
}

bool gdb_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n))
		return false;
	*at += n;
	return true;
}
