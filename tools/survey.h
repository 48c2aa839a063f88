/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * survey.h: all rings, their members and what these count, at one time: what dmp top and dmp export show
 *
 * Rings and members come and go meanwhile; that is no error. Nothing here ends the program or prints anything. Names are
 * as other processes have them: those of members of shared memory may hold anything.
 */
#ifndef DMP_SURVEY_H
#define DMP_SURVEY_H

#include "stat.h"

/* A ring that has a name: of /dev/dmp, or in shared memory. */
struct surveyed {
	char name[DMP_NAME_MAX + 4]; /* as dmp ls shows it: NAME, shm:NAME */
	struct dmp_info info;	     /* joined: without ourselves; zero where it takes the right r */
	/* Why only sleeps and wakes are known of its members, or nothing where there are none: -EACCES (no right r), -ENOSPC (no
	 * place for an observer but the last), -EMFILE, -ENFILE, other errors of dmp_join(); else 0 */
	int missing;
	struct counted *member;
	uint32_t count;
};

struct survey {
	uint64_t at;	  /* ns, CLOCK_MONOTONIC */
	int module_error; /* 0, or why rings of /dev/dmp cannot be seen: -ENODEV (not loaded), -EACCES, -EMFILE ... */
	struct surveyed *ring; /* those of /dev/dmp by id, then those in shared memory by name */
	uint32_t count;
};

/*
 * What stays from one survey to the next: observers that have joined the rings. A ring lives for as long as somebody has
 * it open, so they leave it once it has neither producers nor consumers; they join only where a place stays free for
 * others. For one thread.
 */
struct surveyor;

/* Raises the limit of open files: each ring takes one. NULL: no memory. */
struct surveyor *surveyor_new(void);
/* Of one ring alone; name: as struct surveyed has it, and not copied. */
void surveyor_only(struct surveyor *from, const char *name);
/* Leaves all rings. */
void surveyor_free(struct surveyor *from);

/* 0, then free_survey() afterwards; -ENOMEM. */
int take_survey(struct surveyor *from, struct survey *to);
void free_survey(struct survey *survey);

/* Between surveys, every 100 ms or so: leaves the rings that have neither producers nor consumers any more. */
void surveyor_tend(struct surveyor *from);

/* The same ring (by name and id), and member (by index and incarnation), in another survey. NULL: it was not there. */
const struct surveyed *ring_in(const struct survey *survey, const struct surveyed *ring);
const struct counted *member_in(const struct survey *survey, const struct surveyed *ring, const struct counted *member);

/* The value of a built-in counter (DMP_COUNTER_*). False: it does not count that. */
bool built_in(const struct counted *member, uint32_t id, uint64_t *value);

#endif /* DMP_SURVEY_H */
