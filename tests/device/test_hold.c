// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_hold.c: a held place: who goes on there, and where; who may not */
#include <errno.h>
#include <unistd.h>

#include "dying.h"

/* ---- who goes on ---- */

static void try_to_go_on(enum way way)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), a;
	struct sleeper s;
	uint64_t n;

	print_message("  %s\n", ways[way]);
	v.way = way;
	v.released = 10;
	start_victim(&v);
	raw_publish(&p, SLOTS + 10); /* full */
	start_sleeper(&s, p.fd, 11, NEVER);
	await_asleep(v.ring, "p");
	end_victim(&v);
	bury_victim(&v);
	assert_int_equal(raw_room(&p), SLOTS + 10); /* full still */
	a = resume(&v);
	assert_int_equal(a.index, v.args.index);
	assert_int_equal(a.start, 10);
	assert_int_equal(raw_entry(&a, a.index)->start, 10);
	assert_int_equal(raw_entry(&a, a.index)->gone, DMP_GONE_NOT);
	assert_true(a.incarnation > v.args.incarnation + 1); /* once for the death, once for the life */
	assert_int_equal(raw_entry(&a, a.index)->incarnation, a.incarnation);
	for (n = a.start; n < SLOTS + 10; n++)
		assert_int_equal(*raw_slot(&a, n), n);
	raw_release(&a, 11);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&a);
	raw_leave(&p);
	close(v.ring);
}

static void the_next_of_its_name_goes_on_where_it_last_released(void **state)
{
	int way;

	(void)state;
	for (way = 0; way < WAYS; way++)
		try_to_go_on(way);
}

static void from_is_not_asked(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), a;
	struct dmp_join args;

	(void)state;
	v.released = 3;
	start_victim(&v);
	raw_publish(&p, 5);
	end_victim(&v);
	bury_victim(&v);
	args = like(&v);
	args.from = DMP_FROM_POSITION;
	args.position = 1000000;
	a = raw_join_with(v.ring, &args);
	assert_int_equal(a.start, 3);
	raw_leave(&a);
	raw_leave(&p);
	close(v.ring);
}

static void it_may_die_again_and_again(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), a;
	uint32_t index, i;

	(void)state;
	one_victim(&v);
	index = v.args.index;
	raw_publish(&p, 30);
	for (i = 1; i <= 20; i++) {
		v.args = like(&v);
		v.way = i % WAYS;
		v.released = i;
		one_victim(&v);
		assert_int_equal(v.args.index, index);
		assert_int_equal(v.args.position, i - 1);
		assert_int_equal(ring_info(v.ring).held, 1);
	}
	a = resume(&v);
	assert_int_equal(a.start, 20);
	assert_int_equal(ring_info(v.ring).held, 0);
	raw_leave(&a);
	raw_leave(&p);
	close(v.ring);
}

/* Between A and B: it had moved its cursor, and told nobody. */
static void what_it_released_last_wakes_who_waited_for_it(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), a = raw_join_with(v.ring, &v.args);
	struct sleeper s;

	(void)state;
	raw_publish(&p, SLOTS);
	start_sleeper(&s, p.fd, 5, NEVER);
	await_asleep(v.ring, "p");
	__atomic_store_n(&a.own->cursor, 7, __ATOMIC_RELEASE);
	raw_close(&a);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_int_equal(ring_info(v.ring).held, 1);
	raw_leave(&p);
	close(v.ring);
}

static void those_who_come_after_it_wait_for_its_successor(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), a, b, late;
	struct sleeper s;

	(void)state;
	start_victim(&v);
	b = raw_join_after(v.ring, "b", "a");
	start_sleeper(&s, b.fd, 2, NEVER);
	await_asleep(v.ring, "b");
	end_victim(&v);
	bury_victim(&v);
	late = raw_join_after(v.ring, "late", "a"); /* it is there, to be depended on */
	assert_int_equal(raw_entry(&late, late.index)->deps, 1ULL << v.args.index);
	raw_publish(&p, 2);
	a = resume(&v);
	assert_true(member_info(v.ring, "b").waiting & DMP_WAITING_ASLEEP);
	raw_release(&a, 2);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&late);
	raw_leave(&b);
	raw_leave(&a);
	raw_leave(&p);
	close(v.ring);
}

/* ---- who may not ---- */

