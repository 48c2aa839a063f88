// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_sample.c: the tracepoint that tells what members have counted, while somebody listens */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "positions.h"

#define TRACE	"/sys/kernel/tracing/instances/dmp-test/"
#define SAMPLE	TRACE "events/dmp/dmp_sample/enable"
#define WORK	TRACE "events/workqueue/workqueue_execute_start/enable"
#define MS	"/sys/module/dmp/parameters/sample_ms"
#define AN_HOUR "3600000"

static struct dmp_ring *ring;

static void set(const char *file, const char *value)
{
	int fd = xopen(file, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static bool traced(const char *first, const char *second)
{
	FILE *f = fopen(TRACE "trace", "r");
	char line[1024];
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, first) && strstr(line, second);
	fclose(f);
	return found;
}

static bool has_told(void *what)
{
	return traced("dmp_sample:", what);
}

static bool has_worked(void *arg)
{
	(void)arg;
	return traced("workqueue_execute_start:", "sample_work");
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(mkdir(TRACE, 0700), 0);
	ring = ring_of_n();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	set(SAMPLE, "0");
	set(MS, "100");
	dmp_ring_close(ring);
	assert_int_equal(rmdir(TRACE), 0);
	return 0;
}

static void who_listens_is_told_what_each_member_has_counted(void **state)
{
	struct dmp_member *p = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	set(MS, "5");
	set(SAMPLE, "1");
	publish(p, 5);
	expect(c, 0, 5);
	await(has_told, "name=p published=5 consumed=0 bytes=280", "the producer's counters");
	await(has_told, "name=c published=0 consumed=5 bytes=280", "the consumer's");
	dmp_leave(c);
	dmp_leave(p);
}

static int publish_and_wait(void *shared)
{
	publish(producer(ring), 7);
	store_shared(shared, 1);
	pause();
	return 0;
}

static void the_last_values_are_told_when_a_member_leaves_or_dies(void **state)
{
	uint64_t *shared = shared_memory(sizeof(*shared));
	struct dmp_member *p = producer(ring);
	pid_t child;

	(void)state;
	set(MS, AN_HOUR);
	set(SAMPLE, "1");
	publish(p, 3);
	dmp_leave(p);
	await(has_told, "name=p published=3 ", "what it had counted when it left");
	child = start_child(publish_and_wait, shared);
	await_shared(shared, 1);
	kill_child(child);
	await(has_told, "name=p published=7 ", "what it had counted when it was killed");
	free_shared_memory(shared, sizeof(*shared));
}

static void while_nobody_listens_nobody_looks(void **state)
{
	struct dmp_member *p = producer(ring);
	uint64_t end;

	(void)state;
	set(MS, "1");
	set(WORK, "1");
	set(SAMPLE, "1");
	await(has_worked, NULL, "a round of samples");
	set(SAMPLE, "0");
	set(TRACE "trace", "0");
	for (end = now_ns() + 50000000; now_ns() < end;)
		publish(p, 1);
	set(WORK, "0");
	assert_false(has_worked(NULL));
	dmp_leave(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_listens_is_told_what_each_member_has_counted),
		TEST(the_last_values_are_told_when_a_member_leaves_or_dies),
		TEST(while_nobody_listens_nobody_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
