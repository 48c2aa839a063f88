// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_file.c: rings in files: what stays when everybody has left or died, what is refused, and syncs */
#include <fcntl.h>
#include <sys/stat.h>

#include "native.h"
#include "segment.h"

#define N NATIVE_SLOTS

static uint64_t syncs;
static int sync_error;

int dmp_sys_sync(void *at, size_t size)
{
	(void)at;
	(void)size;
	syncs++;
	return sync_error;
}

/* ---- reopened ---- */

/* Ten events; a has read four of them, b nine, both by name. */
static void fill_ring(const struct address *a, uint32_t flags)
{
	struct dmp_ring *ring = create_ring(a, flags);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_member *one = join(ring, DMP_ROLE_CONSUMER, "a"), *two = join(ring, DMP_ROLE_CONSUMER, "b");

	publish(p, 10);
	assert_int_equal(consume_up_to(one, 4), 0);
	assert_int_equal(consume_up_to(two, 9), 0);
}

static int fill_ring_and_die(void *arg)
{
	const struct address *a = arg;

	fill_ring(a, DMP_RING_STAMPED);
	kill(getpid(), SIGKILL);
	return 0;
}

static void the_dead_hold_their_places(void **state)
{
	struct address a = new_file("held");
	struct dmp_member *p, *one, *two;
	struct dmp_ring *ring;

	(void)state;
	assert_int_equal(run_child(fill_ring_and_die, &a), 128 + SIGKILL);
	ring = open_ring(&a);
	assert_int_equal(info_of(ring).cursor, 10);
	assert_int_equal(info_of(ring).joined, 0);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(dmp_position(p), 10);
	assert_int_equal(try_publish(p, N), -EAGAIN); /* nobody has read them */
	one = join(ring, DMP_ROLE_CONSUMER, "a");
	assert_int_equal(dmp_position(one), 4);
	assert_int_equal(consume(one), 6);
	two = join(ring, DMP_ROLE_CONSUMER, "b");
	assert_int_equal(dmp_position(two), 9);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "b"), -EEXIST);
	assert_int_equal(consume(two), 1);
	publish(p, 3);
	assert_int_equal(consume(one), 3);
	dmp_leave(one);
	dmp_leave(two);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void who_leaves_holds_no_place(void **state)
{
	struct address a = new_file("left");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	publish(p, 5);
	dmp_leave(c);
	publish(p, 3 * N);
	assert_int_equal(dmp_finish(p), 0);
	dmp_leave(p);
	dmp_ring_close(ring);
	ring = open_ring(&a);
	assert_int_equal(info_of(ring).cursor, 3 * N + 5);
	assert_int_equal(info_of(ring).ended, DMP_END_CLEAN);
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	assert_int_equal(dmp_position(c), 3 * N + 5);
	dmp_leave(c);
	dmp_ring_close(ring);
}

/* ---- refused ---- */

struct damage {
	const char *what;
	size_t offset;
	uint64_t value;
	int err;
};

#define HEAD(field, value, err)                                      \
	{                                                            \
#field, offsetof(struct dmp_head, field), value, err \
	}

static const struct damage damages[] = {
	HEAD(magic, 0, -EMEDIUMTYPE),
	HEAD(magic, 0x1122334455667788, -EMEDIUMTYPE),
	HEAD(version, DMP_SEGMENT_VERSION + 1, -EPROTO), /* with the kind in its upper half */
	HEAD(version, 0, -EPROTO),
	HEAD(size, 4096, -EUCLEAN),
	HEAD(size, UINT64_MAX, -EUCLEAN),
	HEAD(saved_off, 0, -EUCLEAN),
	HEAD(saved_off, UINT64_MAX, -EUCLEAN),
	HEAD(meta_off, 0, -EUCLEAN),
	HEAD(meta_off, 1ULL << 40, -EUCLEAN),
	HEAD(meta_off, 4095, -EUCLEAN),
	HEAD(cursor_off, 0, -EUCLEAN),
	HEAD(members_off, UINT64_MAX, -EUCLEAN),
	HEAD(data_off, 0, -EUCLEAN),
	HEAD(data_off, 1ULL << 50, -EUCLEAN),
};

