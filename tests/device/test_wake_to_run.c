// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_wake_to_run.c: the histogram of bpf/latency.bpf.c agrees with the timestamps that events carry, within a bucket
 *
 * The two do not measure the same, but one lies within the other, and a third within both: a real-time process holds the
 * consumer's CPU from before the wake until a while after it, so that however fast the machine is the wake takes that long.
 *
 *     stamp        met        published                    end          runs        seen
 *       |           |             |<-------- held --------->|             |           |
 *       |           |<---------------- histogram ------------------------>|           |
 *       |<----------------------------- by the event -------------------------------->|
 *
 * If held and what the event says are in the same bucket or in neighbours, the histogram has no choice. Else the machine
 * did something else meanwhile: then only the bounds hold, and it is tried again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "bpf/latency.h"
#include "bpf/latency.skel.h"
#include "helpers.h"

#define RT_RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"
#define TRIES	   1000 /* of one length; on a quiet machine the first one counts */

static struct latency_bpf *attached;
static char rt_runtime[32];

/* ---- real time without an end: else all such processes together are held up for 50 ms of a second ---- */

static bool write_rt_runtime(const char *text)
{
	int fd = xopen(RT_RUNTIME, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

static bool read_rt_runtime(void)
{
	int fd = xopen(RT_RUNTIME, O_RDONLY);
	bool done = fd >= 0 && read(fd, rt_runtime, sizeof(rt_runtime) - 1) > 0;

	close(fd);
	return done;
}

static int set_up(void **state)
{
	(void)state;
	if (!read_rt_runtime() || !write_rt_runtime("-1"))
		return -1;
	attached = latency_bpf__open_and_load();
	return attached ? latency_bpf__attach(attached) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	latency_bpf__destroy(attached);
	return write_rt_runtime(rt_runtime) ? 0 : -1;
}

/* ---- one wake ---- */

struct wake {
	struct dmp_ring *ring;
	uint64_t hold;
	struct times {
		uint64_t holding; /* not a time, but yes */
		uint64_t stamp, published, end, seen;
	} * at; /* shared */
};

static void run_last(void)
{
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 }), 0);
}

static void run_first(unsigned int cpu, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	pin_to_cpu(cpu);
	assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &param), 0);
}

static int consume_one(void *arg)
{
	const struct dmp_join_options options = { .name = "c", .wait = &dmp_wait_block };
	struct wake *w = arg;
	struct dmp_member *c;
	struct dmp_batch batch;

	run_first(1, 1);
	assert_int_equal(dmp_join(w->ring, DMP_ROLE_CONSUMER, &options, &c), 0);
	assert_int_equal(dmp_wait_until(c, 1, &batch, wait_long()), 0);
	store_shared(&w->at->seen, now_ns());
	w->at->stamp = *(const uint64_t *)dmp_event(c, batch.pos);
	assert_int_equal(dmp_release(c, batch.end), 0);
	dmp_leave(c);
	return 0;
}

/* Holds the consumer's CPU, but not for ever. */
static int hold_cpu(void *arg)
{
	const uint64_t limit = wait_long();
	struct wake *w = arg;
	uint64_t published, now;

	run_first(1, 2);
	store_shared(&w->at->holding, 1);
	do {
		published = __atomic_load_n(&w->at->published, __ATOMIC_ACQUIRE);
		now = now_ns();
	} while (now < limit && (!published || now < published + w->hold));
	store_shared(&w->at->end, now);
	run_last(); /* the consumer need not wait for the end of this process as well */
	return now >= limit;
}

static void publish_stamp(struct wake *w, struct dmp_member *p, uint64_t pos)
{
	*(uint64_t *)dmp_slot(p, pos) = now_ns();
	dmp_publish(p, pos, 1);
	store_shared(&w->at->published, now_ns());
}

static void wake_one(struct wake *w)
{
	struct dmp_member *p = join(w->ring, DMP_ROLE_PRODUCER, "p");
	pid_t consumer = start_child(consume_one, w), holder;
	uint64_t pos;

	await_asleep(dmp_ring_fd(w->ring), "c");
	assert_int_equal(dmp_claim(p, 1, &pos), 0);
	holder = start_child(hold_cpu, w);
	await_shared(&w->at->holding, 1);
	publish_stamp(w, p, pos);
	assert_int_equal(finish_child(holder), 0);
	assert_int_equal(finish_child(consumer), 0);
	dmp_leave(p);
}

/* ---- what was counted ---- */

static uint32_t log2_of(uint64_t ns)
{
	return 63 - __builtin_clzll(ns);
}

/* Of a ring with one wake: the bucket that it is in. */
static uint32_t counted_in(struct dmp_ring *ring)
{
	struct dmp_ring_key key = { .ring = ring_info(dmp_ring_fd(ring)).id };
	struct dmp_latency h;
	uint32_t i = 0;

	assert_int_equal(bpf_map__lookup_elem(attached->maps.wake_to_run, &key, sizeof(key), &h, sizeof(h), 0), 0);
	assert_int_equal(h.count, 1);
	while (i < DMP_BUCKETS && !h.log2_ns[i])
		i++;
	assert_true(i < DMP_BUCKETS);
	assert_int_equal(h.log2_ns[i], 1);
	return i;
}

/* Returns whether the two times that the processes saw are close enough to each other. */
static bool agrees(const struct wake *w)
{
	uint32_t held = log2_of(w->at->end - w->at->published), event = log2_of(w->at->seen - w->at->stamp);
	uint32_t counted = counted_in(w->ring);

	if (event - held <= 1)
		assert_in_range(counted, event - 1, event + 1);
	assert_in_range(counted, held, event);
	return event - held <= 1;
}

static bool try_wake(uint64_t hold)
{
	struct wake w = { .hold = hold,
			  .ring = make_ring(512, sizeof(uint64_t), 0),
			  .at = shared_memory(sizeof(*w.at)) };
	bool close_enough;

	wake_one(&w);
	close_enough = agrees(&w);
	dmp_ring_close(w.ring);
	free_shared_memory(w.at, sizeof(*w.at));
	return close_enough;
}

static void wake_to_run_agrees_with_what_events_carry_within_a_bucket(void **state)
{
	uint64_t i, n = rounds(10, 500), ms;
	int tries, retried = 0;

	(void)state;
	pin_to_cpu(0);
	for (i = 0; i < n; i++)
		for (ms = 2; ms <= 32; ms *= 2) {
			for (tries = 1; !try_wake(ms * 1000000); tries++)
				assert_true(tries < TRIES);
			retried += tries - 1;
		}
	print_message("%d wakes agreed, %d more took too long to tell\n", (int)n * 5, retried);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wake_to_run_agrees_with_what_events_carry_within_a_bucket),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
