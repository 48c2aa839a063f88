// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_fields.c: bad input, field by field: each has its errno and no effect */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

/* ---- fields ---- */

struct bad_field {
	int call;
	uint32_t offset, size;
	uint64_t value;
	int err;
	const char *why;
};

#define BAD(call, type, field, value, err)                                                                     \
	{                                                                                                      \
		call, offsetof(struct dmp_##type, field), sizeof(((struct dmp_##type *)0)->field), value, err, \
			#field " = " #value                                                                    \
	}

static const struct bad_field bad_fields[] = {
	BAD(CREATE, create, flags, 1u << 4, EINVAL),
	BAD(CREATE, create, flags, 1u << 31, EINVAL),
	BAD(CREATE, create, flags, UINT32_MAX & ~DMP_RING_MULTI, EINVAL),
	BAD(CREATE, create, flags, DMP_RING_MULTI, EINVAL), /* without stamps */
	BAD(CREATE, create, pad, 1, EINVAL),
	BAD(CREATE, create, mode, 01000, EINVAL),
	BAD(CREATE, create, mode, UINT32_MAX, EINVAL),
	BAD(CREATE, create, slots, 0, EINVAL),
	BAD(CREATE, create, slots, 1, EINVAL),
	BAD(CREATE, create, slots, 32, EINVAL),
	BAD(CREATE, create, slots, 65, EINVAL),
	BAD(CREATE, create, slots, UINT64_MAX, EINVAL),
	BAD(CREATE, create, slots, 1ULL << 40, EFBIG),
	BAD(CREATE, create, slots, 1ULL << 57, EFBIG),
	BAD(CREATE, create, slots, 1ULL << 58, EFBIG),
	BAD(CREATE, create, slots, 1ULL << 63, EFBIG),
	BAD(CREATE, create, event_size, 0, EINVAL),
	BAD(CREATE, create, event_size, (1u << 20) + 1, EINVAL),
	BAD(CREATE, create, event_size, UINT32_MAX, EINVAL),
	BAD(CREATE, create, members, 0, EINVAL),
	BAD(CREATE, create, members, 4097, EFBIG),
	BAD(CREATE, create, members, UINT32_MAX, EFBIG),
	BAD(OPEN, open, rights, 8, EINVAL),
	BAD(OPEN, open, rights, UINT32_MAX, EINVAL),
	BAD(BIND, bind, rights, 8, EINVAL),
	BAD(BIND, bind, rights, UINT32_MAX, EINVAL),
	BAD(BIND, bind, pad, 1, EINVAL),
	BAD(BIND, bind, fd, (uint32_t)-1, EBADF),
	BAD(BIND, bind, fd, 1000, EBADF),
	BAD(BIND, bind, fd, INT32_MAX, EBADF),
	BAD(UNLINK, unlink, pad, 1, EINVAL),
	BAD(LIST, info, flags, 1, EINVAL),
	BAD(LIST, info, id, UINT64_MAX, ENOENT),
	BAD(INFO, info, flags, 1, EINVAL),
	BAD(INFO, info, flags, UINT32_MAX, EINVAL),
	BAD(MEMBERS, members, pad, 1, EINVAL),
	BAD(MEMBERS, members, entry_size, 0, EINVAL),
	BAD(MEMBERS, members, entry_size, sizeof(struct dmp_member_info) - 1, EINVAL),
	BAD(MEMBERS, members, entry_size, UINT32_MAX, EINVAL),
	BAD(MEMBERS, members, entries, 0, EFAULT),
	BAD(MEMBERS, members, entries, 0xffff888000000000, EFAULT),
	BAD(HOLDUP, holdup, what, 0, EINVAL),
	BAD(HOLDUP, holdup, what, 3, EINVAL),
	BAD(HOLDUP, holdup, what, UINT32_MAX, EINVAL),
	BAD(JOIN, join, role, 0, EINVAL),
	BAD(JOIN, join, role, 4, EINVAL),
	BAD(JOIN, join, role, UINT32_MAX, EINVAL),
	BAD(JOIN, join, role, DMP_ROLE_PRODUCER, EBUSY),
	BAD(JOIN, join, flags, 1, EINVAL),
	BAD(JOIN, join, flags, 1u << 31, EINVAL),
	BAD(JOIN, join, policy, 4, EINVAL),
	BAD(JOIN, join, policy, UINT32_MAX, EINVAL),
	BAD(JOIN, join, hold, 1, EINVAL),
	BAD(JOIN, join, hold, UINT64_MAX, EINVAL),
	BAD(JOIN, join, deps, 8, EINVAL),
	BAD(JOIN, join, ndeps, 1, EINVAL),
	BAD(JOIN, join, ndeps, UINT32_MAX, EINVAL),
	BAD(JOIN, join, from, 3, EINVAL),
	BAD(JOIN, join, from, UINT32_MAX, EINVAL),
	BAD(JOIN, join, position, 1, EINVAL),
	BAD(JOIN, join, incarnation, 1, EINVAL),
	BAD(JOIN, join, index, 1, EINVAL),
	BAD(JOIN, join, meta_size, DMP_PAGE, EINVAL),
	BAD(EVICT, evict, flags, 1, EINVAL),
	BAD(EVICT, evict, flags, UINT32_MAX, EINVAL),
	{ EVICT, offsetof(struct dmp_evict, name), 1, 'x', ENOENT, "nobody of that name" },
	BAD(WAIT, wait, flags, DMP_WAIT_REQUIRED, EACCES),
	BAD(WAIT, wait, flags, 2, EINVAL),
	BAD(WAIT, wait, flags, UINT32_MAX, EINVAL),
	BAD(WAIT, wait, target, SLOTS + 1, EINVAL),
	BAD(WAIT, wait, target, UINT64_MAX, EINVAL),
	BAD(ARM, wait, flags, 1, EINVAL),
	BAD(ARM, wait, target, SLOTS + 1, EINVAL),
	BAD(ARM, wait, target, UINT64_MAX, EINVAL),
	BAD(ARM, wait, deadline, 0, EINVAL),
	BAD(ARM, wait, deadline, UINT64_MAX - 1, EINVAL),
	BAD(REQUIRE, require, uid, UINT32_MAX, EINVAL),
	BAD(REQUIRE, require, names, 0, EINVAL),
	BAD(REQUIRE, require, names, 1, EFAULT),
	BAD(REQUIRE, require, names, 0xffff888000000000, EFAULT),
	BAD(REQUIRE, require, count, 0, EINVAL),
	BAD(REQUIRE, require, count, DMP_MAX_GATES + 1, EINVAL),
	BAD(REQUIRE, require, count, UINT32_MAX, EINVAL),
	BAD(REQUIRE, require, pad, 1, EINVAL),
	BAD(REQUIRED, required, entry_size, 0, EINVAL),
	BAD(REQUIRED, required, entry_size, sizeof(struct dmp_required_info) - 1, EINVAL),
	BAD(REQUIRED, required, entry_size, UINT32_MAX, EINVAL),
	BAD(REQUIRED, required, missing, 1, EINVAL),
	BAD(STALLED, stalled, flags, 2, EINVAL),
	BAD(STALLED, stalled, flags, UINT32_MAX, EINVAL),
	BAD(STALLED, stalled, pad, 1, EINVAL),
	BAD(STALLED, stalled, incarnation, 0, ENOENT),
	BAD(STALLED, stalled, incarnation, UINT64_MAX, ENOENT),
	BAD(STALLED, stalled, position, 1, ENOENT),
	BAD(STALLED, stalled, position, UINT64_MAX, ENOENT),
	BAD(STALLED, stalled, index, 1, ENOENT),
	BAD(STALLED, stalled, index, DMP_MAX_GATES, ENOENT),
	BAD(STALLED, stalled, index, UINT32_MAX, ENOENT),
};

static void bad_fields_give_their_errno(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad_fields); i++) {
		const struct bad_field *f = &bad_fields[i];
		union args a = valid_args(f->call);

		memcpy(a.bytes + f->offset, &f->value, f->size);
		refuse(f->call, &a, f->err, f->why);
	}
}

