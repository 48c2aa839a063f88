// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_ioctl.c: bad input, for every call: pointers and sizes; see test_fields.c for what is in the structs */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

/* Two pages, of which the second is not there. */
static char *map_edge(int prot)
{
	char *p = mmap(NULL, 2 * DMP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + DMP_PAGE, DMP_PAGE, PROT_NONE), 0);
	assert_int_equal(mprotect(p, DMP_PAGE, prot), 0);
	return p;
}

static void valid_arguments_are_accepted(void **state)
{
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		accept_at(call, &a, "valid");
	}
}

static void bad_addresses_are_efault(void **state)
{
	static void *const bad[] = { NULL, (void *)8, (void *)0xffff888000000000, (void *)0x800000000000,
				     (void *)(uintptr_t)-4 };
	char *edge = map_edge(PROT_READ | PROT_WRITE);
	size_t i;
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		for (i = 0; i < ARRAY_SIZE(bad); i++)
			refuse_at(call, bad[i], 0, EFAULT, "bad address");
		refuse_at(call, edge + DMP_PAGE, 0, EFAULT, "page without access");
		memcpy(edge + DMP_PAGE - 4, &a, 4);
		refuse_at(call, edge + DMP_PAGE - 4, 4, EFAULT, "only the size is there");
		memcpy(edge + DMP_PAGE - a.size + 1, &a, a.size - 1);
		refuse_at(call, edge + DMP_PAGE - a.size + 1, a.size - 1, EFAULT, "the last byte is missing");
		a.size += 8;
		memcpy(edge + DMP_PAGE - a.size + 8, &a, a.size - 8);
		refuse_at(call, edge + DMP_PAGE - a.size + 8, a.size - 8, EFAULT, "the tail is missing");
	}
	munmap(edge, 2 * DMP_PAGE);
}

static void arguments_up_to_the_last_byte_of_a_page_are_accepted(void **state)
{
	char *edge = map_edge(PROT_READ | PROT_WRITE);
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		memcpy(edge + DMP_PAGE - a.size, &a, a.size);
		accept_at(call, edge + DMP_PAGE - a.size, "at the edge");
	}
	munmap(edge, 2 * DMP_PAGE);
}

/* Results that cannot be written are found out before there are any: no member, no descriptor, no producer's epoch. */
static void read_only_arguments_are_efault_where_there_are_results(void **state)
{
	char *page = map_edge(PROT_READ | PROT_WRITE);
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		if (!calls[call].writes)
			continue;
		mprotect(page, DMP_PAGE, PROT_READ | PROT_WRITE);
		memcpy(page, &a, sizeof(a));
		mprotect(page, DMP_PAGE, PROT_READ);
		refuse_at(call, page, sizeof(a), EFAULT, "read-only");
	}
	munmap(page, 2 * DMP_PAGE);
}

static void a_producers_join_that_cannot_be_answered_is_no_epoch(void **state)
{
	struct dmp_join *args = (void *)map_edge(PROT_READ | PROT_WRITE);
	int ring = new_ring();

	(void)state;
	*args = join_args(DMP_ROLE_PRODUCER, "p");
	mprotect(args, DMP_PAGE, PROT_READ);
	assert_int_equal(ring_join(ring, args), -EFAULT);
	assert_int_equal(ring_info(ring).epoch, 0);
	assert_int_equal(ring_info(ring).ended, DMP_END_NONE);
	munmap(args, 2 * DMP_PAGE);
	close(ring);
}

static void unaligned_arguments_are_as_good_as_others(void **state)
{
	char buffer[sizeof(union args) + 8];
	int call, shift;

	(void)state;
	for (call = 0; call < CALLS; call++)
		for (shift = 1; shift < 8; shift++) {
			union args a = valid_args(call);

			memcpy(buffer + shift, &a, sizeof(a));
			accept_at(call, buffer + shift, "unaligned");
			a.size = first_size(call) - 1;
			memcpy(buffer + shift, &a, sizeof(a));
			refuse_at(call, buffer + shift, sizeof(a), EINVAL, "unaligned and short");
		}
}

static void sizes_below_the_first_version_are_einval(void **state)
{
	uint32_t size;
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++)
		for (size = 0; size < first_size(call); size += 1 + size / 5) {
			union args a = valid_args(call);

			a.size = size;
			refuse(call, &a, EINVAL, "short");
			a.size = first_size(call) - 1;
			refuse(call, &a, EINVAL, "a byte short");
		}
}

/* What came later is zero then, whatever lies behind. */
static void structs_of_the_first_version_are_accepted(void **state)
{
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		a.size = first_size(call);
		memset(a.bytes + a.size, 0xa5, sizeof(a) - a.size);
		accept_at(call, &a, "of the first version");
	}
}

static void larger_structs_are_accepted_if_their_tail_is_zero(void **state)
{
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);
		size_t tail = a.size;

		memset(a.bytes + tail, 0, sizeof(a) - tail);
		a.size = tail + 8;
		accept_at(call, &a, "larger");
		a = valid_args(call);
		a.size = sizeof(a);
		accept_at(call, &a, "much larger");
		a = valid_args(call);
		a.size = sizeof(a);
		a.bytes[sizeof(a) - 1] = 1;
		refuse(call, &a, E2BIG, "larger, and its last byte is not zero");
		a = valid_args(call);
		a.size = tail + 8;
		a.bytes[tail] = 1;
		refuse(call, &a, E2BIG, "larger, and the first unknown byte is not zero");
		a.size = UINT32_MAX;
		refuse(call, &a, E2BIG, "of absurd size");
	}
}

static void nothing_is_larger_than_a_page(void **state)
{
	char *large = mmap(NULL, 2 * DMP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int call;

	(void)state;
	for (call = 0; call < CALLS; call++) {
		union args a = valid_args(call);

		a.size = DMP_PAGE;
		memset(large, 0, 2 * DMP_PAGE);
		memcpy(large, &a, sizeof(a));
		accept_at(call, large, "of a page");
		a.size = DMP_PAGE + 1;
		memcpy(large, &a, sizeof(a));
		refuse_at(call, large, sizeof(a), E2BIG, "larger than a page, if only by zeros");
	}
	munmap(large, 2 * DMP_PAGE);
}

/* What a call answers fills the fields that it knows, and says so in the size. */
static void a_larger_info_is_filled_as_far_as_it_is_known(void **state)
{
	union args a = valid_args(INFO);

	(void)state;
	a.size = sizeof(a);
	assert_int_equal(xioctl(w.ring, DMP_IOC_INFO, &a), 0);
	assert_int_equal(a.size, sizeof(a.info));
	assert_string_equal(a.info.name, w.name.s);
	assert_int_equal(a.bytes[sizeof(a.info)], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_arguments_are_accepted),
		cmocka_unit_test(bad_addresses_are_efault),
		cmocka_unit_test(arguments_up_to_the_last_byte_of_a_page_are_accepted),
		cmocka_unit_test(read_only_arguments_are_efault_where_there_are_results),
		cmocka_unit_test(a_producers_join_that_cannot_be_answered_is_no_epoch),
		cmocka_unit_test(unaligned_arguments_are_as_good_as_others),
		cmocka_unit_test(sizes_below_the_first_version_are_einval),
		cmocka_unit_test(structs_of_the_first_version_are_accepted),
		cmocka_unit_test(larger_structs_are_accepted_if_their_tail_is_zero),
		cmocka_unit_test(nothing_is_larger_than_a_page),
		cmocka_unit_test(a_larger_info_is_filled_as_far_as_it_is_known),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
