/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * segment.h: a ring in a file that processes share, without a kernel that owns it
 *
 * One file holds everything; the regions are those of a member file (linux/dmp.h), behind a head and a seat for each
 * member:
 *
 *   head | saved, twice (file rings) | seats | meta | cursor | members | data
 *
 * What the module does, the processes do for each other: whoever joins, leaves, waits or asks sees to those that have
 * died. Membership changes under the lock (segment_lock.c) and can be taken up by the next holder at any instruction
 * (segment_member.c). Every process can write everything: this is for processes that trust each other.
 *
 *   segment_layout.c  the file: lay out, fill, check
 *   segment.c         ... as this process has it: one object per file
 *   segment_file.c    names in a folder: create aside, link; take over what the dead left
 *   segment_lock.c    locks that the kernel drops when their process ends
 *   segment_member.c  join, leave, and the death of others
 *   segment_wait.c    sleep and wake: futex, fenced and quiet
 *   segment_info.c    INFO and MEMBERS
 *   saved.c           file rings: msync, and what is left after a crash
 *   shm.c, file.c     the two tables
 */
#ifndef DMP_LIB_SEGMENT_H
#define DMP_LIB_SEGMENT_H

#include <pthread.h>
#include <sys/types.h>

#include "internal.h"

#define DMP_SEGMENT_MAGIC   0x31746d6765707364ULL /* "dspegmt1" */
#define DMP_SEGMENT_VERSION 1
#define DMP_SEGMENT_MEMBERS 1024 /* at most */

enum {
	DMP_SEGMENT_FILE = 1 << 0, /* a file ring: survives its processes, and the machine */
	DMP_SEGMENT_NAMED = 1 << 1,
};

/* Counted by whoever does it, with relaxed adds: names as in struct dmp_info. */
struct dmp_tally {
	__u64 sleeps, woken, changed, wakes, empty, fences;
	__u64 pad[2];
};

struct dmp_head {
	__u64 magic; /* stored last */
	__u32 version;
	__u32 kind; /* DMP_SEGMENT_* */
	__u64 size; /* of the file */
	__u32 saved_off;
	__u32 seats_off;
	__u64 meta_off, cursor_off, members_off, data_off;

	__u64 id;		 /* 64: random */
	__u32 mode;		 /* as of a file; the owner is the file's */
	__u32 flags;		 /* DMP_RING_PERSISTENT */
	char name[DMP_NAME_MAX]; /* for people */
	char boot[DMP_BOOT_MAX]; /* file rings: the boot whose page cache holds what is not on the disk */

	__u64 switches __attribute__((aligned(64))); /* numbers drawn for modes; never 0 or 1 */
	__u32 busy;				     /* somebody holds the lock, or died with it */
	__u32 pad;
	__u64 swept; /* when somebody last looked for the dead */
	__u64 saved; /* file rings: the number of the last save that is known to be on the disk */
	struct dmp_tally tally __attribute__((aligned(64)));
};

/* What the kernel knows of a member by itself. */
struct dmp_seat {
	__s32 pid;
	__u32 uid;
	__u32 finished;
	__u32 waiting; /* DMP_WAITING_ASLEEP */
	__u64 target;
	__u64 waits_on; /* sequence */
	struct dmp_tally tally;
	__u64 pad[4];
};

/* A segment as this process has it: one per file, however often it is opened, for a reason: segment_lock.c. */
struct dmp_segment_ {
	struct dmp_segment_ *next;
	dev_t dev;
	ino_t ino;
	char *path; /* NULL: anonymous */
	int *fds;   /* fds[0] is the one in use; none is closed before the last */
	uint32_t nfds;
	uint32_t refs;
	uint32_t pid; /* whose locks: a child made by fork has none of them */
	pthread_mutex_t mutex;
	uint64_t mine[DMP_SEGMENT_MEMBERS / 64]; /* members of this process, by index */

	struct dmp_head *head; /* all but the data, mapped */
	size_t head_size;
	struct dmp_meta shape; /* what of meta stays, as it was checked: in the file anybody may change it */
	uint64_t data_off;
	struct dmp_seat *seats;
	struct dmp_meta *meta;
	struct dmp_notify *lines;
	struct dmp_entry *table;
	struct dmp_cursor *cursor;
	char *members;
	char *data; /* saved.c: to be written to the disk */
};

static inline struct dmp_own *dmp_seat_own_(const struct dmp_segment_ *s, uint32_t index)
{
	return (void *)(s->members + (size_t)index * s->shape.member_size + dmp_own_offset(index));
}

