// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_file_crash.c: everybody in a file ring is killed at random moments, and the ring goes on
 *
 *   producer ---> ring ---> a ---> b (waits for a)
 *
 * After the SIGKILLs the ring is opened again, every other time as after a reboot: then nothing but what was synced is
 * believed. It holds a contiguous run of what was published, no torn event, and the consumers go on where they were, or
 * before.
 */
#include "native.h"
#include "segment.h"

#define CONSUMERS 2

static const char *const names[CONSUMERS] = { "a", "b" };

/* Shared: what the processes have seen done. */
struct board {
	uint64_t boot;
	uint64_t steps;		       /* publishes */
	uint64_t published;	       /* at least */
	uint64_t claimed;	       /* published is no more */
	uint64_t released[CONSUMERS];  /* at least */
	uint64_t releasing[CONSUMERS]; /* no more */
	uint64_t synced;	       /* published when the last completed sync began */
	uint64_t synced_at[CONSUMERS]; /* and released */
};

static struct board *board;

struct actor {
	struct address a;
	uint64_t seed;
	int index;
};

void dmp_sys_boot(char *id)
{
	memset(id, 0, DMP_BOOT_MAX);
	snprintf(id, DMP_BOOT_MAX, "boot-%" PRIu64, dmp_load_acquire(board->boot));
}

/* ---- the actors ---- */

static void sync_now(const struct dmp_ring *ring)
{
	uint64_t published = dmp_load_acquire(board->published), at[CONSUMERS];

	for (int i = 0; i < CONSUMERS; i++)
		at[i] = dmp_load_acquire(board->released[i]);
	assert_int_equal(dmp_ring_sync(ring), 0);
	for (int i = 0; i < CONSUMERS; i++)
		store_shared(&board->synced_at[i], at[i]);
	store_shared(&board->synced, published);
}

static _Noreturn int produce(void *arg)
{
	struct actor *x = arg;
	struct dmp_ring *ring = open_ring(&x->a);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	uint64_t pos;

	for (;;) {
		uint64_t n = 1 + stress_below(&x->seed, 16);

		assert_int_equal(dmp_claim(p, n, &pos), 0);
		store_shared(&board->claimed, pos + n);
		for (uint64_t i = 0; i < n; i++)
			stress_fill(dmp_slot(p, pos + i), dmp_event_size(p), pos + i);
		dmp_publish(p, pos, n);
		store_shared(&board->published, pos + n);
		store_shared(&board->steps, board->steps + 1);
		if (!stress_below(&x->seed, 50))
			sync_now(ring);
	}
}

static struct dmp_member *join_consumer(struct dmp_ring *ring, int index)
{
	const char *const after[] = { names[0] };

	return index ? join_after(ring, names[1], after, 1) : join(ring, DMP_ROLE_CONSUMER, names[0]);
}

static _Noreturn int read_on(void *arg)
{
	const struct actor *x = arg;
	struct dmp_ring *ring = open_ring(&x->a);
	struct dmp_member *c = join_consumer(ring, x->index);
	struct dmp_batch batch;

	for (;;) {
		if (dmp_wait(c, 1, &batch))
			continue; /* before the producer: the last one's end */
		for (uint64_t n = batch.pos; n < batch.end; n++)
			assert_true(is_intact(c, n));
		store_shared(&board->releasing[x->index], batch.end);
		assert_int_equal(dmp_release(c, batch.end), 0);
		store_shared(&board->released[x->index], batch.end);
	}
}

/* ---- after the crash ---- */

static void check_consumer(struct dmp_member *c, int i, uint64_t cursor, bool rebooted)
{
	uint64_t at = dmp_position(c);

	assert_in_range(at, rebooted ? board->synced_at[i] : board->released[i], board->releasing[i]);
	consume(c);
	assert_int_equal(dmp_position(c), cursor);
	store_shared(&board->released[i], cursor);
	store_shared(&board->releasing[i], cursor);
}

/* They leave, and the next ones join at the latest, which is here. */
static void check_consumers(struct dmp_ring *ring, uint64_t cursor, bool rebooted)
{
	struct dmp_member *c[CONSUMERS];

	for (int i = 0; i < CONSUMERS; i++)
		c[i] = join_consumer(ring, i);
	for (int i = 0; i < CONSUMERS; i++)
		check_consumer(c[i], i, cursor, rebooted);
	for (int i = 0; i < CONSUMERS; i++)
		dmp_leave(c[i]);
}

/* Open: what follows begins with what is on the disk then. */
static void check_ring(const struct address *a, bool rebooted)
{
	struct dmp_ring *ring;
	uint64_t cursor;

	board->boot += rebooted;
	ring = open_ring(a);
	cursor = info_of(ring).cursor;
	assert_in_range(cursor, rebooted ? board->synced : board->published, board->claimed);
	check_consumers(ring, cursor, rebooted);
	board->published = board->claimed = cursor;
	sync_now(ring);
	dmp_ring_close(ring);
}

static void start_actors(const struct address *a, uint64_t *seed, pid_t *pid)
{
	struct actor x = { .a = *a };

	for (x.index = 0; x.index < CONSUMERS; x.index++) {
		struct dmp_ring *ring = open_ring(a);

		pid[x.index] = start_child(read_on, &x);
		await_members(ring, (uint32_t)x.index + 1);
		dmp_ring_close(ring);
	}
	x.seed = stress_random(seed);
	pid[CONSUMERS] = start_child(produce, &x);
}

static void crash_once(const struct address *a, uint64_t *seed, bool rebooted)
{
	uint64_t enough = board->steps + stress_below(seed, 200);
	pid_t pid[CONSUMERS + 1];

	start_actors(a, seed, pid);
	await_shared(&board->steps, enough);
	stress_delay(seed, 18);
	for (int i = 0; i <= CONSUMERS; i++)
		assert_int_equal(kill(pid[i], SIGKILL), 0);
	for (int i = 0; i <= CONSUMERS; i++)
		assert_int_equal(finish_child(pid[i]), 128 + SIGKILL);
	check_ring(a, rebooted);
}

static void crash_again_and_again(uint32_t flags)
{
	struct address a = new_file("crash");
	uint64_t seed = stress_seed(), crashes = rounds(100, 500);
	struct dmp_ring_options options = native_options(flags);
	struct dmp_ring *ring = NULL;

	board = shared_memory(sizeof(*board));
	options.slots = 256;
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0);
	dmp_ring_close(ring);
	for (uint64_t i = 0; i < crashes; i++)
		crash_once(&a, &seed, i % 2);
	print_message("%" PRIu64 " crashes, %" PRIu64 " events\n", crashes, board->published);
	assert_in_range(board->published, crashes, UINT64_MAX);
	free_shared_memory(board, sizeof(*board));
}

static void packed_rings_go_on_after_a_crash(void **state)
{
	(void)state;
	crash_again_and_again(0);
}

static void stamped_rings_go_on_after_a_crash(void **state)
{
	(void)state;
	crash_again_and_again(DMP_RING_STAMPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_rings_go_on_after_a_crash),
		cmocka_unit_test(stamped_rings_go_on_after_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
