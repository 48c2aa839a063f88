// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_latency.c: the histograms of bpf/latency.bpf.c count what happened: no more, no less */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/latency.h"
#include "bpf/latency.skel.h"
#include "raw.h"

static struct latency_bpf *attached;

static int attach(void **state)
{
	(void)state;
	attached = latency_bpf__open_and_load();
	if (!attached)
		return -1;
	return latency_bpf__attach(attached);
}

static int detach(void **state)
{
	(void)state;
	latency_bpf__destroy(attached);
	return 0;
}

/* Of an anonymous ring; of a ring without one it is empty. */
static struct dmp_latency histogram_of(struct bpf_map *map, int ring)
{
	struct dmp_ring_key key = { .ring = ring_info(ring).id };
	struct dmp_latency h = { .count = 0 };

	memcpy(key.name, ring_info(ring).name, sizeof(key.name));
	bpf_map__lookup_elem(map, &key, sizeof(key), &h, sizeof(h), 0);
	return h;
}

static uint64_t sum(const struct dmp_latency *h)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < DMP_BUCKETS; i++)
		n += h->log2_ns[i];
	return n;
}

static void assert_counts(struct bpf_map *map, int ring, uint64_t count)
{
	struct dmp_latency h = histogram_of(map, ring);

	assert_int_equal(h.count, count);
	assert_int_equal(sum(&h), count);
}

/* ---- */

static void the_module_has_the_types_that_programs_ask_for(void **state)
{
	struct stat stat_buf;

	(void)state;
	assert_int_equal(stat("/sys/kernel/btf/dmp", &stat_buf), 0);
	assert_true(stat_buf.st_size > 0);
}

static void each_sleep_and_each_wake_is_counted_once(void **state)
{
	uint64_t i, n = rounds(200, 20000);
	struct pair x = make_pair();
	struct sleeper s;

	(void)state;
	for (i = 0; i < n; i++) {
		start_sleeper(&s, x.c.fd, i + 1, wait_long());
		await_asleep(x.ring, "c");
		raw_publish(&x.p, 1);
		raw_release(&x.c, i);
		assert_int_equal(finish_sleeper(&s), 0);
	}
	assert_int_equal(ring_info(x.ring).woken, n);
	assert_counts(attached->maps.wake_to_run, x.ring, n);
	assert_counts(attached->maps.time_asleep, x.ring, ring_info(x.ring).sleeps);
	end_pair(&x);
}

