// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_tool.c: the tool: rings and what it tells of them; usage and errors. The data is in test_stream.c */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <dmp.h>

#include "shell.h"

#define SOMEBODY 1000

static struct dmp_info info_of(const char *name)
{
	struct dmp_ring *ring = NULL;
	struct dmp_info info;

	assert_int_equal(dmp_ring_open(&ring, name, 0), 0);
	assert_int_equal(dmp_ring_info(ring, &info), 0);
	dmp_ring_close(ring);
	return info;
}

static bool exists(const char *name)
{
	struct dmp_ring *ring = NULL;

	if (dmp_ring_open(&ring, name, 0))
		return false;
	dmp_ring_close(ring);
	return true;
}

/* ---- create, rm ---- */

static void a_ring_stays_until_rm(void **state)
{
	struct name r = unique_name("stays");
	struct dmp_info info;

	(void)state;
	must("dmp create %s --slots 4096 --size 56 --stamped --members 5 --mode 0751 --fenced", r.s);
	info = info_of(r.s);
	assert_int_equal(info.slots, 4096);
	assert_int_equal(info.event_size, 56);
	assert_int_equal(info.members, 5);
	assert_int_equal(info.mode, 0751);
	assert_int_equal(info.flags, DMP_RING_STAMPED | DMP_RING_FENCED | DMP_RING_PERSISTENT);
	must("dmp rm %s", r.s);
	assert_false(exists(r.s));
}

static void numbers_may_be_hexadecimal_and_end_in_k_or_m(void **state)
{
	struct name r = unique_name("numbers");
	struct dmp_info info;

	(void)state;
	must("dmp create %s --slots 2k --size 0x10", r.s);
	info = info_of(r.s);
	assert_int_equal(info.slots, 2048);
	assert_int_equal(info.event_size, 16);
	assert_int_equal(info.members, 16);
	assert_int_equal(info.mode, 0700);
	assert_int_equal(info.flags, DMP_RING_PERSISTENT);
	must("dmp rm dmp:%s", r.s);
	must("dmp create %s --slots 2 --size 1M", r.s);
	assert_int_equal(info_of(r.s).event_size, 1 << 20);
	must("dmp rm %s", r.s);
}

static void a_ring_is_for_many_producers_if_one_says_so(void **state)
{
	struct name r = unique_name("many");

	(void)state;
	must("dmp create %s --slots 64 --size 56 --producers many", r.s);
	assert_int_equal(info_of(r.s).flags, DMP_RING_PERSISTENT | DMP_RING_STAMPED | DMP_RING_MULTI);
	/* 52 bytes an event: 4 tell how many of them count. So few in all that a pipe takes them at once. */
	must("head -c 2600 /dev/zero | dmp publish %s & head -c 2600 /dev/zero | dmp publish %s; wait", r.s, r.s);
	assert_int_equal(info_of(r.s).cursor, 100);
	assert_int_equal(info_of(r.s).claimed, 100);
	must("dmp rm %s", r.s);
	must_fail("dmp create x --slots 64 --size 56 --producers two", 2, "--producers", "one", "many", NULL);
}

static bool is_there(void *name)
{
	return exists(name);
}

static void a_foreground_ring_goes_with_the_command(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct name r = unique_name("foreground");
	struct command create;
	struct said said;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		create = start_command("dmp create %s --slots 512 --size 8 --foreground", r.s);
		await(is_there, r.s, "a ring in the foreground");
		assert_int_equal(info_of(r.s).flags, 0);
		kill(create.pid, signals[i]);
		said = finish_command(&create);
		assert_int_equal(said.status, 0);
		assert_string_equal(said.err, "");
		assert_false(exists(r.s));
		forget(&said);
	}
}

static void a_killed_foreground_ring_leaves_nothing(void **state)
{
	struct name r = unique_name("killed");
	struct command create = start_command("dmp create %s --slots 512 --size 8 --foreground", r.s);
	struct said said;

	(void)state;
	await(is_there, r.s, "a ring in the foreground");
	kill(create.pid, SIGKILL);
	said = finish_command(&create);
	assert_int_equal(said.status, 128 + SIGKILL);
	assert_false(exists(r.s));
	forget(&said);
}

static void assert_says(const char *command, const char *ring, const char *words)
{
	struct said said = run("%s %s", command, ring);

	if (said.status || !strstr(said.out, words))
		fail_msg("%s says: %s%s", command, said.out, said.err);
	forget(&said);
}

static void a_ring_may_require_consumers(void **state)
{
	struct name r = unique_name("requires");
	struct dmp_member *b;
	struct dmp_ring *ring;

	(void)state;
	must("dmp create %s --slots 512 --size 8 --require a,b", r.s);
	assert_int_equal(dmp_ring_open(&ring, r.s, 0), 0);
	b = join(ring, DMP_ROLE_CONSUMER, "b");
	assert_says("dmp info", r.s, "required   a (missing), b\n");
	dmp_leave(b);
	dmp_ring_close(ring);
	must("dmp rm %s", r.s);
	must_fail("dmp create requires-bad --slots 512 --size 8 --require a,a", 1, "--require", "each once", NULL);
	assert_false(exists("requires-bad"));
	must_fail("dmp create requires-bad --slots 512 --size 8 --require a,,b", 2, "--require", "empty", NULL);
	must_fail("dmp create shm:requires-bad --slots 512 --size 8 --require a", 1, "module", NULL);
	must_fail("dmp create shm:requires-bad --slots 512 --size 56 --producers many", 1, "module", "producers", NULL);
}

