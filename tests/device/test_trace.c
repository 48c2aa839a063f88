// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_trace.c: dmp trace: what is pinned, what bpftool and cat show of it, what is shown live, and how all goes away */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmp.h>

#include "raw.h"
#include "shell.h"

#define PINS	 "/sys/fs/bpf/dmp"
#define SOMEBODY 1000

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* It says so. */
static bool is_attached(void *command)
{
	char said[256] = "";

	assert_true(pread(((struct command *)command)->err, said, sizeof(said) - 1, 0) >= 0);
	return strstr(said, "attached");
}

static int unpin(void **state)
{
	(void)state;
	if (exists(PINS))
		must("rm -r " PINS);
	return 0;
}

/* A ring with a name whose consumer has been woken so many times. */
static struct pair ring_with_wakes(const struct name *name, uint64_t count)
{
	struct dmp_create args = create_args(name->s);
	struct pair x = { .ring = ring_create(&args) };
	struct sleeper s;
	uint64_t i;

	assert_true(x.ring >= 0);
	x.p = raw_join(x.ring, DMP_ROLE_PRODUCER, "p");
	x.c = raw_join(x.ring, DMP_ROLE_CONSUMER, "c");
	for (i = 0; i < count; i++) {
		start_sleeper(&s, x.c.fd, i + 1, wait_long());
		await_asleep(x.ring, "c");
		raw_publish(&x.p, 1);
		assert_int_equal(finish_sleeper(&s), 0);
	}
	return x;
}

static void assert_shows(const char *command, const char *words)
{
	struct said said = run("%s", command);

	if (said.status || !strstr(said.out, words))
		fail_msg("%s does not show '%s' but: %s%s", command, words, said.out, said.err);
	forget(&said);
}

/* ---- pinned ---- */

static void what_is_pinned_counts_while_nobody_looks(void **state)
{
	struct name name = unique_name("pinned");
	char ring[128];
	struct pair x;

	(void)state;
	must("dmp trace --pin");
	x = ring_with_wakes(&name, 7);
	snprintf(ring, sizeof(ring), "\"ring\": %" PRIu64 ",\n            \"name\": \"%s\"",
		 (uint64_t)ring_info(x.ring).id, name.s);
	assert_shows("bpftool map dump pinned " PINS "/wake_to_run", ring);
	assert_shows("bpftool map dump pinned " PINS "/wake_to_run", "\"count\": 7,");
	assert_shows("bpftool map dump pinned " PINS "/time_asleep", "\"count\": 7,");
	assert_shows("bpftool map dump pinned " PINS "/counters_missed", "\"value\": 0");
	assert_shows("cat " PINS "/rings", name.s);
	assert_shows("cat " PINS "/members", name.s);
	end_pair(&x);
	assert_shows("bpftool map dump pinned " PINS "/wake_to_run", "\"count\": 7,"); /* the last value is not lost */
	snprintf(ring, sizeof(ring), "\"ring_name\": \"%s\"", name.s);
	assert_shows("bpftool map dump pinned " PINS "/counters", ring);
	must("dmp trace --unpin");
}

static void taking_the_pins_away_lets_the_module_go(void **state)
{
	struct said said;

	(void)state;
	must("dmp trace --pin " PINS "/");
	assert_true(module_references() > 0);
	said = run("rmmod dmp");
	assert_int_not_equal(said.status, 0);
	forget(&said);
	must("dmp trace --unpin");
	assert_false(exists(PINS));
	await(module_is_unused, NULL, "the module without references");
	must("rmmod dmp");
	must_fail("dmp trace --pin", 1, "module", "not loaded", NULL);
	assert_false(exists(PINS));
	must("insmod /dmp/dmp.ko");
}

static void pins_are_for_root_alone(void **state)
{
	struct said said;
	struct stat st;

	(void)state;
	must("dmp trace --pin");
	assert_int_equal(stat(PINS "/rings", &st), 0);
	assert_int_equal(st.st_mode & 0077, 0);
	assert_int_equal(stat(PINS "/wake_to_run", &st), 0);
	assert_int_equal(st.st_mode & 0077, 0);
	must("chmod 0444 " PINS "/rings"); /* unless one wants otherwise */
	must("chmod 0711 /sys/fs/bpf");
	said = run_as(SOMEBODY, "cat " PINS "/rings");
	assert_int_equal(said.status, 0);
	assert_non_null(strstr(said.out, "RING NAME"));
	forget(&said);
	must("dmp trace --unpin");
}