/* The word of a sequence: 0 is the ring's cursor, 1 + i consumer i's. */
static inline __u64 *dmp_sequence_(const struct dmp_segment_ *s, uint32_t sequence)
{
	return sequence ? &dmp_seat_own_(s, sequence - 1)->cursor : &s->cursor->cursor;
}

static inline bool dmp_is_file_(const struct dmp_segment_ *s)
{
	return s->head->kind & DMP_SEGMENT_FILE;
}

/* ---- segment_layout.c ---- */

/* What a new ring needs: checks args as the module does. -EINVAL -EOPNOTSUPP -EFBIG */
int dmp_segment_plan_(struct dmp_head *plan, const struct dmp_create *args, uint32_t kind);

/* Give a new, empty file its size and content; the magic comes last. -ENOMEM (no room), errors of the file */
int dmp_segment_init_(int fd, const struct dmp_head *plan, const struct dmp_create *args);
void dmp_segment_init_lines_(struct dmp_meta *meta);

/* The first page of a file, and its size. -EMEDIUMTYPE -EPROTO -EUCLEAN as below. */
int dmp_segment_read_(struct dmp_head *h, int fd, uint64_t *size);

/* The rest: copies, which nobody changes, of the head and of what it says is the meta region. */
int dmp_segment_check_(const struct dmp_head *h, const struct dmp_meta *meta, uint64_t size);

/* Gates that there can be; in the file there may be any. */
static inline uint64_t dmp_possible_gates_(const struct dmp_segment_ *s)
{
	return s->shape.members < DMP_MAX_GATES ? (1ULL << s->shape.members) - 1 : UINT64_MAX;
}

/* ---- segment.c ---- */

/*
 * This process's segment of the file behind fd, which becomes the segment's unless there is an error. One more
 * reference. path: see below. -EMEDIUMTYPE no ring; -EPROTO one of another version; -EUCLEAN truncated or damaged
 */
int dmp_segment_get_(struct dmp_segment_ **segment, int fd, const char *path);
int dmp_segment_keep_(struct dmp_segment_ *s, int fd);		 /* until it is closed */
int dmp_segment_name_(struct dmp_segment_ *s, const char *path); /* from now on it is a user, and may be the last */
struct dmp_segment_ *dmp_segment_again_(struct dmp_segment_ *s); /* one more reference */
struct dmp_segment_ *dmp_segment_known_(dev_t dev, ino_t ino);	 /* one more reference, or NULL: not open here */

/* Give up a reference. With the last one of all processes goes the name, unless it is to stay. */
void dmp_segment_put_(struct dmp_segment_ *s);

/* The rights that the mode grants this process: as for a file. */
uint32_t dmp_segment_rights_(const struct dmp_segment_ *s);

/* The data twice in a row, for a member. */
int dmp_segment_map_(const struct dmp_segment_ *s, struct dmp_maps_ *maps, uint32_t role, uint32_t index);

/* ---- segment_file.c: the rings of a folder ---- */

/*
 * Rings in a folder. Every process that has one open holds DMP_LOCK_USERS_ shared; who gets it for himself alone is the
 * only one. Create under path, NULL: without a name. -EEXIST: it is there and in use, or is to stay, or is no ring.
 */
int dmp_segment_create_(struct dmp_segment_ **s, const char *path, const struct dmp_create *args, uint32_t kind);

/* Open by path. The same. kind: DMP_SEGMENT_FILE or 0; -EMEDIUMTYPE: it is of the other. */
int dmp_segment_open_(struct dmp_segment_ **s, const char *path, uint32_t kind);
int dmp_segment_unlink_(const char *path);
void dmp_segment_last_(struct dmp_segment_ *s); /* this process closes it: remove its name if nobody is left */

/* ---- segment_lock.c ---- */

enum dmp_lock_ { DMP_LOCK_MEMBERSHIP_, DMP_LOCK_USERS_, DMP_LOCK_SYNC_, DMP_LOCK_NAME_, DMP_LOCK_MEMBER_ = 16 };

int dmp_lock_shared_(int fd, enum dmp_lock_ byte);     /* waits */
int dmp_lock_(int fd, enum dmp_lock_ byte);	       /* waits */
int dmp_try_lock_(int fd, enum dmp_lock_ byte);	       /* -EAGAIN */
int dmp_try_lock_shared_(int fd, enum dmp_lock_ byte); /* -EAGAIN */
void dmp_unlock_(int fd, enum dmp_lock_ byte);
bool dmp_is_locked_(int fd, enum dmp_lock_ byte); /* by another process */

/* Membership: whoever comes in finds it settled. */
int dmp_segment_lock_(struct dmp_segment_ *s); /* -EBADF -ENOLCK: without locks nobody knows who lives */
bool dmp_segment_trylock_(struct dmp_segment_ *s);
void dmp_segment_unlock_(struct dmp_segment_ *s);