/* ---- ls, info ---- */

static void ls_lists_every_ring_in_a_row_of_its_own(void **state)
{
	struct name a = unique_name("row"), b = unique_name("row");
	struct said said;

	(void)state;
	must("dmp create %s --slots 64 --size 56 --stamped", a.s);
	must("dmp create %s --slots 512 --size 8 --mode 0444", b.s);
	said = run("dmp ls");
	assert_int_equal(said.status, 0);
	assert_ptr_equal(strstr(said.out, "NAME "), said.out);
	assert_non_null(strstr(said.out, a.s));
	assert_non_null(strstr(said.out, b.s));
	assert_non_null(strstr(said.out, "stamped"));
	assert_non_null(strstr(said.out, "packed"));
	assert_non_null(strstr(said.out, "0444"));
	forget(&said);
	must("dmp rm %s; dmp rm %s", a.s, b.s);
}

static void ls_json_is_an_array_whether_there_are_rings_or_not(void **state)
{
	struct name r = unique_name("json");
	struct said said = run("dmp ls --json");

	(void)state;
	assert_string_equal(said.out, "[]\n");
	forget(&said);
	must("dmp create %s --slots 512 --size 8", r.s);
	said = run("dmp ls --json");
	assert_true(is_json(said.out));
	assert_int_equal(said.out[0], '[');
	assert_non_null(strstr(said.out, r.s));
	assert_non_null(strstr(said.out, "\"slots\": 512"));
	forget(&said);
	must("dmp rm %s", r.s);
}

static void info_tells_who_is_there_and_what_they_sleep_on(void **state)
{
	struct name r = unique_name("info");
	struct command first, second;
	struct dmp_ring *ring = NULL;
	char pid[32];
	struct said said;

	(void)state;
	must("dmp create %s --slots 64 --size 56 --stamped", r.s);
	assert_int_equal(dmp_ring_open(&ring, r.s, 0), 0);
	first = start_command("dmp consume %s --as first", r.s);
	await_asleep(dmp_ring_fd(ring), "first");
	second = start_command("dmp consume %s --as second --after first", r.s);
	await_asleep(dmp_ring_fd(ring), "second");

	said = run("dmp info %s", r.s);
	assert_int_equal(said.status, 0);
	snprintf(pid, sizeof(pid), "%d  S  consumer  first ", (int)first.pid);
	assert_non_null(strstr(said.out, pid));
	assert_non_null(strstr(said.out, "asleep until ring, first reach 1"));
	forget(&said);

	said = run("dmp info %s --json", r.s);
	assert_true(is_json(said.out));
	snprintf(pid, sizeof(pid), "\"pid\": %d,", (int)second.pid);
	assert_non_null(strstr(said.out, pid));
	assert_non_null(strstr(said.out, "\"waiting\": \"asleep\""));
	assert_non_null(strstr(said.out, "\"role\": \"consumer\""));
	forget(&said);

	must("dmp publish %s /dev/null", r.s);
	said = finish_command(&first);
	assert_int_equal(said.status, 0);
	forget(&said);
	said = finish_command(&second);
	assert_int_equal(said.status, 0);
	forget(&said);
	dmp_ring_close(ring);
	must("dmp rm %s", r.s);
}

/* ---- usage and errors ---- */

static void help_and_version_go_to_the_standard_output(void **state)
{
	static const char *const commands[] = { "", "create", "ls", "info", "rm", "publish", "consume" };
	struct said said = run("dmp --version");
	size_t i;

	(void)state;
	assert_int_equal(said.status, 0);
	assert_string_equal(said.out, "dmp " DMP_VERSION "\n");
	forget(&said);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		said = run("dmp %s --help", commands[i]);
		assert_int_equal(said.status, 0);
		assert_ptr_equal(strstr(said.out, "Usage: dmp "), said.out);
		assert_non_null(strstr(said.out, commands[i]));
		assert_string_equal(said.err, "");
		forget(&said);
	}
}

