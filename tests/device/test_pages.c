// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_pages.c: what a process may do with its mappings of the data, and what must work there */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "raw.h"

struct trio {
	int ring;
	struct raw p, c;
	size_t size; /* of the data */
};

static struct trio make_trio(void)
{
	struct dmp_create args = create_args(NULL);
	struct trio x;

	args.slots = 4 * SLOTS;
	x.ring = ring_create(&args);
	x.p = raw_join(x.ring, DMP_ROLE_PRODUCER, "p");
	x.c = raw_join(x.ring, DMP_ROLE_CONSUMER, "c");
	x.size = x.p.meta->data_size;
	raw_publish(&x.p, 4 * SLOTS);
	return x;
}

static void end_trio(struct trio *x)
{
	raw_leave(&x->c);
	raw_leave(&x->p);
	close(x->ring);
}

static void assert_events(const struct raw *m)
{
	uint64_t n;

	for (n = 0; n < 4 * SLOTS; n++) {
		assert_int_equal(*raw_slot(m, n), n);
		assert_int_equal(*(uint64_t *)((char *)raw_slot(m, n) + m->meta->data_size), n); /* twice in a row */
	}
}

static void the_slots_lie_twice_in_a_row(void **state)
{
	struct trio x = make_trio();

	(void)state;
	assert_events(&x.p);
	assert_events(&x.c);
	x.p.data[x.size + 5] = 77; /* by the second, into the first */
	assert_int_equal(x.p.data[5], 77);
	assert_int_equal(x.c.data[5], 77);
	assert_int_equal(x.c.data[x.size + 5], 77);
	end_trio(&x);
}

static void a_batch_across_the_wrap_is_one_span(void **state)
{
	struct trio x = make_trio();
	char batch[8 * EVENT];
	uint64_t n;

	(void)state;
	raw_release(&x.c, 4 * SLOTS);
	raw_publish(&x.p, 4);
	memcpy(batch, raw_slot(&x.c, 4 * SLOTS - 4), sizeof(batch));
	for (n = 0; n < 8; n++)
		assert_int_equal(*(uint64_t *)(batch + n * EVENT), 4 * SLOTS - 4 + n);
	end_trio(&x);
}

static void the_data_can_be_mapped_once(void **state)
{
	struct trio x = make_trio();
	char *once = raw_mmap(x.c.fd, DMP_OFF_DATA, x.size, PROT_READ);

	(void)state;
	assert_ptr_not_equal(once, MAP_FAILED);
	assert_memory_equal(once, x.c.data, x.size);
	munmap(once, x.size);
	end_trio(&x);
}

/* A page that was given back is the same page again when it is touched, never a signal or another's. */
static void data_that_was_given_back_comes_back(void **state)
{
	static const int advices[] = { MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_COLD, MADV_PAGEOUT };
	struct trio x = make_trio();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		madvise(x.c.data, 2 * x.size, advices[i]);
		assert_events(&x.c);
		madvise(x.p.data + x.size, x.size, advices[i]);
		madvise(x.p.data + DMP_PAGE, DMP_PAGE, advices[i]);
		assert_events(&x.p);
	}
	assert_int_equal(madvise(x.p.data, 2 * x.size, MADV_DONTNEED), 0);
	raw_release(&x.c, 1);
	raw_publish(&x.p, 1); /* and it can be written */
	assert_int_equal(*raw_slot(&x.c, 0), 4 * SLOTS);
	end_trio(&x);
}

static void a_part_that_was_unmapped_takes_nothing_with_it(void **state)
{
	struct trio x = make_trio();

	(void)state;
	assert_int_equal(munmap(x.c.data + x.size, x.size), 0);
	assert_int_equal(madvise(x.c.data, x.size, MADV_DONTNEED), 0);
	assert_memory_equal(x.c.data, x.p.data, x.size);
	assert_int_equal(mprotect(x.c.data + DMP_PAGE, DMP_PAGE, PROT_NONE), 0);
	assert_int_equal(mprotect(x.c.data + DMP_PAGE, DMP_PAGE, PROT_READ), 0);
	assert_memory_equal(x.c.data, x.p.data, x.size);
	end_trio(&x);
}