static void write_word(const struct address *a, size_t offset, uint64_t value)
{
	int fd = open(path_of(a), O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)offset), sizeof(value));
	close(fd);
}

static off_t size_of(const struct address *a)
{
	struct stat st;

	assert_int_equal(stat(path_of(a), &st), 0);
	return st.st_size;
}

static void expect_refusal(const struct address *a, int err, const char *what)
{
	struct dmp_ring_options options = native_options(0);
	int got = try_open(a, 0);

	if (got != err)
		fail_msg("%s: %d, expected %d", what, got, err);
	assert_int_equal(try_create(a, &options), -EEXIST);
}

static void damaged_heads_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct address a = new_file("damaged");

		dmp_ring_close(create_ring(&a, DMP_RING_STAMPED));
		write_word(&a, damages[i].offset, damages[i].value);
		expect_refusal(&a, damages[i].err, damages[i].what);
		assert_int_equal(dmp_ring_unlink(a.s), damages[i].err == -EMEDIUMTYPE ? -EMEDIUMTYPE : 0);
	}
}

static void truncated_files_are_refused(void **state)
{
	static const off_t sizes[] = { 0, 8, 16, 64, 512, 4095, 4096, 8192, 12288, 20000, 100000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct address a = new_file("short");

		dmp_ring_close(create_ring(&a, 0));
		assert_in_range(size_of(&a), sizes[i] + 1, UINT32_MAX);
		assert_int_equal(truncate(path_of(&a), sizes[i]), 0);
		expect_refusal(&a, sizes[i] < 16 ? -EMEDIUMTYPE : -EUCLEAN, "truncated");
		assert_int_equal(size_of(&a), sizes[i]);
	}
}

static void a_file_that_has_grown_is_refused(void **state)
{
	struct address a = new_file("long");

	(void)state;
	dmp_ring_close(create_ring(&a, 0));
	assert_int_equal(truncate(path_of(&a), size_of(&a) + 4096), 0);
	expect_refusal(&a, -EUCLEAN, "longer");
}

/* Anything at all may be in the file: it is refused, or it opens, and nothing crashes. */
static int use_whatever_it_is(void *arg)
{
	struct dmp_ring *ring = NULL;
	struct dmp_member *p = NULL, *c = NULL;
	struct dmp_join_options options = { .name = "a" };
	struct dmp_batch batch;

	alarm(60);
	if (dmp_ring_open(&ring, ((struct address *)arg)->s, 0))
		return 0;
	if (!dmp_join(ring, DMP_ROLE_CONSUMER, &options, &c) && !dmp_try_wait(c, 1, &batch))
		dmp_release(c, batch.end);
	if (!dmp_join(ring, DMP_ROLE_PRODUCER, NULL, &p))
		try_publish(p, 3);
	dmp_leave(p);
	dmp_leave(c);
	dmp_ring_close(ring);
	return 0;
}

static void random_damage_crashes_nobody(void **state)
{
	uint64_t seed = stress_seed(), n = rounds(300, 20000);

	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		struct address a = new_file("fuzz");
		size_t words = 1 + stress_below(&seed, 3);

		assert_int_equal(run_child(fill_ring_and_die, &a), 128 + SIGKILL);
		while (words--)
			write_word(&a, stress_below(&seed, 2560) * 8, stress_random(&seed) >> stress_below(&seed, 64));
		assert_int_equal(run_child(use_whatever_it_is, &a), 0);
		unlink(path_of(&a));
	}
}

static void a_foreign_file_is_left_alone(void **state)
{
	static const char text[] = "a letter, not a ring";
	struct dmp_ring_options options = native_options(0);
	struct address a = new_file("foreign");
	FILE *f = fopen(path_of(&a), "w");
	char now[64] = "";

	(void)state;
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	expect_refusal(&a, -EMEDIUMTYPE, "foreign");
	assert_int_equal(try_create(&a, &options), -EEXIST);
	assert_int_equal(dmp_ring_unlink(a.s), -EMEDIUMTYPE);
	f = fopen(path_of(&a), "r");
	assert_non_null(fgets(now, sizeof(now), f));
	assert_string_equal(now, text);
	fclose(f);
	snprintf(now, sizeof(now), "file:/tmp");
	assert_int_equal(dmp_ring_unlink(now), -EMEDIUMTYPE);
	assert_int_equal(dmp_ring_unlink("file:/dev/null"), -EMEDIUMTYPE);
}

