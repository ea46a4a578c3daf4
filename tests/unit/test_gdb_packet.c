/* SPDX-License-Identifier: MIT */
/* sources: hv/monitor/gdb_packet.c hv/lib/printf.c */
/* GDB's packets: frames, checksums, escapes, what is garbled or too long; numbers and bytes. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "monitor/gdb_packet.h"

static struct gdb_in in;
static char sent[2 * GDB_PACKET_MAX];
static u32 sent_count;

static void put(u8 byte)
{
	assert_true(sent_count + 1 < sizeof(sent));
	sent[sent_count++] = (char)byte;
	sent[sent_count] = 0;
}

/* What the last byte of @bytes has completed; none before has. */
static enum gdb_event give_n(const char *bytes, size_t n)
{
	enum gdb_event e = GDB_NOTHING;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(e, GDB_NOTHING);
		e = gdb_byte(&in, (u8)bytes[i]);
	}
	return e;
}

static enum gdb_event give(const char *bytes)
{
	return give_n(bytes, strlen(bytes));
}

static void test_frames(void **state)
{
	(void)state;
	assert_int_equal(give("$g#67"), GDB_PACKET);
	assert_string_equal(in.data, "g");
	assert_int_equal(give("$#00"), GDB_PACKET);
	assert_int_equal(in.length, 0);
	assert_int_equal(give("+$mf0,4#63"), GDB_PACKET);
	assert_string_equal(in.data, "mf0,4");
	assert_int_equal(give("$g#68"), GDB_BAD);
	assert_int_equal(give("$g#g7"), GDB_BAD);
	assert_int_equal(give("$g#6+"), GDB_BAD);
	assert_int_equal(give("\x03"), GDB_INTERRUPT);
	assert_int_equal(give("-"), GDB_RESEND);
	assert_int_equal(give("qwerty#67+"), GDB_NOTHING);
	assert_false(gdb_in_packet(&in));
	/* One that is broken off, and the next. */
	assert_int_equal(give("$garbage"), GDB_NOTHING);
	assert_true(gdb_in_packet(&in));
	assert_int_equal(give("$g#67"), GDB_PACKET);
	assert_string_equal(in.data, "g");
	assert_int_equal(give("$m#$?#3f"), GDB_PACKET);
	assert_string_equal(in.data, "?");
}

static void test_escapes(void **state)
{
	static const char packet[] = "$X0,4:}\x03}]\0\x03#";
	u8 sum = 0;
	char end[3];

	(void)state;
	for (size_t i = 1; i < sizeof(packet) - 2; i++)
		sum = (u8)(sum + (u8)packet[i]);
	snprintf(end, sizeof(end), "%02x", sum);
	assert_int_equal(give_n(packet, sizeof(packet) - 1), GDB_NOTHING);
	assert_int_equal(give(end), GDB_PACKET);
	assert_int_equal(in.length, 9);
	assert_memory_equal(in.data + 5, "#}\0\x03", 5);
}

static void give_long(u32 n, enum gdb_event expected)
{
	char end[4];

	assert_int_equal(give("$"), GDB_NOTHING);
	for (u32 i = 0; i < n; i++)
		assert_int_equal(give("a"), GDB_NOTHING);
	snprintf(end, sizeof(end), "#%02x", (u8)(n * 'a'));
	assert_int_equal(give(end), expected);
}

static void test_lengths(void **state)
{
	(void)state;
	give_long(GDB_PACKET_MAX, GDB_PACKET);
	assert_int_equal(in.length, GDB_PACKET_MAX);
	assert_int_equal(in.data[GDB_PACKET_MAX], 0);
	give_long(GDB_PACKET_MAX + 1, GDB_BAD);
	give_long(100000, GDB_BAD);
	assert_int_equal(give("$g#67"), GDB_PACKET);
}

static void test_answers(void **state)
{
	struct gdb_out out = {0};

	(void)state;
	sent_count = 0;
	gdb_send(&out, put);
	assert_string_equal(sent, "$#00");
	gdb_put(&out, "m#}");
	gdb_put_hex(&out, "\x01\xfe", 2);
	gdb_printf(&out, ",%x", 0x3e9);
	sent_count = 0;
	gdb_send(&out, put);
	assert_memory_equal(sent, "$m}\x03}]01fe,3e9#", 15);
	/* It comes back as it was. */
	assert_int_equal(give_n(sent, sent_count), GDB_PACKET);
	assert_string_equal(in.data, "m#}01fe,3e9");
	for (u32 i = 0; i < GDB_PACKET_MAX; i++)
		gdb_put_hex(&out, "", 1);
	assert_int_equal(gdb_room(&out), 0);
	sent_count = 0;
	gdb_send(&out, put);
	assert_int_equal(give_n(sent, sent_count), GDB_PACKET);
	assert_int_equal(in.length, GDB_PACKET_MAX);
}

static void test_words(void **state)
{
	const char *at = "fFffffff80000000,x";
	u8 bytes[2];
	u64 n;

	(void)state;
	assert_true(gdb_number(&at, &n));
	assert_int_equal(n, 0xffffffff80000000);
	assert_int_equal(*at, ',');
	assert_false(gdb_number(&at, &n));
	at = "";
	assert_false(gdb_number(&at, &n));
	at = "00000000000000000000001";
	assert_true(gdb_number(&at, &n));
	assert_int_equal(n, 1);
	at = "10000000000000000";
	assert_false(gdb_number(&at, &n));
	at = "12aBc";
	assert_true(gdb_hex(&at, bytes, 2));
	assert_memory_equal(bytes, "\x12\xab", 2);
	assert_false(gdb_hex(&at, bytes, 1));
	at = "1x";
	assert_false(gdb_hex(&at, bytes, 1));
	at = "vCont;c";
	assert_false(gdb_word(&at, "vCtrl"));
	assert_true(gdb_word(&at, "vCont"));
	assert_string_equal(at, ";c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),  cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
