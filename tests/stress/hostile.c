/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * hostile: members that write whatever they can, wherever they may, and call the kernel at random meanwhile
 *
 *   a hostile consumer   scribbles over its own pages            the others see nothing but a slow consumer
 *   a hostile producer   scribbles over cursor, claimed, slots   the others read rubbish, and stay in the mapping
 *
 * Work is counted in operations, so that it does not hang on the machine. The kernel's own view (KASAN, lockdep, its log)
 * is judged by whoever runs the test.
 */
#define _GNU_SOURCE
#include <dmp/order.h>

#include "hostile_calls.h"

#define CALLERS 2

/* Shared by all. */
struct board {
	uint64_t joined; /* members that are there */
	uint64_t stop;
	uint64_t read; /* events, by honest members */
	uint64_t calls, succeeded;
};

struct part {
	struct dmp_ring *ring;
	uint64_t operations, seed;
	uint32_t role; /* the hostile one's */
	const char *name;
	struct board *board;
};

static void count(uint64_t *word, uint64_t n)
{
	__atomic_add_fetch(word, n, __ATOMIC_ACQ_REL);
}

static bool goes_on(const struct part *p)
{
	return !dmp_load_acquire(p->board->stop);
}

/* ---- the hostile one ---- */

struct scribbler {
	struct raw *own;
	uint64_t seed;
	uint64_t stop;
};

static void scribble(struct scribbler *s)
{
	uint64_t *self = (uint64_t *)s->own->self, *cursor = (uint64_t *)s->own->cursor,
		 *data = (uint64_t *)s->own->data;
	uint64_t bad = bad_position(&s->seed, raw_cursor(s->own));

	dmp_store_once(s->own->own->cursor, bad_position(&s->seed, raw_cursor(s->own)));
	dmp_store_once(self[stress_below(&s->seed, s->own->meta->member_size / 8)], bad);
	if (s->own->role != DMP_ROLE_PRODUCER)
		return;
	dmp_store_once(s->own->cursor->cursor, bad_position(&s->seed, raw_cursor(s->own)));
	dmp_store_once(s->own->cursor->claimed, bad);
	dmp_store_once(cursor[stress_below(&s->seed, DMP_PAGE / 8)], bad);
	dmp_store_once(data[stress_below(&s->seed, 2 * s->own->meta->data_size / 8)],
		       4 * bad + stress_below(&s->seed, 4));
}

static void *scribble_on(void *arg)
{
	struct scribbler *s = arg;

	while (!dmp_load_acquire(s->stop)) {
		scribble(s);
		stress_delay(&s->seed, 12);
	}
	return NULL;
}

/* Drop: else those who come after it would fail with it, as they are to. */
static struct raw join_evil(int ring, uint32_t role)
{
	struct dmp_join args = join_args(role, "evil");

	if (role == DMP_ROLE_CONSUMER)
		args.policy = DMP_POLICY_DROP;
	return raw_join_with(ring, &args);
}

static int attack(void *arg)
{
	struct part *p = arg;
	int ring = dmp_ring_fd(p->ring);
	struct raw own = join_evil(ring, p->role);
	struct scribbler s = { .own = &own, .seed = stress_random(&p->seed) };
	struct caller callers[CALLERS];
	pthread_t threads[CALLERS], scribbling;

	count(&p->board->joined, 1);
	await_shared(&p->board->joined, 4);
	assert_int_equal(pthread_create(&scribbling, NULL, scribble_on, &s), 0);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){
			.ring = ring,
			.own = &own,
			.seed = stress_random(&p->seed),
			.operations = p->operations / CALLERS,
		};
		assert_int_equal(pthread_create(&threads[i], NULL, call_at_random, &callers[i]), 0);
	}
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		count(&p->board->calls, callers[i].operations);
		count(&p->board->succeeded, callers[i].succeeded);
	}
	store_shared(&s.stop, 1);
	assert_int_equal(pthread_join(scribbling, NULL), 0);
	return 0;
}

/* ---- honest ones, beside a hostile consumer ---- */

static int produce(void *arg)
{
	struct part *p = arg;
	struct dmp_member *m = stress_join(p->ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_sleep);
	uint64_t pos;

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		uint64_t n = 1 + stress_below(&p->seed, 8);
		int ret = dmp_claim_until(m, n, &pos,
					  now_ns() + LONG_NS / 1000); /* a held-up ring must not hold us too */

		if (ret == -ETIMEDOUT)
			continue;
		assert_int_equal(ret, 0);
		for (uint64_t i = 0; i < n; i++)
			stress_fill(dmp_slot(m, pos + i), dmp_event_size(m), pos + i);
		dmp_publish(m, pos, n);
	}
	dmp_leave(m);
	return 0;
}