static void roles_but_the_consumers_have_no_policy(void **state)
{
	static const uint32_t roles[] = { DMP_ROLE_PRODUCER, DMP_ROLE_OBSERVER };
	union args a;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		a = valid_args(JOIN);
		a.join.role = roles[i];
		a.join.policy = DMP_POLICY_DROP;
		refuse(JOIN, &a, EINVAL, "a policy");
		a.join.policy = DMP_POLICY_DEFAULT;
		a.join.hold = 1;
		refuse(JOIN, &a, EINVAL, "a time to hold");
	}
}

static void only_who_is_held_has_a_time_for_it(void **state)
{
	union args a;
	uint32_t policy;

	(void)state;
	for (policy = DMP_POLICY_DEFAULT; policy <= DMP_POLICY_FAIL; policy++) {
		a = valid_args(JOIN);
		a.join.policy = policy;
		if (policy != DMP_POLICY_HOLD) {
			accept_at(JOIN, &a, "a policy");
			a = valid_args(JOIN);
			a.join.policy = policy;
			a.join.hold = 1;
			refuse(JOIN, &a, EINVAL, "a time to hold");
		}
	}
}

/* ---- names ---- */

static const struct {
	int call;
	uint32_t offset, size;
} named[] = {
	{ CREATE, offsetof(struct dmp_create, name), DMP_NAME_MAX },
	{ OPEN, offsetof(struct dmp_open, name), DMP_NAME_MAX },
	{ UNLINK, offsetof(struct dmp_unlink, name), DMP_NAME_MAX },
	{ JOIN, offsetof(struct dmp_join, name), DMP_MEMBER_NAME_MAX },
	{ EVICT, offsetof(struct dmp_evict, name), DMP_MEMBER_NAME_MAX },
};

