// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_member.c: members: who may join, what the others see of them, how they leave */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "raw.h"

static int try_join(int ring, uint32_t role, const char *name)
{
	struct dmp_join args = join_args(role, name);

	return ring_join(ring, &args);
}

static int try_join_after(int ring, const char *name, const char (*names)[DMP_MEMBER_NAME_MAX], uint32_t count)
{
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, name);

	join_after_names(&args, names, count);
	return ring_join(ring, &args);
}

/* ---- roles ---- */

static void a_ring_has_one_producer(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");

	(void)state;
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "q"), -EBUSY);
	raw_publish(&p, 7);
	raw_leave(&p);
	p = raw_join(ring, DMP_ROLE_PRODUCER, NULL);
	assert_int_equal(p.start, 7);
	assert_int_equal(p.meta->epoch, 2);
	assert_int_equal(p.meta->producers, 1);
	raw_leave(&p);
	assert_int_equal(ring_info(ring).producers, 0);
	close(ring);
}

static void consumers_gate_from_their_start_on(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(p.meta->gates, 1ULL << c.index);
	assert_int_equal(raw_room(&p), SLOTS);
	raw_publish(&p, SLOTS);
	assert_int_equal(raw_room(&p), SLOTS); /* full: it holds the producer */
	raw_release(&c, 10);
	assert_int_equal(raw_room(&p), SLOTS + 10);
	raw_leave(&c);
	assert_int_equal(p.meta->gates, 0);
	assert_int_equal(raw_room(&p), 2 * SLOTS);
	raw_leave(&p);
	close(ring);
}

static void observers_never_gate(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), o = raw_join(ring, DMP_ROLE_OBSERVER, "o");

	(void)state;
	assert_int_equal(p.meta->gates, 0);
	raw_publish(&p, 5 * SLOTS);
	assert_int_equal(ring_info(ring).gate, 5 * SLOTS);
	raw_leave(&o);
	raw_leave(&p);
	close(ring);
}

static void sixty_four_consumers_gate_and_no_more(void **state)
{
	struct dmp_create args = create_args(NULL);
	int ring, fds[DMP_MAX_GATES], i;
	struct name name;
	struct raw o;

	(void)state;
	args.members = 80;
	ring = ring_create(&args);
	for (i = 0; i < DMP_MAX_GATES; i++) {
		name = unique_name("c");
		fds[i] = try_join(ring, DMP_ROLE_CONSUMER, name.s);
		assert_true(fds[i] >= 0);
	}
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "more"), -ENOSPC);
	o = raw_join(ring, DMP_ROLE_OBSERVER, "o"); /* others still fit */
	assert_true(o.meta->gates == UINT64_MAX);
	close(fds[13]);
	fds[13] = try_join(ring, DMP_ROLE_CONSUMER, "more");
	assert_true(fds[13] >= 0);
	for (i = 0; i < DMP_MAX_GATES; i++)
		close(fds[i]);
	assert_int_equal(o.meta->gates, 0);
	raw_leave(&o);
	close(ring);
}

static void a_ring_has_as_many_members_as_it_was_made_for(void **state)
{
	static const uint32_t roles[] = { DMP_ROLE_PRODUCER, DMP_ROLE_CONSUMER, DMP_ROLE_OBSERVER };
	struct dmp_create args = create_args(NULL);
	int ring, a, b;
	size_t i;

	(void)state;
	args.members = 2;
	ring = ring_create(&args);
	a = try_join(ring, DMP_ROLE_CONSUMER, "a");
	b = try_join(ring, DMP_ROLE_OBSERVER, "b");
	for (i = 0; i < ARRAY_SIZE(roles); i++)
		assert_int_equal(try_join(ring, roles[i], "c"), -ENOSPC);
	assert_int_equal(ring_info(ring).epoch, 0);
	close(a);
	close(b);
	close(ring);
}

/* So that r alone keeps nobody out. */
static void observers_take_at_most_half_of_the_slots(void **state)
{
	struct dmp_create args = create_args(NULL);
	int ring, fds[4];
	size_t i;

	(void)state;
	args.members = 4;
	ring = ring_create(&args);
	fds[0] = try_join(ring, DMP_ROLE_OBSERVER, "o");
	fds[1] = try_join(ring, DMP_ROLE_OBSERVER, "o");
	assert_int_equal(try_join(ring, DMP_ROLE_OBSERVER, "o"), -ENOSPC);
	fds[2] = try_join(ring, DMP_ROLE_PRODUCER, "p");
	fds[3] = try_join(ring, DMP_ROLE_CONSUMER, "c");
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_true(fds[i] >= 0);
		close(fds[i]);
	}
	close(ring);
}