static void check_batch(const struct dmp_member *m, const struct dmp_batch *batch)
{
	for (uint64_t pos = batch->pos; pos < batch->end; pos++)
		if (!stress_intact(dmp_event(m, pos), dmp_event_size(m), pos))
			fail_msg("position %" PRIu64 " is not what was published there", pos);
}

/* No gap, nothing unpublished, nothing overwritten before its release; until want events or the end of the stream. */
static uint64_t consume_some(struct part *p, struct dmp_member *m, uint64_t want)
{
	uint64_t start = dmp_position(m), next = start;
	struct dmp_batch batch;
	int ret = 0;

	while (next - start < want) {
		ret = dmp_wait_until(m, 1, &batch, now_ns() + LONG_NS / 1000);
		if (ret == -ETIMEDOUT)
			continue;
		if (ret)
			break;
		assert_int_equal(batch.pos, next);
		assert_in_range(batch.end, next + 1, next + SLOTS);
		check_batch(m, &batch);
		stress_delay(&p->seed, 8);
		check_batch(m, &batch);
		assert_int_equal(dmp_release(m, batch.end), 0);
		count(&p->board->read, batch.end - next);
		next = batch.end;
	}
	assert_true(ret == 0 || ret == -EPIPE);
	return next;
}

static int consume_all(void *arg)
{
	struct part *p = arg;
	bool depends = strcmp(p->name, "honest");
	struct dmp_member *m = depends ? stress_after(p->ring, p->name, "evil", NULL, &dmp_wait_sleep)
				       : stress_join(p->ring, DMP_ROLE_CONSUMER, p->name, &dmp_wait_sleep);
	uint64_t end;

	count(&p->board->joined, 1);
	end = consume_some(p, m, UINT64_MAX);
	assert_int_equal(end, stress_info(p->ring).cursor);
	dmp_leave(m);
	return 0;
}

/* Joins at the latest position, again and again. */
static int come_and_go(void *arg)
{
	struct part *p = arg;

	while (goes_on(p)) {
		struct dmp_member *m = stress_join(p->ring, DMP_ROLE_CONSUMER, p->name, &dmp_wait_sleep);

		consume_some(p, m, goes_on(p) ? stress_below(&p->seed, 100) : 0);
		dmp_leave(m);
	}
	return 0;
}

/* ---- the tests ---- */

static struct part cast(struct dmp_ring *ring, uint32_t role, uint64_t seed)
{
	return (struct part){
		.ring = ring,
		.operations = rounds(40000, 1000000),
		.seed = seed,
		.role = role,
		.board = shared_memory(sizeof(struct board)),
	};
}

static pid_t send_in(int (*play)(void *), struct part *p, const char *name)
{
	p->name = name;
	p->seed++;
	return start_child(play, p);
}

/* The kernel is sound: whatever was there is gone, and new things work. */
static void check_aftermath(struct part *p, const char *kind, const char *who)
{
	print_message("%s, hostile %s: %" PRIu64 " calls, %" PRIu64 " of them succeeded; %" PRIu64
		      " events read meanwhile\n",
		      kind, who, p->board->calls, p->board->succeeded, p->board->read);
	assert_true(p->board->succeeded > 0);
	assert_int_equal(stress_info(p->ring).joined, 0);
	dmp_ring_close(p->ring);
	free_shared_memory(p->board, sizeof(struct board));
}

