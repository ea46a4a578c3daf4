/* SPDX-License-Identifier: MIT */
/* sources: hv/monitor/line.c */
/* The monitor's line editor, on a terminal of one row. */
#include "fake.h"

#include <string.h>

#include "monitor/line.h"

static char screen[65536];
static size_t screen_length;
static struct line line;

static void put(const char *text, size_t n)
{
	assert_true(n < sizeof(screen) - screen_length);
	memcpy(screen + screen_length, text, n);
	screen_length += n;
	screen[screen_length] = 0;
}

static int setup(void **state)
{
	(void)state;
	screen_length = 0;
	line_init(&line, "> ", put);
	line_begin(&line);
	return 0;
}

static enum line_event type(const char *keys)
{
	enum line_event e = LINE_MORE;

	for (; *keys; keys++)
		e = line_key(&line, (u8)*keys);
	return e;
}

/* What the terminal shows of the last row, blanks at its end cut. */
static const char *shown(void)
{
	static char row[4096];
	size_t at = 0, length = 0;

	for (size_t i = 0; i < screen_length; i++) {
		char c = screen[i];

		if (c == '\r' || c == '\n') {
			length = c == '\n' ? 0 : length;
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

static void check(const char *keys, const char *row, const char *text)
{
	setup(NULL);
	assert_int_equal(type(keys), LINE_MORE);
	assert_string_equal(shown(), row);
	assert_string_equal(line.text, text);
	assert_int_equal(line.length, strlen(text));
}

static void test_entered(void **state)
{
	(void)state;
	assert_int_equal(type("vm 1"), LINE_MORE);
	assert_string_equal(shown(), "> vm 1");
	assert_int_equal(type("\r"), LINE_ENTERED);
	assert_string_equal(line.text, "vm 1");
	line_begin(&line);
	/* The LF of the same Enter is none of its own. */
	assert_int_equal(type("\n"), LINE_MORE);
	assert_int_equal(type("\n"), LINE_ENTERED);
	assert_string_equal(line.text, "");
}

static void test_editing(void **state)
{
	(void)state;
	check("abd\177\bc", "> ac", "ac");
	check("abc\033[D\033[D\b", "> bc", "bc");
	check("bc\001a\005d", "> abcd", "abcd");
	check("ac\033[Db\033[3~", "> ab", "ab");
	check("bc\033[Ha\033[Fd\033OHx", "> xabcd", "xabcd");
	check("bc\033[1~a\033[4~d", "> abcd", "abcd");
	check("abc\025x", "> x", "x");
	check("param  ple_gap  \027x", "> param  x", "param  x");
	check("one two\033[D\027", "> one o", "one o");
	check("\027\b\177\033[D\033[C\033[A\033[B\033[Z\033qx", "> x", "x");
	setup(NULL); /* a control character ends the sequence */
	assert_int_equal(type("a\033[\r"), LINE_ENTERED);
}

static void test_cancelled(void **state)
{
	(void)state;
	assert_int_equal(type("abc\003"), LINE_CANCELLED);
	line_begin(&line);
	assert_string_equal(shown(), ">");
	assert_int_equal(line.length, 0);
}

static void test_garbage(void **state)
{
	(void)state;
	for (unsigned c = 0x80; c < 0x100; c++)
		assert_int_equal(line_key(&line, (u8)c), LINE_MORE);
	assert_int_equal(line_key(&line, 0), LINE_MORE);
	assert_int_equal(line.length, 0);
	assert_string_equal(shown(), ">");
}

static void test_too_long(void **state)
{
	(void)state;
	for (u32 i = 0; i < LINE_SIZE + 50; i++)
		assert_int_equal(line_key(&line, 'x'), LINE_MORE);
	assert_int_equal(line.length, LINE_SIZE - 1);
	assert_int_equal(type("\r"), LINE_TOO_LONG);
	line_begin(&line);
	/* As long as there is room for is not too long, and who takes something back is forgiven.
	 */
	for (u32 i = 0; i < LINE_SIZE; i++)
		line_key(&line, 'x');
	type("\b");
	assert_int_equal(type("\r"), LINE_ENTERED);
	assert_int_equal(strlen(line.text), LINE_SIZE - 2);
}

static void test_history(void **state)
{
	(void)state;
	type("one\r");
	line_begin(&line);
	type("two\r");
	line_begin(&line);
	type("two\r"); /* not remembered twice */
	line_begin(&line);
	type("\033[A");
	assert_string_equal(line.text, "two");
	type("\033[A");
	assert_string_equal(line.text, "one");
	type("\033[A"); /* there is none before it */
	assert_string_equal(line.text, "one");
	type("\033[B\033[B");
	assert_string_equal(line.text, "");
	for (char c = 'a'; c < 'a' + 20; c++) {
		line_begin(&line);
		line_key(&line, (u8)c);
		type("\r");
	}
	line_begin(&line);
	for (u32 i = 0; i < 2 * LINE_HISTORY; i++)
		type("\033[A");
	assert_int_equal(line.text[0], 'a' + 20 - LINE_HISTORY);
}

static const char *words(u32 n)
{
	static const char *const all[] = {"param", "panic", "poweroff", "vm", "vms", "stop"};
	static char buffer[16]; /* used again by each call, as some words() do */

	if (n >= ARRAY_SIZE(all))
		return NULL;
	strcpy(buffer, all[n]);
	return buffer;
}

static void complete(const char *typed, const char *text)
{
	setup(NULL);
	assert_int_equal(type(typed), LINE_COMPLETE);
	line_complete(&line, words);
	assert_string_equal(line.text, text);
	if (*text)
		assert_memory_equal(shown() + 2, text, strcspn(text, " "));
}

static void test_completion(void **state)
{
	(void)state;
	complete("s\t", "stop ");
	complete("pa\t", "pa");
	assert_non_null(strstr(screen, "\nparam panic \n"));
	complete("par\t", "param ");
	complete("v\t", "vm");
	complete("vm\t", "vm");
	assert_non_null(strstr(screen, "\nvm vms \n"));
	complete("x\t", "x");
	assert_int_equal(screen[screen_length - 1], '\a');
	complete("help po\t", "help poweroff ");
	complete("s 1\001\033[C\t", "stop  1"); /* the word before the cursor */
	complete("\t", "");
	setup(NULL);
	type("log \t");
	line_complete(&line, NULL); /* nothing to complete with */
	assert_string_equal(line.text, "log ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_entered, setup),
		cmocka_unit_test_setup(test_editing, setup),
		cmocka_unit_test_setup(test_cancelled, setup),
		cmocka_unit_test_setup(test_garbage, setup),
		cmocka_unit_test_setup(test_too_long, setup),
		cmocka_unit_test_setup(test_history, setup),
		cmocka_unit_test_setup(test_completion, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
