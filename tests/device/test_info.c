// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_info.c: the tool's info names who holds a ring up */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmp.h>

#include "shell.h"

static void fill(const struct ring *r)
{
	struct dmp_member *p = join(r->ring, DMP_ROLE_PRODUCER, "p");
	uint64_t pos;

	assert_int_equal(dmp_claim(p, 64, &pos), 0);
	dmp_publish(p, pos, 64);
	assert_int_equal(dmp_finish(p), 0);
	dmp_leave(p);
}

static void assert_info_says(const struct ring *r, const char *options, const char *what, bool says)
{
	struct said said = run("dmp info %s %s", r->name.s, options);

	assert_int_equal(said.status, 0);
	assert_true(!*options || is_json(said.out));
	if (!strstr(said.out, what) == says)
		fail_msg("wanted%s '%s' in: %s", says ? "" : " no", what, said.out);
	forget(&said);
}

static void info_names_who_holds_a_full_ring_up(void **state)
{
	struct ring r = stamped_ring();
	struct command slow = start_consumer(&r, "slow", ">/dev/null");
	char text[64];
	int status;

	(void)state;
	assert_info_says(&r, "", "held up", false);
	assert_info_says(&r, "--json", "\"room\": null", true);
	assert_int_equal(kill(slow.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(slow.pid, &status, WUNTRACED), slow.pid);
	fill(&r);
	snprintf(text, sizeof(text), "held up by: consumer slow pid %d (T, stopped) at 0\n", (int)slow.pid);
	assert_info_says(&r, "", text, true);
	assert_info_says(&r, "", "events", false);
	assert_info_says(&r, "--json", "\"room\": {\n      \"role\": \"consumer\",\n      \"name\": \"slow\"", true);
	assert_info_says(&r, "--json", "\"thread_state\": \"T\"", true);
	assert_int_equal(kill(slow.pid, SIGKILL), 0);
	assert_int_equal(finish_child(slow.pid), 128 + SIGKILL);
	close(slow.out);
	close(slow.err);
	await_joined(r.fd, 0);
	assert_info_says(&r, "", "held up", false);
	remove_ring(&r);
}

static int begin(void *arg)
{
	struct dmp_member *p = join(arg, DMP_ROLE_PRODUCER, "p");
	uint64_t pos;

	return dmp_claim(p, 1, &pos);
}

static void info_names_whom_a_producer_waits_for_at_first(void **state)
{
	static const char *const names[] = { "a", "b" };
	struct ring r = stamped_ring();
	struct dmp_member *b;
	pid_t p;

	(void)state;
	assert_int_equal(dmp_ring_require(r.ring, getuid(), names, 2), 0);
	b = join(r.ring, DMP_ROLE_CONSUMER, "b");
	p = start_child(begin, r.ring);
	await_asleep(r.fd, "p");
	assert_info_says(&r, "", "required   a (missing), b\n", true);
	assert_info_says(&r, "", "asleep until all required are there", true);
	assert_info_says(&r, "--json", "\"waits_on_required\": true", true);
	assert_info_says(&r, "--json", "\"there\": false,\n      \"state\": \"missing\"", true);
	kill_child(p);
	dmp_leave(b);
	remove_ring(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_names_who_holds_a_full_ring_up),
		cmocka_unit_test(info_names_whom_a_producer_waits_for_at_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
