// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_rights.c: mode bits, and what a ring file carries: r observe, w produce, x consume */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

#define R   DMP_RIGHT_R
#define W   DMP_RIGHT_W
#define X   DMP_RIGHT_X
#define ALL (R | W | X)

static const struct {
	uint32_t role, right;
} roles[] = {
	{ DMP_ROLE_PRODUCER, W },
	{ DMP_ROLE_CONSUMER, X },
	{ DMP_ROLE_OBSERVER, R },
};

/* Each role can be joined if the file has its right, and not otherwise. */
static void check_roles(int ring, uint32_t rights)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		struct dmp_join args = join_args(roles[i].role, "m");
		int fd = ring_join(ring, &args);

		if (rights & roles[i].right)
			assert_true(fd >= 0);
		else
			assert_int_equal(fd, -EACCES);
		close(fd);
	}
}

/* ---- the table of modes ---- */

struct grid {
	struct name names[3][8]; /* by class and digit: mode is only that digit, in that class */
};

enum { OWNER, GROUP, OTHER };

static int create_grid(void *arg)
{
	struct grid *g = arg;
	int class, digit;

	become(1000);
	for (class = OWNER; class <= OTHER; class ++)
		for (digit = 0; digit < 8; digit++) {
			struct dmp_create args = create_args(g->names[class][digit].s);

			args.flags = DMP_RING_PERSISTENT;
			args.mode = digit << (6 - 3 * class);
			close(ring_create(&args));
		}
	return 0;
}

static void check_open(const char *name, uint32_t rights)
{
	uint32_t wanted;

	for (wanted = 0; wanted < 8; wanted++) {
		int fd = ring_open(name, wanted);

		if ((wanted & ~rights) || !rights) {
			assert_int_equal(fd, -EACCES);
			continue;
		}
		assert_true(fd >= 0);
		assert_int_equal(ring_info(fd).rights, wanted ? wanted : rights);
		check_roles(fd, wanted ? wanted : rights);
		close(fd);
	}
}

/* The class of the caller decides, whatever the others have. */
static void check_grid(const struct grid *g, int mine)
{
	int class, digit;

	for (class = OWNER; class <= OTHER; class ++)
		for (digit = 0; digit < 8; digit++)
			check_open(g->names[class][digit].s, class == mine ? digit : 0);
}

static int open_as_owner(void *grid)
{
	become(1000);
	check_grid(grid, OWNER);
	return 0;
}

static int open_as_group(void *grid)
{
	assert_int_equal(setresgid(1000, 1000, 1000), 0);
	assert_int_equal(setresuid(1001, 1001, 1001), 0);
	check_grid(grid, GROUP);
	return 0;
}

static int open_as_other(void *grid)
{
	become(1001);
	check_grid(grid, OTHER);
	return 0;
}

static int unlink_as_other(void *grid)
{
	const struct grid *g = grid;

	become(1001);
	assert_int_equal(ring_unlink(g->names[OTHER][7].s), -EPERM);
	assert_int_equal(ring_unlink(g->names[OWNER][0].s), -EPERM);
	return 0;
}

static int unlink_as_owner(void *grid)
{
	const struct grid *g = grid;

	become(1000);
	assert_int_equal(ring_unlink(g->names[OWNER][0].s), 0); /* no right is needed, it is the owner's */
	assert_false(ring_is_listed(g->names[OWNER][0].s));
	return 0;
}

static int name_grid(void **state)
{
	struct grid *g = shared_memory(sizeof(*g));
	int class, digit;

	for (class = OWNER; class <= OTHER; class ++)
		for (digit = 0; digit < 8; digit++)
			g->names[class][digit] = unique_name("mode");
	assert_int_equal(run_child(create_grid, g), 0);
	*state = g;
	return 0;
}

static int unlink_grid(void **state)
{
	struct grid *g = *state;
	int class, digit;

	for (class = OWNER; class <= OTHER; class ++)
		for (digit = 0; digit < 8; digit++)
			ring_unlink(g->names[class][digit].s);
	free_shared_memory(g, sizeof(*g));
	return 0;
}

static void the_mode_grants_each_class_what_its_digit_says(void **state)
{
	assert_int_equal(run_child(open_as_owner, *state), 0);
	assert_int_equal(run_child(open_as_group, *state), 0);
	assert_int_equal(run_child(open_as_other, *state), 0);
}

static void capabilities_override_the_mode(void **state)
{
	const struct grid *g = *state;

	check_open(g->names[OWNER][0].s, ALL);
	assert_int_equal(ring_unlink(g->names[OTHER][1].s), 0);
}

/* All capabilities, over what is its own: not over a ring of somebody else. */
static int be_root_of_a_user_namespace(void *grid)
{
	const struct grid *g = grid;

	become(1001);
	assert_int_equal(unshare(CLONE_NEWUSER), 0);
	check_grid(g, OTHER);
	assert_int_equal(ring_unlink(g->names[OTHER][7].s), -EPERM);
	return 0;
}

static void capabilities_in_a_user_namespace_override_nothing(void **state)
{
	assert_int_equal(run_child(be_root_of_a_user_namespace, *state), 0);
}

static void only_the_owner_unlinks_a_name(void **state)
{
	assert_int_equal(run_child(unlink_as_other, *state), 0);
	assert_int_equal(run_child(unlink_as_owner, *state), 0);
}

/* ---- LIST ---- */

static struct dmp_info listed(uint64_t id)
{
	struct dmp_info info = { .size = sizeof(info), .id = id - 1 };
	int dev = device();

