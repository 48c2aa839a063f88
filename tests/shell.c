// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* shell.c: see shell.h */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmp.h>

#include "shell.h"

#define LINE 1024

/* ---- running ---- */

struct start {
	const char *line;
	uid_t uid; /* 0: stay root */
	int out, err;
};

/* Without the signals that this program ignores or blocks, and with nothing to read. */
static int be_the_shell(void *arg)
{
	const struct start *s = arg;
	int nothing = open("/dev/null", O_RDONLY);
	sigset_t none;

	if (s->uid)
		become(s->uid);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(nothing, 0) || dup2(s->out, 1) != 1 || dup2(s->err, 2) != 2)
		return 126;
	execl("/bin/sh", "sh", "-c", s->line, (char *)NULL);
	return 127;
}

static int memory_file(void)
{
	int fd = memfd_create("said", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct command start(const char *line, uid_t uid)
{
	struct start s = { line, uid, memory_file(), memory_file() };
	struct command command = { .out = s.out, .err = s.err };

	command.pid = start_child(be_the_shell, &s);
	return command;
}

static char *contents(int fd, size_t *size)
{
	struct stat stat;
	char *text;

	assert_int_equal(fstat(fd, &stat), 0);
	*size = (size_t)stat.st_size;
	text = malloc(*size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, *size, 0), (int)*size);
	text[*size] = '\0';
	close(fd);
	return text;
}

struct said finish_command(struct command *command)
{
	struct said said = { .status = finish_child(command->pid) };
	size_t size;

	said.out = contents(command->out, &said.size);
	said.err = contents(command->err, &size);
	return said;
}

void forget(struct said *said)
{
	free(said->out);
	free(said->err);
	said->out = said->err = NULL;
}

static void format_line(char line[LINE], const char *format, va_list args)
{
	assert_true(vsnprintf(line, LINE, format, args) < LINE);
}

/* A simple command needs no second process. */
static struct command start_line(const char *line, uid_t uid)
{
	char exec[LINE + 8];

	snprintf(exec, sizeof(exec), "exec %s", line);
	return start(strpbrk(line, "|;") ? line : exec, uid);
}

struct command start_command(const char *format, ...)
{
	char line[LINE];
	va_list args;

	va_start(args, format);
	format_line(line, format, args);
	va_end(args);
	return start_line(line, 0);
}

struct said run_as(uid_t uid, const char *format, ...)
{
	struct command command;
	char line[LINE];
	va_list args;

	va_start(args, format);
	format_line(line, format, args);
	va_end(args);
	command = start_line(line, uid);
	return finish_command(&command);
}

struct said run(const char *format, ...)
{
	struct command command;
	char line[LINE];
	va_list args;

	va_start(args, format);
	format_line(line, format, args);
	va_end(args);
	command = start_line(line, 0);
	return finish_command(&command);
}

/* ---- judging ---- */

void must(const char *format, ...)
{
	char line[LINE];
	struct said said;
	va_list args;

	va_start(args, format);
	format_line(line, format, args);
	va_end(args);
	said = run("%s", line);
	if (said.status || *said.err)
		fail_msg("%s: exit code %d, %s", line, said.status, said.err);
	forget(&said);
}

void assert_one_line(const struct said *said, int status, const char *word)
{
	const char *end = strchr(said->err, '\n');

	if (said->status != status || !end || end[1] || strncmp(said->err, "dmp: ", 5) || !strstr(said->err, word))
		fail_msg("wanted exit code %d and one line with '%s', got %d and: %s", status, word, said->status,
			 said->err);
}

void must_fail(const char *command, int status, ...)
{
	struct said said = run("%s", command);
	const char *word;
	va_list words;

	va_start(words, status);
	while ((word = va_arg(words, const char *)))
		assert_one_line(&said, status, word);
	va_end(words);
	assert_int_equal(said.size, 0);
	forget(&said);
}

/* ---- rings ---- */

static struct ring create_ring(const char *options)
{
	struct ring r = { .name = unique_name("ring") };

	must("dmp create %s --size 56 %s", r.name.s, options);
	assert_int_equal(dmp_ring_open(&r.ring, r.name.s, 0), 0);
	r.fd = dmp_ring_fd(r.ring);
	return r;
}

struct ring stamped_ring(void)
{
	return create_ring("--slots 64 --stamped");
}

struct ring packed_ring(void)
{
	return create_ring("--slots 512");
}

void remove_ring(struct ring *r)
{
	dmp_ring_close(r->ring);
	must("dmp rm %s", r->name.s);
}

struct command start_consumer(const struct ring *r, const char *name, const char *options)
{
	struct command c = start_command("dmp consume %s --as %s %s", r->name.s, name, options);

	await_asleep(r->fd, name);
	return c;
}

/* ---- JSON: each function steps over one thing, or gives NULL ---- */

static const char *json_value(const char *p);

static const char *skip_space(const char *p)
{
	return p ? p + strspn(p, " \t\r\n") : NULL;
}

static const char *expect(const char *p, char c)
{
	p = skip_space(p);
	return p && *p == c ? p + 1 : NULL;
}

static const char *json_string(const char *p)
{
	p = expect(p, '"');
	while (p && *p != '"') {
		if ((unsigned char)*p < ' ')
			return NULL;
		if (*p == '\\' && !*++p)
			return NULL;
		p++;
	}
	return p ? p + 1 : NULL;
}

static const char *json_number(const char *p)
{
	const char *digits = *p == '-' ? p + 1 : p;
	size_t n = strspn(digits, "0123456789");

	return n && (n == 1 || *digits != '0') ? digits + n : NULL;
}

static const char *json_pair(const char *p)
{
	return json_value(expect(json_string(p), ':'));
}

/* Items with commas between, up to the closing bracket. */
static const char *json_items(const char *p, char close, const char *(*item)(const char *))
{
	const char *end = expect(p, close);

	if (end)
		return end;
	for (p = item(p); p && !(end = expect(p, close)); p = item(expect(p, ',')))
		;
	return p ? end : NULL;
}

static const char *json_word(const char *p, const char *word)
{
	return strncmp(p, word, strlen(word)) ? NULL : p + strlen(word);
}

static const char *json_value(const char *p)
{
	p = skip_space(p);
	if (!p)
		return NULL;
	switch (*p) {
	case '{':
		return json_items(p + 1, '}', json_pair);
	case '[':
		return json_items(p + 1, ']', json_value);
	case '"':
		return json_string(p);
	case 't':
		return json_word(p, "true");
	case 'f':
		return json_word(p, "false");
	case 'n':
		return json_word(p, "null");
	default:
		return json_number(p);
	}
}

bool is_json(const char *text)
{
	const char *end = skip_space(json_value(text));

	return end && !*end;
}

/* ---- files ---- */

struct name write_file(const void *bytes, size_t size)
{
	struct name name = unique_name("/tmp/input");
	int fd = open(name.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (int)size);
	close(fd);
	return name;
}
