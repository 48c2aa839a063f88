// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counting_race.c: while eight members write their counters, nobody reads a value that was never there */
#include "counting.h"

#define WRITERS 8
#define READERS 2
#define STEP	((1ULL << 32) + 1) /* both halves of the word move: half a store would show */

struct writer {
	struct dmp_member *m;
	struct dmp_counter_slot *mine, *histogram;
	uint64_t begun, done; /* events: at least done, at most begun are counted */
	uint64_t events;      /* to publish, or to read up to */
	const uint32_t *stop; /* observers */
	int err;
	pthread_t thread;
};

struct reader {
	struct dmp_member *m;
	const struct writer *writers;
	const uint32_t *stop;
	uint64_t last[WRITERS][DMP_COUNTERS_CAPACITY];
	uint64_t looks;
	const char *wrong;
	pthread_t thread;
};

/* So often that readers find it moving. */
static void count_mine(struct writer *w)
{
	int i;

	for (i = 0; i < 200; i++)
		dmp_counter_add(w->mine, STEP);
}

static void begin(struct writer *w, uint64_t n)
{
	dmp_store_once(w->begun, w->done + n);
	dmp_store_fence();
	count_mine(w);
	dmp_histogram_record(w->histogram, n);
}

static void end(struct writer *w)
{
	dmp_store_release(w->done, w->begun);
}

static int write_some(struct writer *w, uint64_t n)
{
	uint64_t pos;
	int err = dmp_claim(w->m, n, &pos);

	if (err)
		return err;
	begin(w, n);
	for (uint64_t i = pos; i < pos + n; i++)
		stress_fill(dmp_slot(w->m, i), event_size_of(flags), i);
	dmp_publish(w->m, pos, n);
	end(w);
	return 0;
}

static int read_some(struct writer *w)
{
	struct dmp_batch b;
	int err = dmp_wait(w->m, 1, &b);

	if (err)
		return err;
	begin(w, b.end - b.pos);
	err = dmp_release(w->m, b.end);
	end(w);
	return err;
}

static int observe_some(struct writer *w)
{
	uint64_t pos, lost;
	char event[256];
	int err;

	dmp_store_once(w->begun, w->done + 1);
	dmp_store_fence();
	err = dmp_try_observe(w->m, event, &pos, &lost);
	if (!err) {
		count_mine(w);
		end(w);
	}
	return err == -EAGAIN || err == -EPIPE ? 0 : err;
}

static void *run_writer(void *arg)
{
	struct writer *w = arg;

	if (w->m->role == DMP_ROLE_PRODUCER)
		while (!w->err && w->done < w->events)
			w->err = write_some(w, w->events - w->done < 7 ? w->events - w->done : 1 + w->done % 7);
	else if (w->m->role == DMP_ROLE_CONSUMER)
		while (!w->err && w->done < w->events)
			w->err = read_some(w);
	else
		while (!w->err && !dmp_load_acquire(*w->stop))
			w->err = observe_some(w);
	return NULL;
}

/* What a value may be. */
static const char *judge(const struct dmp_counter *c, uint64_t last, uint64_t done, uint64_t begun)
{
	if (c->value < last)
		return "a counter went back";
	if (c->id == DMP_COUNTER_APPLICATION && (c->value >> 32) != (c->value & UINT32_MAX))
		return "half a store";
	if ((c->id == DMP_COUNTER_PUBLISHED || c->id == DMP_COUNTER_CONSUMED) && (c->value < done || c->value > begun))
		return "events that were never there";
	return NULL;
}

static void look_at(struct reader *r, uint32_t i)
{
	const struct writer *w = &r->writers[i];
	struct dmp_counter all[DMP_COUNTERS_CAPACITY];
	uint64_t done = dmp_load_acquire(w->done), begun;
	int k, n = dmp_counters_read(r->m, w->m->index, all, DMP_COUNTERS_CAPACITY);

	begun = dmp_load_acquire(w->begun);
	if (n < 7)
		r->wrong = "no counters";
	for (k = 0; k < n && !r->wrong; k++) {
		r->wrong = judge(&all[k], r->last[i][k], done, begun);
		if (r->wrong)
			print_error("%s of writer %u: %" PRIu64 " after %" PRIu64 ", of %" PRIu64 " to %" PRIu64 "\n",
				    all[k].label, i, all[k].value, r->last[i][k], done, begun);
		r->last[i][k] = all[k].value;
	}
	r->looks++;
}