	assert_int_equal(xioctl(dev, DMP_IOC_LIST, &info), 0);
	assert_int_equal(info.id, id);
	close(dev);
	return info;
}

static int list_as_stranger(void *ring)
{
	struct dmp_info info = ring_info(*(int *)ring);

	become(1001);
	info = listed(info.id);
	assert_int_equal(info.slots, SLOTS);
	assert_int_equal(info.uid, 0);
	assert_int_equal(info.cursor | info.gate | info.generation | info.joined | info.producers | info.epoch, 0);
	return 0;
}

static void list_shows_no_positions_to_who_may_not_observe(void **state)
{
	struct name name = unique_name("secret");
	struct dmp_create args = create_args(name.s);
	struct raw p;
	int ring;

	(void)state;
	args.mode = 0773; /* others: produce and consume */
	ring = ring_create(&args);
	p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	raw_publish(&p, 5);
	assert_int_equal(listed(ring_info(ring).id).cursor, 5);
	assert_int_equal(run_child(list_as_stranger, &ring), 0);
	raw_leave(&p);
	close(ring);
}

/* ---- what a file carries ---- */

static void a_file_opened_read_only_never_carries_w(void **state)
{
	struct name name = unique_name("rdonly");
	struct dmp_create args = create_args(name.s);
	int created = xopen("/dev/dmp", O_RDONLY), opened, full, bound;
	struct dmp_bind bind = { .size = sizeof(bind) };

	(void)state;
	assert_int_equal(xioctl(created, DMP_IOC_CREATE, &args), 0);
	assert_int_equal(ring_info(created).rights, R | X);
	check_roles(created, R | X);
	assert_int_equal(ring_open_with(name.s, W, O_RDONLY), -EACCES);
	assert_int_equal(ring_open_with(name.s, ALL, O_RDONLY), -EACCES);
	opened = ring_open_with(name.s, 0, O_RDONLY);
	assert_int_equal(ring_info(opened).rights, R | X);
	full = ring_open(name.s, 0);
	bind.fd = full;
	bound = xopen("/dev/dmp", O_RDONLY);
	bind.rights = W;
	assert_int_equal(xioctl(bound, DMP_IOC_BIND, &bind), -EACCES);
	bind.rights = 0;
	assert_int_equal(xioctl(bound, DMP_IOC_BIND, &bind), 0);
	assert_int_equal(ring_info(bound).rights, R | X);
	close(bound);
	close(full);
	close(opened);
	close(created);
}

static void bind_gives_the_same_rights_or_fewer_never_more(void **state)
{
	int ring = new_ring();
	uint32_t has, wanted;

	(void)state;
	for (has = 1; has < 8; has++) {
		int from = ring_bind(ring, has);

		assert_int_equal(ring_info(from).rights, has);
		for (wanted = 0; wanted < 8; wanted++) {
			int to = ring_bind(from, wanted);

			if (wanted & ~has) {
				assert_int_equal(to, -EACCES);
				continue;
			}
			assert_int_equal(ring_info(to).rights, wanted ? wanted : has);
			check_roles(to, wanted ? wanted : has);
			close(to);
		}
		close(from);
	}
	close(ring);
}

struct handed {
	struct name name;
	int file;
};

/* The file is the right: it was settled when it was bound, by somebody else. */
static int use_what_was_handed_on(void *arg)
{
	struct handed *h = arg;
	int more;

	become(1001);
	assert_int_equal(ring_open(h->name.s, 0), -EACCES);
	check_roles(h->file, R | X);
	assert_int_equal(ring_bind(h->file, W), -EACCES);
	more = ring_bind(h->file, 0);
	assert_int_equal(ring_info(more).rights, R | X);
	return 0;
}

static void a_file_is_a_right_wherever_it_goes(void **state)
{
	struct handed h = { .name = unique_name("handed") };
	struct dmp_create args = create_args(h.name.s);
	int ring = ring_create(&args);

	(void)state;
	h.file = ring_bind(ring, R | X);
	assert_int_equal(run_child(use_what_was_handed_on, &h), 0);
	close(h.file);
	close(ring);
}

static int create_for_nobody(void *unused)
{
	struct dmp_create args = create_args(NULL);
	int ring;

	(void)unused;
	become(1000);
	args.mode = 0;
	ring = ring_create(&args);
	assert_int_equal(ring_info(ring).rights, ALL);
	check_roles(ring, ALL);
	return 0;
}

static void the_creators_file_has_all_rights_whatever_the_mode(void **state)
{
	(void)state;
	assert_int_equal(run_child(create_for_nobody, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_mode_grants_each_class_what_its_digit_says, name_grid, unlink_grid),
		cmocka_unit_test_setup_teardown(capabilities_override_the_mode, name_grid, unlink_grid),
		cmocka_unit_test_setup_teardown(capabilities_in_a_user_namespace_override_nothing, name_grid,
						unlink_grid),
		cmocka_unit_test_setup_teardown(only_the_owner_unlinks_a_name, name_grid, unlink_grid),
		cmocka_unit_test(list_shows_no_positions_to_who_may_not_observe),
		cmocka_unit_test(a_file_opened_read_only_never_carries_w),
		cmocka_unit_test(bind_gives_the_same_rights_or_fewer_never_more),
		cmocka_unit_test(a_file_is_a_right_wherever_it_goes),
		cmocka_unit_test(the_creators_file_has_all_rights_whatever_the_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
