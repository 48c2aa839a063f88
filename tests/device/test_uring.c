// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_uring.c: io_uring against the ring: it writes nothing for who may not, and works on events for who may */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "attack.h"

#define ENTRIES 4

struct uring {
	int fd;
	struct io_uring_params params;
	char *rings;
	struct io_uring_sqe *sqes;
};

static struct uring setup(void)
{
	struct uring u = { .fd = -1 };

	u.fd = syscall(SYS_io_uring_setup, ENTRIES, &u.params);
	assert_true(u.fd >= 0);
	assert_true(u.params.features & IORING_FEAT_SINGLE_MMAP);
	u.rings = mmap(NULL, DMP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u.fd, IORING_OFF_SQ_RING);
	u.sqes = mmap(NULL, DMP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u.fd, IORING_OFF_SQES);
	assert_ptr_not_equal(u.rings, MAP_FAILED);
	assert_ptr_not_equal(u.sqes, MAP_FAILED);
	return u;
}

static void teardown(struct uring *u)
{
	munmap(u->sqes, DMP_PAGE);
	munmap(u->rings, DMP_PAGE);
	close(u->fd);
}

static uint32_t *word(const struct uring *u, uint32_t offset)
{
	return (uint32_t *)(u->rings + offset);
}

/* One request, and its result. */
static int submit(struct uring *u, int opcode, int file, char *at, uint32_t size)
{
	uint32_t *tail = word(u, u->params.sq_off.tail), *head = word(u, u->params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(u->rings + u->params.cq_off.cqes);
	uint32_t i = *tail & (u->params.sq_entries - 1);
	int result;

	memset(&u->sqes[i], 0, sizeof(u->sqes[i]));
	u->sqes[i].opcode = opcode;
	u->sqes[i].fd = file;
	u->sqes[i].addr = (uintptr_t)at;
	u->sqes[i].len = size;
	word(u, u->params.sq_off.array)[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	assert_int_equal(syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), 1);
	result = cqes[*head & (u->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static int register_buffer(struct uring *u, char *at, size_t size)
{
	struct iovec iov = { at, size };
	long ret = syscall(SYS_io_uring_register, u->fd, IORING_REGISTER_BUFFERS, &iov, 1);

	return ret < 0 ? -errno : (int)ret;
}

static int zeros(void)
{
	int fd = xopen("/dev/zero", O_RDONLY);

	assert_true(fd >= 0);
	return fd;
}

/* ---- for who may not ---- */

static void by_fixed_buffers(const struct target *t)
{
	struct uring u = setup();
	int file = zeros();

	assert_true(register_buffer(&u, t->p, t->size) < 0);
	assert_true(register_buffer(&u, t->p, DMP_PAGE) < 0);
	/* No buffer is registered, so this has nothing to read into. */
	assert_int_equal(submit(&u, IORING_OP_READ_FIXED, file, t->p, 64), -EFAULT);
	close(file);
	teardown(&u);
}

static void by_request(const struct target *t)
{
	struct uring u = setup();
	int file = zeros();

	assert_int_equal(submit(&u, IORING_OP_READ, file, t->p, 64), -EFAULT);
	assert_int_equal(submit(&u, IORING_OP_READ, file, t->p + t->size - 8, 8), -EFAULT);
	close(file);
	teardown(&u);
}

static void fixed_buffers_over_what_is_read_only_are_refused(void **state)
{
	(void)state;
	attack_by(by_fixed_buffers);
}

static void a_read_request_into_the_ring_is_efault(void **state)
{
	(void)state;
	attack_by(by_request);
}

/* ---- for who may ---- */

static bool kernel_is_at_least(int major, int minor)
{
	struct utsname name;
	int has_major, has_minor;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &has_major, &has_minor), 2);
	return has_major > major || (has_major == major && has_minor >= minor);
}

static void events_are_written_by_request(void **state)
{
	int ring = new_ring(), pair[2];
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct uring u = setup();
	uint64_t event[EVENT / 8];

	(void)state;
	raw_publish(&p, 3);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(submit(&u, IORING_OP_WRITE, pair[1], (char *)raw_slot(&c, 2), EVENT), EVENT);
	assert_int_equal(read(pair[0], event, sizeof(event)), EVENT);
	assert_int_equal(event[0], 2);
	close(pair[0]);
	close(pair[1]);
	teardown(&u);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

/* The producer's data is a fixed buffer, from 6.12 on; older kernels have none over a file's mapping. */
static void the_producers_data_can_be_a_fixed_buffer(void **state)
{
	int ring = new_ring(), pair[2];
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");
	struct uring u = setup();
	int ret = register_buffer(&u, p.data, 2 * p.meta->data_size);

	(void)state;
	if (kernel_is_at_least(6, 12)) {
		assert_int_equal(ret, 0);
		assert_int_equal(pipe(pair), 0);
		assert_int_equal(write(pair[1], "straight into the slot", 23), 23);
		assert_int_equal(submit(&u, IORING_OP_READ_FIXED, pair[0], (char *)raw_slot(&p, 5), 23), 23);
		assert_string_equal((char *)raw_slot(&c, 5), "straight into the slot");
		close(pair[0]);
		close(pair[1]);
	} else {
		assert_int_equal(ret, -EOPNOTSUPP);
	}
	teardown(&u);
	raw_leave(&c);
	raw_leave(&p);
	close(ring);
}

/* Pages that a fixed buffer holds outlive the ring, and are nobody else's by then. */
static void a_fixed_buffer_may_outlive_its_ring(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct uring u = setup();
	int ret = register_buffer(&u, p.data, p.meta->data_size);

	(void)state;
	assert_int_equal(ret, kernel_is_at_least(6, 12) ? 0 : -EOPNOTSUPP);
	raw_leave(&p);
	close(ring);
	ring = new_ring();
	p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	assert_int_equal(*raw_slot(&p, 0), 0);
	teardown(&u);
	raw_leave(&p);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_buffers_over_what_is_read_only_are_refused),
		cmocka_unit_test(a_read_request_into_the_ring_is_efault),
		cmocka_unit_test(events_are_written_by_request),
		cmocka_unit_test(the_producers_data_can_be_a_fixed_buffer),
		cmocka_unit_test(a_fixed_buffer_may_outlive_its_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
