// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* screen.c: what a program's output makes of a terminal's screen; see terminal.h */
#include <string.h>

#include "terminal.h"

/* ---- cells ---- */

static void clear_cells(struct terminal *t, unsigned int y, unsigned int from, unsigned int to)
{
	memset(&t->cell[y][from], ' ', to - from);
}

/* 0: behind the cursor, 1: before it, 2: everywhere */
static void erase_line(struct terminal *t, unsigned int what)
{
	clear_cells(t, t->y, what ? 0 : t->x, what == 1 ? t->x + 1 : t->columns);
}

static void erase_screen(struct terminal *t, unsigned int what)
{
	unsigned int y;

	assert_true(what == 0 || what == 2);
	erase_line(t, what);
	for (y = what ? 0 : t->y + 1; y < t->rows; y++)
		clear_cells(t, y, 0, t->columns);
}

void move_to(struct terminal *t, unsigned int y, unsigned int x)
{
	t->y = y < t->rows ? y : t->rows - 1;
	t->x = x < t->columns ? x : t->columns - 1;
}

static void scroll_up(struct terminal *t, unsigned int n)
{
	for (; n; n--) {
		memmove(t->cell[t->top], t->cell[t->top + 1], sizeof(t->cell[0]) * (t->bottom - t->top));
		clear_cells(t, t->bottom, 0, t->columns);
	}
}

static void scroll_down(struct terminal *t, unsigned int n)
{
	for (; n; n--) {
		memmove(t->cell[t->top + 1], t->cell[t->top], sizeof(t->cell[0]) * (t->bottom - t->top));
		clear_cells(t, t->top, 0, t->columns);
	}
}

static void set_region(struct terminal *t, unsigned int from, unsigned int to)
{
	t->bottom = to && to <= t->rows ? to - 1 : t->rows - 1;
	t->top = from && from - 1 < t->bottom ? from - 1 : 0;
	move_to(t, 0, 0);
}

static void next_line(struct terminal *t)
{
	if (t->y == t->bottom)
		scroll_up(t, 1);
	else
		move_to(t, t->y + 1, t->x);
}

static void print_char(struct terminal *t, char c)
{
	if (t->x == t->columns) {
		next_line(t);
		t->x = 0;
	}
	t->cell[t->y][t->x++] = c;
	t->last = c;
}

/* ---- escape sequences ---- */

static unsigned int at_least_one(unsigned int n)
{
	return n ? n : 1;
}

static void erase_chars(struct terminal *t, unsigned int n)
{
	clear_cells(t, t->y, t->x, t->x + n < t->columns ? t->x + n : t->columns);
}

/* The rest of the line moves up to the cursor, or away from it. */
static void delete_chars(struct terminal *t, unsigned int n)
{
	unsigned int rest = t->columns - t->x;

	n = n < rest ? n : rest;
	memmove(&t->cell[t->y][t->x], &t->cell[t->y][t->x + n], rest - n);
	clear_cells(t, t->y, t->columns - n, t->columns);
}

static void insert_blanks(struct terminal *t, unsigned int n)
{
	unsigned int rest = t->columns - t->x;

	n = n < rest ? n : rest;
	memmove(&t->cell[t->y][t->x + n], &t->cell[t->y][t->x], rest - n);
	clear_cells(t, t->y, t->x, t->x + n);
}

static void repeat(struct terminal *t, unsigned int n)
{
	while (n--)
		print_char(t, t->last);
}

static void unknown(const struct terminal *t)
{
	char text[4 * sizeof(t->sequence) + 1] = "";
	size_t i;

	for (i = 0; i < t->len; i++)
		snprintf(text + 4 * i, 5, "\\x%02x", (unsigned char)t->sequence[i]);
	fail_msg("the terminal got %s", text);
}

static void set_mode(struct terminal *t)
{
	if (!strcmp(t->sequence, "\033[?1049h"))
		t->alternate = true;
	else if (!strcmp(t->sequence, "\033[?1049l"))
		t->alternate = false;
}

static unsigned int less(unsigned int n, unsigned int by)
{
	return n > by ? n - by : 0;
}

static void move_by_sequence(struct terminal *t, char end, unsigned int n)
{
	switch (end) {
	case 'A':
		move_to(t, less(t->y, n), t->x);
		break;
	case 'B':
		move_to(t, t->y + n, t->x);
		break;
	case 'C':
		move_to(t, t->y, t->x + n);
		break;
	case 'D':
		move_to(t, t->y, less(t->x, n));
		break;
	case 'G':
		move_to(t, t->y, n - 1);
		break;
	case 'd':
		move_to(t, n - 1, t->x);
		break;
	default:
		unknown(t);
	}
}

/* ESC [ numbers letter */
static void obey(struct terminal *t, char end)
{
	unsigned int n[2] = { 0, 0 };

	sscanf(t->sequence + 2, "%u;%u", &n[0], &n[1]);
	if (end == 'h' || end == 'l')
		set_mode(t);
	else if (end == 'H')
		move_to(t, at_least_one(n[0]) - 1, at_least_one(n[1]) - 1);
	else if (end == 'J')
		erase_screen(t, n[0]);
	else if (end == 'K')
		erase_line(t, n[0]);
	else if (end == 'X')
		erase_chars(t, at_least_one(n[0]));
	else if (end == 'P')
		delete_chars(t, at_least_one(n[0]));
	else if (end == '@')
		insert_blanks(t, at_least_one(n[0]));
	else if (end == 'b')
		repeat(t, at_least_one(n[0]));
	else if (end == 'r')
		set_region(t, n[0], n[1]);
	else if (end == 'S')
		scroll_up(t, at_least_one(n[0]));
	else if (end == 'T')
		scroll_down(t, at_least_one(n[0]));
	else if (!strchr("mt", end)) /* colours, the title's stack */
		move_by_sequence(t, end, at_least_one(n[0]));
}

static bool is_complete(const struct terminal *t)
{
	char second = t->sequence[1], last = t->sequence[t->len - 1];

	if (t->len == 2)
		return !strchr("[()", second);
	return second != '[' || (last >= '@' && last <= '~');
}

static void end_sequence(struct terminal *t)
{
	char second = t->sequence[1];

	if (second == 'M' && t->y == t->top)
		scroll_down(t, 1);
	else if (second == 'M')
		move_to(t, less(t->y, 1), t->x);
	else if (second == '[')
		obey(t, t->sequence[t->len - 1]);
	else if (!strchr("()=>", second)) /* character sets, the keypad */
		unknown(t);
	t->len = 0;
}

static void add_to_sequence(struct terminal *t, char c)
{
	t->sequence[t->len++] = c;
	t->sequence[t->len] = '\0';
	if (t->len == sizeof(t->sequence) - 1)
		unknown(t);
	if (t->len > 1 && is_complete(t))
		end_sequence(t);
}

static void control(struct terminal *t, char c)
{
	switch (c) {
	case '\r':
		t->x = 0;
		break;
	case '\n':
		next_line(t);
		break;
	case '\b':
		t->x = less(t->x, 1);
		break;
	case '\017': /* the normal character set */
		break;
	default:
		add_to_sequence(t, c);
		if (c != '\033')
			unknown(t);
	}
}

void show_char(struct terminal *t, char c)
{
	if (t->len)
		add_to_sequence(t, c);
	else if (c >= ' ' && c <= '~')
		print_char(t, c);
	else
		control(t, c);
}
