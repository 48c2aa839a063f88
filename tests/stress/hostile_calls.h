/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * hostile_calls.h: calls at random, most of them nearly right, on a ring file and on member files that come and go
 *
 * Every result must be one that the ABI header names for the call.
 */
#ifndef DMP_HOSTILE_CALLS_H
#define DMP_HOSTILE_CALLS_H

#include <poll.h>

#include "stress.h"

#include "../raw.h"

#define GUESTS 4 /* members that a caller has joined, beside the one that stays */

struct caller {
	int ring;
	const struct raw *own; /* the member that stays */
	int guests[GUESTS];    /* -1: none */
	uint64_t seed, operations;
	uint64_t succeeded; /* of them */
};

/* Backwards, far ahead, near, random: what a cursor may not be, and what it may. */
static inline uint64_t bad_position(uint64_t *seed, uint64_t near)
{
	switch (stress_below(seed, 6)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - stress_below(seed, 2);
	case 2:
		return near + stress_below(seed, 4 * SLOTS);
	case 3:
		return near - stress_below(seed, 4 * SLOTS);
	case 4:
		return 1ULL << stress_below(seed, 64);
	default:
		return stress_random(seed);
	}
}

/* Usually 0. */
static inline uint32_t rarely(uint64_t *seed)
{
	return stress_below(seed, 16) ? 0 : stress_random(seed);
}

static inline int some_member(struct caller *c)
{
	int guest = c->guests[stress_below(&c->seed, GUESTS)];

	return guest >= 0 && stress_below(&c->seed, 2) ? guest : c->own->fd;
}

static inline struct dmp_wait some_wait(struct caller *c)
{
	return (struct dmp_wait){
		.size = sizeof(struct dmp_wait),
		.flags = rarely(&c->seed),
		.target = bad_position(&c->seed, raw_cursor(c->own)),
	};
}

static inline int call_wait(struct caller *c)
{
	struct dmp_wait args = some_wait(c);

	args.deadline = now_ns() + stress_below(&c->seed, 200000);
	return xioctl(some_member(c), DMP_IOC_WAIT, &args);
}

static inline int call_arm(struct caller *c)
{
	struct dmp_wait args = some_wait(c);

	args.deadline = NEVER - rarely(&c->seed);
	return xioctl(some_member(c), DMP_IOC_ARM, &args);
}

static inline int call_wake(struct caller *c)
{
	return xioctl(some_member(c), DMP_IOC_WAKE, (void *)(uintptr_t)rarely(&c->seed));
}

static inline int call_finish(struct caller *c)
{
	return xioctl(some_member(c), DMP_IOC_FINISH, NULL);
}

/* A guest: the one that stays would be of no more use. */
static inline int call_leave(struct caller *c)
{
	int *guest = &c->guests[stress_below(&c->seed, GUESTS)], fd = *guest;

	if (fd < 0)
		return 0;
	if (stress_below(&c->seed, 2))
		return xioctl(fd, DMP_IOC_LEAVE, NULL);
	*guest = -1;
	return close(fd) ? -errno : 0;
}

static inline int call_join(struct caller *c)
{
	static const char *const names[] = { "evil", "wicked", "bad", "honest", "", "not a name" };
	int *guest = &c->guests[stress_below(&c->seed, GUESTS)], fd;
	struct dmp_join args = join_args(stress_below(&c->seed, 4), names[stress_below(&c->seed, ARRAY_SIZE(names))]);
	char deps[2][DMP_MEMBER_NAME_MAX] = { { 0 } };

	for (int i = 0; i < 2; i++)
		strcpy(deps[i], names[stress_below(&c->seed, ARRAY_SIZE(names))]);
	if (!stress_below(&c->seed, 3))
		join_after_names(&args, (const char(*)[DMP_MEMBER_NAME_MAX])deps, 1 + stress_below(&c->seed, 2));
	args.from = stress_below(&c->seed, 4);
	args.position = args.from == DMP_FROM_POSITION ? bad_position(&c->seed, raw_cursor(c->own)) : 0;
	args.flags = rarely(&c->seed);
	args.policy = args.role == DMP_ROLE_CONSUMER ? stress_below(&c->seed, DMP_POLICY_FAIL + 1) : rarely(&c->seed);
	if (args.policy == DMP_POLICY_HOLD)
		args.hold = 1 + stress_below(&c->seed, 1000000); /* at most 1 ms: it is in the way */
	fd = ring_join(c->ring, &args);
	if (fd < 0)
		return fd;
	if (*guest >= 0)
		close(*guest);
	*guest = fd;
	return 0;
}

/* Guests: the honest are to go on. */
static inline int call_evict(struct caller *c)
{
	static const char *const names[] = { "wicked", "bad", "not a name" };
	struct dmp_evict args = { .size = sizeof(args), .flags = rarely(&c->seed) };

	strcpy(args.name, names[stress_below(&c->seed, ARRAY_SIZE(names))]);
	return xioctl(c->ring, DMP_IOC_EVICT, &args);
}