static void attack_as_consumer(const struct stress_kind *kind, uint64_t seed)
{
	struct part p = cast(stress_ring(kind, SLOTS), DMP_ROLE_CONSUMER, seed);
	pid_t evil = send_in(attack, &p, NULL), honest[4];
	uint64_t from;

	await_shared(&p.board->joined, 1);
	honest[0] = send_in(consume_all, &p, "honest");
	honest[1] = send_in(consume_all, &p, "dependant");
	honest[2] = send_in(produce, &p, NULL);
	honest[3] = send_in(come_and_go, &p, "visitor");
	assert_int_equal(finish_child(evil), 0);
	/* It has gone, its guests too: the ring moves freely. */
	from = stress_info(p.ring).cursor;
	assert_true(stress_until(stress_info(p.ring).cursor > from + 4 * SLOTS));
	store_shared(&p.board->stop, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(finish_child(honest[i]), 0);
	assert_true(p.board->read > 0);
	check_aftermath(&p, kind->name, "consumer");
}

static void hostile_consumer_hurts_nobody(void **state)
{
	uint64_t seed = stress_seed();

	(void)state;
	stress_each_kind(kind) attack_as_consumer(kind, seed);
}

/* ---- beside a hostile producer: whatever is shown is within the ring, and is read to its last byte ---- */

static uint64_t touch(const struct dmp_member *m, const struct dmp_batch *batch)
{
	uint64_t sum = 0;

	for (uint64_t pos = batch->pos; pos != batch->end; pos++) {
		const uint64_t *event = dmp_event(m, pos);

		for (uint32_t i = 0; i < dmp_event_size(m) / 8; i++)
			sum += dmp_load_once(event[i]);
	}
	return sum;
}

static bool is_no_event(int ret)
{
	return ret == -ETIMEDOUT || ret == -EPIPE;
}

static int suffer(void *arg)
{
	struct part *p = arg;
	bool depends = strcmp(p->name, "honest");
	struct dmp_member *m = depends ? stress_after(p->ring, p->name, "honest", NULL, &dmp_wait_sleep)
				       : stress_join(p->ring, DMP_ROLE_CONSUMER, p->name, &dmp_wait_sleep);
	uint64_t next = dmp_position(m), sum = 0;
	struct dmp_batch batch;

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		int ret = dmp_wait_until(m, 1, &batch, now_ns() + LONG_NS / 10000);

		if (is_no_event(ret))
			continue;
		assert_int_equal(ret, 0);
		assert_int_equal(batch.pos, next);
		assert_in_range(batch.end - batch.pos, 1, SLOTS);
		sum += touch(m, &batch);
		assert_int_equal(dmp_release(m, batch.end), 0);
		count(&p->board->read, batch.end - next);
		next = batch.end;
	}
	dmp_leave(m);
	return sum == 1; /* the sum is wanted, so that the reads are made */
}

static int look_on(void *arg)
{
	struct part *p = arg;
	struct dmp_member *m = stress_join(p->ring, DMP_ROLE_OBSERVER, p->name, &dmp_wait_sleep);
	uint64_t event[EVENT / 8], next = dmp_position(m), pos, lost;

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		int ret = dmp_observe_until(m, event, &pos, &lost, now_ns() + LONG_NS / 10000);

		if (is_no_event(ret))
			continue;
		assert_int_equal(ret, 0);
		assert_int_equal(pos, next + lost);
		next = pos + 1;
	}
	dmp_leave(m);
	return 0;
}

static void attack_as_producer(const struct stress_kind *kind, uint64_t seed)
{
	struct part p = cast(stress_ring(kind, SLOTS), DMP_ROLE_PRODUCER, seed);
	pid_t evil, honest[3];

	honest[0] = send_in(suffer, &p, "honest");
	await_shared(&p.board->joined, 1);
	honest[1] = send_in(suffer, &p, "dependant");
	honest[2] = send_in(look_on, &p, "observer");
	evil = send_in(attack, &p, NULL);
	assert_int_equal(finish_child(evil), 0);
	store_shared(&p.board->stop, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finish_child(honest[i]), 0);
	check_aftermath(&p, kind->name, "producer");
}

static void hostile_producer_leads_nobody_outside_the_ring(void **state)
{
	uint64_t seed = stress_seed();

	(void)state;
	stress_each_kind(kind) attack_as_producer(kind, seed);
}

/* A cursor ahead of the stamps: the kernel goes by the one, a reader by the other. */
static void deadline_holds_though_a_producer_lies(void **state)
{
	struct dmp_ring *ring = stress_ring(&stress_kinds[1], SLOTS);
	struct raw evil = raw_join(dmp_ring_fd(ring), DMP_ROLE_PRODUCER, "evil");
	struct dmp_member *m = stress_join(ring, DMP_ROLE_CONSUMER, "honest", &dmp_wait_block);
	struct dmp_batch batch;

	(void)state;
	dmp_store_release(evil.cursor->cursor, 10);
	assert_int_equal(dmp_wait_until(m, 1, &batch, now_ns() + LONG_NS / 1000), -ETIMEDOUT);
	raw_leave(&evil);
	assert_int_not_equal(dmp_wait_until(m, 1, &batch, wait_long()), -ETIMEDOUT);
	dmp_leave(m);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadline_holds_though_a_producer_lies),
		cmocka_unit_test(hostile_consumer_hurts_nobody),
		cmocka_unit_test(hostile_producer_leads_nobody_outside_the_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
