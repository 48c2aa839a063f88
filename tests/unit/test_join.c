// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_join.c: join, map, check, leave */
#include "fake.h"

#define REGIONS 5
enum { META, CURSOR, MEMBERS, SELF, DATA };

static int setup(void **state)
{
	(void)state;
	fake_create(64, 56, DMP_RING_STAMPED);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_destroy();
	return 0;
}

static int join(uint32_t role, const struct dmp_join_options *options)
{
	struct dmp_ring *ring = fake_ring();
	struct dmp_member *m = NULL;
	int err = dmp_join(ring, role, options, &m);

	dmp_ring_close(ring);
	dmp_leave(m);
	return err;
}

/* ---- mapping ---- */

static void each_region_is_mapped_whole_and_the_data_twice(void **state)
{
	(void)state;
	assert_int_equal(join(DMP_ROLE_PRODUCER, NULL), 0);
	assert_int_equal(fake.size[META], FAKE_META_SIZE);
	assert_int_equal(fake.size[CURSOR], DMP_PAGE);
	assert_int_equal(fake.size[MEMBERS], FAKE_MEMBERS * FAKE_MEMBER_SIZE);
	assert_int_equal(fake.size[SELF], FAKE_MEMBER_SIZE);
	assert_int_equal(fake.size[DATA], 2 * 64 * 64);
}

static void a_producer_may_write_cursor_own_pages_and_data(void **state)
{
	(void)state;
	assert_int_equal(join(DMP_ROLE_PRODUCER, NULL), 0);
	assert_int_equal(fake.prot[META], PROT_READ);
	assert_int_equal(fake.prot[CURSOR], PROT_READ | PROT_WRITE);
	assert_int_equal(fake.prot[MEMBERS], PROT_READ);
	assert_int_equal(fake.prot[SELF], PROT_READ | PROT_WRITE);
	assert_int_equal(fake.prot[DATA], PROT_READ | PROT_WRITE);
}

static void others_may_write_their_own_pages_alone(void **state)
{
	static const struct dmp_join_options named = { .name = "c" };
	uint32_t role;

	(void)state;
	for (role = DMP_ROLE_CONSUMER; role <= DMP_ROLE_OBSERVER; role++) {
		assert_int_equal(join(role, &named), 0);
		assert_int_equal(fake.prot[META], PROT_READ);
		assert_int_equal(fake.prot[CURSOR], PROT_READ);
		assert_int_equal(fake.prot[MEMBERS], PROT_READ);
		assert_int_equal(fake.prot[SELF], PROT_READ | PROT_WRITE);
		assert_int_equal(fake.prot[DATA], PROT_READ);
	}
}

static void leaving_unmaps_and_closes_everything(void **state)
{
	struct dmp_member *m = fake_producer();

	(void)state;
	assert_int_equal(fake.mapped, REGIONS);
	assert_int_equal(fake.closes, 1); /* the ring file */
	dmp_leave(m);
	assert_int_equal(fake.mapped, 0);
	assert_int_equal(fake.closes, 2);
}

/* ---- layouts that do not fit ---- */

static void expect_another_layout(void)
{
	uint32_t closes = fake.closes;

	assert_int_equal(join(DMP_ROLE_OBSERVER, NULL), -EPROTO);
	assert_int_equal(fake.mapped, 0);
	assert_int_equal(fake.closes, closes + 2); /* the ring file and the member file */
	fake_create(64, 56, DMP_RING_STAMPED);
}

