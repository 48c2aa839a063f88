// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_power_cut.c: the power goes at any moment, and a file ring keeps what it has promised
 *
 *   producer ---> ring ---> a ---> b (waits for a);  c comes and goes
 *
 * One process plays all parts in turn, on a disk of its own (power.h), until the power is cut. The file that is left is
 * opened in the next boot: it holds a contiguous run of what was published, up to at least what the last completed sync
 * found, no event is torn, and each consumer goes on at or before where it was. Then the play goes on with that file.
 */
#include <dmp/test_point.h>

#include "power.h"

#define CUTS_PER_RING 20
#define MOST_TICKS    3000
#define CONSUMERS     2
#define LOW_SEATS     11
#define MOST_WORDS    25

static const struct shape {
	uint64_t slots;
	uint32_t event_size, flags;
} shapes[] = {
	{ 64, 64, 0 },
	{ 64, 56, DMP_RING_STAMPED },
	{ 512, 200, 0 }, /* events lie across sectors */
	{ 512, 192, DMP_RING_STAMPED },
};

struct standing {
	uint64_t cursor;
	uint64_t position[CONSUMERS];
};

static const char *const names[CONSUMERS] = { "a", "b" };

static struct {
	struct address a;
	struct dmp_ring *ring;
	struct dmp_member *p, *of[CONSUMERS], *c;
	uint64_t claimed, pending; /* written and not published: from, how many */
	struct standing found, promised, at_cut;
	bool cut;
} g;

/* ---- what is promised ---- */

static struct standing stand(void)
{
	struct standing s = { .cursor = dmp_load_once(g.p->ring->cursor) };

	for (int i = 0; i < CONSUMERS; i++)
		s.position[i] = dmp_position(g.of[i]);
	return s;
}

static void note_cut(void)
{
	g.at_cut = stand();
	g.cut = true;
}

/* What a sync found when it began is promised when its save is on the disk. */
static void note_sync(bool data, bool done)
{
	if (data && !done)
		g.found = stand();
	else if (!data && done && !g.cut)
		g.promised = g.found;
}

/* ---- the play ---- */

static void write_events(uint64_t n)
{
	uint64_t pos;

	if (dmp_try_claim(g.p, n, &pos))
		return;
	if (!g.pending)
		g.claimed = pos;
	g.pending += n;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t *event = dmp_slot(g.p, pos + i);

		event[0] = ~0ULL; /* torn for a moment */
		if (!(i % 8))
			tick();
		stress_fill(event, dmp_event_size(g.p), pos + i);
	}
}

static void publish_events(void)
{
	if (g.pending)
		dmp_publish(g.p, g.claimed, g.pending);
	g.pending = 0;
}

static void read_some(struct dmp_member *m)
{
	struct dmp_batch batch;

	if (dmp_try_wait(m, 1, &batch))
		return;
	batch.end = batch.pos + 1 + stress_below(&disk.seed, batch.end - batch.pos);
	for (uint64_t n = batch.pos; n < batch.end; n++)
		assert_true(is_intact(m, n));
	assert_int_equal(dmp_release(m, batch.end), 0);
}

/* What other processes may do while one of them syncs. */
static void step(void)
{
	switch (stress_below(&disk.seed, 6)) {
	case 0:
	case 1:
		write_events(1 + stress_below(&disk.seed, 40));
		break;
	case 2:
	case 3:
		publish_events();
		break;
	case 4:
		read_some(g.of[0]);
		break;
	default:
		read_some(g.of[1]);
	}
}

static void come_or_go(void)
{
	if (g.c)
		dmp_leave(g.c);
	g.c = g.c ? NULL : join(g.ring, DMP_ROLE_CONSUMER, "c");
}

/* Room that only a sync can make; nobody is waited for. */
static void claim_with_sync(void)
{
	uint64_t pos;

	if (g.pending || dmp_claim_until(g.p, 1, &pos, 1))
		return;
	stress_fill(dmp_slot(g.p, pos), dmp_event_size(g.p), pos);
	dmp_publish(g.p, pos, 1);
}

static void play_until_cut(void)
{
	while (!g.cut) {
		uint64_t chance = stress_below(&disk.seed, 100);

		tick();
		if (chance < 4)
			dmp_ring_sync(g.ring); /* may fail: the disk does */
		else if (chance < 8)
			claim_with_sync();
		else if (chance < 10)
			come_or_go();
		else if (chance < 20 && g.c)
			read_some(g.c);
		else
			step();
	}
}

/* Stamped rings: the cut may come between the stamps and the cursor. */
static void at_point(enum dmp_test_point point)
{
	if (point == DMP_POINT_PUBLISH_STAMPED)
		tick();
}

/* ---- before and after ---- */

static void join_all(void)
{
	const char *const after[] = { names[0] };

	g.p = join(g.ring, DMP_ROLE_PRODUCER, "p");
	g.of[0] = join(g.ring, DMP_ROLE_CONSUMER, names[0]);
	g.of[1] = join_after(g.ring, names[1], after, 1);
	g.c = NULL;
	g.pending = 0;
	g.cut = false;
	disk.ticks = 1 + stress_below(&disk.seed, MOST_TICKS);
}