static void bad_usage_is_one_line_and_exit_code_2(void **state)
{
	static const struct {
		const char *command, *word;
	} wrong[] = {
		{ "dmp", "--help" },
		{ "dmp creat", "'creat'" },
		{ "dmp ls x", "'x'" },
		{ "dmp create", "name is missing" },
		{ "dmp create r", "--slots" },
		{ "dmp create r --slots 64", "--size" },
		{ "dmp create r s --slots 64 --size 56", "'s'" },
		{ "dmp create r --slots", "'--slots'" },
		{ "dmp create r --slots -1 --size 8", "--slots" },
		{ "dmp create r --slots 4x --size 8", "'4x'" },
		{ "dmp create r --slots 0 --size 8", "'0'" },
		{ "dmp create r --slots 99999999999999999999 --size 8", "--slots" },
		{ "dmp create r --slots 64 --size 2M", "'2M'" },
		{ "dmp create r --slots 64 --size 56 --mode 0", "--mode" },
		{ "dmp create r --slots 64 --size 56 --mode 0800", "'0800'" },
		{ "dmp create r --slots 64 --size 56 --mode 1777", "'1777'" },
		{ "dmp create r --slots 64 --size 56 --frenched", "'--frenched'" },
		{ "dmp create r --slots 64 --size 56 -s", "'-s'" },
		{ "dmp rm", "name is missing" },
		{ "dmp rm a b", "'b'" },
		{ "dmp info r --jason", "'--jason'" },
		{ "dmp publish r f g", "'g'" },
		{ "dmp publish r --block 0", "--block" },
		{ "dmp consume r --count 0", "--count" },
		{ "dmp consume r --from then", "'then'" },
		{ "dmp consume r --after a,,b", "--after" },
		{ "dmp consume r --observe --after a", "--observe" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i += is_debug_kernel() ? 4 : 1)
		must_fail(wrong[i].command, 2, wrong[i].word, NULL);
	assert_false(exists("r"));
}

static void what_cannot_be_created_is_explained(void **state)
{
	static const struct {
		const char *command, *word;
	} wrong[] = {
		{ "dmp create r --slots 1000 --size 56 --stamped", "--slots 1024" },
		{ "dmp create r --slots 16 --size 56 --stamped", "--slots 64" },
		{ "dmp create r --slots 2 --size 8", "--slots 512" },
		{ "dmp create r/s --slots 64 --size 56 --stamped", "A-Z a-z 0-9" },
		{ "dmp create '' --slots 64 --size 56 --stamped", "1 to 63" },
		{ "dmp create r --slots 1M --size 1M", "max_ring_bytes" },
		{ "dmp create r --slots 64 --size 56 --stamped --members 1M", "max_members" },
		{ "dmp create tmp:r --slots 64 --size 56 --stamped", "shm:NAME" },
		{ "dmp create file:/none/r --slots 64 --size 56 --stamped", "folder" },
	};
	struct name r = unique_name("twice");
	char again[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		must_fail(wrong[i].command, 1, wrong[i].word, NULL);
	assert_false(exists("r"));
	snprintf(again, sizeof(again), "dmp create %s --slots 64 --size 56 --stamped", r.s);
	must("%s", again);
	must_fail(again, 1, r.s, "dmp rm", NULL);
	must("dmp rm %s", r.s);
}

static void a_ring_that_is_not_there_is_named(void **state)
{
	static const char *const commands[] = { "info", "rm", "publish", "consume", "consume --observe" };
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		snprintf(line, sizeof(line), "dmp %s none", commands[i]);
		must_fail(line, 1, "none", "dmp ls", "dmp create", NULL);
	}
	must_fail("dmp info \"$(printf 'a\\033\\nb')\"", 1, "a??b", "A-Z", NULL);
}

static void a_missing_right_is_named(void **state)
{
	struct name r = unique_name("rights");
	struct said said;

	(void)state;
	must("dmp create %s --slots 64 --size 56 --stamped --mode 0704", r.s);
	said = run_as(SOMEBODY, "dmp publish %s", r.s);
	assert_one_line(&said, 1, "right -w-");
	forget(&said);
	said = run_as(SOMEBODY, "dmp consume %s", r.s);
	assert_one_line(&said, 1, "right --x");
	forget(&said);
	said = run_as(SOMEBODY, "dmp rm %s", r.s);
	assert_one_line(&said, 1, "uid 0");
	forget(&said);
	said = run_as(SOMEBODY, "dmp info %s", r.s);
	assert_int_equal(said.status, 0);
	assert_non_null(strstr(said.out, "you have r--"));
	forget(&said);
	must("dmp rm %s", r.s);
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
	(void)state;
	must_fail("dmp ls >/dev/full", 1, "cannot write", "No space left", NULL);
	must_fail("dmp --help >&-", 1, "cannot write", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_stays_until_rm),
		cmocka_unit_test(numbers_may_be_hexadecimal_and_end_in_k_or_m),
		cmocka_unit_test(a_ring_is_for_many_producers_if_one_says_so),
		cmocka_unit_test(a_foreground_ring_goes_with_the_command),
		cmocka_unit_test(a_killed_foreground_ring_leaves_nothing),
		cmocka_unit_test(a_ring_may_require_consumers),
		cmocka_unit_test(ls_lists_every_ring_in_a_row_of_its_own),
		cmocka_unit_test(ls_json_is_an_array_whether_there_are_rings_or_not),
		cmocka_unit_test(info_tells_who_is_there_and_what_they_sleep_on),
		cmocka_unit_test(help_and_version_go_to_the_standard_output),
		cmocka_unit_test(bad_usage_is_one_line_and_exit_code_2),
		cmocka_unit_test(what_cannot_be_created_is_explained),
		cmocka_unit_test(a_ring_that_is_not_there_is_named),
		cmocka_unit_test(a_missing_right_is_named),
		cmocka_unit_test(output_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
