/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* dying.h: a consumer in a process of its own, which dies in one way or another */
#ifndef DMP_TESTS_DYING_H
#define DMP_TESTS_DYING_H

#include "raw.h"

/* All of them deaths: none leaves. */
enum way { KILLED, EXITED, EXECED, CLOSED, WAYS };
extern const char *const ways[WAYS];

struct victim {
	int ring;
	struct dmp_join args; /* out: what JOIN returned */
	enum way way;
	uint64_t released; /* it stores its cursor there, and tells nobody who sleeps */
	uid_t uid;	   /* 0: as we are */
	bool heir;	   /* a child of it inherits the file, and lives on until bury_victim() */
	pid_t pid;
	uint64_t *shared;
};

/* A consumer that joins from the latest; policy: DMP_POLICY_*; upstream may be NULL. */
struct victim victim_of(int ring, const char *name, const char *upstream, uint32_t policy);
void start_victim(struct victim *v);
/* It dies; returns once the ring knows. */
void end_victim(struct victim *v);
/* Nothing of it is left. */
void bury_victim(struct victim *v);
/* All three. */
void one_victim(struct victim *v);

/* ---- a place that is held ---- */

#define FOR_EVER UINT64_MAX

/* "a", to be held for so long; upstream may be NULL. */
struct victim held_victim(int ring, const char *upstream, uint64_t hold);
/* JOIN by one that is like it, from the latest. */
struct dmp_join like(const struct victim *v);
int rejoin(const struct victim *v); /* a member file, or -errno */
struct raw resume(const struct victim *v);

/* The entry at index, whatever its state; of a slot that is free all zero. */
struct dmp_member_info entry_at(int ring, uint32_t index);

#endif /* DMP_TESTS_DYING_H */
