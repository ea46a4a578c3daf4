/* SPDX-License-Identifier: MIT */
/*
 * The packets of GDB's remote protocol (GDB manual, "Remote Protocol", Overview): bytes of a
 * serial line into packets and back.  Used by gdb.c alone; it knows nothing of what they say.
 */
#pragma once

#include "lib/types.h"

#define GDB_PACKET_MAX 4096u /* bytes between $ and #; told to GDB as PacketSize */

/* What a byte has completed. */
enum gdb_event {
	GDB_NOTHING,
	GDB_PACKET,    /* in->data, ended by a NUL beside its length */
	GDB_BAD,       /* one with a wrong checksum, or too long: to be sent again */
	GDB_INTERRUPT, /* Ctrl-C */
	GDB_RESEND,    /* GDB has got ours with a wrong checksum */
};

struct gdb_in {
	u8 state, sum, sent_sum;
	bool escaped, too_long;
	u32 length;
	char data[GDB_PACKET_MAX + 1];
};

/* One more byte of the line. */
enum gdb_event gdb_byte(struct gdb_in *in, u8 byte);
/* Has a packet begun that is not complete? */
bool gdb_in_packet(const struct gdb_in *in);

/* A packet to be sent.  What has no room is left out: callers know how long their answers are. */
struct gdb_out {
	u32 length;
	char data[GDB_PACKET_MAX];
};

void gdb_put(struct gdb_out *out, const char *text);
void gdb_put_bytes(struct gdb_out *out, const void *bytes, u32 n);
void gdb_put_hex(struct gdb_out *out, const void *bytes, u32 n);
void gdb_printf(struct gdb_out *out, const char *fmt, ...) __printf(2, 3);
static inline u32 gdb_room(const struct gdb_out *out)
{
	return GDB_PACKET_MAX - out->length;
}

/* Send it by @put, a byte after the other, with frame and checksum. */
void gdb_send(const struct gdb_out *out, void (*put)(u8 byte));

/* --- what packets are made of: each takes it from *@at and goes on behind it --- */

/* Hexadecimal digits, at least one and no more than fit 64 bits.  False: there are none. */
bool gdb_number(const char **at, u64 *n) __must_check;
/* Exactly @n bytes as 2 @n digits. */
bool gdb_hex(const char **at, void *bytes, u32 n) __must_check;
/* The word @word. */
bool gdb_word(const char **at, const char *word) __must_check;
