/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * exposition.h: a strict reader of OpenMetrics 1.0 and of Prometheus' older text, and of HTTP as far as it takes
 *
 * It is told nothing of who writes: every line is a comment of a family or a sample of the family that was named last, of
 * its type; no family comes twice, no series comes twice; OpenMetrics ends in # EOF.
 */
#ifndef DMP_TESTS_EXPOSITION_H
#define DMP_TESTS_EXPOSITION_H

#include <arpa/inet.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../shell.h"

/* ---- HTTP ---- */

static inline int connect_to(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval limit = { .tv_sec = 60 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Until the other side hangs up. To be freed. */
static inline char *read_all(int fd)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room + 1);
	ssize_t n;

	while ((n = read(fd, text + size, room - size)) > 0) {
		size += (size_t)n;
		if (size == room)
			text = realloc(text, (room *= 2) + 1);
		assert_non_null(text);
	}
	text[size] = '\0';
	close(fd);
	return text;
}

static inline char *ask(int port, const char *request)
{
	int fd = connect_to(port);

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (int)strlen(request));
	return read_all(fd);
}

#define WANTS_OPENMETRICS "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n"

/* The whole answer to a GET of /metrics. */
static inline char *get_metrics(int port, const char *header)
{
	char request[512];
	char *answer;

	snprintf(request, sizeof(request), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n",
		 header);
	answer = ask(port, request);
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	return answer;
}

static inline const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

/* ---- the text ---- */

struct reading {
	bool openmetrics;
	char family[128], type[16];
	char **seen; /* families and series, each once */
	size_t count, room;
};

static inline void note(struct reading *r, const char *what, size_t length)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (strlen(r->seen[i]) == length && !strncmp(r->seen[i], what, length))
			fail_msg("twice: %.*s", (int)length, what);
	if (r->count == r->room)
		r->seen = realloc(r->seen, (r->room = 2 * r->room + 64) * sizeof(*r->seen));
	r->seen[r->count++] = strndup(what, length);
}

static inline size_t name_length(const char *s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return *s >= '0' && *s <= '9' ? 0 : strspn(s, chars);
}

/* "# HELP", "# TYPE" and "# UNIT": each family in one piece. */
static inline void read_comment(struct reading *r, const char *line)
{
	char what[8], name[128], rest[16] = "";
	char once[160];

	if (sscanf(line, "# %7s %127s %15s", what, name, rest) != 3)
		fail_msg("no comment: %s", line);
	assert_int_equal(name_length(name), strlen(name));
	strcpy(r->family, name);
	if (!strcmp(what, "TYPE"))
		strcpy(r->type, rest);
	else if (!strcmp(what, "UNIT"))
		assert_true(r->openmetrics && strlen(name) >= strlen(rest) &&
			    !strcmp(name + strlen(name) - strlen(rest), rest));
	else
		assert_string_equal(what, "HELP");
	snprintf(once, sizeof(once), "%s %s", what, name);
	note(r, once, strlen(once));
}

/* What may follow the family's name in that of a sample. */
static inline bool may_end(const struct reading *r, const char *end, size_t length)
{
	static const char *const histogram[] = { "_bucket", "_sum", "_count" };
	size_t i;

	if (!strcmp(r->type, "gauge"))
		return !length;
	if (!strcmp(r->type, "counter"))
		return r->openmetrics ? length == 6 && !strncmp(end, "_total", 6) : !length;
	for (i = 0; i < ARRAY_SIZE(histogram); i++)
		if (length == strlen(histogram[i]) && !strncmp(end, histogram[i], length))
			return true;
	return false;
}

/* {name="value",...}: returns what follows. Escapes are \\ \" \n. */
static inline const char *read_labels(const char *at)
{
	size_t n;

	if (*at != '{')
		return at;
	do {
		n = name_length(++at);
		assert_true(n && at[n] == '=' && at[n + 1] == '"');
		for (at += n + 2; *at != '"'; at++) {
			assert_true(*at >= ' ' && *at <= '~');
			if (*at == '\\')
				assert_non_null(strchr("\\\"n", *++at));
		}
		at++;
	} while (*at == ',');
	assert_int_equal(*at, '}');
	return at + 1;
}

static inline void read_sample(struct reading *r, const char *line)
{
	size_t n = name_length(line), family = strlen(r->family);
	const char *at = read_labels(line + n);
	char *end;

	if (!n || n < family || strncmp(line, r->family, family) || !may_end(r, line + family, n - family))
		fail_msg("not of family %s (%s): %s", r->family, r->type, line);
	note(r, line, (size_t)(at - line));
	assert_int_equal(*at, ' ');
	strtod(at + 1, &end);
	assert_true(end > at + 1 && !*end);
}

/* All of it. */
static inline void read_exposition(const char *text, bool openmetrics)
{
	struct reading r = { .openmetrics = openmetrics };
	char *copy = strdup(text), *line, *rest = copy;
	bool ended = false;

	assert_true(*text && text[strlen(text) - 1] == '\n');
	while ((line = strsep(&rest, "\n")) && *line) {
		assert_false(ended);
		ended = !strcmp(line, "# EOF");
		if (!ended && *line == '#')
			read_comment(&r, line);
		else if (!ended)
			read_sample(&r, line);
	}
	assert_int_equal(ended, openmetrics);
	while (r.count)
		free(r.seen[--r.count]);
	free(r.seen);
	free(copy);
}

/* The value of a series, as it stands; NULL: it is not there. */
static inline const char *value_of(const char *text, const char *series)
{
	static char value[64];
	size_t n = strlen(series);
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, series, n) && line[n] == ' ') {
			assert_int_equal(sscanf(line + n, "%63s", value), 1);
			return value;
		}
	}
	return NULL;
}

static inline void assert_value(const char *text, const char *series, const char *wanted)
{
	const char *value = value_of(text, series);

	if (!value || strcmp(value, wanted))
		fail_msg("%s is %s, not %s, in:\n%s", series, value ? value : "not there", wanted, text);
}

/* ---- dmp export ---- */

struct export_run {
	struct command command;
	int port;
};

static inline bool is_serving(void *run)
{
	struct export_run *e = run;
	char said[4096] = "";
	const char *at;

	assert_true(pread(e->command.err, said, sizeof(said) - 1, 0) >= 0);
	at = strstr(said, "serving http://127.0.0.1:");
	return at && strchr(at, '\n') && sscanf(at, "serving http://127.0.0.1:%d/", &e->port) == 1;
}

static inline struct export_run start_export(const char *options)
{
	struct export_run e = { .command = start_command("dmp export --listen 127.0.0.1:0 %s", options) };

	await(is_serving, &e, "dmp export to serve");
	return e;
}

/* What it has said, to be forgotten. */
static inline struct said stop_export(struct export_run *e)
{
	struct said said;

	kill(e->command.pid, SIGTERM);
	said = finish_command(&e->command);
	assert_int_equal(said.status, 0);
	assert_string_equal(said.out, "");
	return said;
}

/* The tool lies beside the tests: build/tests/native, build/tools. */
static inline void find_tool(void)
{
	char self[PATH_MAX] = "", path[2 * PATH_MAX];

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(path, sizeof(path), "%s/../../tools:%s", dirname(self), getenv("PATH"));
	setenv("PATH", path, 1);
}

static inline void allow_many_files(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#endif /* DMP_TESTS_EXPOSITION_H */
