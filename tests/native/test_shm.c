// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_shm.c: rings of shared memory: names, how long they live, rights, and rings without a name */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "native.h"

static bool exists(const struct address *a)
{
	struct stat st;

	return !lstat(shm_path(a).s, &st);
}

/* ---- names ---- */

static void names_are_those_of_any_ring(void **state)
{
	static const char *const bad[] = { "shm:a/b", "shm:a b", "shm:/a", "shm:a:b", "shm:\xc3\xa4",
					   "mem:a",   "SHM:a",	 ":a",	   "shm::a",  "shm" };
	struct dmp_ring_options options = native_options(0);
	char longest[DMP_NAME_MAX + 5];
	struct dmp_ring *ring = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad) - 1; i++) {
		assert_int_equal(dmp_ring_create(&ring, bad[i], &options), -EINVAL);
		assert_int_equal(dmp_ring_open(&ring, bad[i], 0), -EINVAL);
		assert_int_equal(dmp_ring_unlink(bad[i]), -EINVAL);
	}
	memset(longest, 'n', sizeof(longest));
	memcpy(longest, "shm:", 4);
	longest[DMP_NAME_MAX + 4] = 0;
	assert_int_equal(dmp_ring_create(&ring, longest, &options), -EINVAL);
	longest[DMP_NAME_MAX + 3] = 0;
	assert_int_equal(dmp_ring_create(&ring, longest, &options), 0);
	assert_string_equal(info_of(ring).name, longest + 4);
	dmp_ring_close(ring);
	assert_int_equal(dmp_ring_open(&ring, "shm:", 0), -EINVAL);
	assert_int_equal(dmp_ring_unlink("shm:"), -EINVAL);
}

static void a_name_without_a_prefix_is_of_the_backend_in_the_environment(void **state)
{
	struct dmp_ring_options options = native_options(0);
	struct address a = new_shm("bare");
	struct dmp_ring *ring = NULL;

	(void)state;
	setenv("DMP_BACKEND", "shm", 1);
	assert_int_equal(dmp_ring_create(&ring, a.s + 4, &options), 0);
	assert_true(exists(&a));
	assert_int_equal(try_open(&a, 0), 0);
	dmp_ring_close(ring);
	assert_int_equal(dmp_ring_create(&ring, NULL, &options), 0); /* without a name */
	assert_string_equal(info_of(ring).name, "");
	dmp_ring_close(ring);
	setenv("DMP_BACKEND", "nonsense", 1);
	assert_int_equal(dmp_ring_create(&ring, a.s + 4, &options), -EINVAL);
	assert_int_equal(dmp_ring_open(&ring, a.s + 4, 0), -EINVAL);
	assert_int_equal(dmp_ring_unlink(a.s + 4), -EINVAL);
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0); /* a prefix is a prefix */
	dmp_ring_close(ring);
	unsetenv("DMP_BACKEND");
}

static void a_name_is_taken_once(void **state)
{
	struct dmp_ring_options options = native_options(0);
	struct address a = new_shm("once");
	struct dmp_ring *ring = create_ring(&a, 0), *again = open_ring(&a);

	(void)state;
	assert_int_equal(try_create(&a, &options), -EEXIST);
	assert_true(info_of(ring).id == info_of(again).id);
	dmp_ring_close(ring);
	assert_int_equal(try_create(&a, &options), -EEXIST); /* it is open still */
	dmp_ring_close(again);
	assert_int_equal(try_create(&a, &options), 0);
}

static void info_tells_what_was_created(void **state)
{
	struct dmp_ring_options options = {
		.slots = 512, .event_size = 100, .members = 5, .mode = 0741, .flags = DMP_RING_STAMPED
	};
	struct address a = new_shm("info");
	struct dmp_ring *ring = NULL;
	struct dmp_info info;

	(void)state;
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0);
	info = info_of(ring);
	assert_int_equal(info.size, sizeof(info));
	assert_int_equal(info.flags, DMP_RING_STAMPED);
	assert_string_equal(info.name, a.s + 4);
	assert_int_equal(info.uid, geteuid());
	assert_int_equal(info.gid, getegid());
	assert_int_equal(info.mode, 0741);
	assert_int_equal(info.rights, DMP_RIGHT_R | DMP_RIGHT_W | DMP_RIGHT_X);
	assert_int_equal(info.slots, 512);
	assert_int_equal(info.event_size, 100);
	assert_int_equal(info.stride, 112);
	assert_int_equal(info.members, 5);
	assert_in_range(info.bytes, 512 * 112, 1 << 20);
	assert_true(info.id != 0);
	assert_int_equal(info.joined | info.cursor | info.gate | info.producers | info.epoch | info.ended, 0);
	dmp_ring_close(ring);
}

