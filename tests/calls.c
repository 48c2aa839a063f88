// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* calls.c: see calls.h */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

#define CALL(n, type, kind, writes)                                      \
	{                                                                \
#n, DMP_IOC_##n, sizeof(struct dmp_##type), kind, writes \
	}

const struct call calls[CALLS] = {
	[CREATE] = CALL(CREATE, create, BARE, false),
	[OPEN] = CALL(OPEN, open, BARE, false),
	[BIND] = CALL(BIND, bind, BARE, false),
	[UNLINK] = CALL(UNLINK, unlink, BARE, false),
	[LIST] = CALL(LIST, info, BARE, true),
	[INFO] = CALL(INFO, info, RING, true),
	[MEMBERS] = CALL(MEMBERS, members, RING, true),
	[JOIN] = CALL(JOIN, join, RING, true),
	[WAIT] = CALL(WAIT, wait, MEMBER, false),
	[ARM] = CALL(ARM, wait, MEMBER, false),
	[EVICT] = CALL(EVICT, evict, RING, false),
	[REQUIRE] = CALL(REQUIRE, require, RING, false),
	[REQUIRED] = CALL(REQUIRED, required, RING, true),
	[STALLED] = CALL(STALLED, stalled, PRODUCER, false),
	[HOLDUP] = CALL(HOLDUP, holdup, RING, true),
};

struct world w;

static const char required_names[2][DMP_MEMBER_NAME_MAX] = { "c", "d" };

int make_world(void **state)
{
	struct dmp_create args;

	(void)state;
	w.name = unique_name("world");
	w.spare = unique_name("spare");
	args = create_args(w.name.s);
	w.ring = ring_create(&args);
	assert_true(w.ring >= 0);
	w.p = raw_join(w.ring, DMP_ROLE_PRODUCER, "p");
	w.c = raw_join(w.ring, DMP_ROLE_CONSUMER, "c");
	raw_publish(&w.p, 1);
	return 0;
}

int end_world(void **state)
{
	(void)state;
	raw_leave(&w.c);
	raw_leave(&w.p);
	close(w.ring);
	return 0;
}

union args valid_args(int call)
{
	union args a = { .bytes = { 0 } };

	switch (call) {
	case CREATE:
		a.create = create_args(w.spare.s);
		break;
	case OPEN:
		strcpy(a.open.name, w.name.s);
		break;
	case BIND:
		a.bind.fd = w.ring;
		break;
	case UNLINK:
		strcpy(a.unlink.name, w.spare.s);
		break;
	case MEMBERS:
		a.members.entry_size = sizeof(w.entries[0]);
		a.members.entries = (uintptr_t)w.entries;
		a.members.count = ARRAY_SIZE(w.entries);
		break;
	case JOIN:
		a.join = join_args(DMP_ROLE_CONSUMER, "joiner");
		break;
	case EVICT:
		strcpy(a.evict.name, "e");
		break;
	case HOLDUP:
		a.holdup.what = DMP_HOLDUP_ROOM;
		break;
	case WAIT:
	case ARM:
		a.wait.target = 1;
		a.wait.deadline = NEVER;
		break;
	case REQUIRE:
		a.require.uid = getuid();
		a.require.names = (uintptr_t)required_names;
		a.require.count = ARRAY_SIZE(required_names);
		break;
	case REQUIRED:
		a.required.entry_size = sizeof(w.required[0]);
		a.required.entries = (uintptr_t)w.required;
		a.required.count = ARRAY_SIZE(w.required);
		break;
	case STALLED: /* it has one event to read */
		a.stalled.index = w.c.index;
		a.stalled.incarnation = w.c.incarnation;
		break;
	}
	a.size = calls[call].size;
	return a;
}

uint32_t first_size(int call)
{
	switch (call) {
	case LIST:
	case INFO:
		return offsetof(struct dmp_info, claimed);
	case JOIN:
		return offsetof(struct dmp_join, hold);
	default:
		return calls[call].size;
	}
}

/* The lowest free descriptor: one that leaked takes it. */
static int next_file(void)
{
	int fd = device();

	close(fd);
	return fd;
}

static uint32_t count_rings(void)
{
	struct dmp_info info = { .size = sizeof(info) };
	int fd = device();
	uint32_t n = 0;

	for (; !xioctl(fd, DMP_IOC_LIST, &info); n++)
		info = (struct dmp_info){ .size = sizeof(info), .id = info.id };
	close(fd);
	return n;
}

