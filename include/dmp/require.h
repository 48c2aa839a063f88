/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * require.h: required consumers, and how a producer sees to it that they get on; dmp.h includes it
 *
 * A ring can require consumers, by name: each producer's first claim waits until all of them are there, and a claim that
 * waits for room watches that they get on. Of the module only; elsewhere all that is special to it is -EOPNOTSUPP.
 *
 * Code: lib/require.c, lib/liveness.c
 */
#ifndef DMP_REQUIRE_H
#define DMP_REQUIRE_H

#include <dmp.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Require these consumers, of user uid, instead of those required before; count 0: none. A consumer of another user
 * cannot join under such a name, and one that has does not count. At most DMP_MAX_GATES. A claim that is waiting for
 * room already does not take notice; all others do.
 *   -EACCES the file lacks right w   -EPERM the ring is another user's   -EINVAL a bad name, one given twice, no such uid
 *   -EOPNOTSUPP shm, file   -ENOMEM
 */
int dmp_ring_require(struct dmp_ring *ring, uint32_t uid, const char *const *names, uint32_t count);

/* The required consumers, up to count of them, in the order given, all of one moment, and whether they are there: joined,
 * or their place held. Returns how many there are. -EFAULT -ENOMEM -EOPNOTSUPP shm, file */
int dmp_ring_required(const struct dmp_ring *ring, struct dmp_required_info *infos, uint32_t count);

/* What becomes of a claim when a required consumer has stood still for longer than grace. */
enum {
	DMP_STALL_FAIL,	 /* this and all further claims of the producer are -EHOSTDOWN */
	DMP_STALL_EVICT, /* the consumer, or its held place, is evicted; the claim goes on */
	DMP_STALL_WAIT,	 /* the claim goes on waiting */
};

/* A required consumer that stands still while a producer waits for room. */
struct dmp_stall {
	char name[DMP_MEMBER_NAME_MAX];
	uint64_t position;    /* where it stands; of one that is missing: where it was last seen */
	uint64_t stalled_for; /* ns, of those that the producer spent waiting */
};

/*
 * How a producer treats the required consumers. One is stalled when, while a claim waits for room, it has released nothing
 * for progress_timeout though there is something for it to read, or is not there; only the time spent waiting in claims
 * counts, so an idle ring never stalls. It is told of once: to alert, to the kernel's counter (dmp_info.stalls) and
 * tracepoint (dmp_stall). If it still stands there grace later, action is taken. A release, and a consumer of the same
 * name that joins or takes over a held place, ends the stall; those of other names do not. dmp_try_claim, which does not
 * wait, does not look. While room is there nothing of this is done, and nothing at all on a ring that requires nobody.
 */
struct dmp_liveness {
	uint64_t startup_wait;	   /* ns: so long the first claim waits for who is missing */
	uint64_t progress_timeout; /* ns */
	uint64_t check_interval;   /* ns: at most so often, while waiting, it looks (a system call) */
	uint64_t grace;		   /* ns; may be 0, the others may not; none beyond 2^61 */
	uint32_t action;	   /* DMP_STALL_* */
	/* Called from within the claim: must not use the member but for dmp_missing and dmp_last_stall. May be NULL. */
	void (*alert)(void *arg, const struct dmp_stall *stall);
	void *arg;
};

/* 5 s, 250 ms, 5 ms, 1 s; DMP_STALL_FAIL; no alert. */
extern const struct dmp_liveness dmp_liveness_default;

/* A producer: the required consumers that are not there, up to count of them. Returns how many; no system call if none.
 * -ENOMEM */
int dmp_missing(struct dmp_member *member, struct dmp_required_info *infos, uint32_t count);

/* The last stall that the producer has been alerted to, or failed for. -ENOENT none so far */
int dmp_last_stall(const struct dmp_member *member, struct dmp_stall *stall);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif /* DMP_REQUIRE_H */