/* ---- events as the source and the target of system calls ---- */

static int scratch_file(int flags)
{
	char path[] = "/tmp/pages-XXXXXX";
	int fd = mkostemp(path, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static void write_and_compare(const struct trio *x, int fd)
{
	char *copy = malloc(2 * x->size);

	assert_int_equal(pwrite(fd, x->c.data, 2 * x->size, 0), 2 * x->size);
	assert_int_equal(pread(fd, copy, 2 * x->size, 0), 2 * x->size);
	assert_memory_equal(copy, x->c.data, 2 * x->size);
	free(copy);
}

static void events_can_be_written_to_a_file(void **state)
{
	struct trio x = make_trio();
	int fd = scratch_file(0);

	(void)state;
	write_and_compare(&x, fd);
	close(fd);
	end_trio(&x);
}

/* The pages themselves go: this is what O_DIRECT does, too, on a file system that has it. */
static void events_can_be_spliced_into_a_pipe(void **state)
{
	struct trio x = make_trio();
	struct iovec iov = { x.c.data + DMP_PAGE, 2 * DMP_PAGE };
	char copy[2 * DMP_PAGE];
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(vmsplice(pair[1], &iov, 1, 0), 2 * DMP_PAGE);
	assert_int_equal(read(pair[0], copy, sizeof(copy)), sizeof(copy));
	assert_memory_equal(copy, x.c.data + DMP_PAGE, sizeof(copy));
	close(pair[0]);
	close(pair[1]);
	end_trio(&x);
}

static void a_producer_can_read_straight_into_its_slots(void **state)
{
	struct trio x = make_trio();
	int fd = scratch_file(0);

	(void)state;
	assert_int_equal(pwrite(fd, "from a file", 12, 0), 12);
	assert_int_equal(pread(fd, raw_slot(&x.p, 7), 12, 0), 12);
	assert_string_equal((char *)raw_slot(&x.c, 7), "from a file");
	close(fd);
	end_trio(&x);
}

static void another_process_may_read_what_it_may_trace(void **state)
{
	struct trio x = make_trio();
	char copy[EVENT];
	struct iovec to = { copy, sizeof(copy) }, from = { raw_slot(&x.c, 9), sizeof(copy) };
	int fd = xopen("/proc/self/mem", O_RDONLY);

	(void)state;
	assert_int_equal(process_vm_readv(getpid(), &to, 1, &from, 1, 0), EVENT);
	assert_memory_equal(copy, raw_slot(&x.c, 9), EVENT);
	memset(copy, 0, sizeof(copy));
	assert_int_equal(pread(fd, copy, EVENT, (off_t)(uintptr_t)raw_slot(&x.c, 9)), EVENT);
	assert_memory_equal(copy, raw_slot(&x.c, 9), EVENT);
	close(fd);
	end_trio(&x);
}

/* Control pages are not to be pinned: nobody may hold one past munmap. */
static void control_pages_cannot_be_pinned(void **state)
{
	struct trio x = make_trio();
	const void *pages[] = { x.c.meta, x.c.cursor, x.c.members, x.c.self };
	int pair[2];
	size_t i;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		struct iovec iov = { (void *)pages[i], DMP_PAGE };

		assert_int_equal(vmsplice(pair[1], &iov, 1, 0), -1);
		assert_int_equal(errno, EFAULT);
	}
	close(pair[0]);
	close(pair[1]);
	end_trio(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slots_lie_twice_in_a_row),
		cmocka_unit_test(a_batch_across_the_wrap_is_one_span),
		cmocka_unit_test(the_data_can_be_mapped_once),
		cmocka_unit_test(data_that_was_given_back_comes_back),
		cmocka_unit_test(a_part_that_was_unmapped_takes_nothing_with_it),
		cmocka_unit_test(events_can_be_written_to_a_file),
		cmocka_unit_test(events_can_be_spliced_into_a_pipe),
		cmocka_unit_test(a_producer_can_read_straight_into_its_slots),
		cmocka_unit_test(another_process_may_read_what_it_may_trace),
		cmocka_unit_test(control_pages_cannot_be_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
