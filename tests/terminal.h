/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * terminal.h: a program on a terminal, what it shows there, and keys for it
 *
 * The terminal is a model of what ncurses uses of xterm and vt100. It fails on any other control character or escape
 * sequence: so what gets through from hostile text shows.
 */
#ifndef DMP_TESTS_TERMINAL_H
#define DMP_TESTS_TERMINAL_H

#include "helpers.h"

#define MOST_ROWS    60
#define MOST_COLUMNS 200

struct terminal {
	pid_t pid;
	int master, slave; /* what the program has is the slave */
	unsigned int rows, columns, y, x;
	unsigned int top, bottom; /* lines that scroll */
	char cell[MOST_ROWS][MOST_COLUMNS + 1];
	bool alternate;	   /* the program has a screen of its own */
	char sequence[32]; /* an escape sequence, so far */
	size_t len;
	char last; /* printed, to be repeated */
};

/* Run it as uid (0: stay root), with term as TERM, on 24 lines of 80 columns. */
void start_on_terminal(struct terminal *t, uid_t uid, const char *term, const char *const argv[]);

void press(struct terminal *t, const char *keys);
void resize(struct terminal *t, unsigned int rows, unsigned int columns);

/* Until a text that can be had on one line is, or is not, on the screen. */
void await_text(struct terminal *t, const char *text);
void await_no_text(struct terminal *t, const char *text);
/* The line that a text is on, without the blanks at its end; "": none. */
const char *line_with(struct terminal *t, const char *text);
/* Is it above the other one? */
bool is_above(struct terminal *t, const char *text, const char *other);

/* Until it has ended: its exit code, or 128 + the signal. The terminal is as it was before. */
int end_on_terminal(struct terminal *t);

/* ---- screen.c ---- */

/* What the program has written: a character, or a part of an escape sequence. */
void show_char(struct terminal *t, char c);
void move_to(struct terminal *t, unsigned int y, unsigned int x);

#endif /* DMP_TESTS_TERMINAL_H */