static void next_goes_through_the_rings_that_are_there(void **state)
{
	struct address a = new_shm("list-a"), b = new_shm("list-b"), gone = new_shm("list-gone");
	struct dmp_ring *one = create_ring(&a, 0), *two = create_ring(&b, 0);
	char name[DMP_NAME_MAX] = "", last[DMP_NAME_MAX] = "";
	struct dmp_info info;
	int seen = 0;

	(void)state;
	dmp_ring_close(create_ring(&gone, 0));
	while (!dmp_shm_next(name, &info)) {
		assert_true(strcmp(name, last) > 0);
		strcpy(last, name);
		seen += !strcmp(name, a.s + 4) && info.id == info_of(one).id;
		seen += !strcmp(name, b.s + 4) && info.id == info_of(two).id;
		assert_string_not_equal(name, gone.s + 4);
	}
	assert_int_equal(seen, 2);
	dmp_ring_close(one);
	dmp_ring_close(two);
}

/* ---- lives ---- */

static void a_name_goes_with_its_last_user(void **state)
{
	struct address a = new_shm("last");
	struct dmp_ring *ring = create_ring(&a, 0), *again = open_ring(&a);

	(void)state;
	dmp_ring_close(ring);
	assert_true(exists(&a));
	dmp_ring_close(again);
	assert_false(exists(&a));
	assert_int_equal(try_open(&a, 0), -ENOENT);
	assert_int_equal(dmp_ring_unlink(a.s), -ENOENT);
}

struct user {
	struct address a;
	uint32_t flags;
	uint64_t *there;
};

static int create_and_stay(void *arg)
{
	const struct user *u = arg;
	struct dmp_ring *ring = create_ring(&u->a, u->flags);

	join(ring, DMP_ROLE_CONSUMER, "c");
	store_shared(u->there, 1);
	stay();
}

static void kill_creator_of(const struct address *a, uint32_t flags)
{
	struct user u = { *a, flags, shared_memory(sizeof(uint64_t)) };
	pid_t pid = start_child(create_and_stay, &u);

	await_shared(u.there, 1);
	kill_child(pid);
	free_shared_memory(u.there, sizeof(uint64_t));
}

static void what_the_dead_left_is_no_ring(void **state)
{
	struct address a = new_shm("dead"), b = new_shm("dead");
	struct dmp_ring *ring;

	(void)state;
	kill_creator_of(&a, 0);
	assert_int_equal(try_open(&a, 0), -ENOENT);
	assert_false(exists(&a));
	kill_creator_of(&b, 0);
	ring = create_ring(&b, 0); /* the name is free again */
	assert_int_equal(info_of(ring).joined, 0);
	dmp_ring_close(ring);
	assert_false(exists(&b));
}

static void a_ring_outlives_its_creator_while_another_has_it(void **state)
{
	struct address a = new_shm("heir");
	struct user u = { a, 0, shared_memory(sizeof(uint64_t)) };
	pid_t pid = start_child(create_and_stay, &u);
	struct dmp_ring *ring;

	(void)state;
	await_shared(u.there, 1);
	ring = open_ring(&a);
	assert_int_equal(info_of(ring).joined, 1);
	kill_child(pid);
	assert_int_equal(info_of(ring).joined, 0);
	assert_int_equal(try_open(&a, 0), 0);
	dmp_ring_close(ring);
	assert_false(exists(&a));
	free_shared_memory(u.there, sizeof(uint64_t));
}

static void a_persistent_ring_stays_until_it_is_unlinked(void **state)
{
	struct dmp_ring_options options = native_options(DMP_RING_PERSISTENT);
	struct address a = new_shm("stays");
	struct dmp_ring *ring;
	struct dmp_member *p;

	(void)state;
	kill_creator_of(&a, DMP_RING_PERSISTENT);
	assert_int_equal(try_create(&a, &options), -EEXIST);
	ring = open_ring(&a);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	publish(p, 3 * NATIVE_SLOTS); /* the dead gate nobody */
	dmp_leave(p);
	dmp_ring_close(ring);
	ring = open_ring(&a);
	assert_int_equal(info_of(ring).cursor, 3 * NATIVE_SLOTS);
	assert_int_equal(dmp_ring_unlink(a.s), 0);
	assert_int_equal(try_open(&a, 0), -ENOENT);
	assert_int_equal(try_create(&a, &options), 0); /* another one */
	assert_int_equal(info_of(ring).cursor, 3 * NATIVE_SLOTS);
	dmp_ring_close(ring);
	assert_int_equal(dmp_ring_unlink(a.s), 0);
	assert_false(exists(&a));
}

