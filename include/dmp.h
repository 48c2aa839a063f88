/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * libdmp: Disruptor rings between processes
 *
 *   producer                                         consumer
 *     dmp_claim(m, n, &pos)      room for n events     dmp_wait(m, 1, &batch)      what is there
 *     dmp_slot(m, pos)           write each            dmp_for_each(e, m, &batch)  read each in place
 *     dmp_publish(m, pos, n)     others may read       dmp_release(m, batch.end)   others may overwrite
 *
 * Functions return 0 or a negative errno (or what they say). An error is found before any effect. Pointers to results
 * are written only on success. Nothing here prints, exits, installs handlers or starts threads
 * (dmp/aggregator.h, which is apart, starts one).
 *
 * Threads: a struct dmp_ring may be used by any thread; a struct dmp_member by one at a time, and only by the process
 * that joined (a child made by fork must join for itself).
 *
 * Progress: claim, slot, publish, wait, event, release and their try forms are wait-free while there is room or there
 * are events, and make no system call unless somebody sleeps. The blocking forms follow the member's wait strategy.
 *
 * Deadlines are absolute, CLOCK_MONOTONIC, in nanoseconds (dmp_now() + ...); DMP_FOREVER: none.
 */
#ifndef DMP_H
#define DMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/dmp.h>

#include <dmp/version.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

#define DMP_FOREVER UINT64_MAX

struct dmp_ring;     /* a ring file: opaque */
struct dmp_member;   /* one producer, consumer or observer: see dmp/ring.h, use the functions */
struct dmp_liveness; /* see dmp/require.h */

/* ---- rings: lib/ring.c ----
 *
 * A name says who owns the ring's memory:
 *
 *   dmp:NAME   the module. NAME as in linux/dmp.h
 *   shm:NAME   nobody: shared memory, for processes that trust each other. NAME likewise. "shm:": without a name
 *   file:PATH  nobody: a file, which survives its processes and, from dmp_ring_sync on, a crash of the machine
 *   NAME       the module, or what the environment variable DMP_BACKEND says: dmp or shm
 *
 * Calls, errors and the hot path are the same. What shm and file cannot promise is told where it matters, and in
 * README.md. Any other prefix or character, an empty or overlong NAME: -EINVAL.
 */

struct dmp_ring_options {
	uint64_t slots;	     /* a power of two; slots * stride must be a multiple of 4,096 bytes */
	uint32_t event_size; /* bytes of payload; stamped rings are fastest at 56, 120, 184: slots fill lines */
	uint32_t members;    /* at most so many at once; 0: 16 */
	uint32_t mode;	     /* as for a file, see dmp_ring_open; 0: 0700 */
	uint32_t flags;	     /* DMP_RING_STAMPED, _FENCED, _PERSISTENT; with _STAMPED: _MULTI, for several producers */
};

/*
 * Create a ring and open it with all rights. name: NULL for an anonymous one. The ring lives until the last file that
 * refers to it is closed, a persistent one until dmp_ring_unlink.
 * shm: the name is in use while a process has the ring open; one that nobody has open any more is free again.
 * file: the ring stays until dmp_ring_unlink; one seat more than members is there, for what dmp_ring_sync has written.
 *   -ENODEV no /dev/dmp: load the module   -EACCES /dev/dmp may not be opened   -EINVAL options or name
 *   -EEXIST -EDQUOT -EFBIG -ENOBUFS -ENOMEM -EOPNOTSUPP -EMFILE -ENFILE: see linux/dmp.h
 */
int dmp_ring_create(struct dmp_ring **ring, const char *name, const struct dmp_ring_options *options);

/* A name for a ring that nobody else has taken, of at most 14 characters, so that any system takes it, into size (at
 * least DMP_UNIQUE_NAME_MAX) bytes: up to 6 letters and digits of prefix, which may be NULL, then 8 at random. -EINVAL */
#define DMP_UNIQUE_NAME_MAX 15
int dmp_unique_name(char *name, size_t size, const char *prefix);

/*
 * Open a ring by name with the rights wanted (DMP_RIGHT_R observe, _W produce, _X consume; 0: all its mode allows).
 *   -ENODEV -EINVAL -EOPNOTSUPP -ENOENT -EACCES -EMFILE -ENFILE -ENOMEM
 *   shm, file: -EMEDIUMTYPE the file is no ring   -EPROTO of another version   -EUCLEAN truncated or damaged
 */
