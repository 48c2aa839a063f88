// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_trace_page.c: what dmp-trace(7) shows is what happens
 *
 * Between .EX and .EE of the page are commands, behind "# ", and what they print. A line '.\" test: ...' says what happens
 * before the next ones. Numbers that differ from run to run are not compared: see blur().
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "positions.h"
#include "raw.h"
#include "shell.h"

#define PAGE_FILE "/dmp/dmp-trace.7"
#define NEWER	  "PATH=/dmp/bin/newer:$PATH; "
#define COLUMNS	  80
#define EVENTS	  1000

/* ---- the scene: the diamond that the page speaks of ---- */

static struct {
	struct dmp_ring *ring;
	struct dmp_member *p, *b, *c, *d;
} scene;

static void consume_one_batch(struct dmp_member *m)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(m, 1, &batch), 0);
	assert_int_equal(dmp_release(m, batch.end), 0);
}

/* c has one sleep more, that it was woken from. */
static void wake_c_once(void)
{
	struct sleeper s;

	start_sleeper(&s, dmp_member_fd(scene.c), EVENTS, wait_long());
	await_asleep(dmp_ring_fd(scene.ring), "c");
	publish(scene.p, 10);
	assert_int_equal(finish_sleeper(&s), 0);
}

static void begin_scene(void)
{
	static const char *const both[] = { "b", "c" };
	struct dmp_ring_options o = { .slots = 64, .event_size = 56, .flags = DMP_RING_STAMPED };
	int i;

	assert_int_equal(dmp_ring_create(&scene.ring, "ticks", &o), 0);
	scene.p = producer(scene.ring);
	scene.b = join(scene.ring, DMP_ROLE_CONSUMER, "b");
	scene.c = join(scene.ring, DMP_ROLE_CONSUMER, "c");
	scene.d = join_after(scene.ring, "d", both, 2);
	for (i = 0; i < EVENTS / 10; i++) {
		if (i == EVENTS / 10 - 1)
			wake_c_once();
		else
			publish(scene.p, 10);
		consume_one_batch(scene.b);
		consume_one_batch(scene.c);
		if (i < 98)
			consume_one_batch(scene.d);
	}
}

static void end_scene(void)
{
	dmp_leave(scene.d);
	dmp_leave(scene.c);
	dmp_leave(scene.b);
	dmp_leave(scene.p);
	dmp_ring_close(scene.ring);
}

static bool all_sampled(void *arg)
{
	struct said said = run("bpftool map dump pinned %s/counters | grep -cE '\"(published|consumed)\": (1000|980),'",
			       (char *)arg);
	bool all = atoi(said.out) == 4;

	forget(&said);
	return all;
}

/* ---- the page ---- */

static char *read_page(void)
{
	struct said said = run("cat " PAGE_FILE);

	assert_int_equal(said.status, 0);
	free(said.err);
	return said.out;
}

/* As it is shown: without the escapes of roff. */
static void unescape(char *line)
{
	char *to = line;

	for (; *line; line++) {
		if (*line == '\\' && line[1] == '&')
			line++;
		else if (*line == '\\' && line[1] == 'e')
			*to++ = *line++;
		else if (*line == '\\')
			*to++ = *++line;
		else
			*to++ = *line;
	}
	*to = '\0';
}

/* What differs from run to run: numbers behind these words, in lists, and the ids and pids of tables. */
static bool is_fickle(const char *line, const char *at)
{
	static const char *const keys[] = { "\"ring\": ",     "\"incarnation\": ", "\"sampled_ns\": ",
					    "\"total_ns\": ", "\"spins\": ",	   "\"log2_ns\": " };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strstr(line, keys[i]))
			return true;
	return at == line + strspn(line, " ") || (at - line >= 3 && !memcmp(at - 3, "er ", 3));
}

/* Fickle numbers become N, and spaces one. */
static void blur(const char *line, char *to, size_t size)
{
	const char *at = line;
	size_t n = 0;

	while (*at && n + 2 < size) {
		if (isdigit((unsigned char)*at) && is_fickle(line, at)) {
			to[n++] = 'N';
			at += strspn(at, "0123456789,");
		} else if (*at == ' ') {
			to[n++] = ' ';
			at += strspn(at, " ");
		} else {
			to[n++] = *at++;
		}
	}
	to[n] = '\0';
}

