/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * dmp: Disruptor rings between processes, owned by a kernel module
 *
 * A ring is a power-of-two array of fixed-size slots. Positions are free-running 64-bit counts: event n lies in slot
 * n & (slots - 1) and is published when the ring's cursor is greater than n. Everything that happens per event happens
 * in mapped memory; the system calls below are for setting up, sleeping, waking and leaving.
 *
 *
 * FILES
 *
 *   ring file     /dev/dmp, bound to one ring by CREATE, OPEN or BIND. It is a right, not an identity: it may be
 *                 dup'ed, inherited and sent over a socket. The rights (r observe, w produce, x consume) are settled
 *                 when it is bound and never widen; a file opened O_RDONLY never carries w.
 *   member file   returned by JOIN: one producer, consumer or observer, used by one thread at a time. It belongs to
 *                 the address space that joined; ioctl and mmap from any other are -EPERM.
 *
 * A ring lives while a file refers to it and, if created DMP_RING_PERSISTENT, until UNLINK or the end of its network
 * namespace. Names are scoped by network namespace: 1 to 63 characters of [A-Za-z0-9_.-].
 *
 * A member has left at the first of: LEAVE; the end of its address space (exit, kill, exec); the close of the file by a
 * dying or exec'ed process; the last reference to the file. Whatever waited for it is looked at in the same step.
 *
 *
 * MAPPINGS of a member file, and what lies in them: linux/dmp_layout.h
 *
 * IOCTLS: the argument of each is a pointer to its struct, whose first field is its size as the caller knows it. The
 * kernel takes the fields that a shorter struct lacks as zero, and a longer struct if all beyond what it knows is
 * zero, else -E2BIG (always beyond 4,096 bytes). Unknown flags, non-zero padding, a size below the first version: -EINVAL. A bad
 * address: -EFAULT. Errors are found before any effect. An ioctl of the other kind of file: -ENOTTY.
 * 32-bit programs are refused: open is -EOPNOTSUPP, an ioctl -ENOTTY.
 *
 *   on /dev/dmp               struct               further errors
 *   CREATE  make and bind     dmp_create           EISCONN EEXIST EDQUOT EFBIG ENOBUFS ENOMEM EOPNOTSUPP
 *   OPEN    bind by name      dmp_open             EISCONN ENOENT EACCES
 *   BIND    bind to the ring of another ring file, with its rights or fewer
 *                             dmp_bind             EISCONN EBADF EACCES
 *   UNLINK  remove a name     dmp_unlink           ENOENT EPERM
 *   LIST    the next ring     dmp_info             ENOENT
 *   INFO    this ring         dmp_info             ENOTCONN
 *   MEMBERS its members       dmp_members          ENOTCONN
 *   EVICT   remove a consumer dmp_evict            ENOTCONN EACCES ENOENT
 *   REQUIRE consumers         dmp_require          ENOTCONN EACCES EPERM
 *   REQUIRED which, and who   dmp_required         ENOTCONN
 *           of them is there
 *   HOLDUP  who is in the way dmp_holdup           ENOTCONN
 *   JOIN    a new member file dmp_join             ENOTCONN EACCES EPERM EBUSY EEXIST ENOENT ERANGE ENOSPC EMFILE
 *                                                  ENFILE ENOMEM
 *   on a member file
 *   LEAVE   (argument 0)                           ESTALE EPERM
 *   WAIT    sleep             dmp_wait             ESTALE EPERM EBUSY ETIMEDOUT EINTR EPIPE EOWNERDEAD EACCES
 *   ARM     sleep in poll     dmp_wait             ESTALE EPERM EBUSY EPIPE EOWNERDEAD
 *   WAKE    (argument 0): returns how many it found whose target was crossed
 *                                                  ESTALE EPERM
 *   FINISH  (argument 0)                           ESTALE EPERM EACCES
 *   STALLED tell of a stall   dmp_stalled          ESTALE EPERM EACCES ENOENT
 *   INFO, MEMBERS, REQUIRED, HOLDUP  as above      EPERM
 *
 *   EACCES   the file does not carry the right that is asked for
 *   EBADF    the descriptor named is not a bound ring file
 *   EBUSY    JOIN: the ring has its one producer. WAIT, ARM: another thread sleeps on this member file
 *   EDQUOT   the caller's uid has as many rings, or as many bytes in rings, as the module's parameters allow
 *   EEXIST   the name is taken. JOIN: by a consumer, or by the place of a dead one whose file is not closed yet
 *   EFBIG    the ring is larger, or has more members, than the module's parameters allow
 *   EINTR    a signal came first (the member stays armed; with SA_RESTART the call goes on by itself)
 *   EINVAL   (see above) JOIN: the place held under this name has other dependencies
 *   EISCONN  this file is bound already              ENOTCONN  this file is not bound yet
 *   EMFILE   ENFILE: no descriptor to be had
 *   ENOBUFS  RLIMIT_MEMLOCK of the caller's user would be exceeded
 *   ENOENT   no such ring; LIST: no further ring; JOIN: a consumer named as a dependency is not there; EVICT, STALLED: no
 *            such consumer
 *   ENOMEM   no memory, or the cgroup's limit is reached
 *   ENOSPC   no member of this role fits any more (64 consumers; observers may take half of the slots)
 *   EOPNOTSUPP  (of the library: this backend does not have it)
 *   EOWNERDEAD  a consumer that this one depends on has died, and its policy was to fail
 *   EPERM    a member file: not the address space that joined. UNLINK, REQUIRE: not the owner's. JOIN: the name is
 *            required of, or held for, another uid
 *   EPIPE    the ring has ended (a producer has been there, all have left) below the position waited for
 *   ERANGE   the position asked for is not readable: below the smallest gate, or not published yet
 *   ESTALE   the member has left, or was evicted
 *   ETIMEDOUT  the deadline passed and the barrier is not crossed
 */
