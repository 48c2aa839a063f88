// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_shm_wakes.c: sleep and be woken, over and over, in shared memory, and never miss it
 *
 *   producer ---> ring of one slot ---> first ---> second (waits for first)
 *      ^                                  |          |
 *      +----------- free slot ------------+----------+
 *
 * Everybody sleeps at once and for each event. This program's clock runs an hour ahead of the kernel's, so that nobody
 * looks up by himself: a wake that is lost is lost for good, and nothing moves any more. After each round the owners of
 * the sequences are made to believe that nobody has slept for long: they go back to quiet in the middle of the race, and
 * the next sleeper has to fence them again.
 */
#define _GNU_SOURCE
#include "native.h"

#define AHEAD_NS 3600000000000ULL

uint64_t dmp_sys_now(void)
{
	return now_ns() + AHEAD_NS;
}

struct game {
	struct dmp_ring *ring;
	uint64_t events;
	uint64_t seed;
	unsigned int cpus;
	bool quiet; /* go back to it all the time */
	uint64_t *moves;
};

/* As if nobody had slept for long: the next that fences in vain is quiet again. Only the test does such a thing. */
static void calm_down(const struct game *g, struct dmp_member *m)
{
	if (!g->quiet)
		return;
	dmp_store_once(m->line->slept, 0UL);
	m->fenced_looks = UINT32_MAX;
}

static int run_producer(void *arg)
{
	struct game *g = arg;
	struct dmp_member *p;
	uint64_t pos;

	pin_to_cpu(0);
	p = stress_join(g->ring, DMP_ROLE_PRODUCER, "p", &dmp_wait_block);
	await_members(g->ring, 3);
	for (uint64_t n = 0; n < g->events; n++) {
		assert_int_equal(dmp_claim(p, 1, &pos), 0);
		*(uint64_t *)dmp_slot(p, pos) = stress_word(pos, 0);
		stress_delay(&g->seed, 12);
		calm_down(g, p);
		dmp_publish(p, pos, 1);
		store_shared(g->moves, n + 1);
	}
	assert_int_equal(dmp_finish(p), 0);
	dmp_leave(p);
	return 0;
}

static void read_all(struct game *g, struct dmp_member *c)
{
	struct dmp_batch batch;
	uint64_t next = 0;
	int err;

	while (!(err = dmp_wait(c, 1, &batch))) {
		assert_int_equal(batch.pos, next);
		assert_true(*(const uint64_t *)dmp_event(c, next) == stress_word(next, 0));
		next = batch.end;
		stress_delay(&g->seed, 12);
		calm_down(g, c);
		assert_int_equal(dmp_release(c, next), 0);
	}
	assert_int_equal(err, -EPIPE);
	assert_int_equal(next, g->events);
	dmp_leave(c);
}

static int run_first(void *arg)
{
	struct game *g = arg;

	pin_to_cpu(g->cpus - 1);
	read_all(g, stress_join(g->ring, DMP_ROLE_CONSUMER, "first", &dmp_wait_block));
	return 0;
}

static int run_second(void *arg)
{
	struct game *g = arg;
	struct dmp_member_info m;

	pin_to_cpu(0);
	assert_true(stress_until(has_member(g->ring, "first", &m)));
	read_all(g, stress_after(g->ring, "second", "first", NULL, &dmp_wait_block));
	return 0;
}

/* What everybody is waiting for. */
static void print_state(const struct game *g)
{
	struct dmp_member *o = join(g->ring, DMP_ROLE_OBSERVER, "o");
	const struct dmp_notify *line = (const void *)((const char *)o->meta + o->meta->notify_off);
	struct dmp_member_info m[4];
	int n = dmp_ring_members(g->ring, m, ARRAY_SIZE(m));

	for (int i = 0; i < n && i < (int)ARRAY_SIZE(m); i++)
		print_message("%s: cursor %llu, waiting %u for %llu\n", m[i].name, m[i].cursor, m[i].waiting,
			      m[i].waits_target);
	for (int i = 0; i < 3; i++, line++)
		print_message("sequence %d: notify %lld, mode %u, settled %u, wakes %u\n", i, (long long)line->notify,
			      line->mode, line->settled, line->wakes);
}

/* Fails once nothing has moved for as long as no wake takes. */
static void watch_moves(const struct game *g)
{
	uint64_t seen = 0, since = now_ns();

	while (seen < g->events) {
		uint64_t moves = dmp_load_acquire(*g->moves);

		if (moves == seen && now_ns() - since > LONG_NS) {
			print_state(g);
			fail_msg("a wake was lost: nothing moves after event %" PRIu64, seen);
		}
		if (moves != seen)
			since = now_ns();
		seen = moves;
		stress_pause();
	}
}

static void play(uint32_t flags, unsigned int cpus, bool quiet)
{
	struct dmp_ring_options options = { .slots = 1, .flags = flags };
	struct address a = new_shm("wakes");
	struct game g = { .cpus = cpus, .quiet = quiet, .moves = shared_memory(sizeof(uint64_t)) };
	struct dmp_info info;
	pid_t pid[3];

	options.event_size = flags & DMP_RING_STAMPED ? DMP_PAGE - 8 : DMP_PAGE;
	assert_int_equal(dmp_ring_create(&g.ring, a.s, &options), 0);
	g.events = rounds(50000, 1000000) / 6 + 1; /* one of six such plays */
	g.seed = stress_seed();
	pid[0] = start_child(run_first, &g);
	g.seed++;
	pid[1] = start_child(run_second, &g);
	g.seed++;
	pid[2] = start_child(run_producer, &g);
	watch_moves(&g);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finish_child(pid[i]), 0);
	info = info_of(g.ring);
	print_message("%" PRIu64 " events, %llu sleeps, %llu woken, %llu membarriers\n", g.events, info.sleeps,
		      info.woken, info.fences);
	assert_in_range(info.sleeps, g.events / 2, UINT64_MAX);
	if (quiet && !(flags & DMP_RING_FENCED))
		assert_in_range(info.fences, 10, UINT64_MAX);
	dmp_ring_close(g.ring);
	free_shared_memory(g.moves, sizeof(uint64_t));
}

static void packed_rings_lose_no_wake_on_one_cpu(void **state)
{
	(void)state;
	play(0, 1, true);
}

static void packed_rings_lose_no_wake_on_two_cpus(void **state)
{
	(void)state;
	play(0, 2, true);
}

static void stamped_rings_lose_no_wake_on_one_cpu(void **state)
{
	(void)state;
	play(DMP_RING_STAMPED, 1, true);
}

static void stamped_rings_lose_no_wake_on_two_cpus(void **state)
{
	(void)state;
	play(DMP_RING_STAMPED, 2, true);
}

static void rings_that_stay_fenced_by_themselves_lose_no_wake(void **state)
{
	(void)state;
	play(0, 2, false);
}

static void fenced_rings_lose_no_wake(void **state)
{
	(void)state;
	play(DMP_RING_FENCED, 2, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_rings_lose_no_wake_on_one_cpu),
		cmocka_unit_test(packed_rings_lose_no_wake_on_two_cpus),
		cmocka_unit_test(stamped_rings_lose_no_wake_on_one_cpu),
		cmocka_unit_test(stamped_rings_lose_no_wake_on_two_cpus),
		cmocka_unit_test(rings_that_stay_fenced_by_themselves_lose_no_wake),
		cmocka_unit_test(fenced_rings_lose_no_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
