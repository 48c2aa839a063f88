/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * browser.h: a headless Chromium, told what to do through a pipe: JSON with a NUL behind it (its DevTools protocol)
 *
 * Functions assert that they succeed. Whatever a page looks for is looked for until it is there, never slept for.
 */
#ifndef DMP_TESTS_BROWSER_H
#define DMP_TESTS_BROWSER_H

#include <fcntl.h>

#include "../shell.h"
#include "native.h"

struct browser {
	pid_t pid;
	int to, from;
	int asked;	   /* the number of the last message */
	char session[64];  /* of the one page; empty: not yet */
	char *text;	   /* what has been read: a reply, and what may follow */
	size_t size, read; /* of that: allocated, there */
	char *complaint;   /* the first error of a page that was told of */
	char folder[64];   /* what it writes lies in here */
};

/* ---- messages ---- */

static inline void write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		assert_true(n > 0);
		bytes += n;
		size -= (size_t)n;
	}
}

static inline int send_message(struct browser *b, const char *method, const char *parameters)
{
	char *message;
	int n;

	n = asprintf(&message, "{\"id\":%d,%s%s%s\"method\":\"%s\",\"params\":{%s}}", ++b->asked,
		     *b->session ? "\"sessionId\":\"" : "", b->session, *b->session ? "\"," : "", method, parameters);
	assert_true(n > 0);
	write_all(b->to, message, (size_t)n + 1);
	free(message);
	return b->asked;
}

/* The next message, good until the one after it. */
static inline const char *receive_message(struct browser *b)
{
	size_t length = b->text ? strnlen(b->text, b->read) + 1 : 1;
	ssize_t n;

	/* What was there before it. */
	if (length <= b->read && !b->text[length - 1])
		memmove(b->text, b->text + length, b->read -= length);
	while (!memchr(b->text ? b->text : "x", '\0', b->read)) {
		if (b->size < b->read + 65536)
			b->text = realloc(b->text, b->size = 2 * b->size + 65536);
		assert_non_null(b->text);
		n = read(b->from, b->text + b->read, b->size - b->read);
		assert_true(n > 0); /* else it has ended */
		b->read += (size_t)n;
	}
	return b->text;
}

/* That nobody answers is no error of the page. */
static inline void note_complaint(struct browser *b, const char *event)
{
	bool is_error = strstr(event, "\"Runtime.exceptionThrown\"") ||
			(strstr(event, "\"Log.entryAdded\"") && strstr(event, "\"level\":\"error\"") &&
			 !strstr(event, "\"source\":\"network\"")) ||
			(strstr(event, "\"Runtime.consoleAPICalled\"") && strstr(event, "\"type\":\"error\""));

	if (is_error && !b->complaint)
		b->complaint = strdup(event);
}

/* What it says to a message, good until the next one. */
static inline const char *ask(struct browser *b, const char *method, const char *parameters)
{
	const char *reply;
	char begin[32];

	snprintf(begin, sizeof(begin), "{\"id\":%d,", send_message(b, method, parameters));
	while (strncmp(reply = receive_message(b), begin, strlen(begin)))
		note_complaint(b, reply);
	if (strstr(reply, "\"error\":{") || strstr(reply, "\"exceptionDetails\""))
		fail_msg("%s {%s}: %.2000s", method, parameters, reply);
	return reply;
}

__attribute__((format(printf, 3, 4))) static inline const char *tell(struct browser *b, const char *method,
								     const char *format, ...)
{
	char parameters[4096];
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(parameters, sizeof(parameters), format, args), 0, sizeof(parameters) - 1);
	va_end(args);
	return ask(b, method, parameters);
}

/* The string of that key in a reply. */
static inline const char *string_in(const char *reply, const char *key, size_t *length)
{
	char begin[64];
	const char *at;

	snprintf(begin, sizeof(begin), "\"%s\":\"", key);
	at = strstr(reply, begin);
	assert_non_null(at);
	at += strlen(begin);
	*length = strcspn(at, "\"");
	return at;
}

/* ---- its life ---- */

#define TOWARDS 3 /* the descriptors that it reads from and writes to */
#define BACK	4

static inline int run_browser(void *arg)
{
	const struct browser *b = arg;
	int to = fcntl(b->to, F_DUPFD, 10), from = fcntl(b->from, F_DUPFD, 10);
	char folder[96];

	snprintf(folder, sizeof(folder), "--user-data-dir=%s", b->folder);
	dup2(to, TOWARDS);
	dup2(from, BACK);
	close_range(BACK + 1, ~0U, 0);
	/* Nobody but this machine is to be reached; evil.example is, too, as an attacker's name server would have it. */
	execl("tests/native/chromium", "chromium", "--headless=new", "--remote-debugging-pipe", "--no-sandbox",
	      "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-component-update",
	      "--disable-background-networking",
	      "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
	      "--hide-scrollbars", "--log-level=3", folder, "about:blank", NULL);
	return 127;
}