/* The process is another since the last call, a child: it has no locks and no members. */
void dmp_segment_adopt_(struct dmp_segment_ *s);

/* ---- segment_member.c ---- */

int dmp_segment_join_(struct dmp_member *m, const struct dmp_ring *ring, struct dmp_join *args);
void dmp_segment_leave_(struct dmp_member *m);
int dmp_segment_finish_(struct dmp_member *m);

/* Of this process, or not any more. */
void dmp_segment_set_mine_(struct dmp_segment_ *s, uint32_t index, bool mine);

/* M: what it announces is stored before it; a start is computed only after it. */
void dmp_segment_raise_generation_(struct dmp_segment_ *s);

/* With the lock held: make everything agree with the member table. Idempotent: any prefix may have been done. */
void dmp_segment_settle_(struct dmp_segment_ *s);

/* With the lock held: see who has died, and settle. */
void dmp_segment_sweep_(struct dmp_segment_ *s);

/* The same now and then, unless somebody else is at it. */
void dmp_segment_tend_(struct dmp_segment_ *s, uint64_t now);

/* ---- segment_wait.c ---- */

int dmp_segment_wait_(struct dmp_member *m, const struct dmp_wait *wait);
int dmp_segment_arm_(struct dmp_member *m, const struct dmp_wait *wait);
int dmp_segment_evict_(const struct dmp_ring *ring, const struct dmp_evict *args); /* -EOPNOTSUPP */
int dmp_segment_wake_(struct dmp_member *m);
void dmp_segment_calm_(struct dmp_member *m);
void dmp_segment_tend_member_(struct dmp_member *m);
void dmp_segment_wake_all_(struct dmp_segment_ *s);					     /* who slept looks again */
void dmp_segment_wake_sequence_(struct dmp_segment_ *s, uint32_t sequence, uint64_t cursor); /* B, always fenced */
void dmp_segment_own_sequence_(struct dmp_segment_ *s, uint32_t sequence); /* this process is going to store to it */

/* ---- segment_info.c ---- */

int dmp_segment_info_(const struct dmp_ring *ring, struct dmp_info *info);
int dmp_segment_members_(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count);
int dmp_segment_read_members_(struct dmp_member *m, struct dmp_member_info *members, uint32_t count);
int dmp_segment_holdup_(int fd, struct dmp_holdup *args); /* -EOPNOTSUPP */

/* ---- shm.c: what the two tables share ---- */

int dmp_segment_create_ring_(struct dmp_ring *ring, const char *path, const struct dmp_create *args, uint32_t kind);
int dmp_segment_open_ring_(struct dmp_ring *ring, const char *path, uint32_t rights, uint32_t kind);
int dmp_segment_adopt_fd_(struct dmp_ring *ring, int fd);
int dmp_segment_restrict_(const struct dmp_ring *ring, uint32_t rights);
int dmp_segment_grant_(struct dmp_ring *ring, uint32_t rights); /* after an error the ring has no segment */
void dmp_segment_close_ring_(struct dmp_ring *ring);

/* The rest of both. */
#define DMP_SEGMENT_OPS_                                                                                        \
	.adopt = dmp_segment_adopt_fd_, .restrict_to = dmp_segment_restrict_, .close = dmp_segment_close_ring_, \
	.info = dmp_segment_info_, .members = dmp_segment_members_, .join = dmp_segment_join_,                  \
	.leave = dmp_segment_leave_, .finish = dmp_segment_finish_, .wait = dmp_segment_wait_,                  \
	.arm = dmp_segment_arm_, .wake = dmp_segment_wake_, .read_members = dmp_segment_read_members_,          \
	.tend = dmp_segment_tend_member_, .calm = dmp_segment_calm_, .evict = dmp_segment_evict_,               \
	.holdup = dmp_segment_holdup_

/* ---- saved.c ---- */

#define DMP_SAVED_INDEX 0	 /* the syncer: a consumer that never reads, in the first seat of a file ring */
#define DMP_SAVED_NAME	"(sync)" /* no member can take it */

int dmp_saved_init_(struct dmp_head *h); /* a new file, but for its name: the syncer's seat, and the first save */
int dmp_saved_sync_(struct dmp_segment_ *s);
int dmp_saved_make_room_(struct dmp_member *m); /* -EAGAIN: that is not in its power */
bool dmp_saved_is_of_this_boot_(const struct dmp_segment_ *s);
int dmp_saved_recover_(struct dmp_segment_ *s); /* nobody else has it open. -EUCLEAN */

#endif /* DMP_LIB_SEGMENT_H */
