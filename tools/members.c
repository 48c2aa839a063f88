// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* members.c: who is there */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct source {
	const struct dmp_ring *ring;
	struct dmp_member *member; /* NULL: ask the ring */
};

static int ask(const struct source *from, struct dmp_member_info *list, uint32_t count)
{
	return from->member ? dmp_read_members(from->member, list, count) : dmp_ring_members(from->ring, list, count);
}

/* Members come and go between asking how many and asking who. */
static int fetch(const struct source *from, struct members *to)
{
	struct members members = { NULL, 0 };
	uint32_t room = 0;
	int there;

	for (;;) {
		there = ask(from, members.list, room);
		if (there < 0 || (uint32_t)there <= room)
			break;
		room = (uint32_t)there + 8;
		free(members.list);
		members.list = calloc(room, sizeof(*members.list));
		if (!members.list)
			return -ENOMEM;
	}
	if (there < 0) {
		free(members.list);
		return there;
	}
	members.count = (uint32_t)there;
	*to = members;
	return 0;
}

int find_members(const struct dmp_ring *ring, struct dmp_member *member, struct members *to)
{
	struct source from = { ring, member };

	return fetch(&from, to);
}

static struct members fetch_or_fail(const struct source *from)
{
	struct members members;
	int err = fetch(from, &members);

	if (err)
		fail_errno(err);
	return members;
}

struct members members_of_ring(const struct dmp_ring *ring)
{
	struct source from = { .ring = ring };

	return fetch_or_fail(&from);
}

struct members members_seen_by(struct dmp_member *member)
{
	struct source from = { .member = member };

	return fetch_or_fail(&from);
}

void free_members(struct members *members)
{
	free(members->list);
	members->list = NULL;
	members->count = 0;
}

const struct dmp_member_info *member_by_index(const struct members *members, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < members->count; i++)
		if (members->list[i].index == index)
			return &members->list[i];
	return NULL;
}

const struct dmp_member_info *member_by_name(const struct members *members, const char *name)
{
	uint32_t i;

	for (i = 0; i < members->count; i++)
		if ((members->list[i].state == DMP_MEMBER_JOINED || members->list[i].state == DMP_MEMBER_HELD) &&
		    !strncmp(members->list[i].name, name, DMP_MEMBER_NAME_MAX))
			return &members->list[i];
	return NULL;
}

const char *name_of_member(const struct members *members, uint32_t index)
{
	const struct dmp_member_info *member = member_by_index(members, index);

	return member ? member->name : "?";
}

__u64 lag_of_member(const struct dmp_member_info *member, uint64_t cursor)
{
	/* A stamped consumer may be ahead by the publish in flight. */
	return member->cursor < cursor ? cursor - member->cursor : 0;
}
