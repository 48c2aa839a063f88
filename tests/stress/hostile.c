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
#include "hostile_calls.h"
#include "hostile_honest.h"

#define CALLERS 2

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
	dmp_store_once(s->own->own->claim_lo, bad_position(&s->seed, raw_cursor(s->own)));
	dmp_store_once(s->own->own->claim_hi, bad);
	dmp_store_once(s->own->own->claim_won, bad);
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
	await_shared(&p->board->joined, p->members);
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

/* ---- the tests ---- */

static struct part cast(const struct stress_kind *kind, uint32_t role, uint64_t seed)
{
	return (struct part){
		.ring = stress_ring(kind, SLOTS),
		.members = 3 + stress_producers(kind),
		.operations = rounds(40000, 1000000) / stress_producers(kind),
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
	struct part p = cast(kind, DMP_ROLE_CONSUMER, seed);
	pid_t evil = send_in(attack, &p, NULL), honest[5];
	int others = 4;
	uint64_t from;

	await_shared(&p.board->joined, 1);
	honest[0] = send_in(consume_all, &p, "honest");
	honest[1] = send_in(consume_all, &p, "dependant");
	honest[2] = send_in(produce, &p, NULL);
	honest[3] = send_in(come_and_go, &p, "visitor");
	if (stress_producers(kind) > 1)
		honest[others++] = send_in(produce, &p, NULL);
	assert_int_equal(finish_child(evil), 0);
	/* It has gone, its guests too: the ring moves freely. */
	from = stress_info(p.ring).cursor;
	assert_true(stress_until(stress_info(p.ring).cursor > from + 4 * SLOTS));
	store_shared(&p.board->stop, 1);
	for (int i = 0; i < others; i++)
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

static void attack_as_producer(const struct stress_kind *kind, uint64_t seed)
{
	struct part p = cast(kind, DMP_ROLE_PRODUCER, seed);
	pid_t evil, honest[4];
	int others = 3;

	honest[0] = send_in(suffer, &p, "honest");
	await_shared(&p.board->joined, 1);
	honest[1] = send_in(suffer, &p, "dependant");
	honest[2] = send_in(look_on, &p, "observer");
	if (stress_producers(kind) > 1)
		honest[others++] = send_in(produce_anywhere, &p, NULL);
	evil = send_in(attack, &p, NULL);
	assert_int_equal(finish_child(evil), 0);
	store_shared(&p.board->stop, 1);
	for (int i = 0; i < others; i++)
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
