// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_map.c: a hostile member without capabilities tries to write what it may only read
 *
 * Each attack runs in a child of another uid, which compares all it can see before and after; the producer compares
 * from its own side, too. See test_uring.c for writes by the kernel on a process's behalf.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attack.h"

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

/* The signal that a store to p ends in; 0: it was possible. */
static int store(char *p)
{
	struct sigaction action = { .sa_handler = on_fault }, old;
	int signal;

	sigaction(SIGSEGV, &action, &old);
	signal = sigsetjmp(fault, 1);
	if (!signal)
		*(volatile char *)p = 0x5a;
	sigaction(SIGSEGV, &old, NULL);
	return signal;
}

static void by_store(const struct target *t)
{
	size_t at;

	for (at = 0; at < t->size; at += 1000)
		assert_int_equal(store(t->p + at), SIGSEGV);
	assert_int_equal(store(t->p + t->size - 1), SIGSEGV);
}

static void by_mprotect(const struct target *t)
{
	static const int prots[] = { PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		assert_int_equal(mprotect(t->p, t->size, prots[i]), -1);
		assert_int_equal(errno, EACCES);
		assert_int_equal(mprotect(t->p, DMP_PAGE, prots[i]), -1);
	}
	assert_int_equal(mprotect(t->p, t->size, PROT_NONE), 0);
	assert_int_equal(mprotect(t->p, t->size, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(mprotect(t->p, t->size, PROT_READ), 0);
	by_store(t);
}

static void by_second_mmap(const struct target *t)
{
	static const int prots[] = { PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC };
	struct target again = *t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		assert_ptr_equal(raw_mmap(t->fd, t->offset, t->size, prots[i]), MAP_FAILED);
		assert_int_equal(errno, EACCES);
	}
	again.p = raw_mmap(t->fd, t->offset, t->size, PROT_READ);
	assert_ptr_not_equal(again.p, MAP_FAILED);
	by_store(&again);
	assert_int_equal(mprotect(again.p, again.size, PROT_READ | PROT_WRITE), -1);
	munmap(again.p, again.size);
}

static void by_execution(const struct target *t)
{
	static const int prots[] = { PROT_EXEC, PROT_READ | PROT_EXEC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		assert_ptr_equal(raw_mmap(t->fd, t->offset, t->size, prots[i]), MAP_FAILED);
		assert_int_equal(errno, EACCES);
		assert_int_equal(mprotect(t->p, t->size, prots[i]), -1);
		assert_int_equal(errno, EACCES);
	}
}

/* Not even a copy of one's own: it would look like the ring and not be it. */
static void by_private_mmap(const struct target *t)
{
	static const int prots[] = { PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		void *p = mmap(NULL, t->size, prots[i], MAP_PRIVATE, t->fd, t->offset);

		assert_ptr_equal(p, MAP_FAILED);
		assert_int_equal(errno, EINVAL);
	}
}

static void refuse_mmap(const struct target *t, uint64_t offset, size_t size)
{
	assert_ptr_equal(raw_mmap(t->fd, offset, size, PROT_READ), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(raw_mmap(t->fd, offset, size, PROT_READ | PROT_WRITE), MAP_FAILED);
}

static void by_odd_lengths_and_offsets(const struct target *t)
{
	static const uint64_t steps[] = { DMP_PAGE, 2 * DMP_PAGE, 1ULL << 20, 1ULL << 31 };
	size_t i;

	refuse_mmap(t, t->offset, 0);
	refuse_mmap(t, t->offset, t->size + DMP_PAGE);
	refuse_mmap(t, t->offset, 3 * t->size);
	refuse_mmap(t, t->offset, 1ULL << 30);
	if (t->size > DMP_PAGE)
		refuse_mmap(t, t->offset, t->size - DMP_PAGE);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		refuse_mmap(t, t->offset + steps[i], t->size);
		refuse_mmap(t, t->offset + steps[i], DMP_PAGE);
	}
	refuse_mmap(t, t->offset + 1, t->size); /* not even a page */
	refuse_mmap(t, t->offset | 1ULL << 40, t->size);
	refuse_mmap(t, t->offset | 1ULL << 62, t->size);
}

static void refuse_mremap(const struct target *t, size_t old_size, size_t new_size, int flags, int err)
{
	assert_ptr_equal(mremap(t->p, old_size, new_size, flags), MAP_FAILED);
	assert_int_equal(errno, err);
}

static void by_mremap(const struct target *t)
{
	size_t size = t->size;
	struct target moved = *t;
	void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	refuse_mremap(t, size, size + DMP_PAGE, 0, EFAULT);
	refuse_mremap(t, size, 2 * size, MREMAP_MAYMOVE, EFAULT);
	refuse_mremap(t, 0, size, MREMAP_MAYMOVE, EFAULT); /* a second mapping of it */
	refuse_mremap(t, 0, 3 * size, MREMAP_MAYMOVE, EFAULT);
	refuse_mremap(t, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, EINVAL);
	/* To move it is allowed, and changes nothing else. */
	moved.p = mremap(t->p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	assert_ptr_equal(moved.p, room);
	by_store(&moved);
	assert_int_equal(mprotect(moved.p, size, PROT_READ | PROT_WRITE), -1);
	assert_ptr_equal(mremap(moved.p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, t->p), t->p);
}

/* What it cannot map it leaves unmapped, so this is done to a second mapping. */
static void by_remap_file_pages(const struct target *t)
{
	const size_t others[] = { DMP_OFF_META, DMP_OFF_CURSOR, DMP_OFF_SELF, DMP_OFF_DATA, t->offset + DMP_PAGE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		char *p = raw_mmap(t->fd, t->offset, t->size, PROT_READ);

		assert_ptr_not_equal(p, MAP_FAILED);
		if (others[i] != t->offset)
			syscall(SYS_remap_file_pages, p, DMP_PAGE, 0, others[i] / DMP_PAGE, 0);
		assert_int_equal(store(p), SIGSEGV);
		munmap(p, t->size);
	}
}

/* Some of it is allowed (cold pages may be dropped, and come back); none makes it writable, or other bytes. */
static void by_madvise(const struct target *t)
{
	int advice;

	for (advice = 0; advice < 128; advice++)
		madvise(t->p, t->size, advice);
	by_store(t);
	assert_int_equal(madvise(t->p, t->size, MADV_POPULATE_WRITE), -1);
	assert_int_equal(madvise(t->p, t->size, MADV_REMOVE), -1);
	assert_int_equal(madvise(t->p, t->size, MADV_FREE), -1);
}

/* It may let a child inherit the data: to read. */
static int store_as_child(void *p)
{
	*(volatile char *)p = 0x5a;
	return 0;
}

static int protect_as_child(void *p)
{
	return mprotect(p, DMP_PAGE, PROT_READ | PROT_WRITE) ? 0 : 1;
}

static void by_a_child(const struct target *t)
{
	madvise(t->p, t->size, MADV_DOFORK);
	assert_int_equal(run_child(store_as_child, t->p), 128 + SIGSEGV);
	assert_int_equal(run_child(protect_as_child, t->p), 0);
	madvise(t->p, t->size, MADV_DONTFORK);
}

static void by_proc_mem(const struct target *t)
{
	int fd = xopen("/proc/self/mem", O_RDWR);
	char bytes[64] = "overwritten";

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), (off_t)(uintptr_t)t->p), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(pwrite(fd, bytes, 1, (off_t)(uintptr_t)(t->p + t->size - 1)), -1);
	close(fd);
}