#ifndef _UAPI_LINUX_DMP_H
#define _UAPI_LINUX_DMP_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include <linux/dmp_layout.h>

/* ---- ioctl arguments ---- */

/* Rights, and the digits of a ring's mode: owner, group, other, as for a file. */
enum {
	DMP_RIGHT_R = 4, /* observe */
	DMP_RIGHT_W = 2, /* produce */
	DMP_RIGHT_X = 1, /* consume: the power to hold the producer up */
};

struct dmp_create {
	__u32 size;
	__u32 flags;		 /* DMP_RING_* */
	char name[DMP_NAME_MAX]; /* empty: anonymous, and then not persistent */
	__u64 slots;		 /* a power of two, and slots * stride a multiple of DMP_PAGE */
	__u32 event_size;	 /* payload bytes, 1 to 1 MiB; the stride is this, with the stamp, rounded up to 8 */
	__u32 members;		 /* member slots, at least 1 */
	__u32 mode;		 /* nine bits, as for a file */
	__u32 pad;
};

struct dmp_open {
	__u32 size;
	__u32 rights; /* wanted; 0: all that the mode and the file allow, at least one */
	char name[DMP_NAME_MAX];
};

struct dmp_bind {
	__u32 size;
	__u32 rights; /* wanted; 0: all that fd has */
	__s32 fd;     /* a bound ring file */
	__u32 pad;
};

struct dmp_unlink {
	__u32 size;
	__u32 pad;
	char name[DMP_NAME_MAX];
};

