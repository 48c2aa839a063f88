// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_stream.c: the tool: dmp publish and dmp consume: bytes come out as they went in, and ends are told apart */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmp.h>

#include "shell.h"

#define BLOCK 52 /* bytes of data in an event of 56 */
#define SLOTS 64

struct awaited {
	const struct ring *ring;
	uint64_t cursor;
};

static bool is_published(void *arg)
{
	const struct awaited *a = arg;

	return ring_info(a->ring->fd).cursor >= a->cursor;
}

static void await_cursor(const struct ring *r, uint64_t cursor)
{
	struct awaited a = { r, cursor };

	await(is_published, &a, "events");
}

static void expect_bytes(struct command *c, const void *bytes, size_t size)
{
	struct said said = finish_command(c);

	assert_string_equal(said.err, "");
	assert_int_equal(said.status, 0);
	assert_int_equal(said.size, size);
	assert_memory_equal(said.out, bytes, size);
	forget(&said);
}

/* Every byte there is, zeros too, in no short period. */
static char *some_bytes(size_t size)
{
	char *bytes = malloc(size + 1);
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < size; i++)
		bytes[i] = (char)(i % 7 ? i * 31 + i / 256 : 0);
	return bytes;
}

/* ---- bytes ---- */

static void pass_through(struct ring r, size_t size)
{
	char *bytes = some_bytes(size);
	struct name file = write_file(bytes, size);
	struct command a = start_consumer(&r, "a", ""), b = start_consumer(&r, "b", "--after a");

	must("dmp publish %s %s", r.name.s, file.s);
	assert_int_equal(ring_info(r.fd).cursor, (size + BLOCK - 1) / BLOCK);
	assert_int_equal(ring_info(r.fd).ended, DMP_END_CLEAN);
	expect_bytes(&a, bytes, size);
	expect_bytes(&b, bytes, size);
	unlink(file.s);
	free(bytes);
	remove_ring(&r);
}

static void bytes_come_out_as_they_went_in(void **state)
{
	static const size_t sizes[] = { 0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4096, 40000 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i += is_debug_kernel() ? 3 : 1) {
		pass_through(stamped_ring(), sizes[i]);
		pass_through(packed_ring(), sizes[i]);
	}
}

static void events_are_of_the_block_that_was_asked_for(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", "");

	(void)state;
	must("printf 0123456789 | dmp publish %s - --block 4", r.name.s);
	assert_int_equal(ring_info(r.fd).cursor, 3);
	expect_bytes(&c, "0123456789", 10);
	remove_ring(&r);
}

static void a_slow_input_is_published_as_it_comes(void **state)
{
	struct name fifo = unique_name("/tmp/fifo");
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", ""), p;
	struct said said;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(fifo.s, 0600), 0);
	p = start_command("dmp publish %s %s", r.name.s, fifo.s);
	fd = open(fifo.s, O_WRONLY);
	assert_int_equal(write(fd, "a", 1), 1);
	await_cursor(&r, 1);
	assert_int_equal(write(fd, "bc", 2), 2);
	await_cursor(&r, 2);
	close(fd);
	said = finish_command(&p);
	assert_int_equal(said.status, 0);
	forget(&said);
	expect_bytes(&c, "abc", 3);
	unlink(fifo.s);
	remove_ring(&r);
}

/* ---- where to start, when to end ---- */

static void a_consumer_starts_where_it_is_told(void **state)
{
	struct ring r = stamped_ring();
	struct dmp_member *keeps = join(r.ring, DMP_ROLE_CONSUMER, "keeps"); /* so that all of it is there still */
	struct command c;

	(void)state;
	must("printf abcdef | dmp publish %s --block 1", r.name.s);
	c = start_command("dmp consume %s --from oldest", r.name.s);
	expect_bytes(&c, "abcdef", 6);
	c = start_command("dmp consume %s --from 0x4", r.name.s);
	expect_bytes(&c, "ef", 2);
	c = start_command("dmp consume %s --from oldest --count 3", r.name.s);
	expect_bytes(&c, "abc", 3);
	c = start_command("dmp consume %s --observe --from 2", r.name.s);
	expect_bytes(&c, "cdef", 4);
	c = start_command("dmp consume %s", r.name.s);
	expect_bytes(&c, "", 0);
	dmp_leave(keeps);
	remove_ring(&r);
}

static void a_position_that_is_gone_or_to_come_is_refused(void **state)
{
	struct ring r = stamped_ring();
	char line[128];

	(void)state;
	must("printf abcdef | dmp publish %s --block 1", r.name.s);
	snprintf(line, sizeof(line), "dmp consume %s --from 3", r.name.s);
	must_fail(line, 1, "event 3", "from 6", NULL);
	snprintf(line, sizeof(line), "dmp consume %s --from 7", r.name.s);
	must_fail(line, 1, "event 7", "to 6", NULL);
	remove_ring(&r);
}