static void assert_same_line(const char *command, const char *wanted, const char *got)
{
	char a[512], b[512];

	blur(wanted, a, sizeof(a));
	blur(got ? got : "", b, sizeof(b));
	if (!got || strcmp(a, b) != 0)
		fail_msg("%s\n  the page: %s\n  in truth: %s", command, wanted, got ? got : "(nothing more)");
}

struct play {
	const char *prefix; /* of each command */
	struct said said;   /* of the last command */
	char *rest;	    /* what of it has not been compared */
	char command[512];
	char begun[512]; /* of a command that goes on in the next line */
	unsigned int commands;
};

static void finish_play(struct play *p)
{
	if (p->rest && *p->rest)
		fail_msg("%s\n  the page: (nothing more)\n  in truth: %s", p->command, p->rest);
	if (p->said.out)
		forget(&p->said);
	p->rest = NULL;
}

static void do_command(struct play *p, const char *command)
{
	finish_play(p);
	snprintf(p->command, sizeof(p->command), "%s", command);
	p->said = run("exec 2>&1; %s%s", p->prefix, command);
	if (getenv("DMP_SHOW"))
		print_message("# %s\n%s", command, p->said.out);
	p->rest = p->said.out;
	p->commands++;
}

/* A command goes on in the next line behind a backslash. */
static bool is_command(struct play *p, char *line)
{
	size_t n = strlen(p->begun), end;

	if (!n && strncmp(line, "# ", 2) != 0)
		return false;
	snprintf(p->begun + n, sizeof(p->begun) - n, "%s", n ? line : line + 2);
	end = strlen(p->begun) - 1;
	if (p->begun[end] == '\\') {
		p->begun[end] = '\0';
		return true;
	}
	do_command(p, p->begun);
	p->begun[0] = '\0';
	return true;
}

static void do_line(struct play *p, char *line)
{
	unescape(line);
	if (strlen(line) > COLUMNS - 7) /* as man indents it */
		fail_msg("too long for %d columns: %s", COLUMNS, line);
	if (!is_command(p, line) && !getenv("DMP_SHOW"))
		assert_same_line(p->command, line, p->rest && *p->rest ? strsep(&p->rest, "\n") : NULL);
}

static void do_test(struct play *p, const char *what)
{
	finish_play(p);
	if (!strcmp(what, "the ring"))
		begin_scene();
	else if (!strcmp(what, "all sampled"))
		await(all_sampled, "/sys/fs/bpf/dmp", "a sample of each");
	else if (!strcmp(what, "all leave"))
		end_scene();
	else if (!strcmp(what, "bpftool 7.5"))
		p->prefix = NEWER;
	else if (!strcmp(what, "bpftool 7.1"))
		p->prefix = "";
	else
		fail_msg("what is: test: %s", what);
}

static void each_command_of_the_page_prints_what_the_page_says(void **state)
{
	char *page = read_page(), *rest = page, *line;
	struct play p = { .prefix = "" };
	bool inside = false;

	(void)state;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, ".\\\" test: ", 10))
			do_test(&p, line + 10);
		else if (!strcmp(line, ".EX") || !strcmp(line, ".EE"))
			inside = line[2] == 'X';
		else if (inside)
			do_line(&p, line);
		if (getenv("DMP_SHOW"))
			p.rest = NULL;
	}
	finish_play(&p);
	assert_in_range(p.commands, 10, 100);
	free(page);
}

static bool is_unused(void *arg)
{
	(void)arg;
	return module_references() == 0;
}

static void nothing_of_it_is_left(void **state)
{
	(void)state;
	assert_int_not_equal(access("/sys/fs/bpf/dmp", F_OK), 0);
	await(is_unused, NULL, "the module without references");
}

/* The page speaks of build/bpf. */
static int make_build(void **state)
{
	(void)state;
	must("mkdir -p /tmp/page/build; ln -sfn /dmp/bpf /tmp/page/build/bpf");
	return chdir("/tmp/page");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_of_the_page_prints_what_the_page_says),
		cmocka_unit_test(nothing_of_it_is_left),
	};

	return cmocka_run_group_tests(tests, make_build, NULL);
}