static void another_layout_is_refused(void **state)
{
	(void)state;
	fake.meta->magic ^= 1;
	expect_another_layout();
	fake.meta->abi++;
	expect_another_layout();
	fake.meta->meta_size += DMP_PAGE;
	expect_another_layout();
	fake.meta->slots = 63;
	expect_another_layout();
	fake.meta->slots = 0;
	expect_another_layout();
	fake.meta->stride = 0;
	expect_another_layout();
	fake.meta->stride += 8;
	expect_another_layout();
	fake.meta->payload_off = 0;
	expect_another_layout();
	fake.meta->data_size *= 2;
	expect_another_layout();
	fake.meta->data_size++;
	expect_another_layout();
	fake.meta->flags &= ~DMP_RING_STAMPED;
	expect_another_layout();
	fake.meta->member_size = DMP_PAGE;
	expect_another_layout();
	fake.meta->members = 0;
	expect_another_layout();
	fake.meta->members = 1 << 20;
	expect_another_layout();
	fake.meta->notify_off = FAKE_META_SIZE - 64 * DMP_LINE;
	expect_another_layout();
	fake.meta->notify_off += 8;
	expect_another_layout();
	fake.meta->table_off = 1U << 31;
	expect_another_layout();
}

static void a_mapping_that_fails_leaves_nothing_behind(void **state)
{
	(void)state;
	fake.map_error = -ENOMEM;
	assert_int_equal(join(DMP_ROLE_PRODUCER, NULL), -ENOMEM);
	assert_int_equal(fake.mapped, 0);
	assert_int_equal(fake.closes, 2);
	fake.map_error = -EINVAL; /* sizes that the kernel does not know */
	assert_int_equal(join(DMP_ROLE_PRODUCER, NULL), -EPROTO);
	assert_int_equal(fake.mapped, 0);
}

static void what_the_kernel_refuses_is_passed_on(void **state)
{
	struct dmp_ring *ring = fake_ring();
	struct dmp_member *m = (void *)&m;

	(void)state;
	fake.error = -ENOSPC;
	assert_int_equal(dmp_join(ring, DMP_ROLE_PRODUCER, NULL, &m), -ENOSPC);
	assert_ptr_equal(m, &m);
	assert_int_equal(fake.mapped, 0);
	dmp_ring_close(ring);
}

/* ---- arguments ---- */

static void a_consumer_says_after_whom_it_comes(void **state)
{
	static const char *const after[] = { "journal", "replicate" };
	const struct dmp_join_options options = { .name = "apply",
						  .after = after,
						  .after_count = 2,
						  .from = DMP_FROM_POSITION,
						  .position = 17,
						  .policy = DMP_POLICY_DROP };

	(void)state;
	assert_int_equal(join(DMP_ROLE_CONSUMER, &options), 0);
	assert_int_equal(fake.join.size, sizeof(struct dmp_join));
	assert_string_equal(fake.join.name, "apply");
	assert_int_equal(fake.join.ndeps, 2);
	assert_string_equal(fake.after[0], "journal");
	assert_string_equal(fake.after[1], "replicate");
	assert_int_equal(fake.join.from, DMP_FROM_POSITION);
	assert_int_equal(fake.join.position, 17);
	assert_int_equal(fake.join.policy, DMP_POLICY_DROP);
}

static void names_that_do_not_fit_are_invalid(void **state)
{
	char name[DMP_MEMBER_NAME_MAX + 1];
	const char *const after[] = { name };
	const struct dmp_join_options named = { .name = name };
	const struct dmp_join_options behind = { .name = "c", .after = after, .after_count = 1 };
	const struct dmp_join_options many = { .name = "c", .after = after, .after_count = DMP_MAX_GATES + 1 };

	(void)state;
	memset(name, 'x', sizeof(name));
	name[DMP_MEMBER_NAME_MAX] = 0;
	assert_int_equal(join(DMP_ROLE_CONSUMER, &named), -EINVAL);
	assert_int_equal(join(DMP_ROLE_CONSUMER, &behind), -EINVAL);
	name[DMP_MEMBER_NAME_MAX - 1] = 0;
	assert_int_equal(join(DMP_ROLE_CONSUMER, &named), 0);
	assert_int_equal(join(DMP_ROLE_CONSUMER, &many), -EINVAL);
}

/* ---- what the member knows then ---- */

