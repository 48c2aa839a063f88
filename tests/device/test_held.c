// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_held.c: a held place: how it ends, how it is shown, and that it keeps neither ring nor module */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dying.h"

#define A_MOMENT 1000000ULL /* ns */

static bool nothing_is_held(void *ring)
{
	return ring_info(*(int *)ring).held == 0;
}

static bool one_is_held(void *ring)
{
	return ring_info(*(int *)ring).held == 1;
}

/* ---- how it ends ---- */

static void when_the_time_is_up_it_is_dropped(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, A_MOMENT);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), b, a;
	struct sleeper s;

	(void)state;
	start_victim(&v);
	b = raw_join_after(v.ring, "b", "a");
	raw_publish(&p, SLOTS);
	raw_release(&b, SLOTS);
	start_sleeper(&s, p.fd, 1, wait_long());
	await_asleep(v.ring, "p");
	end_victim(&v);
	bury_victim(&v);
	assert_int_equal(finish_sleeper(&s), 0);
	await(nothing_is_held, &v.ring, "the end of a place");
	assert_int_equal(p.meta->gates, 1ULL << b.index);
	assert_int_equal(raw_entry(&b, b.index)->deps, 0);
	assert_int_equal(raw_entry(&b, b.index)->gone, DMP_GONE_NOT); /* it is drop, not fail */
	assert_int_equal(entry_at(v.ring, v.args.index).state, DMP_MEMBER_FREE);
	a = resume(&v); /* from the latest */
	assert_int_equal(a.start, SLOTS);
	raw_leave(&a);
	raw_leave(&b);
	raw_leave(&p);
	close(v.ring);
}

static void each_place_has_its_own_time(void **state)
{
	int ring = new_ring();
	struct victim a = victim_of(ring, "a", NULL, DMP_POLICY_HOLD), b = victim_of(ring, "b", NULL, DMP_POLICY_HOLD);

	(void)state;
	a.args.hold = FOR_EVER;
	one_victim(&a);
	b.args.hold = A_MOMENT;
	start_victim(&b);
	end_victim(&b);
	bury_victim(&b);
	await(one_is_held, &ring, "the end of one place");
	assert_int_equal(entry_at(ring, a.args.index).state, DMP_MEMBER_HELD);
	close(ring);
}

/* Then its file, where it is open still, has the slot. */
static void the_time_may_be_up_before_the_file_is_closed(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, A_MOMENT);
	struct raw a;

	(void)state;
	v.heir = true;
	start_victim(&v);
	end_victim(&v);
	await(nothing_is_held, &v.ring, "the end of a place");
	assert_int_equal(entry_at(v.ring, v.args.index).state, DMP_MEMBER_LEFT);
	a = resume(&v);
	assert_int_not_equal(a.index, v.args.index);
	raw_leave(&a);
	bury_victim(&v);
	close(v.ring);
}

static void a_place_is_shown_as_held(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct dmp_member_info m;
	char path[64], text[1024] = "";
	int fd;

	(void)state;
	v.released = 4;
	one_victim(&v);
	m = entry_at(v.ring, v.args.index);
	assert_int_equal(m.state, DMP_MEMBER_HELD);
	assert_int_equal(m.policy, DMP_POLICY_HOLD);
	assert_int_equal(m.pid, 0);
	assert_int_equal(m.cursor, 4);
	assert_int_equal(m.uid, getuid());
	assert_string_equal(m.name, "a");
	assert_int_equal(ring_info(v.ring).joined, 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", v.ring);
	fd = xopen(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "held:\t1\n"));
	close(v.ring);
}

/* ---- what it keeps: nothing ---- */

static void it_keeps_neither_ring_nor_module(void **state)
{
	struct name name = unique_name("held");
	struct dmp_create args = create_args(name.s);
	int before = module_references(), i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct victim v;

		args.flags = i % 2 ? DMP_RING_PERSISTENT : 0;
		v = held_victim(ring_create(&args), NULL, i / 2 ? FOR_EVER : 50 * A_MOMENT);
		one_victim(&v);
		if (i / 2)
			assert_int_equal(ring_info(v.ring).held, 1);
		if (i % 2)
			assert_int_equal(ring_unlink(name.s), 0);
		close(v.ring);
		assert_false(ring_is_listed(name.s));
		await(module_is_back, &before, "the module to be free");
	}
}

/* The last file of the ring is the dead one's own. */
static void the_ring_goes_with_the_file_of_the_dead(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	int before = module_references() - 1;
	struct raw a = raw_join_with(v.ring, &v.args);

	(void)state;
	close(v.ring);
	raw_close(&a);
	assert_int_equal(module_references(), before);
}

static void a_persistent_ring_keeps_its_places(void **state)
{
	struct name name = unique_name("kept");
	struct dmp_create args = create_args(name.s);
	struct victim v;
	struct raw a;

	(void)state;
	args.flags = DMP_RING_PERSISTENT;
	v = held_victim(ring_create(&args), NULL, FOR_EVER);
	one_victim(&v);
	close(v.ring);
	v.ring = ring_open(name.s, 0);
	assert_int_equal(ring_info(v.ring).held, 1);
	a = resume(&v);
	assert_int_equal(a.index, v.args.index);
	raw_leave(&a);
	assert_int_equal(ring_unlink(name.s), 0);
	close(v.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_the_time_is_up_it_is_dropped),
		cmocka_unit_test(each_place_has_its_own_time),
		cmocka_unit_test(the_time_may_be_up_before_the_file_is_closed),
		cmocka_unit_test(a_place_is_shown_as_held),
		cmocka_unit_test(it_keeps_neither_ring_nor_module),
		cmocka_unit_test(the_ring_goes_with_the_file_of_the_dead),
		cmocka_unit_test(a_persistent_ring_keeps_its_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