static bool is_name_character(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_.-", c));
}

static void names_of_other_characters_are_einval(void **state)
{
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(named); i++)
		for (c = 1; c < 256; c++) {
			union args a = valid_args(named[i].call);

			if (is_name_character(c))
				continue;
			a.bytes[named[i].offset + 1] = c;
			refuse(named[i].call, &a, EINVAL, "a bad character");
		}
}

static void names_that_are_too_long_or_untidy_are_einval(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(named); i++) {
		union args a = valid_args(named[i].call);
		char *name = a.bytes + named[i].offset;

		memset(name, 'n', named[i].size);
		refuse(named[i].call, &a, EINVAL, "a name without its NUL");
		memset(name, 0, named[i].size);
		if (named[i].call == CREATE)
			a.create.flags = DMP_RING_PERSISTENT; /* else it is an anonymous ring */
		refuse(named[i].call, &a, EINVAL, "an empty name");
		a = valid_args(named[i].call);
		name[named[i].size - 1] = 'x';
		refuse(named[i].call, &a, EINVAL, "something behind the NUL");
	}
}

static void names_of_full_length_are_accepted(void **state)
{
	struct dmp_create args = create_args(NULL);
	struct dmp_join join = join_args(DMP_ROLE_CONSUMER, NULL);
	int ring, fd;

	(void)state;
	memset(args.name, 'N', DMP_NAME_MAX - 1);
	memset(join.name, 'M', DMP_MEMBER_NAME_MAX - 1);
	ring = ring_create(&args);
	assert_true(ring >= 0);
	assert_true(ring_is_listed(args.name));
	fd = ring_join(ring, &join);
	assert_true(fd >= 0);
	assert_int_equal(member_info(ring, join.name).role, DMP_ROLE_CONSUMER);
	close(fd);
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_fields_give_their_errno),
		cmocka_unit_test(roles_but_the_consumers_have_no_policy),
		cmocka_unit_test(only_who_is_held_has_a_time_for_it),
		cmocka_unit_test(names_of_other_characters_are_einval),
		cmocka_unit_test(names_that_are_too_long_or_untidy_are_einval),
		cmocka_unit_test(names_of_full_length_are_accepted),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