static void by_process_vm_writev(const struct target *t)
{
	char bytes[64] = "overwritten";
	struct iovec from = { bytes, sizeof(bytes) }, to = { t->p, sizeof(bytes) };

	assert_int_equal(process_vm_writev(getpid(), &from, 1, &to, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
}

static void by_read(const struct target *t)
{
	int fd = xopen("/dev/zero", O_RDONLY), pair[2];

	assert_int_equal(read(fd, t->p, 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(read(fd, t->p, t->size), -1);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "overwritten", 11), 11);
	assert_int_equal(read(pair[0], t->p, 11), -1);
	assert_int_equal(errno, EFAULT);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

/* Pages that went into a pipe are read there, even as a gift; what is in a pipe does not get into a page. */
static void by_vmsplice(const struct target *t)
{
	struct iovec iov = { t->p, DMP_PAGE };
	char byte;
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	if (vmsplice(pair[1], &iov, 1, SPLICE_F_GIFT) > 0)
		assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(write(pair[1], "overwritten", 11), 11);
	assert_int_equal(vmsplice(pair[0], &iov, 1, SPLICE_F_NONBLOCK), -1);
	assert_int_equal(errno, EFAULT);
	close(pair[0]);
	close(pair[1]);
	by_store(t);
}

static void by_the_file_itself(const struct target *t)
{
	char bytes[16] = "overwritten";

	assert_int_equal(write(t->fd, bytes, sizeof(bytes)), -1);
	assert_int_equal(pwrite(t->fd, bytes, sizeof(bytes), t->offset), -1);
	assert_int_equal(ftruncate(t->fd, 0), -1);
	assert_int_equal(fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, DMP_PAGE), -1);
	assert_int_equal(read(t->fd, bytes, sizeof(bytes)), -1);
}

#define ATTACK_TEST(way, sentence)         \
	static void sentence(void **state) \
	{                                  \
		(void)state;               \
		attack_by(way);            \
	}

ATTACK_TEST(by_store, a_store_is_a_segmentation_fault)
ATTACK_TEST(by_mprotect, mprotect_gives_no_right_to_write)
ATTACK_TEST(by_second_mmap, a_second_mmap_gives_no_more_than_the_first)
ATTACK_TEST(by_execution, nobody_runs_what_is_in_a_ring)
ATTACK_TEST(by_private_mmap, there_are_no_private_mappings)
ATTACK_TEST(by_odd_lengths_and_offsets, only_whole_regions_can_be_mapped)
ATTACK_TEST(by_mremap, mremap_neither_grows_nor_doubles_a_mapping)
ATTACK_TEST(by_remap_file_pages, remap_file_pages_leads_to_no_other_region)
ATTACK_TEST(by_madvise, no_advice_changes_rights_or_bytes)
ATTACK_TEST(by_a_child, a_child_gets_no_more_than_its_parent_had)
ATTACK_TEST(by_proc_mem, proc_self_mem_does_not_write)
ATTACK_TEST(by_process_vm_writev, process_vm_writev_does_not_write)
ATTACK_TEST(by_read, a_read_into_the_ring_is_efault)
ATTACK_TEST(by_vmsplice, vmsplice_does_not_write)
ATTACK_TEST(by_the_file_itself, a_member_file_is_not_written_to)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_is_a_segmentation_fault),
		cmocka_unit_test(mprotect_gives_no_right_to_write),
		cmocka_unit_test(a_second_mmap_gives_no_more_than_the_first),
		cmocka_unit_test(nobody_runs_what_is_in_a_ring),
		cmocka_unit_test(there_are_no_private_mappings),
		cmocka_unit_test(only_whole_regions_can_be_mapped),
		cmocka_unit_test(mremap_neither_grows_nor_doubles_a_mapping),
		cmocka_unit_test(remap_file_pages_leads_to_no_other_region),
		cmocka_unit_test(no_advice_changes_rights_or_bytes),
		cmocka_unit_test(a_child_gets_no_more_than_its_parent_had),
		cmocka_unit_test(proc_self_mem_does_not_write),
		cmocka_unit_test(process_vm_writev_does_not_write),
		cmocka_unit_test(a_read_into_the_ring_is_efault),
		cmocka_unit_test(vmsplice_does_not_write),
		cmocka_unit_test(a_member_file_is_not_written_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
