/* SPDX-License-Identifier: MIT */
/* The line editor; see line.h. */
#include "guest/control/line.h"
#include "guest/lib/string.h"

#define BELL         0x07
#define ESC          0x1b
#define DELETE       0x7f
#define CTRL(c)      ((c)&0x1f)
#define PRINTABLE(c) ((c) >= 0x20 && (c) < 0x7f)

enum { ESCAPE_NONE, ESCAPE_SEEN, ESCAPE_BRACKET };

static void put_text(struct line *l, const char *s)
{
	for (; *s; s++)
		l->put(*s);
}

static void put_times(struct line *l, char c, u32 n)
{
	for (; n; n--)
		l->put(c);
}

void line_init(struct line *l, const char *prompt, void (*put)(char c))
{
	memset(l, 0, sizeof(*l));
	l->prompt = prompt;
	l->put = put;
}

void line_reset(struct line *l)
{
	l->length = l->cursor = l->history_back = 0;
	l->text[0] = 0;
	l->too_long = false;
	l->escape = ESCAPE_NONE;
	put_text(l, l->prompt);
}

void line_hide(struct line *l)
{
	put_text(l, "\r\033[K");
}

void line_redraw(struct line *l)
{
	line_hide(l);
	put_text(l, l->prompt);
	put_text(l, l->text);
	put_times(l, '\b', l->length - l->cursor);
}

/* Shows the text from the cursor on again, `gone` characters having left its end. */
static void show_tail(struct line *l, u32 gone)
{
	put_text(l, l->text + l->cursor);
	put_times(l, ' ', gone);
	put_times(l, '\b', gone + l->length - l->cursor);
}

static void insert(struct line *l, char c)
{
	if (l->length == LINE_SIZE - 1) {
		l->too_long = true;
		l->put(BELL);
		return;
	}
	memmove(l->text + l->cursor + 1, l->text + l->cursor, l->length - l->cursor + 1);
	l->text[l->cursor] = c;
	l->length++;
	l->put(c);
	l->cursor++;
	show_tail(l, 0);
}

/* Takes out the character at the cursor. */
static void erase(struct line *l)
{
	if (l->cursor == l->length) {
		l->put(BELL);
		return;
	}
	memmove(l->text + l->cursor, l->text + l->cursor + 1, l->length - l->cursor);
	l->length--;
	show_tail(l, 1);
}

static void move_to(struct line *l, u32 cursor)
{
	if (cursor < l->cursor)
		put_times(l, '\b', l->cursor - cursor);
	for (u32 i = l->cursor; i < cursor; i++)
		l->put(l->text[i]);
	l->cursor = cursor;
}

static void backspace(struct line *l)
{
	if (!l->cursor) {
		l->put(BELL);
		return;
	}
	move_to(l, l->cursor - 1);
	erase(l);
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
		l->put(BELL);
		return;
	}
	l->history_back = back;
	replace(l, back ? l->history[(l->history_count - back) % LINE_HISTORY] : "");
}

static void remember(struct line *l)
{
	const char *last = l->history[(l->history_count - 1) % LINE_HISTORY];

	if (!l->length || (l->history_count && !strcmp(last, l->text)))
		return;
	memcpy(l->history[l->history_count++ % LINE_HISTORY], l->text, l->length + 1);
}

static void do_key(struct line *l, char key)
{
	switch (key) {
	case 'A':
		show_history(l, l->history_back + 1);
		return;
	case 'B':
		show_history(l, l->history_back ? l->history_back - 1 : ~0u);
		return;
	case 'C':
		move_to(l, MIN(l->cursor + 1, l->length));
		return;
	case 'D':
		move_to(l, l->cursor ? l->cursor - 1 : 0);
		return;
	case 'H':
		move_to(l, 0);
		return;
	case 'F':
		move_to(l, l->length);
		return;
	default:
		l->put(BELL);
	}
}

/* One byte of an escape sequence: ESC [ letter, ESC O letter, ESC [ digits ~. */
static void do_escape(struct line *l, u8 byte)
{
	if (l->escape == ESCAPE_SEEN) {
		l->escape = byte == '[' || byte == 'O' ? ESCAPE_BRACKET : ESCAPE_NONE;
		l->parameter = 0;
		return;
	}
	if (byte >= 0x20 && byte < 0x40) { /* parameters, the last one counts */
		l->parameter = (char)byte;
		return;
	}
	l->escape = ESCAPE_NONE;
	if (byte == '~' && l->parameter == '3')
		erase(l);
	else if (byte == '~')
		l->put(BELL);
	else
		do_key(l, (char)byte);
}

static enum line_event enter(struct line *l)
{
	put_text(l, "\n");
	if (l->too_long)
		return LINE_TOO_LONG;
	remember(l);
	return LINE_ENTERED;
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
	switch (byte) {
	case '\r':
	case '\n':
		return enter(l);
	case ESC:
		l->escape = ESCAPE_SEEN;
		break;
	case CTRL('C'):
		put_text(l, "^C\n");
		return LINE_CANCELLED;
	case CTRL('U'):
		replace(l, "");
		break;
	case CTRL('A'):
		move_to(l, 0);
		break;
	case CTRL('E'):
		move_to(l, l->length);
		break;
	case '\b':
	case DELETE:
		backspace(l);
		break;
	default:
		if (PRINTABLE(byte))
			insert(l, (char)byte);
		else
			l->put(BELL);
	}
	return LINE_MORE;
}
