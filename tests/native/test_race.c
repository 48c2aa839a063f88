// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_race.c: fifty processes create, open and unlink one name
 *
 * What must hold whoever wins:
 *
 *   exclusion     a ring that lives with its users: while its creator has it open and no unlink has run since, nobody else
 *                 creates one of that name
 *   conservation  a ring that stays: names come by a create and go by an unlink that say they succeeded, one by one
 *   whole rings   who opens gets a ring of the shape that creators make, or none; never a half-made one
 *   one's own     a creator's ring is new: nothing was published in it, nobody else produces in it
 */
#include <dmp/test_point.h>

#include "native.h"

#define PROCESSES 50
#define UNSURE	  UINT64_MAX

/* Only names are at stake here, not what a disk has. */
int dmp_sys_sync(void *at, size_t size)
{
	(void)at;
	(void)size;
	return 0;
}

struct board {
	uint64_t owner;	       /* 1 + the number of the process whose ring has the name */
	uint64_t begun, ended; /* unlinks */
	uint64_t created, opened, unlinked;
	uint64_t undisturbed[PROCESSES + 1]; /* unlinks before each one's create and until it was done, or UNSURE */
};

struct racer {
	struct address a;
	uint64_t number, until, seed;
	bool stays; /* the rings do */
	struct board *board;
};

static void count(uint64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static uint64_t read_count(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static struct dmp_ring_options shape(const struct racer *r)
{
	struct dmp_ring_options options = native_options(DMP_RING_STAMPED);

	options.flags |= r->stays ? DMP_RING_PERSISTENT : 0;
	return options;
}

/* ---- exclusion ---- */

/* How many unlinks there have been; UNSURE while one runs. */
static uint64_t unlinks_so_far(const struct board *b)
{
	uint64_t begun = read_count(&b->begun);

	return read_count(&b->ended) == begun ? begun : UNSURE;
}

/* unlinks: so many before the create. Of two owners between whose creates and now none has run, one is too many. */
static void take(const struct racer *r, uint64_t unlinks)
{
	struct board *b = r->board;
	uint64_t last;

	if (unlinks != read_count(&b->begun))
		unlinks = UNSURE;
	b->undisturbed[r->number] = unlinks;
	last = __atomic_exchange_n(&b->owner, r->number, __ATOMIC_SEQ_CST);
	if (last && !r->stays && unlinks != UNSURE && b->undisturbed[last] == unlinks &&
	    unlinks == read_count(&b->begun))
		fail_msg("%" PRIu64 " has created the ring while %" PRIu64 " has it open", r->number, last);
}

static void give_up(const struct racer *r)
{
	uint64_t me = r->number;

	__atomic_compare_exchange_n(&r->board->owner, &me, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* ---- what they do ---- */

/* Two rings of one name would have two producers, or one where the other has published. */
static void use_own(struct dmp_ring *ring)
{
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_info info = info_of(ring);

	assert_int_equal(dmp_position(p), 0);
	assert_int_equal(info.epoch, 1);
	publish(p, 3);
	assert_true(info_of(ring).id == info.id && info_of(ring).cursor == 3);
	dmp_leave(p);
}

static void create(struct racer *r)
{
	struct dmp_ring_options options = shape(r);
	struct dmp_ring *ring = NULL;
	uint64_t unlinks = unlinks_so_far(r->board);
	int err = dmp_ring_create(&ring, r->a.s, &options);

	if (err) {
		assert_int_equal(err, -EEXIST);
		return;
	}
	take(r, unlinks);
	count(&r->board->created);
	use_own(ring);
	stress_delay(&r->seed, 16);
	give_up(r);
	dmp_ring_close(ring);
}

static void open_some(struct racer *r)
{
	struct dmp_ring_options options = shape(r);
	struct dmp_ring *ring = NULL;
	struct dmp_info info;
	int err = dmp_ring_open(&ring, r->a.s, 0);

	if (err) {
		assert_int_equal(err, -ENOENT);
		return;
	}
	count(&r->board->opened);
	info = info_of(ring);
	assert_true(info.id && info.slots == options.slots && info.event_size == options.event_size);
	assert_int_equal(info.flags & DMP_RING_STAMPED, DMP_RING_STAMPED);
	assert_in_range(info.cursor, 0, 3);
	err = try_join(ring, DMP_ROLE_OBSERVER, "o");
	assert_true(!err || err == -ENOSPC);
	stress_delay(&r->seed, 14);
	assert_true(info_of(ring).id == info.id);
	dmp_ring_close(ring);
}

static void unlink_one(const struct racer *r)
{
	int err;

	count(&r->board->begun);
	err = dmp_ring_unlink(r->a.s);
	count(&r->board->ended);
	if (!err)
		count(&r->board->unlinked);
	else
		assert_int_equal(err, -ENOENT);
}

/* Between its look at a name and the removal many a one gives the others time to make something else of it. */
static void let_others_run(enum dmp_test_point point)
{
	static uint32_t passes;

	if (point == DMP_POINT_NAME_REMOVE && !(++passes % 4))
		sched_yield();
}

static int race(void *arg)
{
	struct racer *r = arg;
	const uint64_t unlinks = r->stays ? 5 : 100; /* one in so many: exclusion is only checked between them */

	dmp_test_hook = let_others_run;
	while (now_ns() < r->until) {
		if (!stress_below(&r->seed, unlinks))
			unlink_one(r);
		else if (stress_below(&r->seed, 3))
			create(r);
		else
			open_some(r);
	}
	return 0;
}

/* ---- the races ---- */

static void start_racers(struct racer *r, pid_t *pid)
{
	for (int i = 0; i < PROCESSES; i++) {
		r->number = (uint64_t)i + 1;
		r->seed += 1000003;
		pid[i] = start_child(race, r);
	}
}

static struct board run_race(struct address a, bool stays)
{
	struct racer r = { .a = a, .stays = stays, .seed = stress_seed() };
	pid_t pid[PROCESSES];
	struct board result;

	r.until = now_ns() + rounds(5, 60) * 1000000000ULL;
	r.board = shared_memory(sizeof(*r.board));
	start_racers(&r, pid);
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(finish_child(pid[i]), 0);
	result = *r.board;
	print_message("%" PRIu64 " created, %" PRIu64 " opened, %" PRIu64 " unlinked\n", result.created, result.opened,
		      result.unlinked);
	assert_true(result.created && result.opened && result.unlinked);
	free_shared_memory(r.board, sizeof(*r.board));
	return result;
}

static void check_conservation(const struct address *a, const struct board *b)
{
	bool there = !try_open(a, 0);

	assert_int_equal(b->created - b->unlinked, there);
	assert_int_equal(dmp_ring_unlink(a->s), there ? 0 : -ENOENT);
}

static void one_of_many_creates_a_ring_of_shared_memory(void **state)
{
	struct address a = new_shm("race");

	(void)state;
	run_race(a, false);
	assert_int_equal(try_open(&a, 0), -ENOENT); /* it went with its last user */
}

static void persistent_rings_come_and_go_one_by_one(void **state)
{
	struct address a = new_shm("race");
	struct board b = run_race(a, true);

	(void)state;
	check_conservation(&a, &b);
}

static void rings_in_files_come_and_go_one_by_one(void **state)
{
	struct address a = new_file("race");
	struct board b = run_race(a, true);

	(void)state;
	check_conservation(&a, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_many_creates_a_ring_of_shared_memory),
		cmocka_unit_test(persistent_rings_come_and_go_one_by_one),
		cmocka_unit_test(rings_in_files_come_and_go_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
