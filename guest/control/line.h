/* SPDX-License-Identifier: MIT */
/* A line editor for a terminal.  Pure: keys come by line_key(), echo leaves by put(). */
#pragma once

#include "guest/lib/types.h"

#define LINE_SIZE    1024u /* with the NUL */
#define LINE_HISTORY 8u

enum line_event {
	LINE_MORE,
	LINE_ENTERED,   /* text is there; line_reset() begins the next one */
	LINE_TOO_LONG,  /* Enter after more than LINE_SIZE - 1 characters: nothing to execute */
	LINE_CANCELLED, /* Ctrl-C */
};

struct line {
	const char *prompt;
	void (*put)(char c);
	char text[LINE_SIZE]; /* always ended by a NUL */
	u32 length, cursor;
	bool too_long, after_cr;
	u32 escape; /* progress in an escape sequence */
	char parameter;
	char history[LINE_HISTORY][LINE_SIZE];
	u32 history_count; /* lines ever entered */
	u32 history_back;  /* how far back is shown; 0: the new line */
};

void line_init(struct line *l, const char *prompt, void (*put)(char c));
/* An empty line with its prompt. */
void line_reset(struct line *l);
/* Shows prompt and text again, after other output. */
void line_redraw(struct line *l);
/* Takes prompt and text away from the screen, before other output. */
void line_hide(struct line *l);
/*
 * One byte typed: printable ASCII, Backspace, Delete, Ctrl-U, Ctrl-A, Ctrl-E, Ctrl-C, Enter
 * (CR, LF or both), and the arrow, Home, End and Delete keys' escape sequences.  Others ring
 * the bell.
 */
enum line_event line_key(struct line *l, u8 byte);