/* Bounds that hold however slow the machine is. */
static void the_times_lie_within_what_the_processes_saw(void **state)
{
	struct pair x = make_pair();
	uint64_t asleep, published, end;
	struct dmp_latency run, sleep;
	struct sleeper s;

	(void)state;
	start_sleeper(&s, x.c.fd, 1, wait_long());
	await_asleep(x.ring, "c");
	asleep = now_ns();
	usleep(3000);
	published = now_ns();
	raw_publish(&x.p, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	end = now_ns();
	run = histogram_of(attached->maps.wake_to_run, x.ring);
	sleep = histogram_of(attached->maps.time_asleep, x.ring);
	assert_int_equal(run.count, 1);
	assert_true(run.total_ns > 0 && run.total_ns <= end - published);
	assert_true(sleep.total_ns >= published - asleep);
	assert_true(sleep.total_ns >= run.total_ns);
	end_pair(&x);
}

/* Each latency in the bucket it belongs to: of one event the total says which. */
static void a_bucket_says_what_it_holds(void **state)
{
	struct pair x = make_pair();
	struct dmp_latency h;
	int i;

	(void)state;
	assert_int_equal(raw_wait(x.c.fd, 1, now_ns() + 5000000), -ETIMEDOUT);
	h = histogram_of(attached->maps.time_asleep, x.ring);
	assert_int_equal(h.count, 1);
	for (i = 0; i < DMP_BUCKETS; i++)
		assert_int_equal(h.log2_ns[i], h.total_ns >> i == 1);
	end_pair(&x);
}

static void who_runs_because_time_is_up_was_not_woken(void **state)
{
	struct pair x = make_pair();

	(void)state;
	assert_int_equal(raw_wait(x.c.fd, 1, now_ns() + 1000000), -ETIMEDOUT);
	assert_counts(attached->maps.time_asleep, x.ring, 1);
	assert_counts(attached->maps.wake_to_run, x.ring, 0);
	end_pair(&x);
}

static void who_polls_does_not_sleep_in_the_module(void **state)
{
	struct pair x = make_pair();
	struct pollfd poll_c = { .fd = x.c.fd, .events = POLLIN };

	(void)state;
	assert_int_equal(raw_arm(x.c.fd, 1), 0);
	raw_publish(&x.p, 1);
	assert_int_equal(poll(&poll_c, 1, 10000), 1);
	assert_int_equal(ring_info(x.ring).woken, 1);
	assert_counts(attached->maps.time_asleep, x.ring, 0);
	assert_counts(attached->maps.wake_to_run, x.ring, 0);
	end_pair(&x);
}

struct seen {
	int ring;
	uint64_t count;
};

static bool has_counted(void *arg)
{
	const struct seen *seen = arg;

	return histogram_of(attached->maps.kill_to_ungate, seen->ring).count >= seen->count;
}

static int consume_for_ever(void *ring)
{
	struct raw c = raw_join(*(int *)ring, DMP_ROLE_CONSUMER, "victim");

	return raw_wait(c.fd, 1, NEVER);
}

static void each_killed_consumer_is_counted_once(void **state)
{
	struct seen seen = { .ring = new_ring() };
	uint64_t before = now_ns();
	pid_t pid;

	(void)state;
	for (seen.count = 1; seen.count <= 5; seen.count++) {
		pid = start_child(consume_for_ever, &seen.ring);
		await_asleep(seen.ring, "victim");
		kill_child(pid);
		await_joined(seen.ring, 0);
		await(has_counted, &seen, "the killed consumer in the histogram"); /* which comes a little later */
		assert_counts(attached->maps.kill_to_ungate, seen.ring, seen.count);
	}
	assert_true(histogram_of(attached->maps.kill_to_ungate, seen.ring).total_ns <= now_ns() - before);
	close(seen.ring);
}

static void who_leaves_unasked_for_was_not_killed(void **state)
{
	struct pair x = make_pair();

	(void)state;
	raw_leave(&x.c);
	assert_counts(attached->maps.kill_to_ungate, x.ring, 0);
	raw_leave(&x.p);
	close(x.ring);
}

static uint64_t sleep_once(void)
{
	struct pair x = make_pair();
	uint64_t id = ring_info(x.ring).id;

	assert_int_equal(raw_wait(x.c.fd, 1, now_ns() + 1000), -ETIMEDOUT);
	end_pair(&x);
	return id;
}

static bool is_known(uint64_t id)
{
	struct dmp_ring_key key = { .ring = id };
	struct dmp_latency h;

	return !bpf_map__lookup_elem(attached->maps.time_asleep, &key, sizeof(key), &h, sizeof(h), 0);
}

static void the_last_rings_that_went_are_kept_and_the_maps_never_full(void **state)
{
	uint32_t zero = 0;
	uint64_t first = sleep_once(), last = 0, missed;
	int i;

	(void)state;
	assert_true(is_known(first));
	for (i = 0; i < 1100; i++)
		last = sleep_once();
	assert_true(is_known(last));
	assert_false(is_known(first));
	assert_int_equal(bpf_map__lookup_elem(attached->maps.missed, &zero, sizeof(zero), &missed, sizeof(missed), 0),
			 0);
	assert_int_equal(missed, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_module_has_the_types_that_programs_ask_for),
		cmocka_unit_test(each_sleep_and_each_wake_is_counted_once),
		cmocka_unit_test(the_times_lie_within_what_the_processes_saw),
		cmocka_unit_test(a_bucket_says_what_it_holds),
		cmocka_unit_test(who_runs_because_time_is_up_was_not_woken),
		cmocka_unit_test(who_polls_does_not_sleep_in_the_module),
		cmocka_unit_test(each_killed_consumer_is_counted_once),
		cmocka_unit_test(who_leaves_unasked_for_was_not_killed),
		cmocka_unit_test(the_last_rings_that_went_are_kept_and_the_maps_never_full),
	};

	return cmocka_run_group_tests(tests, attach, detach);
}
