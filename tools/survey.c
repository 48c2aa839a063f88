// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* survey.c: see survey.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "survey.h"

/* ---- observers that stay ---- */

/* A ring that we have joined. Its file is closed again: the member has all that it takes. */
struct kept {
	char name[DMP_NAME_MAX + 4];
	uint64_t id;
	bool persistent; /* it does not need us to live */
	bool seen;	 /* by this survey */
	struct dmp_member *reader;
	uint64_t generation; /* of the membership, when we last looked who is there */
};

struct surveyor {
	const char *only;
	struct kept *list;
	uint32_t count;
};

/* Each ring takes one. */
static void allow_many_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

struct surveyor *surveyor_new(void)
{
	allow_many_files();
	return calloc(1, sizeof(struct surveyor));
}

void surveyor_free(struct surveyor *from)
{
	uint32_t i;

	if (!from)
		return;
	for (i = 0; i < from->count; i++)
		dmp_leave(from->list[i].reader);
	free(from->list);
	free(from);
}

void surveyor_only(struct surveyor *from, const char *name)
{
	from->only = name;
}

static struct kept *find_kept(struct surveyor *from, const char *name, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < from->count; i++)
		if (from->list[i].id == id && !strcmp(from->list[i].name, name))
			return &from->list[i];
	return NULL;
}

/* It is the surveyor's from now on, unless there is no memory. */
static int keep(struct surveyor *from, const struct surveyed *ring, struct dmp_member *reader)
{
	struct kept *list = realloc(from->list, (from->count + 1) * sizeof(*list)), *new;

	if (!list)
		return -ENOMEM;
	from->list = list;
	new = &list[from->count++];
	*new = (struct kept){ .id = ring->info.id, .reader = reader, .seen = true };
	strcpy(new->name, ring->name);
	new->persistent = ring->info.flags &DMP_RING_PERSISTENT;
	return 0;
}

/* The last one takes its place. */
static void leave(struct surveyor *from, struct kept *kept)
{
	dmp_leave(kept->reader);
	*kept = from->list[--from->count];
}

/* ---- who else is there ---- */

static bool is_shm(const char *name)
{
	return !strncmp(name, "shm:", 4);
}

/*
 * Those for whose sake a ring is there. Not who looks on: two surveyors would keep it for each other. The place of a dead
 * consumer does not keep it either.
 */
static bool has_users(const struct members *members)
{
	uint32_t i;

	for (i = 0; i < members->count; i++)
		if (members->list[i].state == DMP_MEMBER_JOINED && members->list[i].role != DMP_ROLE_OBSERVER)
			return true;
	return false;
}

/* Are we to go on observing? Not if the ring would live for observers alone, or if we have the place that the next member needs. */
static bool may_stay(struct kept *kept)
{
	struct members members;
	bool used, full;

	kept->generation = dmp_load_acquire(kept->reader->meta->generation);
	if (find_members(NULL, kept->reader, &members))
		return false;
	used = has_users(&members);
	full = members.count >= kept->reader->meta->members;
	free_members(&members);
	return (used || kept->persistent) && !full;
}

/* Nobody tells of who has died in shared memory; in the module membership has changed then. */
static bool may_have_changed(const struct kept *kept)
{
	return is_shm(kept->name) || dmp_load_acquire(kept->reader->meta->generation) != kept->generation;
}

void surveyor_tend(struct surveyor *from)
{
	uint32_t i;

	for (i = from->count; i--;)
		if (may_have_changed(&from->list[i]) && !may_stay(&from->list[i]))
			leave(from, &from->list[i]);
}

/* Those that this survey has not come by are not there any more. */
static void leave_unseen(struct surveyor *from)
{
	uint32_t i;

	for (i = from->count; i--;)
		if (!from->list[i].seen)
			leave(from, &from->list[i]);
	for (i = 0; i < from->count; i++)
		from->list[i].seen = false;
}

/* ---- one ring ---- */

static int open_to_read(struct dmp_ring **ring, const struct surveyed *of, uint32_t rights)
{
	char name[DMP_NAME_MAX + 8];

	/* A name without a prefix is whose DMP_BACKEND says. */
	snprintf(name, sizeof(name), "%s%s", is_shm(of->name) ? "" : "dmp:", of->name);
	return dmp_ring_open(ring, name, rights);
}

/* Where it has users, so that it does not live for us alone, and where that is not the last free place. */
static int check_room(const struct dmp_ring *ring, bool *wanted)
{
	struct dmp_info info;
	struct members members;
	int err = find_members(ring, NULL, &members);

	if (err)
		return err;
	dmp_ring_info(ring, &info);
	*wanted = has_users(&members);
	err = *wanted && members.count + 1 >= info.members ? -ENOSPC : 0;
	free_members(&members);
	return err;
}

/* reader stays NULL if it is better not to join, which is no error. */
static int join_and_keep(struct surveyor *from, struct dmp_ring *ring, const struct surveyed *r,
			 struct dmp_member **reader)
{
	const struct dmp_join_options options = { .counters = DMP_COUNTERS_NONE };
	struct dmp_member *new = NULL;
	bool wanted = false;
	int err = check_room(ring, &wanted);