/* Filled by INFO and LIST. The positions and counts are zero in a LIST by one who has no r on the ring. */
struct dmp_info {
	__u32 size;
	__u32 flags; /* out; in: 0 */
	__u64 id;    /* of the ring, unique until reboot; LIST in: the id after which to go on, 0 to begin */
	char name[DMP_NAME_MAX];
	__u32 uid, gid; /* owner, in the caller's user namespace */
	__u32 mode;
	__u32 rights; /* of this file; LIST: 0 */
	__u64 slots;
	__u32 event_size;
	__u32 stride;
	__u32 members; /* member slots */
	__u32 joined;  /* members there now */
	__u64 bytes;   /* of memory, as charged */
	__u64 cursor;
	__u64 gate; /* the smallest cursor of the gating consumers, or the ring's cursor */
	__u64 generation;
	__u32 producers;
	__u32 epoch;
	__u32 ended;
	__u32 pad;
	/* Counted by the kernel since creation. */
	__u64 sleeps;	/* WAITs that went to sleep */
	__u64 woken;	/* sleepers and armed polls woken because their last unmet dependency was crossed */
	__u64 futile;	/* woken, and the barrier was not crossed: a bug, or a hostile cursor */
	__u64 changed;	/* woken because their dependencies changed, to arm again */
	__u64 late;	/* deadlines that passed with the barrier crossed: a lost wake, if the deadline was long */
	__u64 wakes;	/* WAKE calls */
	__u64 empty;	/* of those, the ones that found nobody */
	__u64 examined; /* waiters that WAKEs looked at */
	__u64 crossed;	/* of those, whose target on the sequence was crossed */
	__u64 fences;	/* grace periods run for a switch from quiet to fenced */
	/* Since the first version. */
	__u64 claimed;	/* several producers: positions below it are taken; else as cursor */
	__u64 repaired; /* slots of dead producers that the kernel stamped aborted */
	__u64 undecided; /* claimed by a dead producer or by one that lives and has not gone on: not known yet, looked at again */
	__u64 stalls;  /* told of by STALLED, each once */
	__u64 evicted; /* consumers, by EVICT */
	__u64 failed;  /* consumers, because one that they depended on died */
	__u32 missing; /* required consumers that are not there */
	__u32 held;    /* places held for dead consumers */
};

/* One member, as MEMBERS tells it. */
struct dmp_member_info {
	__u32 index;
	__u32 role;
	__u32 state;  /* DMP_MEMBER_* */
	__u32 policy; /* as joined */
	__s32 pid;    /* in the caller's pid namespace; 0: it cannot be seen from there, or has left */
	__u32 uid;    /* of who joined, in the caller's user namespace */
	char name[DMP_MEMBER_NAME_MAX];
	__u64 incarnation;
	__u64 cursor; /* producer: the ring's; consumer: its own; observer: 0 */
	__u64 deps;
	__u32 waiting; /* DMP_WAITING_* */
	__u32 finished;
	__u64 waits_target; /* the position it waits for ... */
	__u64 waits_on;	    /* ... on these consumers' cursors */
	__u64 sleeps, woken, futile, changed, late;
	__u64 wakes, empty;
	__u64 arms;	    /* WAITs and ARMs that had to arm, times the sequences armed */
	__u64 aborted;	    /* consumer: slots skipped */
	__s32 tid;	    /* of the thread that joined, as pid */
	__u32 thread_state; /* its state as a letter, as in /proc/PID/stat; 0: as pid */
	__u64 claim_lo;	    /* one of several producers: claimed, not published; none: equal */
	__u64 claim_hi;
};

enum {
	DMP_WAITING_ASLEEP = 1 << 0,  /* a thread sleeps in WAIT */
	DMP_WAITING_ARMED = 1 << 1,   /* armed: by ARM, or by a WAIT that a signal interrupted */
	DMP_WAITING_CURSOR = 1 << 2,  /* the ring's cursor is among what it waits on */
	DMP_WAITING_MISSING = 1 << 3, /* a producer, asleep until the required consumers are there */
};

/* Fills up to count entries, in order of index; count becomes the number there are. On a member file it also settles
 * POLLPRI: the member has read the table. */
struct dmp_members {
	__u32 size;
	__u32 entry_size; /* sizeof(struct dmp_member_info) as the caller knows it; at most 4,096 */
	__u64 entries;	  /* pointer */
	__u32 count;
	__u32 pad;
};

