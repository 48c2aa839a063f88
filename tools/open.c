// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* open.c: open a ring, join it, or explain why that cannot be */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

/* ---- names ---- */

static bool is_name(const char *name, size_t size)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t len = strlen(name);

	return len && len < size && strspn(name, chars) == len;
}

static const char *plain_name(const char *name)
{
	return strncmp(name, "dmp:", 4) && strncmp(name, "shm:", 4) ? name : name + 4;
}

static bool is_path(const char *name)
{
	return !strncmp(name, "file:", 5);
}

bool is_ring_name(const char *name)
{
	return is_path(name) ? name[5] : is_name(plain_name(name), DMP_NAME_MAX);
}

void fail_name(void)
{
	fail("that is no ring's name: [dmp:]NAME, shm:NAME or file:PATH, a NAME is 1 to %d of A-Z a-z 0-9 _ . -",
	     DMP_NAME_MAX - 1);
}

/* Of shm and file: whoever may open it can ask it. */
static bool ask_ring(const char *name, struct dmp_info *info)
{
	struct dmp_ring *ring;

	if (dmp_ring_open(&ring, name, 0))
		return false;
	dmp_ring_info(ring, info);
	dmp_ring_close(ring);
	return true;
}

bool find_ring(const char *name, struct dmp_info *info)
{
	uint64_t id;

	if (is_path(name) || !strncmp(name, "shm:", 4))
		return ask_ring(name, info);
	for (id = 0; !dmp_ring_next(id, info); id = info->id)
		if (!strncmp(info->name, plain_name(name), sizeof(info->name)))
			return true;
	return false;
}

/* ---- open ---- */

static void fail_rights(const char *name, uint32_t rights)
{
	struct dmp_info info;
	char word[4];

	if (is_path(name) || !strncmp(name, "shm:", 4))
		fail("its owner and mode do not give you that right: ask the owner, or create it with another --mode");
	if (access("/dev/dmp", rights & DMP_RIGHT_W ? R_OK | W_OK : R_OK))
		fail("you may not open /dev/dmp: its owner must allow it (chmod 0666 /dev/dmp)");
	if (!find_ring(name, &info))
		fail_errno(-EACCES);
	rights_word(rights, word);
	fail("its mode %04o and owner (uid %u) do not give you the right %s (r observe, w produce, x consume): ask the "
	     "owner, or create it with another --mode",
	     info.mode, info.uid, rights ? word : "to anything");
}

struct dmp_ring *open_ring(const char *name, uint32_t rights)
{
	struct dmp_ring *ring;
	int err = dmp_ring_open(&ring, name, rights);

	if (err == -EACCES)
		fail_rights(name, rights);
	if (err == -EINVAL && !is_ring_name(name))
		fail_name();
	if (err)
		fail_errno(err);
	return ring;
}

/* ---- join ---- */

static void fail_busy(const struct dmp_ring *ring)
{
	struct members members = members_of_ring(ring);
	char name[DMP_MEMBER_NAME_MAX];
	uint32_t i;

	for (i = 0; i < members.count; i++)
		if (members.list[i].role == DMP_ROLE_PRODUCER && members.list[i].state == DMP_MEMBER_JOINED)
			fail("process %d (%s) produces there already, and a ring has one producer: wait for its end, "
			     "or end it",
			     members.list[i].pid, printable(members.list[i].name, name, sizeof(name)));
	fail("its producer has just left: try again");
}

static void fail_taken(const struct dmp_ring *ring, const char *name)
{
	struct members members = members_of_ring(ring);
	const struct dmp_member_info *member = member_by_name(&members, name);

	if (member && member->state == DMP_MEMBER_HELD)
		fail("the dead '%s' has its place, and another process its file still: end that one, or evict '%s'",
		     name, name);
	fail("process %d is there as '%s' already: take another name (--as)", member ? member->pid : 0, name);
}

static void fail_after(const struct dmp_ring *ring, const struct dmp_join_options *o)
{
	struct members members = members_of_ring(ring);
	uint32_t i;

	for (i = 0; i < o->after_count; i++)
		if (!member_by_name(&members, o->after[i]))
			fail("there is no consumer '%s' to come after: start it first; 'dmp info' shows who is there",
			     o->after[i]);
	fail("a consumer to come after has just joined: try again");
}

static void fail_position(const struct dmp_ring *ring, const struct dmp_join_options *o)
{
	struct dmp_info info;

	dmp_ring_info(ring, &info);
	fail("event %llu cannot be had: those from %llu (the gate) to %llu (the cursor) can; or say --from oldest or "
	     "latest",
	     (unsigned long long)o->position, (unsigned long long)info.gate, (unsigned long long)info.cursor);
}

static void fail_full(const struct dmp_ring *ring)
{
	struct dmp_info info;

	dmp_ring_info(ring, &info);
	fail("no room for another member, %u of %u are there (and at most %d consumers): wait until one leaves, or "
	     "create the ring with more --members",
	     info.joined, info.members, DMP_MAX_GATES);
}

static void check_names(const struct dmp_join_options *o)
{
	uint32_t i;

	if (o->name && !is_name(o->name, DMP_MEMBER_NAME_MAX))
		fail("'%s' is no member's name: 1 to %d of A-Z a-z 0-9 _ . -", o->name, DMP_MEMBER_NAME_MAX - 1);
	for (i = 0; i < o->after_count; i++)
		if (!is_name(o->after[i], DMP_MEMBER_NAME_MAX))
			fail("'%s' is no member's name: 1 to %d of A-Z a-z 0-9 _ . -", o->after[i],
			     DMP_MEMBER_NAME_MAX - 1);
}

static void fail_join(const struct dmp_ring *ring, const struct dmp_join_options *o, int err)
{
	switch (-err) {
	case EBUSY:
		fail_busy(ring);
		break;
	case EEXIST:
		fail_taken(ring, o->name);
		break;
	case ENOENT:
		fail_after(ring, o);
		break;
	case ERANGE:
		fail_position(ring, o);
		break;
	case ENOSPC:
		fail_full(ring);
		break;
	default:
		fail_errno(err);
	}
}

struct dmp_member *join_ring(struct dmp_ring *ring, uint32_t role, const struct dmp_join_options *options)
{
	struct dmp_member *member;
	int err;

	check_names(options);
	err = dmp_join(ring, role, options, &member);
	if (err)
		fail_join(ring, options, err);
	return member;
}
