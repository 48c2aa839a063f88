// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_refusal.c: the tool: what dmp publish and dmp consume cannot do, and how they say so */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "shell.h"

static void a_second_producer_is_told_of_the_first(void **state)
{
	struct ring r = stamped_ring();
	struct dmp_member *p = join(r.ring, DMP_ROLE_PRODUCER, "other");
	char line[128], pid[32];

	(void)state;
	snprintf(line, sizeof(line), "echo | dmp publish %s", r.name.s);
	snprintf(pid, sizeof(pid), "process %d (other)", (int)getpid());
	must_fail(line, 1, pid, NULL);
	dmp_leave(p);
	remove_ring(&r);
}

static void a_consumer_that_cannot_join_is_told_why(void **state)
{
	static const struct {
		const char *options, *word;
	} wrong[] = {
		{ "--as there", "'there'" },
		{ "--after nobody", "'nobody'" },
		{ "--after there,nobody", "'nobody'" },
		{ "--as 'a b'", "'a b'" },
		{ "--as an_unreasonably_long_name_for_me", "1 to 31" },
	};
	struct ring r = stamped_ring();
	struct dmp_member *there = join(r.ring, DMP_ROLE_CONSUMER, "there");
	char line[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(line, sizeof(line), "dmp consume %s %s", r.name.s, wrong[i].options);
		must_fail(line, 1, wrong[i].word, NULL);
	}
	assert_int_equal(ring_info(r.fd).joined, 1);
	dmp_leave(there);
	remove_ring(&r);
}

static void input_that_cannot_be_read_publishes_nothing(void **state)
{
	struct ring r = stamped_ring();
	char line[128];

	(void)state;
	snprintf(line, sizeof(line), "dmp publish %s /no/such/file", r.name.s);
	must_fail(line, 1, "/no/such/file", "No such file", NULL);
	snprintf(line, sizeof(line), "dmp publish %s /tmp", r.name.s);
	must_fail(line, 1, "/tmp", "directory", NULL);
	snprintf(line, sizeof(line), "dmp publish %s <&-", r.name.s);
	must_fail(line, 1, "standard input", NULL);
	assert_int_equal(ring_info(r.fd).cursor, 0);
	assert_int_not_equal(ring_info(r.fd).ended, DMP_END_CLEAN);
	remove_ring(&r);
}

static void a_block_that_does_not_fit_is_refused(void **state)
{
	struct name tiny = unique_name("tiny");
	struct ring r = stamped_ring();
	char line[128];

	(void)state;
	snprintf(line, sizeof(line), "dmp publish %s --block 53", r.name.s);
	must_fail(line, 1, "53", "52", NULL);
	must("dmp create %s --slots 512 --size 4", tiny.s);
	snprintf(line, sizeof(line), "dmp publish %s", tiny.s);
	must_fail(line, 1, "--size 5", NULL);
	must("dmp rm %s", tiny.s);
	remove_ring(&r);
}

static void events_of_others_are_not_taken_for_blocks(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", ""), o = start_command("dmp consume %s --observe --as o", r.name.s);
	struct dmp_member *p = join(r.ring, DMP_ROLE_PRODUCER, "p");
	struct said said;
	uint64_t pos;

	(void)state;
	await_asleep(r.fd, "o");
	assert_int_equal(dmp_claim(p, 1, &pos), 0);
	memset(dmp_slot(p, pos), 0xff, 56);
	dmp_publish(p, pos, 1);
	said = finish_command(&c);
	assert_one_line(&said, 1, "event 0 is not what 'dmp publish' writes");
	forget(&said);
	said = finish_command(&o);
	assert_one_line(&said, 1, "event 0 is not what 'dmp publish' writes");
	forget(&said);
	dmp_leave(p);
	remove_ring(&r);
}

static void output_that_cannot_be_written_is_not_released(void **state)
{
	static const char *const outputs[] = { ">/dev/full", ">&-", ">/dev/null <&- 1</dev/null" };
	struct ring r = stamped_ring();
	struct dmp_member *keeps = join(r.ring, DMP_ROLE_CONSUMER, "keeps");
	char line[128];
	size_t i;

	(void)state;
	must("echo | dmp publish %s", r.name.s);
	for (i = 0; i < ARRAY_SIZE(outputs); i++) {
		snprintf(line, sizeof(line), "dmp consume %s --from oldest %s", r.name.s, outputs[i]);
		must_fail(line, 1, "cannot write to the standard output", NULL);
	}
	dmp_leave(keeps);
	remove_ring(&r);
}

/* As every filter: killed by the signal, without a word. */
static void a_reader_that_leaves_ends_the_consumer(void **state)
{
	struct ring r = stamped_ring();
	struct dmp_member *keeps = join(r.ring, DMP_ROLE_CONSUMER, "keeps");
	struct name fifo = unique_name("/tmp/fifo");
	struct said said;

	(void)state;
	must("echo | dmp publish %s", r.name.s);
	said = run("mkfifo %s; exec 3<>%s 4>%s 3>&-; exec dmp consume %s --from oldest >&4", fifo.s, fifo.s, fifo.s,
		   r.name.s);
	assert_int_equal(said.status, 128 + SIGPIPE);
	assert_string_equal(said.err, "");
	forget(&said);
	unlink(fifo.s);
	dmp_leave(keeps);
	remove_ring(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_producer_is_told_of_the_first),
		cmocka_unit_test(a_consumer_that_cannot_join_is_told_why),
		cmocka_unit_test(input_that_cannot_be_read_publishes_nothing),
		cmocka_unit_test(a_block_that_does_not_fit_is_refused),
		cmocka_unit_test(events_of_others_are_not_taken_for_blocks),
		cmocka_unit_test(output_that_cannot_be_written_is_not_released),
		cmocka_unit_test(a_reader_that_leaves_ends_the_consumer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
