/* SPDX-License-Identifier: MIT */
/* The line editor; see monitor/line.h. */
#include "monitor/line.h"
#include "lib/string.h"

#define BELL    "\a"
#define ESC     0x1bu
#define DELETE  0x7fu
#define CTRL(c) ((c)&0x1f)

enum { ESCAPE_NONE, ESCAPE_SEEN, ESCAPE_BRACKET };

static void put(struct line *l, const char *text)
{
	l->put(text, strlen(text));
}

static void put_times(struct line *l, char c, u32 n)
{
	for (; n; n--)
		l->put(&c, 1);
}

void line_init(struct line *l, const char *prompt, void (*put_text)(const char *text, size_t n))
{
	memset(l, 0, sizeof(*l));
	l->prompt = prompt;
	l->put = put_text;
}

void line_begin(struct line *l)
{
	l->length = l->cursor = l->history_back = 0;
	l->text[0] = 0;
	l->too_long = false;
	l->escape = ESCAPE_NONE;
	put(l, l->prompt);
}

void line_redraw(struct line *l)
{
	put(l, "\r\033[K");
	put(l, l->prompt);
	l->put(l->text, l->length);
	put_times(l, '\b', l->length - l->cursor);
}

/* The text has changed from the cursor on, and has lost @gone characters. */
static void show_tail(struct line *l, u32 gone)
{
	l->put(l->text + l->cursor, l->length - l->cursor);
	put_times(l, ' ', gone);
	put_times(l, '\b', gone + l->length - l->cursor);
}

static void insert(struct line *l, const char *text, size_t n)
{
	if (n >= LINE_SIZE - l->length) {
		l->too_long = true;
		put(l, BELL);
		return;
	}
	memmove(l->text + l->cursor + n, l->text + l->cursor, l->length - l->cursor + 1);
	memcpy(l->text + l->cursor, text, n);
	l->length += (u32)n;
	l->put(text, n);
	l->cursor += (u32)n;
	show_tail(l, 0);
}

static void move_to(struct line *l, u32 cursor)
{
	if (cursor < l->cursor)
		put_times(l, '\b', l->cursor - cursor);
	else
		l->put(l->text + l->cursor, cursor - l->cursor);
	l->cursor = cursor;
}

/* Take out @n characters at the cursor. */
static void erase(struct line *l, u32 n)
{
	if (!n || n > l->length - l->cursor) {
		put(l, BELL);
		return;
	}
	l->length -= n;
	memmove(l->text + l->cursor, l->text + l->cursor + n, l->length - l->cursor + 1);
	l->too_long = false;
	show_tail(l, n);
}

/* The same with those before it. */
static void erase_back(struct line *l, u32 n)
{
	if (n <= l->cursor)
		move_to(l, l->cursor - n);
	erase(l, n);
}

/* How long the word before the cursor is, with the blanks behind it. */
static u32 word_back(const struct line *l)
{
	u32 at = l->cursor;

	while (at && l->text[at - 1] == ' ')
		at--;
	while (at && l->text[at - 1] != ' ')
		at--;
	return l->cursor - at;
}

static void replace(struct line *l, const char *text)
{
	l->length = l->cursor = (u32)strlen(text);
	memcpy(l->text, text, l->length + 1);
	l->too_long = false;
	line_redraw(l);
}

static void show_history(struct line *l, u32 back)
{
	if (back > MIN(l->history_count, LINE_HISTORY)) {
		put(l, BELL);
		return;
	}
	l->history_back = back;
	replace(l, back ? l->history[(l->history_count - back) % LINE_HISTORY] : "");
}

static void remember(struct line *l)
{
	const char *last = l->history[(l->history_count - 1) % LINE_HISTORY];

	if (l->length && (!l->history_count || strcmp(last, l->text)))
		memcpy(l->history[l->history_count++ % LINE_HISTORY], l->text, l->length + 1);
}

