// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_ring.c: rings: create, open, list, info; see test_lives.c for how long they live */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

static int create_named(const char *name, uint32_t flags)
{
	struct dmp_create args = create_args(name);
	int fd;

	args.flags = flags;
	fd = ring_create(&args);
	assert_true(fd >= 0);
	return fd;
}

/* ---- what INFO says ---- */

static void info_tells_what_was_created(void **state)
{
	struct name name = unique_name("info");
	struct dmp_create args = create_args(name.s);
	struct dmp_info info;
	int fd;

	(void)state;
	args.slots = 1024;
	args.event_size = 100;
	args.members = 5;
	args.mode = 0741;
	fd = ring_create(&args);
	memset(&info, 0xa5, sizeof(info));
	info.size = sizeof(info);
	info.flags = 0;
	assert_int_equal(xioctl(fd, DMP_IOC_INFO, &info), 0);
	assert_int_equal(info.size, sizeof(info));
	assert_int_equal(info.flags, 0);
	assert_string_equal(info.name, name.s);
	assert_int_equal(info.uid, geteuid());
	assert_int_equal(info.gid, getegid());
	assert_int_equal(info.mode, 0741);
	assert_int_equal(info.rights, DMP_RIGHT_R | DMP_RIGHT_W | DMP_RIGHT_X);
	assert_int_equal(info.slots, 1024);
	assert_int_equal(info.event_size, 100);
	assert_int_equal(info.stride, 104);
	assert_int_equal(info.members, 5);
	assert_true(info.bytes >= 1024 * 104 + 5 * 2 * DMP_PAGE);
	assert_int_equal(info.joined | info.cursor | info.gate | info.producers | info.epoch | info.ended, 0);
	assert_int_equal(info.sleeps | info.woken | info.futile | info.changed | info.late | info.wakes, 0);
	assert_int_equal(info.empty | info.examined | info.crossed | info.fences | info.pad, 0);
	close(fd);
}

static void info_follows_the_cursors(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct raw a = raw_join(ring, DMP_ROLE_CONSUMER, "a"), b = raw_join(ring, DMP_ROLE_CONSUMER, "b");
	struct dmp_info info;

	(void)state;
	raw_publish(&p, 9);
	raw_release(&a, 7);
	raw_release(&b, 4);
	info = ring_info(ring);
	assert_int_equal(info.cursor, 9);
	assert_int_equal(info.gate, 4);
	assert_int_equal(info.joined, 3);
	assert_int_equal(info.producers, 1);
	assert_int_equal(info.epoch, 1);
	assert_int_equal(info.ended, DMP_END_OPEN);
	raw_leave(&b);
	assert_int_equal(ring_info(ring).gate, 7);
	raw_leave(&a);
	assert_int_equal(ring_info(ring).gate, 9); /* nobody gates */
	raw_leave(&p);
	close(ring);
}

static void the_layout_is_what_meta_says(void **state)
{
	struct dmp_create args = create_args(NULL);
	struct raw o;
	int ring;

	(void)state;
	args.flags = DMP_RING_STAMPED;
	args.event_size = 56;
	ring = ring_create(&args);
	o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	assert_true(o.meta->magic == DMP_MAGIC);
	assert_int_equal(o.meta->abi, DMP_ABI_VERSION);
	assert_int_equal(o.meta->flags, DMP_RING_STAMPED);
	assert_int_equal(o.meta->slots, SLOTS);
	assert_int_equal(o.meta->event_size, 56);
	assert_int_equal(o.meta->stride, 64);
	assert_int_equal(o.meta->payload_off, 8);
	assert_int_equal(o.meta->members, 16);
	assert_int_equal(o.meta->data_size, SLOTS * 64);
	assert_int_equal(o.meta->notify_off % DMP_LINE, 0);
	assert_true(o.meta->table_off >= o.meta->notify_off + 65 * sizeof(struct dmp_notify));
	assert_true(o.meta->meta_size >= o.meta->table_off + 16 * sizeof(struct dmp_entry));
	raw_leave(&o);
	close(ring);
}