static void count_ends_in_the_middle_of_a_batch(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", "--count 2");

	(void)state;
	must("printf abcdef | dmp publish %s --block 1", r.name.s);
	expect_bytes(&c, "ab", 2);
	remove_ring(&r);
}

static void who_follows_goes_on_with_the_next_producer(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", "--follow --count 4");
	struct command o = start_command("dmp consume %s --as o --observe --follow --count 4", r.name.s);

	(void)state;
	await_asleep(r.fd, "o");
	must("printf ab | dmp publish %s --block 1", r.name.s);
	must("printf c | dmp publish %s --block 1", r.name.s);
	must("printf de | dmp publish %s --block 1", r.name.s);
	expect_bytes(&c, "abcd", 4);
	expect_bytes(&o, "abcd", 4);
	remove_ring(&r);
}

static void a_killed_producer_is_no_clean_end(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", ""), p;
	struct name fifo = unique_name("/tmp/fifo");
	struct said said;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(fifo.s, 0600), 0);
	p = start_command("dmp publish %s %s", r.name.s, fifo.s);
	fd = open(fifo.s, O_WRONLY);
	assert_int_equal(write(fd, "a", 1), 1);
	await_cursor(&r, 1);
	kill(p.pid, SIGKILL);
	said = finish_command(&p);
	assert_int_equal(said.status, 128 + SIGKILL);
	forget(&said);
	said = finish_command(&c);
	assert_one_line(&said, 1, "without finishing");
	assert_string_equal(said.out, "a");
	forget(&said);
	close(fd);
	unlink(fifo.s);
	remove_ring(&r);
}

static void a_signal_ends_a_consumer_with_its_stats(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", "--stats");
	struct said said;

	(void)state;
	kill(c.pid, SIGTERM);
	said = finish_command(&c);
	assert_int_equal(said.status, 128 + SIGTERM);
	assert_non_null(strstr(said.err, " events=0 "));
	assert_non_null(strstr(said.err, " sleeps=1 "));
	forget(&said);
	remove_ring(&r);
}

static void stats_count_what_was_done(void **state)
{
	struct ring r = stamped_ring();
	struct command c = start_consumer(&r, "c", "--stats");
	struct said p = run("printf 0123456789 | dmp publish %s --block 4 --stats", r.name.s), said;

	(void)state;
	assert_non_null(strstr(p.err, " events=3 bytes=10 batches=1 mean_batch=3.0 max_batch=3 "));
	assert_non_null(strstr(p.err, " wakes=1 empty=0 "));
	said = finish_command(&c);
	assert_non_null(strstr(said.err, "name=c events=3 bytes=10 "));
	assert_non_null(strstr(said.err, " futile=0 "));
	assert_non_null(strstr(said.err, " late=0 "));
	forget(&p);
	forget(&said);
	remove_ring(&r);
}

/* ---- observers ---- */

static void an_observer_tells_what_it_lost(void **state)
{
	struct ring r = stamped_ring();
	char *bytes = some_bytes(10 * SLOTS * BLOCK);
	struct name file = write_file(bytes, 10 * SLOTS * BLOCK);
	struct said said;

	(void)state;
	must("dmp publish %s %s", r.name.s, file.s);
	said = run("dmp consume %s --observe --from 0", r.name.s);
	assert_one_line(&said, 0, "576 events were overwritten"); /* all but a ring's worth */
	assert_int_equal(said.size, SLOTS * BLOCK);
	assert_memory_equal(said.out, bytes + 9 * SLOTS * BLOCK, SLOTS * BLOCK);
	forget(&said);
	unlink(file.s);
	free(bytes);
	remove_ring(&r);
}

static void an_observer_holds_nobody_up(void **state)
{
	struct ring r = stamped_ring();
	struct command o = start_command("dmp consume %s --observe --as o", r.name.s);
	struct said said;

	(void)state;
	await_asleep(r.fd, "o");
	kill(o.pid, SIGSTOP);
	await_armed(r.fd, "o");
	must("head -c %d /dev/zero | dmp publish %s", 10 * SLOTS * BLOCK, r.name.s);
	kill(o.pid, SIGCONT);
	said = finish_command(&o);
	assert_one_line(&said, 0, "576 events were overwritten");
	assert_int_equal(said.size, SLOTS * BLOCK);
	forget(&said);
	remove_ring(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(events_are_of_the_block_that_was_asked_for),
		cmocka_unit_test(a_slow_input_is_published_as_it_comes),
		cmocka_unit_test(a_consumer_starts_where_it_is_told),
		cmocka_unit_test(a_position_that_is_gone_or_to_come_is_refused),
		cmocka_unit_test(count_ends_in_the_middle_of_a_batch),
		cmocka_unit_test(who_follows_goes_on_with_the_next_producer),
		cmocka_unit_test(a_killed_producer_is_no_clean_end),
		cmocka_unit_test(a_signal_ends_a_consumer_with_its_stats),
		cmocka_unit_test(stats_count_what_was_done),
		cmocka_unit_test(an_observer_tells_what_it_lost),
		cmocka_unit_test(an_observer_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
