/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * survey.h: all rings, their members and what these count, at one time: what dmp top and dmp export show
 *
 * Rings and members come and go meanwhile; that is no error. Nothing here ends the program or prints anything.
 */
#ifndef DMP_SURVEY_H
#define DMP_SURVEY_H

#include "stat.h"

/* A ring. */
struct surveyed {
	char name[DMP_NAME_MAX + 4]; /* as to be given to dmp_ring_open(); empty: it is anonymous */
	struct dmp_info info;
	int missing; /* why only sleeps and wakes are known of its members: -EACCES (no right r), -ENOSPC (no place); else 0 */
	struct counted *member;
	uint32_t count;
};

struct survey {
	uint64_t at;	       /* ns, CLOCK_MONOTONIC */
	int module_error;      /* 0, or why rings of /dev/dmp cannot be seen: -ENODEV (not loaded), -EACCES */
	struct surveyed *ring; /* those of /dev/dmp by id, then those in shared memory by name */
	uint32_t count;
};

/* What stays from one survey to the next: rings that are open, observers that have joined them. For one thread. */
struct surveyor;

/* NULL: no memory. */
struct surveyor *surveyor_new(void);
/* Leaves all rings. */
void surveyor_free(struct surveyor *from);

/* 0, then free_survey() afterwards; -ENOMEM. */
int take_survey(struct surveyor *from, struct survey *to);
void free_survey(struct survey *survey);

/* The same ring (by name and id), and member (by incarnation), in another survey. NULL: it was not there. */
const struct surveyed *ring_in(const struct survey *survey, const struct surveyed *ring);
const struct counted *member_in(const struct survey *survey, const struct surveyed *ring, const struct counted *member);

/* The value of a built-in counter (DMP_COUNTER_*). False: it does not count that. */
bool built_in(const struct counted *member, uint32_t id, uint64_t *value);

#endif /* DMP_SURVEY_H */