/* dmp_join.from */
enum {
	DMP_FROM_LATEST = 0,   /* the ring's cursor, or the least advanced dependency */
	DMP_FROM_OLDEST = 1,   /* the smallest gate; without gates the ring's cursor. Observer: what may be left */
	DMP_FROM_POSITION = 2, /* position */
};

/* JOIN returns the member file's descriptor, close-on-exec. */
struct dmp_join {
	__u32 size;
	__u32 role;
	__u32 flags;			/* 0 */
	__u32 policy;			/* consumers: DMP_POLICY_*; else 0 */
	char name[DMP_MEMBER_NAME_MAX]; /* consumers: needed, unique among them; else for people */
	__u64 deps;			/* consumers: pointer to ndeps names, char[DMP_MEMBER_NAME_MAX] each */
	__u32 ndeps;
	__u32 from;
	__u64 position;	   /* in: for DMP_FROM_POSITION, else 0. out: the start; producer: the next position to write */
	__u64 incarnation; /* out; in: 0 */
	__u32 index;	   /* out; in: 0 */
	__u32 meta_size;   /* out: the length to map DMP_OFF_META with, which has the other sizes; in: 0 */
	__u64 hold;	   /* DMP_POLICY_HOLD: so many ns, 0: DMP_HOLD_DEFAULT; else 0 */
};

#define DMP_HOLD_DEFAULT 10000000000ULL

/*
 * WAIT returns 0 once every sequence of the member's barrier has reached target. A consumer's barrier is the ring's
 * cursor and its dependencies; an observer's the ring's cursor; a producer's every gate. A consumer's target is at most
 * its own cursor + slots, a producer's at most the ring's cursor (it can only sleep until slots are free), else -EINVAL.
 * ARM returns 1 if that is so already; else 0, and the file polls readable once it is, or once the member must look
 * again because its dependencies changed. ARM takes no deadline. A WAIT or ARM replaces what was armed before.
 *
 * A producer's WAIT with DMP_WAIT_REQUIRED is for something else: it returns 0 once no required consumer is missing; its
 * target is 0. Of another role -EACCES. What was armed stays so. In poll the same is told by POLLPRI.
 */
enum {
	DMP_WAIT_REQUIRED = 1 << 0, /* WAIT only */
};

struct dmp_wait {
	__u32 size;
	__u32 flags; /* DMP_WAIT_REQUIRED */
	__u64 target;
	__u64 deadline; /* WAIT: CLOCK_MONOTONIC of the caller's time namespace, ns; all ones: none. ARM: all ones */
};

/* EVICT, right w: the consumer leaves at once; its name is free, its place in memory when its file is closed. */
struct dmp_evict {
	__u32 size;
	__u32 flags; /* 0 */
	char name[DMP_MEMBER_NAME_MAX];
};

/*
 * REQUIRE, the ring's owner with right w: the consumers without which nobody begins to produce; replaces what was
 * required before. Their names belong to a uid: of another a JOIN as such is -EPERM, and one that had joined before does
 * not count as there. What they are is as for JOIN; a name given twice is -EINVAL. A place that is held counts as there.
 */
struct dmp_require {
	__u32 size;
	__u32 uid;   /* in the caller's user namespace */
	__u64 names; /* pointer to count names, char[DMP_MEMBER_NAME_MAX] each */
	__u32 count; /* at most DMP_MAX_GATES; 0: none, and names is 0 */
	__u32 pad;
};

/* One of them, as REQUIRED tells it. */
struct dmp_required_info {
	char name[DMP_MEMBER_NAME_MAX];
	__u32 uid;
	__u32 there;	   /* 1: it is; its place may be held */
	__u32 index;	   /* if so, the member's */
	__u32 state;	   /* DMP_MEMBER_* */
	__u64 incarnation; /* of that entry */
	__u64 cursor;
};

