/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wait.h: sequences, who waits on them, and who wakes whom; dmp.h includes it, and says what the letters are
 */
#ifndef DMP_KMOD_WAIT_H
#define DMP_KMOD_WAIT_H

#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <uapi/linux/dmp.h>

struct dmp_member;
struct dmp_ring;

/* A position that its owner moves: number 0 is the ring's cursor, 1 + i the cursor of consumer i. */
struct dmp_sequence {
	u64 *cursor;		       /* the owner's word, in mapped memory: hostile */
	struct dmp_notify *line;       /* what the owner looks at; written here alone */
	struct rb_root_cached waiters; /* struct dmp_link by target */
	u64 switched;		       /* ring->switches when the mode last left quiet */
	bool fenced;		       /* line->mode, as the kernel knows it */
	bool settled;		       /* a grace period has passed since: no need of D */
	unsigned long slept;	       /* jiffies of the last arming */
};

#define DMP_SEQUENCES (1 + DMP_MAX_GATES)

/* A waiter on one sequence. */
struct dmp_link {
	struct rb_node node;
	struct dmp_member *member;
	u8 seq;
	bool queued;
};

enum dmp_wait_state {
	DMP_WAIT_IDLE,	  /* nothing armed */
	DMP_WAIT_ARMED,	  /* unmet links are queued */
	DMP_WAIT_MET,	  /* the last unmet link was crossed */
	DMP_WAIT_CHANGED, /* the dependencies are others now: arm again */
	DMP_WAIT_ENDED,	  /* the target will not be published */
};

/* What a member waits for: ring->lock guards all of it but links and count, which are fixed. */
struct dmp_waiter {
	enum dmp_wait_state state;
	u64 target;
	u64 gates; /* when it was armed */
	u32 unmet; /* links queued */
	u32 count; /* links there are */
	struct dmp_link *links;
	struct task_struct *task; /* in WAIT */
	bool asleep;		  /* past E: a wake is worth counting */
	bool poll;		  /* armed for poll */
};

/* wait.c: announce, re-check, sleep, withdraw; wake */
int dmp_wait_init(struct dmp_member *m, u32 links);
int dmp_wait(struct dmp_member *m, const struct dmp_wait *args);
int dmp_arm(struct dmp_member *m, const struct dmp_wait *args);
__poll_t dmp_wait_poll(struct dmp_member *m);
void dmp_wait_withdraw(struct dmp_member *m);
ktime_t dmp_wait_expires(u64 deadline);

/* wake.c: who is woken, and why */
u32 dmp_wake(struct dmp_ring *ring, u32 seq, struct dmp_member *by);
u32 dmp_look(struct dmp_ring *ring, struct dmp_member *by);
void dmp_wake_dropped(struct dmp_ring *ring, u32 seq);
void dmp_wake_ended(struct dmp_ring *ring);
void dmp_wake_changed(struct dmp_ring *ring);
void dmp_link_queue(struct dmp_ring *ring, struct dmp_link *link, u32 seq);
void dmp_link_drop(struct dmp_ring *ring, struct dmp_link *link);
void dmp_links_drop(struct dmp_ring *ring, struct dmp_waiter *w);
void dmp_waiter_finish(struct dmp_ring *ring, struct dmp_member *m, enum dmp_wait_state state);

/* mode.c: quiet and fenced */
void dmp_mode_init(struct dmp_ring *ring);
void dmp_mode_exit(struct dmp_ring *ring);
bool dmp_mode_fence(struct dmp_ring *ring, struct dmp_sequence *s);
void dmp_mode_settle(struct dmp_ring *ring);

#endif /* DMP_KMOD_WAIT_H */
