// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* terminal.c: see terminal.h */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "terminal.h"

#define PATIENCE_NS 120000000000ULL

/* ---- the screen ---- */

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

static void move_to(struct terminal *t, unsigned int y, unsigned int x)
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

static void show_char(struct terminal *t, char c)
{
	if (t->len)
		add_to_sequence(t, c);
	else if (c >= ' ' && c <= '~')
		print_char(t, c);
	else
		control(t, c);
}

/* ---- what comes ---- */

/* False: nobody is there any more. */
static bool take_output(struct terminal *t)
{
	struct pollfd poll_fd = { .fd = t->master, .events = POLLIN };
	char bytes[4096];
	ssize_t n, i;

	if (poll(&poll_fd, 1, 20) <= 0)
		return true;
	n = read(t->master, bytes, sizeof(bytes));
	for (i = 0; i < n; i++)
		show_char(t, bytes[i]);
	return n > 0;
}

static const char *find_text(struct terminal *t, const char *text)
{
	unsigned int y;

	for (y = 0; y < t->rows; y++) {
		t->cell[y][t->columns] = '\0';
		if (strstr(t->cell[y], text))
			return t->cell[y];
	}
	return NULL;
}

static void await_screen(struct terminal *t, const char *text, bool wanted)
{
	uint64_t until = now_ns() + PATIENCE_NS;
	unsigned int y;

	while (!find_text(t, text) == wanted && now_ns() < until)
		if (!take_output(t))
			break;
	if (!find_text(t, text) != wanted)
		return;
	for (y = 0; y < t->rows; y++)
		print_message("|%s\n", t->cell[y]);
	fail_msg("'%s' is%s there", text, wanted ? " not" : "");
}

void await_text(struct terminal *t, const char *text)
{
	await_screen(t, text, true);
}

void await_no_text(struct terminal *t, const char *text)
{
	await_screen(t, text, false);
}

const char *line_with(struct terminal *t, const char *text)
{
	static char line[MOST_COLUMNS + 1];
	const char *found = find_text(t, text);
	size_t len;

	strcpy(line, found ? found : "");
	for (len = strlen(line); len && line[len - 1] == ' '; len--)
		line[len - 1] = '\0';
	return line;
}

bool is_above(struct terminal *t, const char *text, const char *other)
{
	const char *a = find_text(t, text), *b = find_text(t, other);

	return a && b && a < b;
}

/* ---- the program ---- */

struct program {
	const struct terminal *terminal;
	uid_t uid;
	const char *term;
	const char *const *argv;
};

static int be_the_program(void *arg)
{
	const struct program *p = arg;
	sigset_t none;

	if (p->uid)
		become(p->uid);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(p->terminal->master);
	assert_int_equal(login_tty(p->terminal->slave), 0);
	assert_int_equal(setenv("TERM", p->term, 1), 0);
	execvp(p->argv[0], (char *const *)(uintptr_t)p->argv);
	return 127;
}

static void set_size(struct terminal *t, unsigned int rows, unsigned int columns)
{
	const struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	t->rows = rows;
	t->columns = columns;
	t->top = 0;
	t->bottom = rows - 1;
	assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

void start_on_terminal(struct terminal *t, uid_t uid, const char *term, const char *const argv[])
{
	struct program p = { t, uid, term, argv };

	memset(t, 0, sizeof(*t));
	memset(t->cell, ' ', sizeof(t->cell));
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	set_size(t, 24, 80);
	t->pid = start_child(be_the_program, &p);
}

void resize(struct terminal *t, unsigned int rows, unsigned int columns)
{
	memset(t->cell, ' ', sizeof(t->cell));
	set_size(t, rows, columns);
	move_to(t, t->y, t->x);
}

void press(struct terminal *t, const char *keys)
{
	assert_int_equal(write(t->master, keys, strlen(keys)), (int)strlen(keys));
}

/* While the slave is open here, its end is told by nothing but itself. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

static void take_rest(struct terminal *t)
{
	int there = 0;

	do
		take_output(t);
	while (!ioctl(t->master, FIONREAD, &there) && there);
}

int end_on_terminal(struct terminal *t)
{
	uint64_t until = now_ns() + PATIENCE_NS;
	struct termios mode;
	int status;

	while (!has_ended(t->pid) && now_ns() < until)
		take_output(t);
	take_rest(t);
	if (!has_ended(t->pid))
		kill(t->pid, SIGKILL);
	status = finish_child(t->pid);
	assert_int_equal(tcgetattr(t->slave, &mode), 0);
	assert_int_equal(mode.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
	assert_false(t->alternate);
	close(t->slave);
	close(t->master);
	return status;
}