/* ---- syncs ---- */

static void a_full_ring_syncs_by_itself(void **state)
{
	struct address a = new_file("sync");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t before = syncs, pos;

	(void)state;
	publish(p, N);
	assert_int_equal(consume(c), N);
	assert_int_equal(syncs, before);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EAGAIN); /* it is not on the disk, and try does not put it there */
	assert_int_equal(syncs, before);
	publish(p, N);
	assert_int_equal(syncs, before + 2); /* the slots, and the save: once for all of them */
	assert_int_equal(dmp_claim_until(p, 1, &pos, 1), -ETIMEDOUT); /* c is in the way: no sync helps */
	assert_int_equal(syncs, before + 2);
	assert_int_equal(consume(c), N);
	assert_int_equal(dmp_ring_sync(ring), 0);
	assert_int_equal(dmp_try_claim(p, N, &pos), 0);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void an_error_of_the_disk_is_told_and_makes_no_room(void **state)
{
	struct address a = new_file("error");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	uint64_t pos;

	(void)state;
	publish(p, N);
	sync_error = -EIO;
	assert_int_equal(dmp_ring_sync(ring), -EIO);
	assert_int_equal(dmp_claim_until(p, 1, &pos, wait_long()), -EIO);
	assert_int_equal(dmp_try_claim(p, 1, &pos), -EAGAIN);
	sync_error = 0;
	publish(p, 1);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void only_files_are_synced(void **state)
{
	struct address a = new_shm("sync");
	struct dmp_ring *ring = create_ring(&a, 0);

	(void)state;
	assert_int_equal(dmp_ring_sync(ring), -EOPNOTSUPP);
	dmp_ring_close(ring);
}

static void the_disk_has_a_seat(void **state)
{
	struct address a = new_file("seat");
	struct dmp_ring *ring = create_ring(&a, 0);
	struct dmp_member_info m;

	(void)state;
	assert_int_equal(dmp_ring_members(ring, &m, 1), 1);
	assert_string_equal(m.name, DMP_SAVED_NAME);
	assert_int_equal(m.role, DMP_ROLE_CONSUMER);
	assert_int_equal(m.state, DMP_MEMBER_HELD);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, DMP_SAVED_NAME), -EINVAL);
	assert_int_equal(info_of(ring).members, 17);
	dmp_ring_close(ring);
}

/* As shm from a descriptor would be: the file says what it is. */
static void a_file_ring_from_a_descriptor_is_a_file_ring(void **state)
{
	struct address a = new_file("adopt");
	struct dmp_ring *ring = create_ring(&a, 0), *same = NULL;
	struct dmp_member *p;

	(void)state;
	assert_int_equal(dmp_ring_from_fd(&same, dup(dmp_ring_fd(ring))), 0);
	p = join(same, DMP_ROLE_PRODUCER, "p");
	publish(p, 3 * N); /* which has to sync */
	assert_int_equal(dmp_ring_sync(same), 0);
	dmp_leave(p);
	dmp_ring_close(same);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dead_hold_their_places),
		cmocka_unit_test(who_leaves_holds_no_place),
		cmocka_unit_test(damaged_heads_are_refused),
		cmocka_unit_test(truncated_files_are_refused),
		cmocka_unit_test(a_file_that_has_grown_is_refused),
		cmocka_unit_test(random_damage_crashes_nobody),
		cmocka_unit_test(a_foreign_file_is_left_alone),
		cmocka_unit_test(a_full_ring_syncs_by_itself),
		cmocka_unit_test(an_error_of_the_disk_is_told_and_makes_no_room),
		cmocka_unit_test(only_files_are_synced),
		cmocka_unit_test(the_disk_has_a_seat),
		cmocka_unit_test(a_file_ring_from_a_descriptor_is_a_file_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