/* Fills up to count entries, in the order required; count becomes the number required, missing those of them not there. */
struct dmp_required {
	__u32 size;
	__u32 entry_size; /* sizeof(struct dmp_required_info) as the caller knows it; at most 4,096 */
	__u64 entries;	  /* pointer */
	__u32 count;
	__u32 missing; /* out; in: 0 */
};

/* dmp_holdup.what */
enum {
	DMP_HOLDUP_ROOM = 1,   /* the producers: the slowest consumer, or a claim below the rest */
	DMP_HOLDUP_EVENTS = 2, /* the consumers: who claimed the first position that is not published */
};

/*
 * Who is in the way, if anybody is: the ring is full, or has a claim that is not published. Needs no right, as MEMBERS:
 * it tells no more than that. Of several consumers at the smallest position: one that waits for none of the others. Of
 * several producers whose records cover the position: the one that has won it, as far as can be told. A single producer
 * publishes in order: there is no claim to be seen, and nobody in the way of EVENTS.
 */
struct dmp_holdup {
	__u32 size;
	__u32 what;  /* in: DMP_HOLDUP_* */
	__u32 role;  /* out: DMP_ROLE_CONSUMER: a gate; DMP_ROLE_PRODUCER: a claim; 0: nobody */
	__u32 state; /* DMP_MEMBER_* */
	/* In, ROOM: for how much, the position below which slots are wanted; at least, and with 0, one more than what is
	 * taken. EVENTS: 0. Out: the consumer's cursor; the first position that is not published. */
	__u64 position;
	__u32 index; /* of the member */
	__s32 pid;   /* as in dmp_member_info */
	__s32 tid;
	__u32 thread_state;
	char name[DMP_MEMBER_NAME_MAX];
};

/* dmp_stalled.flags */
enum {
	DMP_STALLED_EVICT = 1 << 0, /* evict it as well, in the same step */
};

/*
 * STALLED, a producer: the consumer has stood at position, or below, for so long while it gates, with more to read. Told
 * once for each incarnation and position, whoever tells: returns 1 if this was the first time, 0 if not, -ENOENT if that
 * is not so (any more): then nobody is evicted either. A producer's right w is what EVICT asks for.
 */
struct dmp_stalled {
	__u32 size;
	__u32 flags; /* DMP_STALLED_* */
	__u64 incarnation;
	__u64 position;
	__u64 since; /* for so many ns, for the tracepoint */
	__u32 index; /* the consumer's */
	__u32 pad;
};

#define DMP_IOC_(nr) _IOC(_IOC_READ | _IOC_WRITE, 0xD7, nr, 0)

#define DMP_IOC_CREATE	 DMP_IOC_(0x00)
#define DMP_IOC_OPEN	 DMP_IOC_(0x01)
#define DMP_IOC_BIND	 DMP_IOC_(0x02)
#define DMP_IOC_UNLINK	 DMP_IOC_(0x03)
#define DMP_IOC_LIST	 DMP_IOC_(0x04)
#define DMP_IOC_INFO	 DMP_IOC_(0x05)
#define DMP_IOC_MEMBERS	 DMP_IOC_(0x06)
#define DMP_IOC_JOIN	 DMP_IOC_(0x07)
#define DMP_IOC_EVICT	 DMP_IOC_(0x08)
#define DMP_IOC_REQUIRE	 DMP_IOC_(0x09)
#define DMP_IOC_REQUIRED DMP_IOC_(0x0a)
#define DMP_IOC_HOLDUP	 DMP_IOC_(0x0b)

#define DMP_IOC_LEAVE	DMP_IOC_(0x10)
#define DMP_IOC_WAIT	DMP_IOC_(0x11)
#define DMP_IOC_ARM	DMP_IOC_(0x12)
#define DMP_IOC_WAKE	DMP_IOC_(0x13)
#define DMP_IOC_FINISH	DMP_IOC_(0x14)
#define DMP_IOC_STALLED DMP_IOC_(0x15)

#endif /* _UAPI_LINUX_DMP_H */