int dmp_ring_open(struct dmp_ring **ring, const char *name, uint32_t rights);

/*
 * file: everything published so far, and how far each consumer has released, survives a crash of the machine once this
 * returns. A ring is reopened with what the last sync promised, at least; its consumers hold their places until a
 * consumer of the same name and user joins: it goes on there. A claim that waits while nothing but what is not on the
 * disk yet is in its way syncs by itself; dmp_try_claim does not. Blocks while the disk writes. Any thread.
 *   -EOPNOTSUPP not a file ring; errors of msync (-EIO: the disk)
 */
int dmp_ring_sync(const struct dmp_ring *ring);

/* Take over fd, a bound ring file (inherited or received): dmp_ring_close closes it. After an error it is still the
 * caller's. -EBADF not a bound ring file -ENOMEM */
int dmp_ring_from_fd(struct dmp_ring **ring, int fd);

/* A new ring file with these rights, or fewer than the ring's, to hand on: returns its descriptor (close-on-exec), the
 * caller's to close. 0: the same rights. -EACCES a right the ring's file does not have -EINVAL -ENODEV -EMFILE -ENFILE
 * -EOPNOTSUPP shm, file: who has the file can do everything with it */
int dmp_ring_restrict(const struct dmp_ring *ring, uint32_t rights);

/* The descriptor, still the ring's: to send over a socket. shm, file: to close a duplicate in this process is to leave. */
int dmp_ring_fd(const struct dmp_ring *ring);

/* Close the file. Members stay. NULL is allowed. */
void dmp_ring_close(struct dmp_ring *ring);

/* Remove a name; the ring goes with its last file. -ENOENT -EPERM not its owner -EINVAL -EOPNOTSUPP -ENODEV */
int dmp_ring_unlink(const char *name);

/* What the ring is and how it stands. 0, never an error on an open ring. */
int dmp_ring_info(const struct dmp_ring *ring, struct dmp_info *info);

/* The next ring of this network namespace after id (0: the first). -ENOENT: none. -ENODEV -EACCES -EMFILE -ENFILE */
int dmp_ring_next(uint64_t id, struct dmp_info *info);

/* The same of shm: in the order of their names; name: DMP_NAME_MAX bytes, "" to begin. Rings that may not be opened are
 * left out. -ENOENT: none. -EMFILE -ENFILE -ENOMEM */
int dmp_shm_next(char *name, struct dmp_info *info);

/* Its members, up to count of them, in order of index. Returns how many there are. -EFAULT */
int dmp_ring_members(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count);

/*
 * Who is in the way, now: DMP_HOLDUP_ROOM of one more event, DMP_HOLDUP_EVENTS of the next one. holdup->role is 0 if
 * nobody is. Its pid and thread_state are for people: the one is of the caller's pid namespace, the other may have
 * changed. Any thread. -EINVAL what -EOPNOTSUPP shm, file
 */
int dmp_ring_holdup(const struct dmp_ring *ring, uint32_t what, struct dmp_holdup *holdup);

/* ---- members: lib/member.c ---- */

/*
 * How to wait, as data. Each step is tried so many times, in this order; then the thread sleeps in the kernel or, where
 * sleep is false, goes on with the last step that has a budget. pace: how often a consumer that keeps finding almost
 * nothing pauses for about a microsecond or a few (in PAUSE instructions; it gets off the producer's heels).
 * All zero: pauses for ever.
 */
struct dmp_wait_strategy {
	uint32_t spins;	 /* looks without a pause */
	uint32_t pauses; /* looks with a PAUSE between */
	uint32_t yields; /* looks with a sched_yield between */
	uint32_t pace;	 /* PAUSEs once it keeps finding little at its first look; 0: never */
	bool sleep;
};

extern const struct dmp_wait_strategy dmp_wait_spin;  /* never sleeps: a CPU each, lowest latency */
extern const struct dmp_wait_strategy dmp_wait_yield; /* never sleeps, yields: for more threads than CPUs */
extern const struct dmp_wait_strategy dmp_wait_sleep; /* spins for some microseconds, then sleeps: the default */
extern const struct dmp_wait_strategy dmp_wait_block; /* sleeps at once */