static inline int call_look(struct caller *c)
{
	struct dmp_member_info table[8];
	struct dmp_members members = {
		.size = sizeof(members),
		.entry_size = sizeof(table[0]),
		.entries = (uintptr_t)(rarely(&c->seed) ? NULL : table),
		.count = stress_below(&c->seed, ARRAY_SIZE(table) + 1),
	};
	struct dmp_info info = { .size = sizeof(info), .flags = rarely(&c->seed) };
	int fd = stress_below(&c->seed, 2) ? c->ring : some_member(c);

	if (stress_below(&c->seed, 2))
		return xioctl(fd, DMP_IOC_INFO, &info);
	return xioctl(fd, DMP_IOC_MEMBERS, &members);
}

static inline int call_poll(struct caller *c)
{
	struct pollfd p = { .fd = some_member(c), .events = POLLIN | POLLPRI };

	return poll(&p, 1, 0) < 0 ? -errno : 0;
}

static inline int call_mmap(struct caller *c)
{
	static const uint64_t offsets[] = { DMP_OFF_META, DMP_OFF_CURSOR, DMP_OFF_MEMBERS, DMP_OFF_SELF, DMP_OFF_DATA };
	uint64_t offset =
		offsets[stress_below(&c->seed, ARRAY_SIZE(offsets))] + (rarely(&c->seed) & -(uint64_t)DMP_PAGE);
	size_t size = DMP_PAGE * (1 + stress_below(&c->seed, 4));
	void *p = raw_mmap(some_member(c), offset, size, stress_below(&c->seed, 4));

	if (p == MAP_FAILED)
		return -errno;
	return munmap(p, size) ? -errno : 0;
}

static inline int call_garbage(struct caller *c)
{
	uint64_t bytes[64];
	uint32_t sizes[] = { 0, 8, 40, 64, sizeof(bytes), UINT32_MAX };
	int fd = stress_below(&c->seed, 2) ? c->ring : some_member(c);

	for (uint32_t i = 0; i < ARRAY_SIZE(bytes); i++)
		bytes[i] = stress_random(&c->seed);
	memcpy(bytes, &sizes[stress_below(&c->seed, ARRAY_SIZE(sizes))], sizeof(sizes[0]));
	return xioctl(fd, DMP_IOC_(stress_below(&c->seed, 0x20)), bytes);
}

#define MOST_ERRORS 14

static const struct {
	const char *name;
	int (*call)(struct caller *c);
	int errors[MOST_ERRORS]; /* that are documented for it */
} repertoire[] = {
	{ "WAIT", call_wait, { EINVAL, ESTALE, EBUSY, ETIMEDOUT, EINTR, EPIPE, EOWNERDEAD } },
	{ "ARM", call_arm, { EINVAL, ESTALE, EBUSY, EPIPE, EOWNERDEAD } },
	{ "WAKE", call_wake, { EINVAL, ESTALE } },
	{ "FINISH", call_finish, { ESTALE, EACCES } },
	{ "LEAVE", call_leave, { ESTALE } },
	{ "JOIN", call_join, { EINVAL, EBUSY, EEXIST, ENOENT, ERANGE, ENOSPC, EMFILE, ENFILE, ENOMEM } },
	{ "EVICT", call_evict, { EINVAL, ENOENT } },
	{ "INFO, MEMBERS", call_look, { EINVAL, EFAULT } },
	{ "poll", call_poll, { 0 } },
	{ "mmap", call_mmap, { EINVAL, EACCES, ESTALE } },
	{ "garbage", call_garbage, { EINVAL, E2BIG, EFAULT, ENOTTY, EISCONN, ESTALE } },
};

#define MOST_COUNTED 64 /* waiters that a WAKE finds, or the 1 of others: never more than there can be members */

static inline bool is_documented(const int *errors, int ret)
{
	for (int i = 0; i < MOST_ERRORS; i++)
		if (errors[i] && ret == -errors[i])
			return true;
	return ret >= 0 && ret <= MOST_COUNTED;
}

static inline void call_something(struct caller *c)
{
	uint32_t i = stress_below(&c->seed, ARRAY_SIZE(repertoire));
	int ret = repertoire[i].call(c);

	if (!is_documented(repertoire[i].errors, ret))
		fail_msg("%s: %s is not documented", repertoire[i].name, strerror(-ret));
	c->succeeded += ret >= 0;
}

static inline void *call_at_random(void *arg)
{
	struct caller *c = arg;

	memset(c->guests, 0xff, sizeof(c->guests));
	for (uint64_t i = 0; i < c->operations; i++)
		call_something(c);
	return NULL;
}

#endif /* DMP_HOSTILE_CALLS_H */
