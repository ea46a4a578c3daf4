/* SPDX-License-Identifier: MIT */
/*
 * A line editor for the monitor's terminal.  Pure: keys come by line_key(), echo leaves by put().
 * Keys: printable ASCII, Backspace, Delete, ^U (all), ^W (a word), ^A ^E ^C, Enter (CR, LF or
 * both), Tab, arrows, Home, End.  Others ring the bell.
 */
#pragma once

#include "lib/types.h"

#define LINE_SIZE    160u /* with the NUL */
#define LINE_HISTORY 8u

enum line_event {
	LINE_MORE,
	LINE_ENTERED,   /* text is there; line_begin() begins the next one */
	LINE_TOO_LONG,  /* Enter, after more than fits: nothing to execute */
	LINE_CANCELLED, /* ^C */
	LINE_COMPLETE,  /* Tab: see line_complete() */
};

struct line {
	const char *prompt;
	void (*put)(const char *text, size_t n);
	char text[LINE_SIZE]; /* always ended by a NUL */
	u32 length, cursor;
	bool too_long, after_cr;
	u8 escape;    /* progress in an escape sequence */
	u8 parameter; /* of it, the last digit */
	char history[LINE_HISTORY][LINE_SIZE];
	u32 history_count; /* lines ever remembered */
	u32 history_back;  /* how far back is shown; 0: the new line */
};

void line_init(struct line *l, const char *prompt, void (*put)(const char *text, size_t n));
/* An empty line, with its prompt. */
void line_begin(struct line *l);
/* Prompt and text again, after other output. */
void line_redraw(struct line *l);
enum line_event line_key(struct line *l, u8 byte);

/* The words that a Tab can stand for: number @n, until the next call, or NULL behind the last one.
 */
typedef const char *(*line_words)(u32 n);
/*
 * Complete the word before the cursor as far as all words that begin like it agree, with a blank
 * behind it if there is one only; where that adds nothing, show them.
 */
void line_complete(struct line *l, line_words words);