static void another_name_gets_a_place_of_its_own(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), b;

	(void)state;
	start_victim(&v);
	raw_publish(&p, 5);
	end_victim(&v);
	bury_victim(&v);
	b = raw_join(v.ring, DMP_ROLE_CONSUMER, "b");
	assert_int_not_equal(b.index, v.args.index);
	assert_int_equal(b.start, 5); /* the latest */
	assert_int_equal(ring_info(v.ring).held, 1);
	raw_leave(&b);
	raw_leave(&p);
	close(v.ring);
}

static int join_as_another(void *arg)
{
	become(1001);
	return -rejoin(arg);
}

static void another_user_is_eperm(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);

	(void)state;
	one_victim(&v);
	assert_int_equal(run_child(join_as_another, &v), EPERM);
	assert_int_equal(ring_info(v.ring).held, 1);
	close(v.ring);
	v = held_victim(new_ring(), NULL, FOR_EVER);
	v.uid = 1001;
	one_victim(&v);
	assert_int_equal(rejoin(&v), -EPERM); /* not even root: it is another's */
	close(v.ring);
}

static void other_dependencies_are_einval(void **state)
{
	struct victim v = held_victim(new_ring(), "x", FOR_EVER);
	struct raw x = raw_join(v.ring, DMP_ROLE_CONSUMER, "x"), y = raw_join(v.ring, DMP_ROLE_CONSUMER, "y"), a;
	const char names[2][DMP_MEMBER_NAME_MAX] = { "x", "y" };
	struct dmp_join args;

	(void)state;
	one_victim(&v);
	args = like(&v);
	args.deps = args.ndeps = 0;
	assert_int_equal(ring_join(v.ring, &args), -EINVAL);
	join_after_names(&args, names, 2);
	assert_int_equal(ring_join(v.ring, &args), -EINVAL);
	join_after_names(&args, names + 1, 1);
	assert_int_equal(ring_join(v.ring, &args), -EINVAL);
	assert_int_equal(ring_info(v.ring).held, 1);
	a = resume(&v);
	raw_leave(&a);
	raw_leave(&y);
	raw_leave(&x);
	close(v.ring);
}

/* The pages that it would get may be mapped, for writing, by whoever has the file. */
static void its_place_is_free_only_once_its_file_is(void **state)
{
	struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
	struct raw a;

	(void)state;
	v.heir = true;
	start_victim(&v);
	end_victim(&v);
	assert_int_equal(ring_info(v.ring).held, 1);
	assert_int_equal(rejoin(&v), -EEXIST);
	bury_victim(&v);
	for (;;) { /* the heir is not ours to reap */
		int fd = rejoin(&v);

		if (fd != -EEXIST) {
			assert_true(fd >= 0);
			close(fd);
			break;
		}
	}
	a = resume(&v);
	raw_leave(&a);
	close(v.ring);
}

/* ---- a hostile one ---- */

static void a_cursor_that_lies_starts_nobody_outside_the_ring(void **state)
{
	static const uint64_t lies[] = { 0, 1, SLOTS, 3 * SLOTS, UINT64_MAX, 1ULL << 63 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct victim v = held_victim(new_ring(), NULL, FOR_EVER);
		struct raw p = raw_join(v.ring, DMP_ROLE_PRODUCER, "p"), a;

		raw_publish(&p, 3 * SLOTS); /* which looks at no gate */
		v.released = lies[i];
		one_victim(&v);
		a = resume(&v);
		assert_in_range(a.start, 2 * SLOTS, 4 * SLOTS);
		assert_int_equal(a.own->cursor, a.start);
		raw_leave(&a);
		raw_leave(&p);
		close(v.ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_of_its_name_goes_on_where_it_last_released),
		cmocka_unit_test(from_is_not_asked),
		cmocka_unit_test(it_may_die_again_and_again),
		cmocka_unit_test(what_it_released_last_wakes_who_waited_for_it),
		cmocka_unit_test(those_who_come_after_it_wait_for_its_successor),
		cmocka_unit_test(another_name_gets_a_place_of_its_own),
		cmocka_unit_test(another_user_is_eperm),
		cmocka_unit_test(other_dependencies_are_einval),
		cmocka_unit_test(its_place_is_free_only_once_its_file_is),
		cmocka_unit_test(a_cursor_that_lies_starts_nobody_outside_the_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