static void leave_all(void)
{
	dmp_leave(g.c);
	for (int i = 0; i < CONSUMERS; i++)
		dmp_leave(g.of[i]);
	dmp_leave(g.p);
	dmp_ring_close(g.ring);
	assert_int_equal(dmp_ring_unlink(g.a.s), 0);
}

/* Whoever of the others held a place gives it up. */
static void clear_away_c(void)
{
	assert_int_equal(try_join(g.ring, DMP_ROLE_CONSUMER, "c"), 0);
}

static void check_positions(uint64_t cursor)
{
	assert_in_range(cursor, g.promised.cursor, g.at_cut.cursor);
	assert_int_equal(dmp_position(g.p), cursor);
	for (int i = 0; i < CONSUMERS; i++)
		assert_in_range(dmp_position(g.of[i]), g.promised.position[i], g.at_cut.position[i]);
}

/* All that is there is whole, and what comes next follows it. */
static void check_events(uint64_t cursor)
{
	uint64_t slots = dmp_slots(g.p);

	for (int i = 0; i < CONSUMERS; i++) {
		int64_t left = (int64_t)(cursor - dmp_position(g.of[i]));

		assert_int_equal(consume(g.of[i]), left ? left : -EAGAIN);
	}
	for (uint64_t n = 0; n < 2 * slots; n++) {
		publish(g.p, 1);
		for (int i = 0; i < CONSUMERS; i++)
			assert_int_equal(consume(g.of[i]), 1);
	}
}

/* Who looks back further than any consumer was never promised anything, but is not to be shown a torn event. */
static void check_what_observers_see(void)
{
	struct dmp_join_options from_oldest = { .from = DMP_FROM_OLDEST };
	uint64_t event[MOST_WORDS], pos, lost;
	struct dmp_member *o;

	assert_int_equal(dmp_join(g.ring, DMP_ROLE_OBSERVER, &from_oldest, &o), 0);
	while (!dmp_try_observe(o, event, &pos, &lost))
		assert_true(stress_intact(event, dmp_event_size(o), pos));
	dmp_leave(o);
}

static void check_what_is_left(void)
{
	uint64_t cursor, fails = disk.fails;

	disk.fails = 0;
	cursor = info_of(g.ring).cursor;
	check_what_observers_see();
	clear_away_c();
	join_all();
	disk.ticks = 0;
	check_positions(cursor);
	g.promised = stand(); /* as it is on the disk */
	check_events(cursor);
	disk.fails = fails;
}

/* Higher seats lie in other sectors of a save than its head: so a torn one shows. */
static void join_in_high_seats(void)
{
	struct dmp_member *low[LOW_SEATS];

	for (int i = 0; i < LOW_SEATS; i++)
		low[i] = join(g.ring, DMP_ROLE_CONSUMER, unique_name("low").s);
	join_all();
	for (int i = 0; i < LOW_SEATS; i++)
		dmp_leave(low[i]);
}

static void start(const struct shape *shape)
{
	struct dmp_ring_options options = { .slots = shape->slots,
					    .event_size = shape->event_size,
					    .flags = shape->flags };

	g.a = new_file("power");
	assert_int_equal(dmp_ring_create(&g.ring, g.a.s, &options), 0);
	plug_in(g.ring);
	join_in_high_seats();
	g.promised = g.found = (struct standing){ 0 };
}

/* The next boot's file is another, so that this process knows nothing of it. */
static void reboot(void)
{
	struct address next = new_file("power");

	power_up(&next);
	unplug();
	leave_all();
	g.a = next;
	g.ring = open_ring(&g.a);
	plug_in(g.ring);
	check_what_is_left();
	disk.ticks = 1 + stress_below(&disk.seed, MOST_TICKS);
}

static void cut_again_and_again(const struct shape *shape, uint64_t cuts, uint64_t fails)
{
	disk = (struct disk){ .seed = stress_seed(), .meanwhile = step, .on_cut = note_cut, .on_sync = note_sync };
	dmp_test_hook = at_point;
	for (uint64_t i = 0; i < cuts; i++) {
		if (!(i % CUTS_PER_RING)) {
			disk.fails = fails;
			start(shape);
		}
		play_until_cut();
		reboot();
		if ((i + 1) % CUTS_PER_RING && i + 1 < cuts)
			continue;
		unplug();
		free(disk.left);
		leave_all();
	}
	dmp_test_hook = NULL;
}

static void what_a_sync_has_promised_survives(uint64_t fails)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		cut_again_and_again(&shapes[i], rounds(100, 2000), fails);
}

static void what_a_sync_has_promised_survives_a_power_cut(void **state)
{
	(void)state;
	what_a_sync_has_promised_survives(0);
}

static void what_a_sync_has_promised_survives_errors_of_the_disk_and_a_power_cut(void **state)
{
	(void)state;
	what_a_sync_has_promised_survives(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_sync_has_promised_survives_a_power_cut),
		cmocka_unit_test(what_a_sync_has_promised_survives_errors_of_the_disk_and_a_power_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