/* ---- names and dependencies ---- */

static void a_consumers_name_is_its_own_while_it_is_there(void **state)
{
	int ring = new_ring(), c = try_join(ring, DMP_ROLE_CONSUMER, "c"), o, p;

	(void)state;
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "c"), -EEXIST);
	o = try_join(ring, DMP_ROLE_OBSERVER, "c"); /* unique among consumers only */
	p = try_join(ring, DMP_ROLE_PRODUCER, "c");
	assert_true(o >= 0 && p >= 0);
	close(c);
	c = try_join(ring, DMP_ROLE_CONSUMER, "c");
	assert_true(c >= 0);
	close(c);
	close(o);
	close(p);
	close(ring);
}

static void dependencies_are_consumers_that_are_there(void **state)
{
	static const char names[4][DMP_MEMBER_NAME_MAX] = { "a", "b", "p", "o" };
	int ring = new_ring(), a = try_join(ring, DMP_ROLE_CONSUMER, "a"), b, c;
	int p = try_join(ring, DMP_ROLE_PRODUCER, "p"), o = try_join(ring, DMP_ROLE_OBSERVER, "o");

	(void)state;
	assert_int_equal(try_join_after(ring, "c", names, 2), -ENOENT);
	assert_int_equal(try_join_after(ring, "b", names + 1, 1), -ENOENT); /* itself */
	assert_int_equal(try_join_after(ring, "c", names + 2, 1), -ENOENT); /* a producer */
	assert_int_equal(try_join_after(ring, "c", names + 3, 1), -ENOENT); /* an observer */
	b = try_join(ring, DMP_ROLE_CONSUMER, "b");
	c = try_join_after(ring, "c", names, 2);
	assert_true(c >= 0);
	assert_int_equal(member_info(ring, "c").deps,
			 1 << member_info(ring, "a").index | 1 << member_info(ring, "b").index);
	assert_int_equal(xioctl(a, DMP_IOC_LEAVE, NULL), 0); /* else it has died, and who depends on it fails */
	close(a);
	assert_int_equal(member_info(ring, "c").deps, 1 << member_info(ring, "b").index);
	close(b);
	close(c);
	close(p);
	close(o);
	close(ring);
}

static void names_of_dependencies_are_checked_like_any(void **state)
{
	static const char bad[][DMP_MEMBER_NAME_MAX] = { "",	  "a/b",	   "a b",
							 "a\xff", { 'a', 0, 'b' }, "0123456789012345678901234567890" };
	char full[1][DMP_MEMBER_NAME_MAX];
	int ring = new_ring();
	size_t i;

	(void)state;
	for (i = 0; i + 1 < ARRAY_SIZE(bad); i++)
		assert_int_equal(try_join_after(ring, "c", &bad[i], 1), -EINVAL);
	assert_int_equal(try_join_after(ring, "c", &bad[i], 1), -ENOENT); /* long, and well formed */
	memset(full, 'a', sizeof(full));
	assert_int_equal(try_join_after(ring, "c", full, 1), -EINVAL);
	assert_int_equal(ring_info(ring).joined, 0);
	assert_int_equal(ring_info(ring).generation, 0);
	close(ring);
}

/* ---- slots ---- */

static void the_slot_of_one_who_left_is_reused_when_its_file_is_released(void **state)
{
	int ring = new_ring(), left, other, again;
	struct dmp_join first = join_args(DMP_ROLE_CONSUMER, "first"), second = join_args(DMP_ROLE_CONSUMER, "second");
	struct dmp_join third = join_args(DMP_ROLE_CONSUMER, "third");

	(void)state;
	left = ring_join(ring, &first);
	assert_int_equal(xioctl(left, DMP_IOC_LEAVE, NULL), 0);
	other = ring_join(ring, &second);
	assert_true(second.index != first.index);
	close(left);
	again = ring_join(ring, &third);
	assert_int_equal(third.index, first.index);
	assert_true(third.incarnation > first.incarnation);
	close(again);
	close(other);
	close(ring);
}