/* A page, and word of its errors. */
static inline void attach(struct browser *b)
{
	const char *id;
	size_t length;
	char target[64];

	id = string_in(ask(b, "Target.createTarget", "\"url\":\"about:blank\""), "targetId", &length);
	snprintf(target, sizeof(target), "%.*s", (int)length, id);
	id = string_in(tell(b, "Target.attachToTarget", "\"flatten\":true,\"targetId\":\"%s\"", target), "sessionId",
		       &length);
	snprintf(b->session, sizeof(b->session), "%.*s", (int)length, id);
	ask(b, "Page.enable", "");
	ask(b, "Runtime.enable", "");
	ask(b, "Log.enable", "");
}

static inline void start_browser(struct browser *b)
{
	int to[2], from[2];
	struct browser other;

	*b = (struct browser){ .folder = "/tmp/dmp-browser-XXXXXX" };
	assert_non_null(mkdtemp(b->folder));
	assert_int_equal(access("tests/native/chromium", X_OK), 0); /* else this runs in another folder */
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	other = *b;
	other.to = to[0];
	other.from = from[1];
	b->pid = start_child(run_browser, &other);
	close(to[0]);
	close(from[1]);
	b->to = to[1];
	b->from = from[0];
	attach(b);
}

static inline void stop_browser(struct browser *b)
{
	*b->session = '\0';
	send_message(b, "Browser.close", "");
	close(b->to);
	assert_int_equal(finish_child(b->pid), 0);
	close(b->from);
	must("rm -rf %s", b->folder);
	free(b->text);
	free(b->complaint);
}

/* ---- what it shows ---- */

/* Does this hold in the page? It may be a promise. */
__attribute__((format(printf, 2, 3))) static inline bool holds(struct browser *b, const char *format, ...)
{
	char expression[1024], quoted[2 * sizeof(expression)], *to = quoted, *c;
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(expression, sizeof(expression), format, args), 0, sizeof(expression) - 1);
	va_end(args);
	for (c = expression; *c; *to++ = *c++)
		if (*c == '"' || *c == '\\')
			*to++ = '\\';
	*to = '\0';
	return strstr(tell(b, "Runtime.evaluate",
			   "\"returnByValue\":true,\"awaitPromise\":true,\"expression\":\"(async()=>!!(await(%s)))()\"",
			   quoted),
		      "\"value\":true");
}

/* Why it may not be there. */
__attribute__((format(printf, 2, 3))) static inline void not_there(struct browser *b, const char *format, ...)
{
	char expression[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(expression, sizeof(expression), format, args);
	va_end(args);
	fail_msg("not in the page: %s; its first error: %.2000s", expression, b->complaint ? b->complaint : "none");
}

/* Looks until it does. */
#define await_page(browser, ...)                                \
	do {                                                    \
		if (!stress_until(holds(browser, __VA_ARGS__))) \
			not_there(browser, __VA_ARGS__);        \
	} while (0)

static inline void go_to(struct browser *b, const char *url)
{
	tell(b, "Page.navigate", "\"url\":\"%s\"", url);
}

static inline void set_screen(struct browser *b, uint32_t width, uint32_t height, const char *scheme)
{
	tell(b, "Emulation.setDeviceMetricsOverride",
	     "\"width\":%u,\"height\":%u,\"deviceScaleFactor\":1,\"mobile\":false", width, height);
	tell(b, "Emulation.setEmulatedMedia", "\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]",
	     scheme);
}

static inline void press(struct browser *b, const char *key)
{
	const char *text = strcmp(key, "Enter") ? "" : "\"text\":\"\\r\",";

	tell(b, "Input.dispatchKeyEvent", "\"type\":\"keyDown\",%s\"key\":\"%s\"", text, key);
	tell(b, "Input.dispatchKeyEvent", "\"type\":\"keyUp\",\"key\":\"%s\"", key);
}

/* ---- pictures ---- */

static inline uint32_t base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	return at && c ? (uint32_t)(at - digits) : 0;
}

static inline void save_base64(const char *text, size_t length, const char *path)
{
	FILE *file = fopen(path, "w");
	size_t i, padding = length - strcspn(text, "=\"");

	assert_non_null(file);
	for (i = 0; i + 4 <= length; i += 4) {
		uint32_t bits = base64_digit(text[i]) << 18 | base64_digit(text[i + 1]) << 12 |
				base64_digit(text[i + 2]) << 6 | base64_digit(text[i + 3]);
		const char bytes[] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };

		fwrite(bytes, 1, i + 4 < length ? 3 : 3 - padding, file);
	}
	assert_int_equal(fclose(file), 0);
}

static inline void take_picture(struct browser *b, const char *path)
{
	size_t length;
	const char *data = string_in(ask(b, "Page.captureScreenshot", "\"format\":\"png\""), "data", &length);

	save_base64(data, length, path);
}

#endif /* DMP_TESTS_BROWSER_H */