	if (!err && wanted)
		err = dmp_join(ring, DMP_ROLE_OBSERVER, &options, &new);
	if (!new)
		return err;
	err = keep(from, r, new);
	if (err)
		dmp_leave(new);
	else
		*reader = new;
	return err;
}

static int read_members(const struct dmp_ring *ring, struct dmp_member *reader, struct surveyed *r)
{
	const struct stat_source source = { .ring = ring, .reader = reader };
	struct all_counted all;
	int err = read_counted(&source, &all);

	if (err)
		return err;
	r->member = all.member;
	r->count = all.count;
	return 0;
}

/* What has been opened may be another of that name. */
static int read_opened(struct surveyor *from, struct dmp_ring *ring, struct surveyed *r)
{
	struct dmp_member *reader = NULL;
	struct dmp_info info;

	dmp_ring_info(ring, &info);
	if (info.id != r->info.id)
		return -ENOENT;
	if (!r->missing)
		r->missing = join_and_keep(from, ring, r, &reader);
	return read_members(ring, reader, r);
}

/* For the first time, or where we do not stay. Without the right r another will do, without any it is known to be there. */
static int open_and_read(struct surveyor *from, struct surveyed *r)
{
	struct dmp_ring *ring;
	int err = open_to_read(&ring, r, DMP_RIGHT_R);

	if (err == -EACCES) {
		r->missing = err;
		err = open_to_read(&ring, r, 0);
	}
	if (err == -EACCES || err == -EMFILE || err == -ENFILE) {
		r->missing = err;
		return 0;
	}
	if (err)
		return err;
	err = read_opened(from, ring, r);
	dmp_ring_close(ring);
	return err;
}

static int read_ring(struct surveyor *from, struct surveyed *r)
{
	struct kept *kept = find_kept(from, r->name, r->info.id);

	if (!kept)
		return open_and_read(from, r);
	r->info.joined -= !!r->info.joined;
	if (may_have_changed(kept) && !may_stay(kept)) {
		leave(from, kept);
		return open_and_read(from, r);
	}
	kept->seen = true;
	return read_members(NULL, kept->reader, r);
}

/* ---- all rings ---- */

static int add_ring(struct surveyor *from, struct survey *to, const char *prefix, const char *name,
		    const struct dmp_info *info)
{
	struct surveyed *ring = realloc(to->ring, (to->count + 1) * sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	to->ring = ring;
	ring += to->count;
	*ring = (struct surveyed){ .info = *info };
	snprintf(ring->name, sizeof(ring->name), "%s%.*s", prefix, DMP_NAME_MAX - 1, name);
	if (from->only && strcmp(ring->name, from->only))
		return 0;
	err = read_ring(from, ring);
	if (err != -ENOMEM)
		to->count += !err; /* else it has gone */
	return err == -ENOMEM ? err : 0;
}

static int survey_module(struct surveyor *from, struct survey *to)
{
	struct dmp_info info;
	uint64_t id;
	int err;

	for (id = 0; !(to->module_error = dmp_ring_next(id, &info)); id = info.id) {
		err = add_ring(from, to, "", info.name, &info);
		if (err)
			return err;
	}
	if (to->module_error == -ENOENT)
		to->module_error = 0; /* that was the last one */
	return 0;
}

static int survey_shm(struct surveyor *from, struct survey *to)
{
	char name[DMP_NAME_MAX] = "";
	struct dmp_info info;
	int err;

	while (!(err = dmp_shm_next(name, &info))) {
		err = add_ring(from, to, "shm:", name, &info);
		if (err)
			return err;
	}
	return err == -ENOMEM ? err : 0;
}

int take_survey(struct surveyor *from, struct survey *to)
{
	int err;

	*to = (struct survey){ .at = dmp_now() };
	err = survey_module(from, to);
	if (!err)
		err = survey_shm(from, to);
	leave_unseen(from);
	if (err)
		free_survey(to);
	return err;
}

void free_survey(struct survey *survey)
{
	uint32_t i;

	for (i = 0; i < survey->count; i++)
		free(survey->ring[i].member);
	free(survey->ring);
	*survey = (struct survey){ .at = 0 };
}

/* ---- looking things up ---- */

const struct surveyed *ring_in(const struct survey *survey, const struct surveyed *ring)
{
	uint32_t i;

	for (i = 0; i < survey->count; i++)
		if (survey->ring[i].info.id == ring->info.id && !strcmp(survey->ring[i].name, ring->name))
			return &survey->ring[i];
	return NULL;
}

const struct counted *member_in(const struct survey *survey, const struct surveyed *ring, const struct counted *member)
{
	const struct surveyed *r = ring_in(survey, ring);
	uint32_t i;

	for (i = 0; r && i < r->count; i++)
		if (r->member[i].info.index == member->info.index &&
		    r->member[i].info.incarnation == member->info.incarnation)
			return &r->member[i];
	return NULL;
}

bool built_in(const struct counted *member, uint32_t id, uint64_t *value)
{
	uint32_t i;

	for (i = 0; i < member->counters; i++)
		if (member->counter[i].id == id) {
			*value = member->counter[i].value;
			return true;
		}
	return false;
}