struct snapshot take_snapshot(void)
{
	struct snapshot s;
	struct dmp_members args = { .size = sizeof(args), .entry_size = sizeof(s.members[0]) };

	memset(&s, 0, sizeof(s)); /* padding, too: it is compared */
	args.entries = (uintptr_t)s.members;
	args.count = ARRAY_SIZE(s.members);
	s.info = ring_info(w.ring);
	assert_int_equal(xioctl(w.ring, DMP_IOC_MEMBERS, &args), 0);
	s.count = args.count;
	s.rings = count_rings();
	s.next_file = next_file();
	return s;
}

bool is_bare(int fd)
{
	struct dmp_info info = { .size = sizeof(info) };

	return xioctl(fd, DMP_IOC_INFO, &info) == -ENOTCONN;
}

/* ---- trying them ---- */

static const struct call *failing; /* what is being tried, for the message */
static const char *how;

static int file_of(enum kind kind, int bare)
{
	const int files[] = { [BARE] = bare, [RING] = w.ring, [MEMBER] = w.c.fd, [PRODUCER] = w.p.fd };

	return files[kind];
}

static void require_nobody(void)
{
	struct dmp_require args = { .size = sizeof(args), .uid = getuid() };

	assert_int_equal(xioctl(w.ring, DMP_IOC_REQUIRE, &args), 0);
}

/* On a ring of its own, where there is somebody to evict. */
static int try_evict(void *args)
{
	struct dmp_member_info m;
	int ring = new_ring(), ret;
	struct raw e = raw_join(ring, DMP_ROLE_CONSUMER, "e");

	ret = xioctl(ring, DMP_IOC_EVICT, args);
	assert_true(find_member(ring, "e", &m) == (ret != 0));
	raw_close(&e);
	close(ring);
	return ret;
}

/* The call on a file of its kind, a fresh one where it would bind it. Undone if it succeeds. */
static int try_call(int call, void *args)
{
	const struct call *c = &calls[call];
	int bare = c->kind == BARE ? device() : -1;
	int ret;

	if (call == EVICT)
		return try_evict(args);
	if (call == UNLINK) { /* so that there is something to remove */
		struct dmp_create spare = create_args(w.spare.s);

		assert_int_equal(xioctl(bare, DMP_IOC_CREATE, &spare), 0);
	}
	ret = xioctl(file_of(c->kind, bare), c->cmd, args);
	if (call == JOIN && ret >= 0) {
		close(ret);
		ret = 0;
	}
	if (call == REQUIRE && !ret)
		require_nobody();
	if (call <= BIND)
		assert_true(is_bare(bare) == (ret != 0));
	if (call == UNLINK)
		assert_true(ring_is_listed(w.spare.s) == (ret != 0));
	if (bare >= 0)
		close(bare);
	return ret;
}

static void check_result(int ret, int expected)
{
	if (ret != expected)
		fail_msg("%s, %s: %d (%s), expected %d (%s)", failing->name, how, ret, strerror(-ret), expected,
			 strerror(-expected));
}

/* Must fail, with no effect; size bytes at args must stay as they are. */
void refuse_at(int call, void *args, size_t readable, int err, const char *why)
{
	struct snapshot before = take_snapshot(), after;
	char copy[sizeof(union args)];

	failing = &calls[call];
	how = why;
	memcpy(copy, args, readable);
	memset(w.entries, 0xa5, sizeof(w.entries));
	check_result(try_call(call, args), -err);
	after = take_snapshot();
	if (memcmp(&before, &after, sizeof(before)))
		fail_msg("%s, %s: had an effect", failing->name, how);
	if (memcmp(copy, args, readable))
		fail_msg("%s, %s: wrote to its argument", failing->name, how);
}

void refuse(int call, union args *args, int err, const char *why)
{
	refuse_at(call, args, sizeof(*args), err, why);
}

void accept_at(int call, void *args, const char *why)
{
	int ret;

	failing = &calls[call];
	how = why;
	ret = try_call(call, args);
	/* ARM says 1: what it waits for is there; STALLED the first time. */
	check_result(call == STALLED && ret == 1 ? 0 : ret, call == ARM ? 1 : 0);
}