/* A reused slot begins with a clean page: what the last one stored gates nobody and shows nothing. */
static void a_reused_slot_starts_afresh(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	uint32_t index = c.index;

	(void)state;
	raw_publish(&p, 20);
	raw_release(&c, 11);
	memset(c.self + DMP_PAGE, 0x77, DMP_PAGE);
	raw_leave(&c);
	c = raw_join(ring, DMP_ROLE_CONSUMER, "d");
	assert_int_equal(c.index, index);
	assert_int_equal(c.own->cursor, 20);
	assert_int_equal(c.self[DMP_PAGE], 0);
	assert_int_equal(raw_entry(&c, index)->start, 20);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

static void every_change_raises_the_generation(void **state)
{
	int ring = new_ring(), c;
	struct raw o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	uint64_t generation = o.meta->generation;

	(void)state;
	c = try_join(ring, DMP_ROLE_CONSUMER, "c");
	assert_true(o.meta->generation > generation);
	generation = o.meta->generation;
	assert_int_equal(xioctl(c, DMP_IOC_LEAVE, NULL), 0);
	assert_true(o.meta->generation > generation);
	generation = o.meta->generation;
	close(c); /* it had left */
	assert_int_equal(o.meta->generation, generation);
	close(try_join(ring, DMP_ROLE_PRODUCER, "p"));
	assert_true(o.meta->generation >= generation + 2);
	assert_int_equal(ring_info(ring).generation, o.meta->generation);
	raw_leave(&o);
	close(ring);
}

/* ---- leaving ---- */

static void one_who_has_left_can_do_nothing_more(void **state)
{
	static const unsigned long plain[] = { DMP_IOC_LEAVE, DMP_IOC_WAKE, DMP_IOC_FINISH };
	int ring = new_ring(), p = try_join(ring, DMP_ROLE_PRODUCER, "p");
	size_t i;

	(void)state;
	assert_int_equal(xioctl(p, DMP_IOC_LEAVE, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		assert_int_equal(xioctl(p, plain[i], NULL), -ESTALE);
	assert_int_equal(raw_wait(p, 0, NEVER), -ESTALE);
	assert_int_equal(raw_arm(p, 0), -ESTALE);
	assert_ptr_equal(raw_mmap(p, DMP_OFF_CURSOR, DMP_PAGE, PROT_READ), MAP_FAILED);
	assert_int_equal(errno, ESTALE);
	assert_int_equal(ring_info(p).joined, 0); /* but look */
	close(p);
	close(ring);
}

static void a_mapping_keeps_the_member_when_its_file_is_closed(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	close(c.fd);
	assert_int_equal(member_info(ring, "c").state, DMP_MEMBER_JOINED);
	raw_publish(&p, 3);
	c.own->cursor = 2;
	assert_int_equal(ring_info(ring).gate, 2);
	raw_unmap(&c);
	await_joined(ring, 1);
	assert_int_equal(ring_info(ring).gate, 3);
	raw_leave(&p);
	close(ring);
}

static void join_returns_a_file_that_is_closed_on_exec(void **state)
{
	int ring = new_ring(), c = try_join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	assert_int_equal(fcntl(c, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(c, F_GETFL) & O_ACCMODE, O_RDWR);
	close(c);
	close(ring);
}

static int join_without_a_descriptor(void *ring)
{
	struct rlimit none = { 0, 0 };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return -try_join(*(int *)ring, DMP_ROLE_PRODUCER, "p");
}

static void without_a_descriptor_nobody_joins(void **state)
{
	int ring = new_ring();

	(void)state;
	assert_int_equal(run_child(join_without_a_descriptor, &ring), EMFILE);
	assert_int_equal(ring_info(ring).epoch, 0);
	assert_int_equal(ring_info(ring).generation, 0);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_has_one_producer),
		cmocka_unit_test(consumers_gate_from_their_start_on),
		cmocka_unit_test(observers_never_gate),
		cmocka_unit_test(sixty_four_consumers_gate_and_no_more),
		cmocka_unit_test(a_ring_has_as_many_members_as_it_was_made_for),
		cmocka_unit_test(observers_take_at_most_half_of_the_slots),
		cmocka_unit_test(a_consumers_name_is_its_own_while_it_is_there),
		cmocka_unit_test(dependencies_are_consumers_that_are_there),
		cmocka_unit_test(names_of_dependencies_are_checked_like_any),
		cmocka_unit_test(the_slot_of_one_who_left_is_reused_when_its_file_is_released),
		cmocka_unit_test(a_reused_slot_starts_afresh),
		cmocka_unit_test(every_change_raises_the_generation),
		cmocka_unit_test(one_who_has_left_can_do_nothing_more),
		cmocka_unit_test(a_mapping_keeps_the_member_when_its_file_is_closed),
		cmocka_unit_test(join_returns_a_file_that_is_closed_on_exec),
		cmocka_unit_test(without_a_descriptor_nobody_joins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