static void *run_reader(void *arg)
{
	struct reader *r = arg;
	uint32_t i;

	while (!r->wrong && !dmp_load_acquire(*r->stop))
		for (i = 0; i < WRITERS && !r->wrong; i++)
			look_at(r, i);
	return NULL;
}

/* Of several producers four are, else one; one observes; the others consume. */
static uint32_t role_of(uint32_t i)
{
	if (i < (flags & DMP_RING_MULTI ? 4 : 1))
		return DMP_ROLE_PRODUCER;
	return i == WRITERS - 1 ? DMP_ROLE_OBSERVER : DMP_ROLE_CONSUMER;
}

static void join_writers(struct writer *w, struct dmp_ring *ring, uint64_t events, const uint32_t *stop)
{
	uint32_t i, producers = flags & DMP_RING_MULTI ? 4 : 1;

	for (i = 0; i < WRITERS; i++) {
		const char name[] = { 'w', (char)('0' + i), 0 };

		w[i].m = counting(ring, role_of(i), name);
		w[i].events = role_of(i) == DMP_ROLE_PRODUCER ? events / producers : events;
		w[i].stop = stop;
		assert_int_equal(dmp_counter_register(w[i].m, DMP_COUNTER_APPLICATION, 0, "mine", &w[i].mine), 0);
		assert_int_equal(dmp_histogram_register(w[i].m, DMP_HISTOGRAM_CONSUME, NULL, &w[i].histogram), 0);
	}
}

static void expect_totals(const struct writer *w, uint64_t events)
{
	uint64_t published = 0;
	uint32_t i;

	for (i = 0; i < WRITERS; i++) {
		if (role_of(i) == DMP_ROLE_PRODUCER)
			published += counter_of(w[i].m, DMP_COUNTER_PUBLISHED);
		if (role_of(i) == DMP_ROLE_CONSUMER)
			assert_int_equal(counter_of(w[i].m, DMP_COUNTER_CONSUMED), events);
	}
	assert_int_equal(published, events);
}

static void start_readers(struct reader *r, struct dmp_ring *ring, const struct writer *w, const uint32_t *stop)
{
	uint32_t i;

	for (i = 0; i < READERS; i++) {
		r[i].m = join(ring, DMP_ROLE_OBSERVER, "r");
		r[i].writers = w;
		r[i].stop = stop;
		assert_int_equal(pthread_create(&r[i].thread, NULL, run_reader, &r[i]), 0);
	}
}

/* The last one observes until all others are through. */
static void run_writers(struct writer *w, uint32_t *stop)
{
	uint32_t i;

	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, run_writer, &w[i]), 0);
	for (i = 0; i < WRITERS; i++) {
		if (i == WRITERS - 1)
			dmp_store_release(*stop, 1U);
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].err, 0);
	}
}

static void finish_readers(struct reader *r)
{
	uint32_t i;

	for (i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(r[i].thread, NULL), 0);
		assert_null(r[i].wrong);
		assert_true(r[i].looks);
		dmp_leave(r[i].m);
	}
}

static void readers_see_no_value_that_was_never_there(void **state)
{
	const uint64_t events = rounds(12000, 4000000) / 4 * 4;
	struct address a = new_address("counting");
	struct dmp_ring *ring = create_ring(&a, flags);
	struct writer w[WRITERS] = { 0 };
	struct reader r[READERS] = { 0 };
	uint32_t stop = 0, i;

	(void)state;
	join_writers(w, ring, events, &stop);
	start_readers(r, ring, w, &stop);
	run_writers(w, &stop);
	finish_readers(r);
	expect_totals(w, events);
	for (i = 0; i < WRITERS; i++)
		dmp_leave(w[i].m);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(readers_see_no_value_that_was_never_there) };
	int failed = cmocka_run_group_tests_name("packed", tests, packed, NULL);

	failed += cmocka_run_group_tests_name("stamped", tests, stamped, NULL);
	if (is_backend("dmp")) /* the others have no such rings */
		failed += cmocka_run_group_tests_name("several", tests, several, NULL);
	return failed;
}
