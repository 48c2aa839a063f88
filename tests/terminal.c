// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* terminal.c: a program, its terminal, and keys; see terminal.h */
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