static void a_member_knows_ring_and_place(void **state)
{
	struct dmp_member *m;

	(void)state;
	fake.cursor->cursor = 1000;
	m = fake_producer();
	assert_int_equal(dmp_position(m), 1000);
	assert_int_equal(dmp_event_size(m), 56);
	assert_int_equal(dmp_slots(m), 64);
	assert_int_equal(dmp_ended(m), DMP_END_OPEN);
	assert_int_equal(dmp_member_fd(m), FAKE_MEMBER_FD);
	assert_int_equal(dmp_finish(m), 0);
	assert_int_equal(fake.finishes, 1);
	dmp_leave(m);
	m = fake_consumer("c", NULL);
	assert_int_equal(dmp_position(m), 1000);
	dmp_leave(m);
}

static void owners_look_at_their_own_lines(void **state)
{
	struct dmp_member *p = fake_producer(), *c = fake_consumer("c", NULL);

	(void)state;
	assert_ptr_equal(p->line, fake_line(0));
	assert_ptr_equal(c->line, fake_line(1 + c->index));
	assert_ptr_equal(c->own, fake_own(c->index));
	dmp_leave(c);
	dmp_leave(p);
}

static void expect_ahead(uint64_t slots, uint32_t event_size, uint64_t read, uint64_t write, uint32_t lines)
{
	struct dmp_member *m;

	fake_create(slots, event_size, 0);
	m = fake_producer();
	assert_int_equal(m->ahead_read, read);
	assert_int_equal(m->ahead_write, write);
	assert_int_equal(m->lines, lines);
	dmp_leave(m);
}

static void prefetching_depends_on_stride_and_ring(void **state)
{
	const uint64_t off = UINT64_MAX;

	(void)state;
	expect_ahead(1024, 8, off, off, 1);
	expect_ahead(1024, 16, off, 64, 1);
	expect_ahead(1024, 64, 16, 16, 1);
	expect_ahead(4096, 64, 16, off, 1);
	expect_ahead(4096, 256, 4, 4, 4);
	expect_ahead(16, 4096, 1, 1, 16);
}

static void a_claimed_position_never_goes_back(void **state)
{
	struct dmp_member *p;

	(void)state;
	fake_create(512, 8, 0);
	fake.cursor->cursor = 100;
	fake.cursor->claimed = 130; /* of a producer that died */
	p = fake_producer();
	fake_publish(p, 1);
	assert_int_equal(fake.cursor->claimed, 130);
	fake_publish(p, 30);
	assert_int_equal(fake.cursor->claimed, 131);
	dmp_leave(p);
}

static void a_claimed_position_is_believed_for_a_rings_worth(void **state)
{
	(void)state;
	fake_create(512, 8, 0);
	fake.cursor->cursor = 1000;
	fake.cursor->claimed = UINT64_MAX / 2;
	dmp_leave(fake_producer());
	assert_int_equal(fake.cursor->claimed, 1512);
	fake.cursor->claimed = 3;
	dmp_leave(fake_producer());
	assert_int_equal(fake.cursor->claimed, 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_region_is_mapped_whole_and_the_data_twice),
		TEST(a_producer_may_write_cursor_own_pages_and_data),
		TEST(others_may_write_their_own_pages_alone),
		TEST(leaving_unmaps_and_closes_everything),
		TEST(another_layout_is_refused),
		TEST(a_mapping_that_fails_leaves_nothing_behind),
		TEST(what_the_kernel_refuses_is_passed_on),
		TEST(a_consumer_says_after_whom_it_comes),
		TEST(names_that_do_not_fit_are_invalid),
		TEST(a_member_knows_ring_and_place),
		TEST(owners_look_at_their_own_lines),
		TEST(prefetching_depends_on_stride_and_ring),
		TEST(a_claimed_position_never_goes_back),
		TEST(a_claimed_position_is_believed_for_a_rings_worth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