struct dmp_join_options {
	const char *name;	  /* consumers: needed, unique in the ring; others: for people, may be NULL */
	const char *const *after; /* consumers: names of those whose releases it waits for, besides the cursor */
	uint32_t after_count;
	uint32_t from;			      /* DMP_FROM_LATEST, _OLDEST, _POSITION */
	uint64_t position;		      /* for DMP_FROM_POSITION */
	uint32_t policy;		      /* consumers: DMP_POLICY_*: what becomes of its place when it dies */
	uint64_t hold;			      /* for DMP_POLICY_HOLD: so many ns; 0: DMP_HOLD_DEFAULT, 10 s */
	const struct dmp_wait_strategy *wait; /* copied; NULL: dmp_wait_sleep */
	const struct dmp_liveness *liveness;  /* producers: copied; NULL: dmp_liveness_default */
	uint32_t counters;		      /* DMP_COUNTERS_*, see dmp/counting.h */
};

/*
 * Join a ring as DMP_ROLE_PRODUCER, _CONSUMER or _OBSERVER; options may be NULL for the first and the last.
 * A producer goes on where the ring's cursor stands. A consumer gates the producer from its start on: no event at or
 * after its start is overwritten before it has released it. An observer never gates.
 *
 * A consumer that leaves or is evicted is dropped: it holds nobody up. One that dies (its process ends or execs, or its
 * file goes without dmp_leave) goes by its policy:
 *   DMP_POLICY_DROP     the same
 *   DMP_POLICY_FAIL     dropped, and all that come after it, directly or not, are removed: -EOWNERDEAD
 *   DMP_POLICY_DEFAULT  as fail, which is drop where nobody comes after it
 *   DMP_POLICY_HOLD     its place is held for so many ns: a consumer that joins with the same name, uid and
 *                       dependencies goes on where it last released, whatever from says (dmp_position); what it had
 *                       read and not released comes again. Until then the place holds the producer up as a consumer
 *                       that stands still does, once the ring is full, and takes a member's slot
 * shm, file: DEFAULT and DROP alone, and are both drop; of a file ring each dead consumer's place is held, for good.
 *
 *   -EPERM the name's place is held for another uid. -EEXIST: also while the dead one's file is open somewhere. -EINVAL:
 *   also for other dependencies than those of the place
 *   -EACCES -EBUSY -EEXIST -ENOENT -ERANGE -ENOSPC -EMFILE -ENFILE -ENOMEM -EINVAL -EOPNOTSUPP: see linux/dmp.h
 *   -EPROTO the ring's layout is of another version   -ESTALE a consumer that was evicted, or failed, before this could
 *   return: nothing has been joined, try again
 */
int dmp_join(struct dmp_ring *ring, uint32_t role, const struct dmp_join_options *options, struct dmp_member **member);

/*
 * Remove a consumer, or the place held for a dead one: right w. The producer waits for it no more, who comes after it
 * goes on without it; it learns of it by -ESTALE from its release, from each wait after that, or from a wait that finds nothing. Its
 * name is free at once, its slot when its process has left or ended. Any thread; does not wait for it.
 *   -ENOENT no such consumer   -EACCES the ring's file does not carry w   -EINVAL no such name can be
 *   -EINTR killed   -EOPNOTSUPP shm, file: who is trusted with all pages cannot be kept out of them
 */
int dmp_evict(const struct dmp_ring *ring, const char *name);

/* Leave: publish or release first what shall count. Unmaps, closes, frees; the pointer is void. NULL is allowed. */
void dmp_leave(struct dmp_member *member);

/* A producer: the stream has come to a clean end, so that those who read its end can tell it from a crash. Nothing may
 * be published afterwards. -EACCES not a producer -ESTALE it has left */
int dmp_finish(struct dmp_member *member);

/* How the stream ended, or that it has not: DMP_END_*. Never blocks. */
uint32_t dmp_ended(const struct dmp_member *member);

/* The member's place: next position to claim, to read or to observe. */
uint64_t dmp_position(const struct dmp_member *member);

