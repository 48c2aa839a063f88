/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * liveness.h: what a producer knows of the consumers that its ring requires
 *
 * It is looked at in the slow path of claim alone, and what costs a system call or the clock only if something is
 * required. The clock of all of it is the time that the producer has spent waiting for room: so an idle ring, whatever its
 * consumers do, never stalls, and one that is waited for by many short claims does.
 */
#ifndef DMP_LIB_LIVENESS_H
#define DMP_LIB_LIVENESS_H

#include "internal.h"

/* One required consumer, as last seen. */
struct dmp_watched_ {
	char name[DMP_MEMBER_NAME_MAX];
	uint64_t incarnation;
	uint64_t position;
	uint64_t since;	  /* it has stood there */
	uint64_t alerted; /* when, if ... */
	bool alert;	  /* ... it has been, in this stall */
	bool evicted;	  /* is not waited for until it is there again */
};

struct dmp_liveness_ {
	struct dmp_liveness options;
	bool begun;	     /* all were there once */
	bool failed;	     /* for good */
	bool stalled;	     /* stall tells of one */
	uint64_t blocked;    /* ns spent waiting for room: the clock */
	uint64_t next_check; /* by that clock */
	struct dmp_stall stall;
	struct dmp_watched_ watched[DMP_MAX_GATES];
};

/* A required consumer as it stands now. */
struct dmp_sight_ {
	bool there;
	bool held;   /* dead: only its place is */
	bool behind; /* there is something for it to read */
	uint64_t incarnation;
	uint64_t position;
};

enum dmp_verdict_ {
	DMP_ALIVE_,   /* advancing, caught up, or not long enough to say */
	DMP_STALLED_, /* and told of already */
	DMP_ALERT_,   /* from now on */
	DMP_OVERDUE_, /* the grace is over */
};

/* Pure: what to think of it at now. Takes down what it saw. */
enum dmp_verdict_ dmp_judge_(struct dmp_watched_ *w, const struct dmp_sight_ *seen, uint64_t now,
			     const struct dmp_liveness *options);

/* member.c: at a producer's join, and at its end. options: NULL: the defaults. -EINVAL -ENOMEM -EOPNOTSUPP */
int dmp_liveness_new_(struct dmp_member *m, const struct dmp_liveness *options);

/* The first claim, and each after a failure: deadline 0: does not wait. -EUNATCH -EHOSTDOWN, errors of waiting */
int dmp_begin_(struct dmp_member *m, uint64_t deadline);

/* Wait as dmp_wait_loop_ does, and watch who is required. -EHOSTDOWN */
int dmp_watch_loop_(struct dmp_member *m, struct dmp_want_ *w, int (*look)(struct dmp_member *m, struct dmp_want_ *w));

/* claim.c: may it claim at all? */
static inline int dmp_may_claim_(struct dmp_member *m, uint64_t deadline)
{
	return m->liveness && !m->liveness->begun ? dmp_begin_(m, deadline) : 0;
}

/* Wait for room; where consumers are required, with an eye on them. */
static inline int dmp_room_loop_(struct dmp_member *m, struct dmp_want_ *w,
				 int (*look)(struct dmp_member *m, struct dmp_want_ *w))
{
	if (m->liveness && dmp_load_once(m->meta->required))
		return dmp_watch_loop_(m, w, look);
	return dmp_wait_loop_(m, w, look);
}

#endif /* DMP_LIB_LIVENESS_H */