static void what_is_there_is_not_pinned_again(void **state)
{
	(void)state;
	must("dmp trace --pin");
	must_fail("dmp trace --pin", 1, PINS, "--unpin", NULL);
	assert_true(exists(PINS "/members"));
	must("dmp trace --unpin");
	must_fail("dmp trace --unpin", 1, "nothing", PINS, NULL);
}

static void pins_take_a_bpf_file_system(void **state)
{
	(void)state;
	must_fail("dmp trace --pin /tmp/pins", 1, "no bpf file system", "mount -t bpf", NULL);
	assert_false(exists("/tmp/pins"));
	must_fail("dmp trace --pin /nowhere/pins", 1, "no bpf file system", NULL);
	must("mkdir -p /tmp/mine/links; touch /tmp/mine/file");
	must_fail("dmp trace --unpin /tmp/mine", 1, "no bpf file system", NULL);
	assert_true(exists("/tmp/mine/file"));
	must("rm -r /tmp/mine");
}

static void what_is_no_pin_of_ours_stays(void **state)
{
	(void)state;
	must("mkdir /sys/fs/bpf/mine; mkdir /sys/fs/bpf/mine/links /sys/fs/bpf/mine/other");
	must_fail("dmp trace --unpin /sys/fs/bpf/mine", 1, "cannot be removed", NULL);
	assert_true(exists("/sys/fs/bpf/mine/other"));
	must("rm -r /sys/fs/bpf/mine");
}

static void who_may_not_is_told_in_one_line(void **state)
{
	struct said said = run_as(SOMEBODY, "dmp trace");

	(void)state;
	assert_one_line(&said, 1, "you may not load eBPF programs");
	forget(&said);
	must_fail("dmp trace --pin --unpin", 2, "not both", NULL);
	must_fail("dmp trace somewhere", 2, "somewhere", NULL);
	must_fail("dmp trace --interval 0", 2, "--interval", NULL);
}

/* ---- live ---- */

/* The sum of N in the lines "ring ID NAME: WHAT, N times, ...". */
static uint64_t times(const char *out, const char *name, const char *what)
{
	char words[DMP_NAME_MAX + 32];
	uint64_t n = 0;
	const char *at;

	snprintf(words, sizeof(words), " %s: %s, ", name, what);
	for (at = out; (at = strstr(at, words)); at++)
		n += strtoull(at + strlen(words), NULL, 10);
	return n;
}

static void live_histograms_add_up_and_detach_on_exit(void **state)
{
	struct name name = unique_name("live");
	struct command trace = start_command("dmp trace --interval 100");
	struct said said;
	struct pair x;

	(void)state;
	await(is_attached, &trace, "dmp trace");
	x = ring_with_wakes(&name, 25);
	kill(trace.pid, SIGINT);
	said = finish_command(&trace);
	assert_int_equal(said.status, 0);
	assert_int_equal(times(said.out, name.s, "wake to run"), 25);
	assert_int_equal(times(said.out, name.s, "time asleep"), 25);
	forget(&said);
	end_pair(&x);
	await(module_is_unused, NULL, "the module without references");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_pinned_counts_while_nobody_looks, unpin),
		cmocka_unit_test_teardown(taking_the_pins_away_lets_the_module_go, unpin),
		cmocka_unit_test_teardown(pins_are_for_root_alone, unpin),
		cmocka_unit_test_teardown(what_is_there_is_not_pinned_again, unpin),
		cmocka_unit_test_teardown(pins_take_a_bpf_file_system, unpin),
		cmocka_unit_test_teardown(what_is_no_pin_of_ours_stays, unpin),
		cmocka_unit_test_teardown(who_may_not_is_told_in_one_line, unpin),
		cmocka_unit_test_teardown(live_histograms_add_up_and_detach_on_exit, unpin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