/* Bytes of payload per event, and slots. */
uint32_t dmp_event_size(const struct dmp_member *member);
uint64_t dmp_slots(const struct dmp_member *member);

/* The member file, still the member's: for poll, epoll and io_uring after dmp_arm. shm, file: -EOPNOTSUPP. */
int dmp_member_fd(const struct dmp_member *member);

/* ---- producing: dmp/ring.h, slow path lib/claim.c ----
 *
 *   int dmp_claim(m, n, &pos)                   wait for room for n events, by the wait strategy
 *   int dmp_try_claim(m, n, &pos)               -EAGAIN instead of waiting; no system call
 *   int dmp_claim_until(m, n, &pos, deadline)   -ETIMEDOUT once the deadline has passed and there is no room
 *   void *dmp_slot(m, pos)                      the payload to write, of a position that is claimed and not published
 *   dmp_for_each_slot(p, m, pos, n)             the payloads of n claimed positions in order, prefetching: the fast way
 *   void dmp_publish(m, pos, n)                 pos .. pos + n - 1, in the order claimed
 *   int dmp_abort(m, pos, n)                    instead: never mind these
 *
 * All three claims: -EINVAL n is 0, or more than the ring holds with what is claimed already; -EACCES not a producer;
 * -EINTR a signal without SA_RESTART (only while asleep; shm, file: any signal); file: errors of msync; -EBUSY several
 * producers: one claim at a time, this one's is not all published or aborted; -ESTALE the member has left (only on going
 * to sleep). Where consumers are required: -EUNATCH not all of them were there yet when the startup_wait
 * of the member or the deadline passed (dmp_try_claim: at once; see dmp_missing; the next claim waits again); -EHOSTDOWN
 * one of them has stalled for too long (see dmp_last_stall), now and for good.
 *
 * *pos is the first of the n positions. Several claims may be open; events that are claimed and not published were never there
 * if the producer leaves. The payload is the producer's alone from dmp_slot to dmp_publish; on a stamped ring dmp_slot
 * also says "being written", so call it before each change of a payload and never after the publish. Slots of
 * consecutive positions lie stride bytes apart, even across the wrap; on a packed ring of events of a multiple of
 * 8 bytes they are one array from dmp_slot(m, pos) on.
 *
 *   struct tick *p;
 *   dmp_for_each_slot(p, m, pos, n)
 *           *p = next_tick();
 *
 * The loop stamps all slots but its first while their lines are at hand, so go over what the next publish or abort is
 * for, and no further: a claim that is published in parts takes a loop for each.
 */

/*
 * Give up a claim that is not published, in the order claimed, in whole or in parts. On a ring with one producer only the
 * last positions claimed, and they are as if they had not been claimed: the next claim has them again. Of several
 * producers, who may have claimed beyond them, they are stamped aborted: consumers and observers skip them and count them.
 * -EINVAL not claimed and unpublished, or not the next to publish (one producer: the last) -EACCES not a producer
 */
int dmp_abort(struct dmp_member *member, uint64_t pos, uint64_t n);

/* Slots that a consumer or an observer has skipped because they were aborted, by their producer or after its death; a
 * producer: that it has aborted. */
uint64_t dmp_aborted(const struct dmp_member *member);