static void a_fenced_ring_is_never_quiet(void **state)
{
	struct dmp_create args = create_args(NULL);
	const struct dmp_notify *line;
	struct raw o;
	int ring, i;

	(void)state;
	args.flags = DMP_RING_FENCED;
	ring = ring_create(&args);
	o = raw_join(ring, DMP_ROLE_OBSERVER, "o");
	line = (const void *)((const char *)o.meta + o.meta->notify_off);
	for (i = 0; i <= DMP_MAX_GATES; i++) {
		assert_int_equal(line[i].mode, DMP_MODE_FENCED);
		assert_true(line[i].notify == UINT64_MAX);
	}
	raw_leave(&o);
	close(ring);
}

static void fdinfo_of_a_ring_file_tells_of_the_ring(void **state)
{
	struct name name = unique_name("fdinfo");
	int ring = create_named(name.s, 0), narrow = ring_bind(ring, DMP_RIGHT_R), fd;
	char path[64], text[4096] = "";

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", narrow);
	fd = xopen(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, name.s));
	assert_non_null(strstr(text, "rights:\tr--\n"));
	assert_non_null(strstr(text, "slots:\t64\n"));
	close(narrow);
	close(ring);
}

/* ---- names ---- */

static void a_name_is_taken_once(void **state)
{
	struct name name = unique_name("once");
	struct dmp_create args = create_args(name.s);
	int fd = ring_create(&args);

	(void)state;
	assert_int_equal(ring_create(&args), -EEXIST);
	close(fd);
	fd = ring_create(&args);
	assert_true(fd >= 0);
	close(fd);
}

static void a_ring_is_opened_by_its_name(void **state)
{
	struct name name = unique_name("open"), other = unique_name("other");
	int fd = create_named(name.s, 0), again = ring_open(name.s, 0);

	(void)state;
	assert_true(again >= 0);
	assert_int_equal(ring_info(again).id, ring_info(fd).id);
	assert_int_equal(ring_open(other.s, 0), -ENOENT);
	close(again);
	close(fd);
}

static void anonymous_rings_are_not_listed(void **state)
{
	int fd = new_ring();

	(void)state;
	assert_string_equal(ring_info(fd).name, "");
	assert_false(ring_is_listed(""));
	close(fd);
}

static void list_goes_through_all_names_in_order_of_id(void **state)
{
	struct dmp_info info = { .size = sizeof(info) };
	struct name names[5];
	int fds[5], dev = device(), i, seen = 0;
	uint64_t last = 0;

	(void)state;
	for (i = 0; i < 5; i++) {
		names[i] = unique_name("list");
		fds[i] = create_named(names[i].s, 0);
	}
	while (!xioctl(dev, DMP_IOC_LIST, &info)) {
		assert_true(info.id > last);
		last = info.id;
		if (seen < 5 && !strcmp(info.name, names[seen].s)) {
			assert_int_equal(info.id, ring_info(fds[seen]).id);
			assert_int_equal(info.rights, 0);
			seen++;
		}
		info = (struct dmp_info){ .size = sizeof(info), .id = last };
	}
	assert_int_equal(seen, 5);
	for (i = 0; i < 5; i++)
		close(fds[i]);
	close(dev);
}

static void list_works_on_a_bound_file_as_well(void **state)
{
	struct name name = unique_name("bound");
	struct dmp_info info = { .size = sizeof(info) };
	int fd = create_named(name.s, 0);

	(void)state;
	info.id = ring_info(fd).id - 1;
	assert_int_equal(xioctl(fd, DMP_IOC_LIST, &info), 0);
	assert_string_equal(info.name, name.s);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_tells_what_was_created),
		cmocka_unit_test(info_follows_the_cursors),
		cmocka_unit_test(the_layout_is_what_meta_says),
		cmocka_unit_test(a_fenced_ring_is_never_quiet),
		cmocka_unit_test(fdinfo_of_a_ring_file_tells_of_the_ring),
		cmocka_unit_test(a_name_is_taken_once),
		cmocka_unit_test(a_ring_is_opened_by_its_name),
		cmocka_unit_test(anonymous_rings_are_not_listed),
		cmocka_unit_test(list_goes_through_all_names_in_order_of_id),
		cmocka_unit_test(list_works_on_a_bound_file_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