/* Somebody else's ring by now: the last user of the first must not take its name. */
static void an_unlinked_ring_takes_no_name_with_it(void **state)
{
	struct address a = new_shm("other");
	struct dmp_ring *first = create_ring(&a, 0), *second;

	(void)state;
	assert_int_equal(dmp_ring_unlink(a.s), 0);
	second = create_ring(&a, 0);
	assert_true(info_of(first).id != info_of(second).id);
	dmp_ring_close(first);
	assert_int_equal(try_open(&a, 0), 0);
	dmp_ring_close(second);
	assert_false(exists(&a));
}

static void a_foreign_file_is_left_alone(void **state)
{
	static const char *const content[] = { "", "something else, and longer than a magic number",
					       "\0\0\0\0\0\0\0\0\0" };
	static const size_t size[] = { 0, 46, 4096 };
	struct dmp_ring_options options = native_options(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(content); i++) {
		struct address a = new_shm("foreign"), path = shm_path(&a);
		int fd = open(path.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		struct stat st;

		assert_true(write(fd, content[i], strlen(content[i])) >= 0);
		assert_int_equal(ftruncate(fd, (off_t)size[i]), 0);
		assert_int_equal(try_create(&a, &options), -EEXIST);
		assert_int_equal(try_open(&a, 0), -EMEDIUMTYPE);
		assert_int_equal(dmp_ring_unlink(a.s), -EMEDIUMTYPE);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_nlink, 1);
		assert_int_equal(st.st_size, size[i]);
		close(fd);
		assert_int_equal(unlink(path.s), 0);
	}
}

/* ---- without a name: inherited or sent ---- */

static int use_inherited(void *arg)
{
	struct dmp_member *c = join(arg, DMP_ROLE_CONSUMER, "c");

	assert_int_equal(consume_up_to(c, 200), 0);
	dmp_leave(c);
	return 0;
}

static struct dmp_ring *anonymous_ring(void)
{
	struct address a = { "shm:" };

	return create_ring(&a, 0);
}

static void a_ring_without_a_name_is_inherited(void **state)
{
	struct dmp_ring *ring = anonymous_ring();
	pid_t pid = start_child(use_inherited, ring);
	struct dmp_member *p;

	(void)state;
	await_members(ring, 1);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	publish(p, 200);
	assert_int_equal(finish_child(pid), 0);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static int use_received(void *arg)
{
	int fd = receive_fd(*(int *)arg);
	struct dmp_ring *ring = NULL;

	assert_int_equal(dmp_ring_from_fd(&ring, fd), 0);
	assert_int_equal(use_inherited(ring), 0);
	dmp_ring_close(ring);
	return 0;
}

static void a_ring_without_a_name_is_sent_over_a_socket(void **state)
{
	struct dmp_ring *ring;
	struct dmp_member *p;
	int sockets[2];
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	pid = start_child(use_received, &sockets[1]); /* before there is a ring */
	ring = anonymous_ring();
	send_fd(sockets[0], dmp_ring_fd(ring));
	await_members(ring, 1);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	publish(p, 200);
	assert_int_equal(finish_child(pid), 0);
	dmp_leave(p);
	dmp_ring_close(ring);
	close(sockets[0]);
	close(sockets[1]);
}

static void what_is_no_ring_file_is_refused(void **state)
{
	struct dmp_ring *ring = NULL;
	FILE *f = tmpfile();

	(void)state;
	assert_int_equal(dmp_ring_from_fd(&ring, fileno(f)), -EBADF);
	assert_int_equal(dmp_ring_from_fd(&ring, -1), -EBADF);
	assert_int_equal(fputs("still ours", f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_any_ring),
		cmocka_unit_test(a_name_without_a_prefix_is_of_the_backend_in_the_environment),
		cmocka_unit_test(a_name_is_taken_once),
		cmocka_unit_test(info_tells_what_was_created),
		cmocka_unit_test(next_goes_through_the_rings_that_are_there),
		cmocka_unit_test(a_name_goes_with_its_last_user),
		cmocka_unit_test(what_the_dead_left_is_no_ring),
		cmocka_unit_test(a_ring_outlives_its_creator_while_another_has_it),
		cmocka_unit_test(a_persistent_ring_stays_until_it_is_unlinked),
		cmocka_unit_test(an_unlinked_ring_takes_no_name_with_it),
		cmocka_unit_test(a_foreign_file_is_left_alone),
		cmocka_unit_test(a_ring_without_a_name_is_inherited),
		cmocka_unit_test(a_ring_without_a_name_is_sent_over_a_socket),
		cmocka_unit_test(what_is_no_ring_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