/* ---- consuming: dmp/ring.h, slow path lib/wait.c ----
 *
 *   struct dmp_batch { uint64_t pos, end; }     events pos .. end - 1
 *   int dmp_wait(m, n, &batch)                  until at least n events are there, by the wait strategy
 *   int dmp_try_wait(m, n, &batch)              -EAGAIN instead of waiting; no system call, no pause
 *   int dmp_wait_until(m, n, &batch, deadline)  -ETIMEDOUT once the deadline has passed and they are not there
 *   const void *dmp_event(m, pos)               the payload of a position in the batch, to be read in place
 *   dmp_for_each(e, m, &batch)                  all of them in order, prefetching: the fast way
 *   int dmp_release(m, end)                     everything below end has been read: others may overwrite it
 *
 * A batch begins where the last release ended, on a ring with several producers behind the aborted slots that follow, and
 * ends before the next one, so it may be shorter than n. It has all that is there, but at most DMP_BATCH_MAX events unless n is
 * more: release each batch and wait for the next. Waiting again without releasing gives the same events again.
 *
 * The waits: -EPIPE all producers have left and everything is read (fewer than n events that are left come first, as a
 * short batch); -EINVAL n is 0 or more than the ring holds; -EACCES not a consumer; -EINTR as above; -ESTALE it was
 * evicted; -EOWNERDEAD a consumer that it came after has died and its policy was to fail. Both come once nothing is
 * there to be read or a release was void, whether it sleeps or spins, and again from each wait: dmp_leave is all that is
 * left. -EPIPE is a state: who joins a ring whose last producer has left gets it at once, and each wait again, until the
 * next producer joins. To sleep until then (not shm, file): poll the member's file for POLLPRI, and look again.
 *
 * Events of consecutive positions lie as slots do: on a packed ring of events of a multiple of 8 bytes a batch is one
 * array from dmp_event(m, batch.pos) on, which compilers vectorise where they do not vectorise the loop.
 *
 * dmp_release: 0; -EINVAL end is below the last release or beyond what a wait has seen to be there; -ESTALE the member
 * was evicted, failed or has left: what was read since the last release is void. Events are valid only once their release has
 * succeeded.
 *
 *   const struct tick *e;
 *   dmp_for_each(e, m, &batch)
 *           sum += e->price;
 */

/* ---- observing: lib/observe.c ---- */

/*
 * Copy the next event out into event (dmp_event_size bytes). Waits by the wait strategy until there is one. *pos: which
 * one it is; *lost: how many events between the last one returned and this one were not returned, because they were
 * overwritten before or while they were copied, or skipped to get out of the producer's way. Never returns a torn
 * event. event is scratch memory until the call returns 0. -EPIPE, -EINTR, -ESTALE as for dmp_wait; -EACCES not an
 * observer; try: -EAGAIN, no system call; until: -ETIMEDOUT. Lock-free: a producer that laps the whole ring during each
 * copy can keep it trying.
 */
int dmp_observe(struct dmp_member *member, void *event, uint64_t *pos, uint64_t *lost);
int dmp_try_observe(struct dmp_member *member, void *event, uint64_t *pos, uint64_t *lost);
int dmp_observe_until(struct dmp_member *member, void *event, uint64_t *pos, uint64_t *lost, uint64_t deadline);

/* ---- poll ---- */

/*
 * Arm the member's file for poll: it becomes readable once n more events (a consumer, an observer) or n free slots (a
 * producer) are there. Returns 1 if they are there now, 0 if armed. One-shot; POLLHUP at the end of the stream; POLLPRI
 * when the membership has changed, until dmp_read_members. Readable also says: look again, arm again.
 *   -EPIPE the stream has ended below what is waited for (fewer than n may be left: dmp_try_wait has them)
 *   -EBUSY another thread sleeps on this member   -ESTALE the member has left, or was evicted   -EOWNERDEAD as for the
 *   waits
 *   -EINVAL n is 0 or more than the ring holds, a producer's with what is claimed already
 *   -EOPNOTSUPP shm, file: nothing there can be polled
 */
int dmp_arm(struct dmp_member *member, uint64_t n);

/* As dmp_ring_members, and settles POLLPRI. -EFAULT */
int dmp_read_members(struct dmp_member *member, struct dmp_member_info *members, uint32_t count);

/*
 * As dmp_ring_holdup, and ROOM is asked for what the producer's last claim that found too little room wanted: after a
 * claim that timed out it says who held it up, if somebody still does. Non-blocking, one system call.
 */
int dmp_holdup(const struct dmp_member *member, uint32_t what, struct dmp_holdup *holdup);

/* ---- errors, time, versions ---- */

/*
 * One line, without an end, that says what an error of this library (negative, as it was returned) is and what to do about
 * it; of others what strerror(3) says. Never NULL, not to be freed. What a function means by an error is told with the
 * function. Any thread.
 */
const char *dmp_strerror(int err);

uint64_t dmp_now(void);	       /* CLOCK_MONOTONIC, ns */
const char *dmp_version(void); /* of the library at run time, as DMP_VERSION */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#include <dmp/require.h>
#include <dmp/ring.h>

#endif /* DMP_H */