/* The key of an escape sequence that ends with @last. */
static void do_key(struct line *l, u8 last)
{
	static const char home[] = "17", end[] = "48";

	if (last == 'A')
		show_history(l, l->history_back + 1);
	else if (last == 'B')
		show_history(l, l->history_back ? l->history_back - 1 : ~0u);
	else if (last == 'C')
		move_to(l, MIN(l->cursor + 1, l->length));
	else if (last == 'D')
		move_to(l, l->cursor ? l->cursor - 1 : 0);
	else if (last == 'H' ||
		 (last == '~' && (l->parameter == home[0] || l->parameter == home[1])))
		move_to(l, 0);
	else if (last == 'F' || (last == '~' && (l->parameter == end[0] || l->parameter == end[1])))
		move_to(l, l->length);
	else if (last == '~' && l->parameter == '3')
		erase(l, 1);
	else
		put(l, BELL);
}

/* One byte of ESC [ letter, ESC O letter, or ESC [ digits ~. */
static void do_escape(struct line *l, u8 byte)
{
	if (l->escape == ESCAPE_SEEN) {
		l->escape = byte == '[' || byte == 'O' ? ESCAPE_BRACKET : ESCAPE_NONE;
		l->parameter = 0;
	} else if (byte < 0x40) {
		l->parameter = byte;
	} else {
		l->escape = ESCAPE_NONE;
		do_key(l, byte);
	}
}

static enum line_event enter(struct line *l)
{
	put(l, "\n");
	if (l->too_long)
		return LINE_TOO_LONG;
	remember(l);
	return LINE_ENTERED;
}

static enum line_event do_control(struct line *l, u8 byte)
{
	switch (byte) {
	case '\r':
	case '\n':
		return enter(l);
	case '\t':
		return LINE_COMPLETE;
	case ESC:
		l->escape = ESCAPE_SEEN;
		return LINE_MORE;
	case CTRL('C'):
		put(l, "^C\n");
		return LINE_CANCELLED;
	case CTRL('U'):
		replace(l, "");
		return LINE_MORE;
	case CTRL('W'):
		erase_back(l, word_back(l));
		return LINE_MORE;
	case CTRL('A'):
		move_to(l, 0);
		return LINE_MORE;
	case CTRL('E'):
		move_to(l, l->length);
		return LINE_MORE;
	case '\b':
	case DELETE:
		erase_back(l, 1);
		return LINE_MORE;
	default:
		put(l, BELL);
		return LINE_MORE;
	}
}

enum line_event line_key(struct line *l, u8 byte)
{
	bool after_cr = l->after_cr;

	l->after_cr = byte == '\r';
	if (byte == '\n' && after_cr)
		return LINE_MORE;
	if (l->escape != ESCAPE_NONE && byte >= 0x20) {
		do_escape(l, byte);
		return LINE_MORE;
	}
	l->escape = ESCAPE_NONE;
	if (byte < 0x20 || byte >= DELETE)
		return do_control(l, byte);
	insert(l, (const char *)&byte, 1);
	return LINE_MORE;
}

/* --- completion --- */

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static void list(struct line *l, line_words words, const char *word, size_t length)
{
	const char *w;

	put(l, "\n");
	for (u32 n = 0; (w = words(n)) != NULL; n++)
		if (!strncmp(w, word, length)) {
			put(l, w);
			put(l, " ");
		}
	put(l, "\n");
	line_redraw(l);
}

void line_complete(struct line *l, line_words words)
{
	char word[LINE_SIZE], first[LINE_SIZE];
	const char *w;
	size_t length = 0, agreed = 0;
	u32 found = 0;

	while (length < l->cursor && l->text[l->cursor - length - 1] != ' ')
		length++;
	memcpy(word, l->text + l->cursor - length, length);
	word[length] = 0;
	for (u32 n = 0; words && (w = words(n)) != NULL; n++) {
		if (strncmp(w, word, length))
			continue;
		if (!found++) { /* a copy: words() may use its buffer again */
			agreed = strnlen(w, LINE_SIZE - 1);
			memcpy(first, w, agreed);
		}
		first[agreed] = 0;
		agreed = common(first, w);
	}
	if (!found)
		put(l, BELL);
	else if (agreed > length)
		insert(l, first + length, agreed - length);
	if (found == 1)
		insert(l, " ", 1);
	else if (found && agreed == length)
		list(l, words, word, length);
}
