/* SPDX-License-Identifier: MIT */
/* The control guest's line editor. */
/* sources: guest/control/line.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "guest/control/line.h"

static char screen[65536];
static size_t screen_length;
static struct line line;

static void put(char c)
{
	if (screen_length < sizeof(screen) - 1)
		screen[screen_length++] = c;
	screen[screen_length] = 0;
}

static int setup(void **state)
{
	(void)state;
	screen_length = 0;
	line_init(&line, "> ", put);
	line_reset(&line);
	return 0;
}

static enum line_event type(const char *keys)
{
	enum line_event e = LINE_MORE;

	for (; *keys; keys++)
		e = line_key(&line, (u8)*keys);
	return e;
}

/* What a terminal of one row shows of the last row, trailing spaces cut. */
static const char *shown(void)
{
	static char row[4096];
	size_t at = 0, length = 0;

	for (size_t i = 0; i < screen_length; i++) {
		char c = screen[i];
		if (c == '\r' || c == '\n') {
			if (c == '\n')
				length = 0;
			at = 0;
		} else if (c == '\b') {
			assert_true(at > 0);
			at--;
		} else if (!strncmp(screen + i, "\033[K", 3)) {
			length = at;
			i += 2;
		} else if (c != '\a') {
			row[at++] = c;
			length = at > length ? at : length;
		}
	}
	while (length && row[length - 1] == ' ')
		length--;
	row[length] = 0;
	return row;
}

static void test_enters_text(void **state)
{
	(void)state;
	assert_int_equal(type("ls -x"), LINE_MORE);
	assert_string_equal(shown(), "> ls -x");
	assert_int_equal(type("\r"), LINE_ENTERED);
	assert_string_equal(line.text, "ls -x");
}

static void test_one_line_end_for_cr_and_lf(void **state)
{
	(void)state;
	assert_int_equal(type("a\r"), LINE_ENTERED);
	line_reset(&line);
	assert_int_equal(type("\n"), LINE_MORE);
	assert_int_equal(type("b\n"), LINE_ENTERED);
	assert_string_equal(line.text, "b");
}

static void test_erases(void **state)
{
	(void)state;
	type("abc\b\x7fx");
	assert_string_equal(line.text, "ax");
	assert_string_equal(shown(), "> ax");
	type("\x15new");
	assert_string_equal(line.text, "new");
	assert_string_equal(shown(), "> new");
	type("\x15\b\b");
	assert_string_equal(line.text, "");
}

static void test_edits_in_the_middle(void **state)
{
	(void)state;
	type("hllo\033[D\033[D\033[De");
	assert_string_equal(line.text, "hello");
	assert_string_equal(shown(), "> hello");
	type("\001\033[3~H\005!");
	assert_string_equal(line.text, "Hello!");
	assert_string_equal(shown(), "> Hello!");
	type("\033[H\b\033[F\033[C?");
	assert_string_equal(line.text, "Hello!?");
}

static void test_unknown_bytes_ring_the_bell(void **state)
{
	(void)state;
	type("a\x01\x02\xff\xc3\xa4"
	     "b");
	assert_string_equal(line.text, "ba");
	assert_non_null(strchr(screen, '\a'));
	type("\033[17~\033[1;5Zc");
	assert_string_equal(line.text, "bca");
}

static void test_overlong_line_is_not_executed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LINE_SIZE + 50; i++)
		assert_int_equal(line_key(&line, 'x'), LINE_MORE);
	assert_int_equal(strlen(line.text), LINE_SIZE - 1);
	assert_int_equal(type("\r"), LINE_TOO_LONG);
	line_reset(&line);
	assert_int_equal(type("ok\r"), LINE_ENTERED);
}

static void test_longest_line_is_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LINE_SIZE - 1; i++)
		line_key(&line, 'x');
	assert_int_equal(type("\r"), LINE_ENTERED);
	assert_int_equal(strlen(line.text), LINE_SIZE - 1);
}

static void test_history(void **state)
{
	(void)state;
	const char *lines[] = {"one\r", "two\r", "two\r", "\r", "three\r"};
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(type(lines[i]), LINE_ENTERED);
		line_reset(&line);
	}
	type("\033[A");
	assert_string_equal(line.text, "three");
	type("\033[A\033[A");
	assert_string_equal(line.text, "one");
	type("\033[A");
	assert_string_equal(line.text, "one");
	type("\033[B");
	assert_string_equal(line.text, "two");
	type("\033[B\033[B");
	assert_string_equal(line.text, "");
	type("\033[B");
	assert_string_equal(line.text, "");
}

static void test_history_keeps_the_last(void **state)
{
	char text[] = "a\r";

	(void)state;
	for (unsigned i = 0; i < LINE_HISTORY + 3; i++, text[0]++) {
		type(text);
		line_reset(&line);
	}
	for (unsigned i = 0; i < LINE_HISTORY + 5; i++)
		type("\033[A");
	assert_string_equal(line.text, "d");
}

static void test_cancel(void **state)
{
	(void)state;
	assert_int_equal(type("abc\003"), LINE_CANCELLED);
}

static void test_hide_and_redraw(void **state)
{
	(void)state;
	type("abc\033[D");
	line_hide(&line);
	assert_string_equal(shown(), "");
	line_redraw(&line);
	assert_string_equal(shown(), "> abc");
	type("X");
	assert_string_equal(shown(), "> abXc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_enters_text, setup),
		cmocka_unit_test_setup(test_one_line_end_for_cr_and_lf, setup),
		cmocka_unit_test_setup(test_erases, setup),
		cmocka_unit_test_setup(test_edits_in_the_middle, setup),
		cmocka_unit_test_setup(test_unknown_bytes_ring_the_bell, setup),
		cmocka_unit_test_setup(test_overlong_line_is_not_executed, setup),
		cmocka_unit_test_setup(test_longest_line_is_whole, setup),
		cmocka_unit_test_setup(test_history, setup),
		cmocka_unit_test_setup(test_history_keeps_the_last, setup),
		cmocka_unit_test_setup(test_cancel, setup),
		cmocka_unit_test_setup(test_hide_and_redraw, setup),
	};
	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
